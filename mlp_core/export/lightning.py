"""The network as a Lightning module, and the Trainer that runs its loop."""

from __future__ import annotations

from mlp_core.export import stopping
from mlp_core.export.initialising import of_model
from mlp_core.export.job import Job
from mlp_core.export.loop import count_schedule, penalized_weights, penalty, tested
from mlp_core.export.modules import BODY, NAME, row
from mlp_core.export.python import WIDTH, Group, Keyword, assign, call, indented, layout, literal
from mlp_core.export.sections import Section

BEST = stopping.Best(
    first="self.model.state_dict()",
    copy="copy.deepcopy(self.model.state_dict())",
    restore=("self.model.load_state_dict(self.best_weights)",),
)
"""How the module keeps the weights of its best epoch."""
ACCELERATORS = {"cuda": "gpu"}
"""What Lightning calls a device, where it has a name of its own."""


def sections(job: Job) -> list[Section]:
    """The module, and what is done with it."""
    return [_module(job), _check(job) if job.trained else _fit(job)]


def _method(signature: str, *body: str) -> list[str]:
    return ["", f"    def {signature}:", *indented(body, BODY)]


def _module(job: Job) -> Section:
    training = job.experiment.training
    lines = [
        f"class {NAME}(L.LightningModule):",
        "    def __init__(self):",
        "        super().__init__()",
        *indented(assign("self.model", row(job.network), BODY), BODY),
        *indented([job.how_weighed] if job.how_weighed else [], BODY),
        *indented(assign("self.loss_fn", job.loss, BODY), BODY),
        *([] if job.trained else indented(stopping.begin(job, BEST, "self."), BODY)),
        *_method("forward(self, x)", "return self.model(x)"),
    ]
    if not job.trained:
        lines += _training_step(job)
        if not training.zero_grad:
            never = "pass  # never: every step adds its gradient to all earlier ones"
            lines += _method("optimizer_zero_grad(self, epoch, batch_idx, optimizer)", never)
            lines += _method("on_validation_model_zero_grad(self)", "pass  # nor before a test pass")
        lines += _method("configure_optimizers(self)", *_optimizers(job))
        if job.schedule_ends:
            lines += _method("lr_scheduler_step(self, scheduler, metric)", *count_schedule(job))
    lines += _validation(job)
    return Section("Network and training step", "", ("\n".join(lines),))


def _training_step(job: Job) -> list[str]:
    every = job.experiment.training.report_every
    report = []
    if every:
        report = [
            f"if len(self.losses) % {every} == 0:  # the mean of the last {every} mini-batches",
            f"    mean = sum(self.losses[-{every}:]) / {every}",
            '    print(f"[{self.current_epoch + 1}, {len(self.losses):5d}] loss: {mean:.6f}")',
        ]
    kept = ["self.losses.append(loss.item())", *report]
    if job.experiment.optimizer.entry.closure:
        first = "if len(self.losses) == batch_idx:  # the first of several calls in a step"
        kept = [first, *indented(kept)]
    total = "loss + penalty" if job.experiment.training.penalized else "loss"
    return [
        *_method("on_train_epoch_start(self)", "self.losses = []"),
        *_method(
            "training_step(self, batch, batch_idx)",
            "x, y = batch",
            "loss = self.loss_fn(self(x), y)",
            *kept,
            *penalized_weights("self.parameters()", job),
            *penalty(job),
            f"return {total}",
        ),
    ]


def _optimizers(job: Job) -> list[str]:
    optimizer, scheduler, chosen = (
        job.optimizer(job.unfrozen("self.parameters()")),
        job.scheduler("optimizer"),
        job.experiment.scheduler,
    )
    if scheduler is None or chosen is None:
        return layout(optimizer, "return ", width=WIDTH - BODY)
    if job.looks_at_loss:  # a logged figure would be rounded
        return [
            *assign("optimizer", optimizer, BODY),
            *assign("self.scheduler", scheduler, BODY),
            "return optimizer",
        ]
    config = f'{{"scheduler": scheduler, "interval": "{chosen.every}"}}'
    return [
        *assign("optimizer", optimizer, BODY),
        *assign("scheduler", scheduler, BODY),
        f"return [optimizer], [{config}]",
    ]


