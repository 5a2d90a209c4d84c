"""Figures of several runs: valid for Plotly, in both themes, with names as text, and the same said in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from mlp_core import figures
from mlp_core.figures import Curve, Dimension, RunCurve

NAMES = ["<b>one</b>", "two", "two", "%{x}"]
STEPS = np.arange(1.0, 1001.0)
CURVES = [
    RunCurve(name, Curve.of(STEPS[: 250 * (place + 1)], np.exp(-STEPS[: 250 * (place + 1)] / 300)), 10.0)
    for place, name in enumerate(NAMES[:3])
] + [RunCurve(NAMES[3], Curve.of([], []), 1.0)]
RATE = Dimension("Learning rate", (0.001, 0.01, 0.1, None), log=True)
KIND = Dimension("Optimizer <i>", ("SGD", "Adam", "SGD", "Adam"))
BEST = Dimension("Best test loss", (0.5, 0.2, 0.2, 0.9))
SAME = Dimension("Seed", (42, 42, 42, 42))
NONE = Dimension("Nothing", (None, None, None, None))


def valid(figure: Any) -> go.Figure:
    text = json.dumps(figure, allow_nan=False)
    assert len(text) < 60_000
    assert "<b>" not in text
    assert "<i>" not in text
    return go.Figure(figure)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_of_runs_are_valid(theme: Any) -> None:
    plain = valid(figures.run_curves(CURVES, x="epoch", y="training loss", theme=theme))
    assert [trace.name for trace in plain.data] == ["&lt;b>one&lt;/b>".replace(">", "&gt;"), "two", "two (2)"]
    smooth = valid(figures.run_curves(CURVES, x="step", y="loss", smoothing=0.8, log_y=True, theme=theme))
    assert len(smooth.data) == 6, "the raw line stays under each smoothed one"
    assert smooth.data[0].line.color.startswith("rgba")
    scatter = valid(figures.run_scatter(NAMES, RATE, BEST, theme=theme))
    assert len(scatter.data) == 3, "a run without a value is left out"
    assert scatter.layout.xaxis.type == "log"
    assert valid(figures.run_scatter(NAMES, KIND, BEST, theme=theme)).layout.xaxis.type == "category"
    parallel = valid(figures.parallel_runs(NAMES, [RATE, KIND, SAME, BEST, NONE], theme=theme))
    assert len(parallel.data) == 4
    assert len(parallel.layout.xaxis.ticktext) == 4
    difference = np.array([[10.0, -10.0], [-30.0, 30.0]])
    cells = valid(figures.confusion_difference(difference, ["<b>", "cat"], theme=theme))
    assert list(cells.data[1].text) == ["+10", "−10", "−30", "+30"]


def test_places_on_an_axis_are_from_0_to_1_and_log_where_asked() -> None:
    assert RATE.places()[:3] == pytest.approx([0, 0.5, 1])
    assert np.isnan(RATE.places()[3])
    assert KIND.places() == [1, 0, 1, 0]
    assert SAME.places() == [0.5] * 4
    assert not Dimension("x", (0, 1.0), log=True).logarithmic
    assert not Dimension("x", (True, False)).numeric


def test_where_there_is_nothing_a_sentence_stands() -> None:
    for figure in (
        figures.run_curves(CURVES[3:], x="step", y="loss"), figures.run_scatter(NAMES, NONE, BEST),
        figures.parallel_runs(NAMES, [BEST, NONE]),
    ):  # fmt: skip
        assert valid(figure).layout.annotations


def test_the_same_is_said_in_words() -> None:
    said = figures.run_curves_alt(CURVES, x="epoch", y="Training loss")
    assert "<b>one</b>: 0.435 at epoch 25" in said
    assert "two: 0.2, 0.01" in figures.run_scatter_alt(NAMES, BEST, RATE)
    assert "Optimizer <i> Adam" in figures.parallel_runs_alt(NAMES, [KIND])
    words = figures.confusion_difference_alt(np.array([[10.0, -10.0], [30.0, -30.0]]), ["a", "b"])
    assert "-30.0 (b) to +10.0 (a)" in words
