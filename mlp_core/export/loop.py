"""The textbook loop: loss and optimizer, a pass over the test samples, and the epochs."""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.export import stopping
from mlp_core.export.job import Job
from mlp_core.export.pieces import walk
from mlp_core.export.python import assign, indented, literal
from mlp_core.export.sections import Section


@dataclass(frozen=True)
class Parts:
    """What a style puts into the loop."""

    train: str
    """The network's call on `x` in training."""
    test: str
    """The same in a test pass."""
    modes: bool
    """Whether the network is an `nn.Module`, which is switched between training and evaluation."""
    parameters: str
    """All of the network's parameters, as an expression."""
    setup: tuple[str, ...]
    """What makes that which `zero` and `update` need."""
    zero: tuple[str, ...]
    """Lines that zero the gradients before a backward pass."""
    update: tuple[str, ...]
    """Lines that update the weights, the schedule's included where it counts steps."""
    zeroes: bool = False
    """Whether `update` zeroes the gradients too."""
    epoch_end: tuple[str, ...] = ()
    """Lines at the end of an epoch."""
    best: stopping.Best = stopping.OF_MODULE
    """How the weights of the best epoch are kept."""
    after_test: tuple[str, ...] = ()
    """Lines after the test pass of an epoch."""


NEVER_ZEROED = "# The gradients are never zeroed: every step adds its own to all earlier ones."
THEN_STAYS = "  # after that the rate stays"
"""What a script says where a schedule ends."""


def of_module(job: Job) -> Parts:
    """The loop around an `nn.Module` named `model`."""
    return with_optimizer(job, ("model(x)", "model(x)"), "model.parameters()", modes=True)


def with_optimizer(job: Job, calls: tuple[str, str], parameters: str, *, modes: bool) -> Parts:
    """The loop with PyTorch's optimizer, and its schedule if there is one. `calls` are the network's in training and in
    a test pass."""
    setup = assign("optimizer", job.optimizer(job.unfrozen(parameters) if modes else parameters))
    scheduler, chosen = job.scheduler("optimizer"), job.experiment.scheduler
    if scheduler is not None:
        setup += assign("scheduler", scheduler)
    counted = tuple(count_schedule(job))
    by_step = chosen is not None and chosen.every == "step"
    closure = job.experiment.optimizer.entry.closure
    return Parts(
        *calls,
        modes=modes,
        parameters=parameters,
        setup=tuple(setup),
        zero=("optimizer.zero_grad()",) if job.experiment.training.zero_grad else (NEVER_ZEROED,),
        update=(*([] if closure else [*clip(parameters, job), "optimizer.step()"]), *(counted if by_step else ())),
        epoch_end=() if by_step or job.looks_at_loss else counted,
        after_test=(f"scheduler.step({job.choice_loss})",) if job.looks_at_loss else (),
    )


def count_schedule(job: Job) -> list[str]:
    """Lines that let the schedule count."""
    if job.experiment.scheduler is None:
        return []
    if not job.schedule_ends:
        return ["scheduler.step()"]
    return [f"if scheduler.last_epoch < scheduler.total_steps - 1:{THEN_STAYS}", "    scheduler.step()"]


def clip(parameters: str, job: Job) -> list[str]:
    """The line that clips the gradient, where it is clipped."""
    training = job.experiment.training
    if training.max_grad_norm is not None:
        return [f"torch.nn.utils.clip_grad_norm_({parameters}, max_norm={training.max_grad_norm!r})"]
    if training.max_grad_value is not None:
        return [f"torch.nn.utils.clip_grad_value_({parameters}, clip_value={training.max_grad_value!r})"]
    return []


def penalized_weights(parameters: str, job: Job) -> list[str]:
    """The line that finds the weights whose size is added to the loss, where it is."""
    found = f"[p for p in {parameters} if p.ndim > 1]  # matrices, and no biases"
    return [f"weights = {found}"] if job.experiment.training.penalized else []


def penalty(job: Job, weights: str = "weights") -> list[str]:
    """Lines that compute the penalty; none where there is none. `mlp_core.run.objective` does the same."""
    training, lines = job.experiment.training, []
    if training.l1_penalty > 0:
        lines.append(f"penalty = {literal(training.l1_penalty)} * sum(p.abs().sum() for p in {weights})")
    if training.l2_penalty > 0:
        second = f"{literal(training.l2_penalty)} * sum(p.square().sum() for p in {weights})"
        lines.append(f"penalty = penalty + {second}" if lines else f"penalty = {second}")
    return lines


def sections(job: Job, parts: Parts) -> list[Section]:
    """Loss, optimizer, test pass and training, or the check of trained weights."""
    loss = "\n".join(_loss(job))
    test = Section("Testing", "", (_evaluate(job, parts),))
    if job.trained:
        return [Section("Loss", "", (loss,)), test, Section("Result", "", (_check(job),))]
    made = [loss, *parts.setup, *penalized_weights(parts.parameters, job)]
    return [
        Section("Loss and optimizer", "", ("\n".join(made),)),
        test,
        Section("Training", "", (_train(job, parts),)),
    ]


def _loss(job: Job) -> list[str]:
    lines = [*([job.how_weighed] if job.how_weighed else []), *assign("loss_fn", job.loss)]
    return [*lines, *(["loss_fn.to(device)"] if job.device and job.weighs else [])]


def _to_device(job: Job) -> list[str]:
    return ["x, y = x.to(device), y.to(device)"] if job.device else []


