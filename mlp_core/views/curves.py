"""Figures of how a run went: loss, accuracy, learning rate, confusion matrix, histograms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlp_core import figures
from mlp_core.figures import Curve, Figure
from mlp_core.health.jumps import Jump, jumps
from mlp_core.views.view import CURVE_POINTS, Options, Source

LOSS, ACCURACY = 1, 2
"""Columns of `Curves.evaluations` and `Curves.validations`."""
MOST_JUMPS = 3
"""Jumps of the train loss that are told in words, the newest ones."""


def train_curve(source: Source) -> Curve:
    """The train loss per step; empty before the first."""
    found = source.curves(CURVE_POINTS)
    if found is None:
        return Curve.of([], [])
    loss = found.train_loss
    low, high = (loss.low, loss.high) if loss.tenth is None or loss.ninetieth is None else (loss.tenth, loss.ninetieth)
    # With few values of a spread-out kind the mean may lie outside.
    return Curve(
        _placed(source, loss.steps), loss.mean, np.fmin(low, loss.mean), np.fmax(high, loss.mean)
    )


def evaluation_curve(source: Source, options: Options, column: int) -> Curve:
    """A column of the test passes, `LOSS` or `ACCURACY`; empty where test figures are not shown."""
    found = source.curves(CURVE_POINTS)
    if found is None or not options.test:
        return Curve.of([], [])
    return Curve.of(_placed(source, found.evaluations[:, 0]), found.evaluations[:, column])


def validation_curve(source: Source, column: int) -> Curve | None:
    """A column of the validation passes, `LOSS` or `ACCURACY`; None where there is no such pass."""
    found = source.curves(CURVE_POINTS)
    if found is None or not len(found.validations):
        return None
    return Curve.of(found.validations[:, 0], found.validations[:, column])


def loss(source: Source, options: Options) -> Figure | None:
    """The train loss of every step, the validation loss and the test loss; None before the first step."""
    train = train_curve(source)
    if not len(train):
        return None
    return _loss(source, options, train)


def progress(source: Source, options: Options) -> Figure | None:
    """The same with the test accuracy on an axis of its own; None before the first step."""
    train = train_curve(source)
    return _loss(source, options, train, evaluation_curve(source, options, ACCURACY)) if len(train) else None


def progress_alt(source: Source, options: Options) -> str:
    """The same in words."""
    test = evaluation_curve(source, options, ACCURACY)
    if not np.isfinite(test.mean).any():
        return loss_alt(source, options)
    words = figures.accuracy_curves_alt(None, test, steps_per_epoch=_per_epoch(source))
    return f"{loss_alt(source, options)} {words}"


def _loss(source: Source, options: Options, train: Curve, accuracy: Curve | None = None) -> Figure:
    return figures.loss_curves(
        train, evaluation_curve(source, options, LOSS), steps_per_epoch=_per_epoch(source), log_y=options.log_loss,
        smoothing=options.smoothing, theme=options.theme, uirevision=_revision("loss", source),
        validation=validation_curve(source, LOSS), origin=_origin_loss(source), mark=_mark(source), accuracy=accuracy,
        changes=_surgeries(source), jumps={one.place: one.sentence for one in _jumps(source)},
    )  # fmt: skip


def loss_alt(source: Source, options: Options) -> str:
    """The same in words."""
    curves = train_curve(source), evaluation_curve(source, options, LOSS)
    said = figures.loss_curves_alt(
        *curves, steps_per_epoch=_per_epoch(source), validation=validation_curve(source, LOSS)
    )
    found = [f"{one.done} at step {one.step:,}." for one in source.surgeries]
    return " ".join([said, *found, *(one.sentence for one in _jumps(source)[-MOST_JUMPS:])])


def _jumps(source: Source) -> tuple[Jump, ...]:
    """Where the train loss jumped and came back."""
    found = source.curves(CURVE_POINTS)
    return () if found is None else jumps(found.train_loss.mean, found.train_loss.steps)


def accuracy(source: Source, options: Options) -> Figure | None:
    """The validation and the test accuracy; None before the first pass."""
    test, validation = evaluation_curve(source, options, ACCURACY), validation_curve(source, ACCURACY)
    if not len(test) and validation is None:
        return None
    return figures.accuracy_curves(
        None, test, steps_per_epoch=_per_epoch(source), theme=options.theme, uirevision=_revision("accuracy", source),
        validation=validation, origin=_origin_accuracy(source, options), mark=_mark(source),
    )  # fmt: skip


def accuracy_alt(source: Source, options: Options) -> str:
    """The same in words."""
    return figures.accuracy_curves_alt(
        None, evaluation_curve(source, options, ACCURACY), steps_per_epoch=_per_epoch(source),
        validation=validation_curve(source, ACCURACY),
    )  # fmt: skip


def learning_rate(source: Source, options: Options) -> Figure | None:
    """The learning rate of every step, over what the schedule plans; None before there is either."""
    rates, plan = _rates(source), _plan(source)
    if not len(rates) and not len(plan):
        return None
    return figures.learning_rate_curve(
        rates, plan, steps_per_epoch=_per_epoch(source), theme=options.theme,
        uirevision=_revision("learning-rate", source), mark=_mark(source),
    )  # fmt: skip


def learning_rate_alt(source: Source, options: Options) -> str:
    """The same in words."""
    return figures.learning_rate_curve_alt(_rates(source), _plan(source), steps_per_epoch=_per_epoch(source))


def _plan(source: Source) -> Curve:
    """Rates as they are planned, where they change; empty without a plan."""
    return Curve.of(*source.planned_rates().T)


def _rates(source: Source) -> Curve:
    """Rates where they changed, and the last one once more at the newest step; empty before the first."""
    found = source.curves(CURVE_POINTS)
    if found is None or not len(found.learning_rates):
        return Curve.of([], [])
    steps, rates = found.learning_rates.T
    return Curve.of(_placed(source, np.append(steps, source.run_step)), np.append(rates, rates[-1]))


def _placed(source: Source, steps: np.ndarray) -> np.ndarray:
    """Where steps lie if every epoch has as many as it has now: the batch size may have been changed."""
    if not source.epoch_marks:
        return steps
    known, epochs = np.array([(0, 0), *source.epoch_marks], dtype=np.float64).T
    per_epoch = _per_epoch(source)
    before = np.interp(steps, known, epochs) * per_epoch
    placed: np.ndarray = np.where(steps > known[-1], epochs[-1] * per_epoch + steps - known[-1], before)
    return placed


def confusion(source: Source, options: Options) -> Figure | None:
    """The confusion matrix of the newest test pass; None before the first."""
    if source.dataset is None or source.confusion is None:
        return None
    return figures.confusion_matrix(
        source.confusion, source.dataset.facts.class_names, theme=options.theme, normalise=options.normalise,
        uirevision=_revision("confusion", source),
    )  # fmt: skip


def confusion_alt(source: Source, options: Options) -> str:
    """The same in words."""
    assert source.dataset is not None
    assert source.confusion is not None
    return figures.confusion_matrix_alt(source.confusion, source.dataset.facts.class_names)


def histograms(view: str, unit: str) -> Callable[[Source, Options], Figure | None]:
    """The figure function of a view that computes a histogram per layer, of values called `unit`."""

    def figure(source: Source, options: Options) -> Figure | None:
        found = source.view(view)
        if found is None or not found["names"]:
            return None
        return figures.histograms(
            found["names"], found["edges"], found["counts"], unit_label=unit, theme=options.theme,
            uirevision=_revision(view, source),
        )  # fmt: skip

    return figure


def histograms_alt(view: str, unit: str) -> Callable[[Source, Options], str]:
    """The same in words."""

    def alt(source: Source, options: Options) -> str:
        found = source.view(view)
        assert found is not None
        return figures.histograms_alt(found["names"], found["edges"], found["counts"], unit_label=unit)

    return alt


def _origin_loss(source: Source) -> Curve | None:
    """The train loss of the run that this one goes on from; None for a run of its own."""
    found = source.origin_curves(CURVE_POINTS)
    if found is None:
        return None
    loss = found.train_loss
    low, high = (loss.low, loss.high) if loss.tenth is None or loss.ninetieth is None else (loss.tenth, loss.ninetieth)
    # With few values of a spread-out kind the mean may lie outside.
    return Curve(
        _placed(source, loss.steps), loss.mean, np.fmin(low, loss.mean), np.fmax(high, loss.mean)
    )


def _origin_accuracy(source: Source, options: Options) -> Curve | None:
    """Its validation accuracy, or without a validation part, test accuracy."""
    found = source.origin_curves(CURVE_POINTS)
    if found is None:
        return None
    rows = found.validations if len(found.validations) else found.evaluations if options.test else np.empty((0, 3))
    return Curve.of(_placed(source, rows[:, 0]), rows[:, ACCURACY])


def _surgeries(source: Source) -> list[tuple[float, str]]:
    """Steps at which something was done to a layer or a neuron, and what."""
    places = _placed(source, np.array([one.step for one in source.surgeries], dtype=np.float64))
    return [(float(place), one.done) for place, one in zip(places, source.surgeries, strict=True)]


def _mark(source: Source) -> float | None:
    """The step that is shown, where that is not the run's newest."""
    return float(_placed(source, np.array([source.step]))[0]) if source.step < source.run_step else None


def _per_epoch(source: Source) -> int:
    return max(1, source.batches_per_epoch)


def _revision(name: str, source: Source) -> str:
    """What a reader's zoom belongs to: a new run starts with a fresh view."""
    return f"{name}-{source.run}"
