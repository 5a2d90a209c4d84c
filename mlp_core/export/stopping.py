"""Early stopping as lines of a program: what stands before the first epoch, and at the end of each."""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.export.job import Job
from mlp_core.export.python import indented, literal


@dataclass(frozen=True)
class Best:
    """How a style keeps the weights of the best epoch. `best_weights` stands for where they lie."""

    first: str
    """An expression for the weights at hand, not copied: what there is to restore before any epoch was best."""
    copy: str
    """An expression that copies the weights."""
    restore: tuple[str, ...]
    """Lines that put them back."""


OF_MODULE = Best(
    first="model.state_dict()",
    copy="copy.deepcopy(model.state_dict())",
    restore=("model.load_state_dict(best_weights)",),
)
"""For an `nn.Module` named `model`."""


def begin(job: Job, best: Best, owner: str = "") -> list[str]:
    """Lines before the first epoch; none without early stopping. `owner` is what the names belong to, as in 'self.'."""
    training = job.experiment.training
    if training.patience is None:
        return []
    kept = [f"{owner}best_weights = {best.first}"] if training.restore_best_weights else []
    return [f"{owner}best_loss, {owner}best_epoch = math.inf, 0", *kept]


def end_epoch(job: Job, best: Best, stop: str, owner: str = "") -> list[str]:
    """Lines after the figures of epoch `epoch` are known; `stop` ends the training."""
    training = job.experiment.training
    if training.patience is None:
        return []
    loss = "validation_loss" if job.validates else "test_loss"
    bound = f"{owner}best_loss" + (f" - {literal(training.min_delta)}" if training.min_delta else "")
    restores = training.restore_best_weights
    return [
        f"if {loss} < {bound}:",
        f"    {owner}best_loss, {owner}best_epoch = {loss}, epoch",
        *([f"    {owner}best_weights = {best.copy}"] if restores else []),
        f"elif epoch - {owner}best_epoch >= {training.patience}:",
        *(indented(best.restore) if restores else []),
        "    print(",
        f'        f"stopped early at epoch {{epoch}}: best was epoch {{{owner}best_epoch}}, "',
        f'        f"{loss.replace("_", " ")} {{{owner}best_loss:.6f}}"',
        "    )",
        f"    {stop}",
    ]