def _evaluate(job: Job, parts: Parts) -> str:
    count = [f"correct += ({job.right_answers}).sum().item()"] if job.classifies else []
    loader, size, which = "test_loader", "len(test_data)", "test samples"
    if job.validates:
        loader, size, which = "loader", "len(loader.dataset)", "samples of a loader"
    total, mean = ["total += loss_fn(outputs, y).item() * len(y)"], f"total / {size}"
    if job.weighted_mean:  # as one large batch would be
        total = ["weight = loss_fn.weight[y].sum().item()", "total += loss_fn(outputs, y).item() * weight"]
        total, mean = [*total, "weights += weight"], "total / weights"
    zeros = {"total": "0.0", **({"weights": "0.0"} if job.weighted_mean else {}), **({"correct": "0"} if count else {})}
    return "\n".join(
        [
            f"def evaluate({'loader' if job.validates else ''}):",
            f'    """Average loss{" and accuracy" if job.classifies else ""} over the {which}."""',
            *([f"    model.eval(){_why_modes(job)}"] if parts.modes else []),
            f"    {', '.join(zeros)} = {', '.join(zeros.values())}",
            "    with torch.no_grad():",
            f"        for x, y in {loader}:",
            *indented(
                [
                    *_to_device(job),
                    f"outputs = {parts.test}",
                    *total,
                    *count,
                ],
                12,
            ),
            f"    return {mean}" + (f", correct / {size}" if job.classifies else ""),
        ]
    )


def _why_modes(job: Job) -> str:
    differ = any(piece.entry and (piece.entry.random or piece.entry.mixes_batch) for piece in walk(job.network))
    return "  # layers that draw numbers or mix samples behave otherwise" if differ else ""


def _train(job: Job, parts: Parts) -> str:
    training = job.experiment.training
    every, together = training.report_every, training.accumulate_grad_batches
    batches = "batch, (x, y) in enumerate(train_loader, start=1)" if every or together > 1 else "x, y in train_loader"
    step = [*_to_device(job), *_step(job, parts), "", "total += loss.item()"]
    if every:
        step += [
            "running += loss.item()",
            f"if batch % {every} == 0:  # the mean of the last {every} mini-batches",
            f'    print(f"[{{epoch}}, {{batch:5d}}] loss: {{running / {every}:.6f}}")',
            "    running = 0.0",
        ]
    results = "test_loss, accuracy" if job.classifies else "test_loss"
    evaluations = [f"{results} = evaluate({'test_loader' if job.validates else ''})"]
    if job.validates:
        validated = "validation_loss, validation_accuracy" if job.classifies else "validation_loss"
        evaluations.insert(0, f"{validated} = evaluate(validation_loader)")
    body = [
        *(["model.train()"] if parts.modes else []),
        "total = running = 0.0" if every else "total = 0.0",
        f"for {batches}:",
        *indented(step),
        *parts.epoch_end,
        "",
        *evaluations,
        *parts.after_test,
        "print(",
        '    f"epoch {epoch}: train loss {total / len(train_loader):.6f}, "',
        *indented(tested(job)),
        ")",
        *stopping.end_epoch(job, parts.best, "break"),
    ]
    loop = [f"for epoch in range(1, {job.epochs + 1}):", *indented(body)]
    return "\n".join([*stopping.begin(job, parts.best), *loop])


def _step(job: Job, parts: Parts) -> list[str]:
    """Lines of a step on `x` and `y`, which leave its loss in `loss`."""
    training = job.experiment.training
    together, total = training.accumulate_grad_batches, "loss + penalty" if training.penalized else "loss"
    loss = [f"loss = loss_fn({parts.train}, y)", *penalty(job)]
    if job.experiment.optimizer.entry.closure:
        kept = ["losses.append(loss.detach())"] if training.penalized else []
        summed = [f"loss = {total}"] if training.penalized else []
        body = [*parts.zero, *loss, *kept, *summed, "loss.backward()", *clip(parts.parameters, job), "return loss"]
        call = ["optimizer.step(closure)", "loss = losses[0]"] if kept else ["loss = optimizer.step(closure)"]
        return [*(["losses = []"] if kept else []), "", "def closure():", *indented(body), "", *call, *parts.update]
    if together == 1:
        backward = f"({total}).backward()" if training.penalized else "loss.backward()"
        return [*parts.zero, *loss, backward, *parts.update]
    divided = f"(({total}) / {together}).backward()" if training.penalized else f"(loss / {together}).backward()"
    zero = [] if parts.zeroes else list(parts.zero)
    if not training.zero_grad:
        return [*zero, *loss, divided, _when(together), *indented(parts.update)]
    return [*loss, divided, _when(together), *indented([*parts.update, *zero])]


def _when(together: int) -> str:
    return f"if batch % {together} == 0 or batch == len(train_loader):"


def tested(job: Job) -> list[str]:
    """What is printed about the validation and the test pass, as text in several lines."""
    validated = ['f"validation loss {validation_loss:.6f}, "'] if job.validates else []
    if not job.classifies:
        return [*validated, 'f"test loss {test_loss:.6f}"']
    validated += ['f"validation accuracy {validation_accuracy:.6f}, "'] if job.validates else []
    return [*validated, 'f"test loss {test_loss:.6f}, test accuracy {accuracy:.6f}"']


def _check(job: Job) -> str:
    results = "test_loss, accuracy" if job.classifies else "test_loss"
    return "\n".join([f"{results} = evaluate()", f"print({tested(job)[0]})", *job.checks])
