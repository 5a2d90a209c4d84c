"""What the curves of a run say: a loss that stands still, runs away, or goes up on samples that were not trained on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlp_core.figures import readable
from mlp_core.health import changes
from mlp_core.health.finding import Evidence, Seen
from mlp_core.health.layers import is_blocked
from mlp_core.spec import Experiment

PLATEAU_STEPS, PLATEAU_EPOCHS = 1000, 40
"""A run stands still only after so many steps and epochs: many a loss takes its time to begin to fall."""
PLATEAU_GAIN = 0.005
"""The share of its first value that a loss must have fallen by over half of the run."""
PLATEAU_LEVEL = 0.75
"""A loss below this share of its first value has learned something, and may stand still."""
RISEN, RISEN_FAR = 1.5, 10.0
"""How many times its lowest value a training loss may be, above its first one."""
OVERFITTED, OVERFITTED_FAR = 1.5, 3.0
"""How many times its lowest value a loss on other samples may be while the training loss falls."""
FALLEN = 0.8
"""The training loss has fallen that is below this share of what it was."""
FEWEST = 8
"""Points of a curve from which on it says something."""


def diverging(evidence: Evidence) -> Iterator[Seen]:
    """A training loss that goes up, or is no number."""
    losses = evidence.losses
    if len(losses) and not np.isfinite(losses[-1]):
        yield _away(evidence, f"The training loss is {readable(losses[-1])} at step {evidence.step:,}", "bad")
        return
    if len(losses) < FEWEST:
        return
    smooth = _smooth(losses)
    first, low, now = float(np.mean(losses[:2])), float(smooth.min()), float(smooth[-1])
    if low > 0 and now > RISEN * low and now > 1.2 * first:
        at = int(evidence.loss_steps[int(smooth.argmin())])
        yield _away(
            evidence,
            f"The training loss has risen from {readable(low)} at step {at:,} to {readable(now)}, "
            f"and began at {readable(first)}",
            "bad" if now > RISEN_FAR * low else "warning",
        )


def _away(evidence: Evidence, sentence: str, level: str) -> Seen:
    smaller = changes.scaled_rate(evidence.experiment, 0.1)
    return Seen(
        level="bad" if level == "bad" else "warning",
        sentence=f"{sentence}.",
        fixes=(
            ("Step down the loss", _minimized),
            (f"Set the learning rate to {readable(smaller)}", changes.rate(smaller)),
        ),
    )


def _minimized(old: Experiment) -> Experiment | None:
    if not old.optimizer.params.get("maximize"):
        return None
    return old.updated(optimizer=old.optimizer.updated(params={**old.optimizer.params, "maximize": False}))


def standing(evidence: Evidence) -> Iterator[Seen]:
    """A training loss that has hardly come down, and does so no more."""
    losses = evidence.losses
    if evidence.step < PLATEAU_STEPS or evidence.epochs < PLATEAU_EPOCHS or len(losses) < 4 * FEWEST:
        return
    first = float(np.mean(losses[: max(1, len(losses) // 50)]))
    quarter = len(losses) // 4
    before, now = float(np.mean(losses[quarter : 2 * quarter])), float(np.mean(losses[-quarter:]))
    if now > PLATEAU_LEVEL * first and now <= 1.2 * first and abs(before - now) < PLATEAU_GAIN * abs(first):
        rate, usual = evidence.experiment.optimizer.params["lr"], evidence.experiment.optimizer.entry.usual_rates
        larger = min(changes.scaled_rate(evidence.experiment, 3.0), usual[1])
        middle = evidence.experiment.optimizer.entry.parameter("lr").default
        fixes = [(f"Set the learning rate to {readable(value)}", changes.rate(value))
                 for value in ((middle,) if rate > usual[1] else (larger,) if larger > rate else ())]  # fmt: skip
        if is_blocked(evidence):
            fixes = []  # no rate helps
        yield Seen(
            sentence=f"The training loss is {readable(now)} and was {readable(before)} half of the run ago; it began "
            f"at {readable(first)}, {evidence.step:,} steps ago.",
            fixes=[(f"Add {changes.USUAL_WIDTH} hidden neurons with ReLU", changes.with_hidden_layer), *fixes],
        )


def overfitting(evidence: Evidence) -> Iterator[Seen]:
    """A loss on other samples that goes up while the training loss falls."""
    tests, losses = evidence.tests, evidence.losses
    if len(tests) < FEWEST or len(losses) < FEWEST or not np.isfinite(tests[:, 1]).all():
        return
    smooth = _smooth(tests[:, 1])
    best, now = int(smooth.argmin()), float(smooth[-1])
    low, step = float(smooth[best]), float(tests[best, 0])
    if low <= 0 or now <= OVERFITTED * low or best > 0.9 * len(tests):
        return
    train = _smooth(losses)
    then = float(np.interp(step, evidence.loss_steps, train))
    if train[-1] < FALLEN * then and train[-1] < low:
        yield Seen(
            level="bad" if now > OVERFITTED_FAR * low else "warning",
            sentence=f"The {evidence.tested} loss was lowest at step {int(step):,}, {readable(low)}, and is "
            f"{readable(now)} now, while the training loss fell from {readable(then)} to {readable(float(train[-1]))}.",
            fixes=(
                (f"Stop after {changes.USUAL_PATIENCE} epochs without improvement", changes.stopped_early),
                ("Put Dropout before the last layer", changes.dropped_out),
            ),
        )


def _smooth(values: np.ndarray) -> np.ndarray:
    """The mean of each value with those around it, a twentieth of all together; (n,)."""
    width = max(1, len(values) // 20)
    padded = np.pad(np.asarray(values, dtype=np.float64), (width // 2, width - 1 - width // 2), mode="edge")
    smooth: np.ndarray = np.convolve(padded, np.full(width, 1 / width), mode="valid")
    return smooth
