"""The textbook loop: loss and optimizer, a pass over the test samples, and the epochs."""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.export import stopping
from mlp_core.export.job import Job
from mlp_core.export.pieces import walk
from mlp_core.export.python import assign, indented
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
    setup: tuple[str, ...]
    """What makes that which `zero` and `update` need."""
    zero: tuple[str, ...]
    """Lines before the backward pass."""
    update: tuple[str, ...]
    """Lines after it, the schedule's included where it counts steps."""
    epoch_end: tuple[str, ...] = ()
    """Lines at the end of an epoch."""
    best: stopping.Best = stopping.OF_MODULE
    """How the weights of the best epoch are kept."""


NEVER_ZEROED = "# The gradients are never zeroed: every step adds its own to all earlier ones."


def of_module(job: Job) -> Parts:
    """The loop around an `nn.Module` named `model`."""
    training, scheduler = job.experiment.training, job.scheduler("optimizer")
    setup = assign("optimizer", job.optimizer("model.parameters()"))
    update = []
    if training.max_grad_norm is not None:
        update.append(clip("model.parameters()", job))
    update.append("optimizer.step()")
    by_step: tuple[str, ...] = ()
    by_epoch: tuple[str, ...] = ()
    if scheduler is not None and job.experiment.scheduler:
        setup += assign("scheduler", scheduler)
        if job.experiment.scheduler.every == "step":
            by_step = ("scheduler.step()",)
        else:
            by_epoch = ("scheduler.step()",)
    return Parts(
        train="model(x)",
        test="model(x)",
        modes=True,
        setup=tuple(setup),
        zero=("optimizer.zero_grad()",) if training.zero_grad else (NEVER_ZEROED,),
        update=(*update, *by_step),
        epoch_end=by_epoch,
    )


def clip(parameters: str, job: Job) -> str:
    """The line that clips the gradient."""
    return f"torch.nn.utils.clip_grad_norm_({parameters}, max_norm={job.experiment.training.max_grad_norm!r})"


def sections(job: Job, parts: Parts) -> list[Section]:
    """Loss, optimizer, test pass and training, or the check of trained weights."""
    loss = "\n".join(assign("loss_fn", job.loss))
    test = Section("Testing", "", (_evaluate(job, parts),))
    if job.trained:
        return [Section("Loss", "", (loss,)), test, Section("Result", "", (_check(job),))]
    return [
        Section("Loss and optimizer", "", ("\n".join([loss, *parts.setup]),)),
        test,
        Section("Training", "", (_train(job, parts),)),
    ]


def _to_device(job: Job) -> list[str]:
    return ["x, y = x.to(device), y.to(device)"] if job.device else []


def _evaluate(job: Job, parts: Parts) -> str:
    count = [f"correct += ({job.right_answers}).sum().item()"] if job.classifies else []
    loader, size, which = "test_loader", "len(test_data)", "test samples"
    if job.validates:
        loader, size, which = "loader", "len(loader.dataset)", "samples of a loader"
    return "\n".join(
        [
            f"def evaluate({'loader' if job.validates else ''}):",
            f'    """Average loss{" and accuracy" if job.classifies else ""} over the {which}."""',
            *([f"    model.eval(){_why_modes(job)}"] if parts.modes else []),
            f"    total{', correct' if job.classifies else ''} = 0.0{', 0' if job.classifies else ''}",
            "    with torch.no_grad():",
            f"        for x, y in {loader}:",
            *indented(
                [
                    *_to_device(job),
                    f"outputs = {parts.test}",
                    "total += loss_fn(outputs, y).item() * len(y)",
                    *count,
                ],
                12,
            ),
            f"    return total / {size}" + (f", correct / {size}" if job.classifies else ""),
        ]
    )


def _why_modes(job: Job) -> str:
    differ = any(piece.entry and (piece.entry.random or piece.entry.mixes_batch) for piece in walk(job.network))
    return "  # layers that draw numbers or mix samples behave otherwise" if differ else ""


def _train(job: Job, parts: Parts) -> str:
    every = job.experiment.training.report_every
    batches = "batch, (x, y) in enumerate(train_loader, start=1)" if every else "x, y in train_loader"
    step = [
        *_to_device(job),
        *parts.zero,
        f"loss = loss_fn({parts.train}, y)",
        "loss.backward()",
        *parts.update,
        "",
        "total += loss.item()",
    ]
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
        "print(",
        '    f"epoch {epoch}: train loss {total / len(train_loader):.6f}, "',
        *indented(tested(job)),
        ")",
        *stopping.end_epoch(job, parts.best, "break"),
    ]
    loop = [f"for epoch in range(1, {job.epochs + 1}):", *indented(body)]
    return "\n".join([*stopping.begin(job, parts.best), *loop])


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