def _validation(job: Job) -> list[str]:
    part = "[dataloader_idx]" if job.validates else ""
    count = [f"self.correct{part} += ({job.right_answers}).sum().item()"] if job.classifies else []
    zeros = ["[0.0, 0.0]", "[0, 0]", "[0, 0]"] if job.validates else ["0.0", "0", "0"]
    names = "self.total, self.count, self.correct" if job.classifies else "self.total, self.count"
    weights = [f"self.weights = {zeros[0]}"] if job.weighted_mean else []
    divisor = "weights" if job.weighted_mean else "count"
    printed, stops = tested(job), job.experiment.training.patience is not None
    end = [f"test_loss = self.total / self.{divisor}"]
    end += ["accuracy = self.correct / self.count"] if job.classifies else []
    if job.validates:
        end = [f"validation_loss, test_loss = (t / n for t, n in zip(self.total, self.{divisor}))"]
        if job.classifies:
            shares = call("", "c / n for c, n in zip(self.correct, self.count)")
            end += layout(shares, "validation_accuracy, accuracy = ", width=WIDTH - BODY)
    if job.trained:
        end += [f"print({printed[0]})", *job.checks]
    else:
        end += [
            "train_loss = sum(self.losses) / len(self.losses)",
            *(["epoch = self.current_epoch + 1"] if stops else []),
            "print(",
            f'    f"epoch {{{"epoch" if stops else "self.current_epoch + 1"}}}: train loss {{train_loss:.6f}}, "',
            *indented(printed),
            ")",
            *([f"self.scheduler.step({job.choice_loss})"] if job.looks_at_loss else []),
            *stopping.end_epoch(job, BEST, "self.trainer.should_stop = True", "self."),
        ]
    return [
        *_method("on_validation_epoch_start(self)", f"{names} = {', '.join(zeros[: 2 + job.classifies])}", *weights),
        *_method(
            f"validation_step(self, batch, batch_idx{', dataloader_idx=0' if job.validates else ''})",
            "x, y = batch",
            "outputs = self(x)",
            *_add_loss(job, part),
            f"self.count{part} += len(y)",
            *count,
        ),
        *_method("on_validation_epoch_end(self)", *end),
    ]


def _add_loss(job: Job, part: str) -> list[str]:
    """Lines that add the loss of a batch to the total."""
    if not job.weighted_mean:
        return [f"self.total{part} += self.loss_fn(outputs, y).item() * len(y)"]
    return [
        "weight = self.loss_fn.weight[y].sum().item()",
        f"self.total{part} += self.loss_fn(outputs, y).item() * weight",
        f"self.weights{part} += weight",
    ]


def _trainer(job: Job, *first: Keyword) -> list[str]:
    device = ACCELERATORS.get(job.device, job.device) or "cpu"
    items = [*first, Keyword("accelerator", literal(device)), Keyword("devices", "1")]
    items += [Keyword(name, "False") for name in ("logger", "enable_checkpointing", "enable_progress_bar")]
    return assign("trainer", Group("L.Trainer(", tuple(items), explode=True))


def _fit(job: Job) -> Section:
    training = job.experiment.training
    first = [Keyword("max_epochs", str(job.epochs))]
    if training.max_grad_norm is not None:
        first.append(Keyword("gradient_clip_val", repr(training.max_grad_norm)))
    if training.max_grad_value is not None:
        first.append(Keyword("gradient_clip_val", repr(training.max_grad_value)))
        first.append(Keyword("gradient_clip_algorithm", '"value"'))
    if training.accumulate_grad_batches > 1:
        first.append(Keyword("accumulate_grad_batches", str(training.accumulate_grad_batches)))
    first += [Keyword("deterministic", "True"), Keyword("num_sanity_val_steps", "0")]
    loaders = "[validation_loader, test_loader]" if job.validates else "test_loader"
    lines = [
        f"L.seed_everything({training.seed})",
        *assign("network", call(NAME)),
        *of_model(job.network, None, "network.model"),
        *_trainer(job, *first),
        f"trainer.fit(network, train_loader, {loaders})",
    ]
    text = (
        "The seed decides the initial weights and the order of the samples. There are no sanity steps (a trial run of "
        "the validation) before training, because they draw random numbers too."
    )
    return Section("Training", text, ("\n".join(lines),))


def _check(job: Job) -> Section:
    assert job.trained
    lines = [
        *assign("network", call(NAME)),
        f"network.model.load_state_dict(load_file({literal(job.trained.file)}))",
        *_trainer(job),
        "trainer.validate(network, test_loader, verbose=False)",
    ]
    return Section("Result", "The trained weights instead of training.", ("\n".join(lines),))
