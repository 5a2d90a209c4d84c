"""Figures of what was tried out: valid for Plotly in both themes, with the same said in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from mlp_core import figures
from mlp_core.figures import Band

EPOCHS = np.arange(1.0, 4.0)
LINES = np.array([[1.0, 0.5, 0.2], [0.9, 0.6, np.nan], [1.2, 0.7, 0.4]])
BAND = Band(EPOCHS, LINES, *np.nanpercentile(LINES, [25, 50, 75], axis=0))
EMPTY = Band(np.empty(0), np.empty((3, 0)), np.empty(0), np.empty(0), np.empty(0))
NAMES = ["<b>A</b>", "B"]
RATES = np.geomspace(1e-5, 1, 50)
LOSSES = 1 - 0.5 * np.linspace(0, 1, 50) + 9 * (RATES > 0.3)


def valid(figure: Any) -> go.Figure:
    text = json.dumps(figure, allow_nan=False)
    assert "<b>" not in text
    return go.Figure(figure)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_they_are_valid(theme: Any) -> None:
    bands = valid(figures.seed_bands(NAMES, [BAND, BAND], y="test loss", lines=True, theme=theme))
    assert len(bands.data) == 2 * (2 + 3 + 1)
    assert [trace.fill for trace in bands.data[:4]] == [None, "tonexty", None, "tonexty"]
    assert len(valid(figures.seed_bands(NAMES, [BAND, EMPTY], y="loss", log_y=True, theme=theme)).data) == 3
    ramp = valid(figures.rate_ramp(RATES, LOSSES, LOSSES, suggested=0.04, current=0.03, theme=theme))
    assert [trace.name for trace in ramp.data] == ["each update", "smoothed", "now: 0.03", "suggested: 0.04"]
    low, high = ramp.layout.yaxis.range
    assert low < LOSSES.min()
    assert 1 < high < 3, "what explodes is cut"
    going = valid(figures.rate_ramp(RATES[:1], LOSSES[:1], LOSSES[:1], ends=(1e-5, 10.0), current=0.0, theme=theme))
    assert list(going.layout.xaxis.range) == [-5, 1]
    scan = valid(figures.value_scan(
        np.array([4, 8]), [("test loss", np.array([0.5, np.nan]))], x="width", y="loss", suggested=4, theme=theme
    ))  # fmt: skip
    assert list(scan.layout.xaxis.ticktext) == ["4", "8"]


def test_where_there_is_nothing_a_sentence_stands() -> None:
    nothing = np.array([np.nan])
    for figure in (
        figures.seed_bands(NAMES, [EMPTY, EMPTY], y="loss"), figures.rate_ramp(RATES[:0], LOSSES[:0], LOSSES[:0]),
        figures.value_scan(np.array([4]), [("loss", nothing)], x="width", y="loss"),
    ):  # fmt: skip
        assert valid(figure).layout.annotations
    assert valid(figures.rate_ramp(RATES[:1], nothing, nothing)).data


def test_the_same_is_said_in_words() -> None:
    said = figures.seed_bands_alt(NAMES, [BAND, EMPTY], y="Test loss")
    assert said == "Test loss over epochs. <b>A</b>, 3 seeds: median 0.3 at epoch 3, quartiles 0.25 and 0.35."
    assert "Suggested: 0.04" in figures.rate_ramp_alt(RATES, LOSSES, LOSSES, suggested=0.04)
    scan = figures.value_scan_alt(np.array([4, 8]), [("loss", np.array([0.5, np.nan]))], x="width", y="Loss")
    assert scan == "Loss over width. width 4: loss 0.5."
