"""Figures of what the network makes of the data: planes, predicted against actual values, samples one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mlp_core import figures
from mlp_core.data import EXTENT
from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.diagram import write_shown
from mlp_core.figures import Figure
from mlp_core.views import line
from mlp_core.views.view import Options, Source

SHOWN_FEATURES = 8
"""Features of a row that stand beside its guess."""
FIT_POINTS = 300
"""Points of a true function that is drawn before there is a network."""

AXES = ("x₁", "x₂")
"""The names of a plane's axes."""


def boundary(source: Source, options: Options) -> Figure | None:
    """The network's answer over the plane, with the samples on it, which are there before the network is."""
    dataset, found = _dataset(source), source.view("boundary") or {}
    given: dict[str, Any] = {
        **_points(dataset, options), "axis_names": AXES, "theme": options.theme, "discretise": options.discretise,
        "uirevision": f"plane-{dataset.spec.dataset}",
    }  # fmt: skip
    if dataset.facts.classifies:
        given |= {"class_names": dataset.facts.class_names, "confidence": found.get("confidence")}
        given["wrong"] = found.get("wrong") if source.step else None  # before training it would be half of them
        across = np.linspace(*EXTENT, FIT_POINTS)
        if (true := line.true_values(dataset, across)) is not None:
            given["truth"] = (across, true)
        return figures.decision_boundary(found.get("grid"), (*EXTENT, *EXTENT), **given)
    return figures.regression_surface(found.get("grid"), (*EXTENT, *EXTENT), limits=(-1.0, 1.0), **given)


def boundary_alt(source: Source, options: Options) -> str:
    """The same in words."""
    dataset, found = _dataset(source), source.view("boundary") or {}
    given = _points(dataset, options)
    if dataset.facts.classifies:
        return figures.decision_boundary_alt(
            found.get("grid"), given["train_labels"], given["test_labels"], dataset.facts.class_names,
            confidence=found.get("confidence"), show=options.points, axis_names=AXES,
            validation=len(given.get("validation_points", ())),
        )  # fmt: skip
    return figures.regression_surface_alt(found.get("grid"), axis_names=AXES, **given)


def _points(dataset: Dataset, options: Options) -> dict[str, Any]:
    """The samples of a plane with their classes or values, and which of them are shown."""
    found: dict[str, Any] = {"show": options.points}
    for name, part in PARTS.items():
        if name != "validation" or part.exists(dataset):
            targets = part.arrays(dataset)[1]
            found[f"{name}_points"] = part.points(dataset)
            if dataset.facts.classifies:
                found[f"{name}_labels"] = targets
            else:
                found[f"{name}_values"] = targets[:, 0]
    return found


def regression(source: Source, options: Options) -> Figure | None:
    """Predicted against actual values; None before they were computed."""
    dataset, found = _dataset(source), source.view("regression")
    if found is None:
        return None
    actual, predicted = zip(found["train"], found["test"], strict=True)
    return figures.predicted_vs_actual(
        actual, predicted, split_names=("train", "test"), unit=dataset.facts.target_unit, theme=options.theme,
        uirevision=f"regression-{dataset.spec.dataset}",
    )  # fmt: skip


def regression_alt(source: Source, options: Options) -> str:
    """The same in words."""
    dataset, found = _dataset(source), source.view("regression")
    assert found is not None
    actual, predicted = zip(found["train"], found["test"], strict=True)
    return figures.predicted_vs_actual_alt(actual, predicted, unit=dataset.facts.target_unit)


def fit(source: Source, options: Options) -> Figure:
    """The network's curve over its one input, with the samples, which are there before the network is."""
    dataset = _dataset(source)
    return figures.fitted_curve(
        **_fit(source), show=options.points, names=_names(dataset), theme=options.theme,
        uirevision=f"fit-{dataset.spec.dataset}-{source.run}",
    )  # fmt: skip


def fit_alt(source: Source, options: Options) -> str:
    """The same in words."""
    return figures.fitted_curve_alt(**_fit(source), show=options.points, names=_names(_dataset(source)))


def _fit(source: Source) -> dict[str, Any]:
    """The curve if there is one, the true function, and the samples."""
    dataset, found = _dataset(source), source.view("fit") or {}
    true_x = found.get("x")
    true = found.get("true")
    if true_x is None:  # before there is a network
        true_x = np.linspace(*line.extent(dataset), FIT_POINTS)
        true = line.true_values(dataset, true_x)
    samples = {}
    for name, part in PARTS.items():
        if name != "validation" or part.exists(dataset):
            x, y = part.arrays(dataset)
            samples[name] = line.inputs_of(dataset, x), line.in_units(dataset, y[:, 0])
    return {
        "x": found.get("x"), "predicted": found.get("predicted"), **samples,
        "deviation": found.get("deviation"), "true": true, "true_x": true_x,
    }  # fmt: skip


def _names(dataset: Dataset) -> tuple[object, object]:
    return (*dataset.feature_names[:1], "x")[0], dataset.facts.target_names[0]


def neurons(source: Source, options: Options) -> dict[str, Any] | None:
    """The shown neurons of every column of the network's picture; None before they were computed."""
    found = source.view(_neurons_name(options))
    if found is None:
        return None
    return figures.network(found["columns"], options.theme, flipped=_dataset(source).facts.plane,
                           steps=found["update_steps"])  # fmt: skip


def neurons_alt(source: Source, options: Options) -> str:
    """The same in words."""
    found = source.view(_neurons_name(options))
    assert found is not None
    return figures.network_alt([f"{len(column['shown'])} neurons" for column in found["columns"]])


def _neurons_name(options: Options) -> str:
    argument = write_shown(options.shown_neurons)
    return f"neurons@{argument}" if argument else "neurons"


def samples(view: str) -> Callable[[Source, Options], dict[str, Any] | None]:
    """The figure function of a view that computes answers for single samples.

    It gives items of what was predicted, what is true, and how sure the network is in whole percent (None where that is
    no number); of rows also 'inputs', the first of their features in their own units, with 'names', and 'more', the
    number of the others.
    """

    def figure(source: Source, options: Options) -> dict[str, Any] | None:
        found = source.view(view)
        if found is None:
            return None
        names = [str(name) for name in _dataset(source).facts.class_names]
        answers = zip(found["predicted"], found["true"], found["probability"], strict=True)
        given: dict[str, Any] = {
            "items": [(names[guess], names[true], _percent(sure)) for guess, true, sure in answers]
        }
        return given | _inputs(_dataset(source), len(given["items"])) if view == "rows" else given

    return figure


def _inputs(dataset: Dataset, count: int) -> dict[str, Any]:
    """The first features of the first test samples, as text."""
    names = [figures.plain(name) for name in dataset.feature_names]
    values = PARTS["test"].samples(dataset, slice(count))[:, :SHOWN_FEATURES]
    return {
        "names": names[:SHOWN_FEATURES],
        "inputs": [[figures.readable(value) for value in row] for row in values.tolist()],
        "more": max(0, len(names) - SHOWN_FEATURES),
    }


def samples_alt(view: str) -> Callable[[Source, Options], str]:
    """The same in words."""

    def alt(source: Source, options: Options) -> str:
        found = source.view(view)
        assert found is not None
        right = int((found["predicted"] == found["true"]).sum())
        return f"{len(found['true'])} test samples, {right} predicted right"

    return alt


def _percent(probability: float) -> int | None:
    return round(100 * float(probability)) if math.isfinite(probability) else None


def _dataset(source: Source) -> Dataset:
    assert source.dataset is not None, "nothing is drawn before there is data"
    return source.dataset
