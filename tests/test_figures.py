"""Figures are valid for Plotly, small, readable, and show names from data as text."""

from __future__ import annotations

import ast
import html
import itertools
import json
import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlp_core import figures
from mlp_core.figures.encode import decode, encode, encode_levels
from mlp_core.figures.palette import PALETTES, class_area, contrast, mix, text_on
from mlp_core.figures.points import chosen, shares
from mlp_core.figures.text import plain, readable, unique_labels

ROOT = Path(__file__).resolve().parents[1]
NASTY = ["<b>bold</b>", '<a href="javascript:alert(1)">x</a>', "&lt;", "%{secret}", "$x^2$", "a\u202eb", "", "x" * 90]
RANDOM = np.random.default_rng(0)
POINTS, LABELS = RANDOM.normal(size=(3000, 2)), RANDOM.integers(0, 2, 3000)
EXTENT = (-3.0, 3.0, -2.0, 2.0)
GRID = RANDOM.random((50, 40))
STEPS = np.arange(1, 501) * 10.0
LOSS = np.exp(-STEPS / 900) * RANDOM.lognormal(0, 0.3, 500)
TRAIN = figures.Curve(STEPS, LOSS, LOSS * 0.8, LOSS * 1.3)
TEST = figures.Curve.of(STEPS[::10], LOSS[::10])
NOTHING = figures.Curve.of([], [])
SAMPLES = {
    "train_points": POINTS,
    "train_labels": LABELS,
    "test_points": POINTS[:500],
    "test_labels": LABELS[:500],
}
VALUES: dict[str, Any] = {
    "train_points": POINTS,
    "train_values": POINTS[:, 0],
    "test_points": POINTS[:500],
    "test_values": POINTS[:500, 0],
}
EDGES = [np.linspace(-2, 3, 41), np.linspace(0, 1, 31), np.linspace(-1e-7, 0, 11)]
COUNTS = [RANDOM.integers(0, 50, len(edges) - 1) for edges in EDGES]
UNIT = np.linspace(0, 1, 10)
SHARES = RANDOM.dirichlet(np.ones(40), size=60)

LINE = np.linspace(-1, 1, 31)
HILLS = np.add.outer(LINE**2, 1.5 * LINE**2) + 0.01
HILLS[3, 4] = np.inf
PLAIN = np.zeros((31, 31))
WAY = figures.Way(np.array([[-0.9, -0.8], [-0.3, 0.2], [0.0, 0.0]]), (0, 50, 120), np.array([1.9, 0.4, 0.01]))

Make = Callable[[figures.Theme], figures.Figure]
EACH: dict[str, Make] = {
    "loss": lambda t: figures.loss_curves(TRAIN, TEST, steps_per_epoch=25, smoothing=0.9, theme=t),
    "loss, log, steps": lambda t: figures.loss_curves(TRAIN, TEST, steps_per_epoch=25, log_y=True, x="step", theme=t),
    "loss, validation": lambda t: figures.loss_curves(TRAIN, TEST, validation=TEST, steps_per_epoch=25, theme=t),
    "accuracy, validation": lambda t: figures.accuracy_curves(None, TEST, validation=TEST, steps_per_epoch=25, theme=t),
    "loss, nothing": lambda t: figures.loss_curves(NOTHING, NOTHING, steps_per_epoch=25, theme=t),
    "accuracy": lambda t: figures.accuracy_curves(TEST, TEST, steps_per_epoch=25, theme=t),
    "accuracy, test alone": lambda t: figures.accuracy_curves(None, TEST, steps_per_epoch=25, theme=t),
    "learning rate": lambda t: figures.learning_rate_curve(TEST, steps_per_epoch=25, log_y=True, theme=t),
    "confusion": lambda t: figures.confusion_matrix(np.eye(8, dtype=int) * 9, NASTY, theme=t),
    "confusion, shares": lambda t: figures.confusion_matrix(
        np.zeros((2, 2), int), ["a", "a"], normalise="true", theme=t
    ),
    "confusion, cell": lambda t: figures.confusion_matrix(
        np.eye(3, dtype=int), NASTY[:3], normalise="pred", selected=(0, 2), theme=t
    ),
    "roc": lambda t: figures.roc([(UNIT, UNIT), None], [0.5, None], NASTY[:2], marks=(0.2, 0.3), theme=t),
    "roc, many": lambda t: figures.roc([(UNIT, UNIT**2)] * 15, [0.5, None, *[0.4] * 13], range(15), theme=t),
    "precision-recall": lambda t: figures.precision_recall([(UNIT, UNIT)] * 2, [0.5] * 2, NASTY[:2], base=0.3, theme=t),
    "calibration": lambda t: figures.calibration_curve(UNIT, UNIT**2, np.arange(10), theme=t),
    "confidence": lambda t: figures.confidence_histogram(np.arange(10), np.arange(10) // 2, theme=t),
    "residuals": lambda t: figures.residuals(
        np.arange(50.0), np.sin(np.arange(50)), name=NASTY[0], unit="<b>", theme=t
    ),
    "class bars": lambda t: figures.class_bars(UNIT[: len(NASTY[:3])], NASTY[:3], title="probability", theme=t),
    "influence": lambda t: figures.influence_map(np.outer(UNIT, UNIT - 0.5), theme=t),
    "confusion, many": lambda t: figures.confusion_matrix(np.ones((100, 100), int), range(100), theme=t),
    "histograms": lambda t: figures.histograms(NASTY[:3], EDGES, COUNTS, unit_label="weight", theme=t),
    "histograms, nothing": lambda t: figures.histograms([], [], [], unit_label="weight", theme=t),
    "boundary": lambda t: figures.decision_boundary(GRID, EXTENT, class_names=NASTY[:2], theme=t, **SAMPLES),
    "boundary, points alone": lambda t: figures.decision_boundary(
        None, EXTENT, class_names=["0", "1"], show="train", theme=t, **SAMPLES
    ),
    "boundary, discrete": lambda t: figures.decision_boundary(
        GRID, EXTENT, class_names=["0", "1"], discretise=True, axis_names=(NASTY[0], NASTY[3]), theme=t, **SAMPLES
    ),
    "boundary, many classes": lambda t: figures.decision_boundary(
        RANDOM.integers(0, 8, (40, 40)),
        EXTENT,
        class_names=NASTY,
        confidence=np.full((40, 40), 0.5),
        theme=t,
        **SAMPLES,
    ),
    "surface": lambda t: figures.regression_surface(GRID, EXTENT, **VALUES, unit=NASTY[0], theme=t),
    "surface, bands": lambda t: figures.regression_surface(
        GRID, EXTENT, **VALUES, discretise=True, show="test", theme=t
    ),
    "surface, one value": lambda t: figures.regression_surface(
        None, EXTENT, **VALUES | {"train_values": np.ones(3000), "test_values": np.ones(500)}, theme=t
    ),
    "surface, nothing": lambda t: figures.regression_surface(
        None, EXTENT, **{name: array[:0] for name, array in VALUES.items()}, axis_names=(NASTY[0], NASTY[3]), theme=t
    ),
    "predicted": lambda t: figures.predicted_vs_actual(
        [POINTS[:, 0], POINTS[:9, 0]], [POINTS[:, 1], POINTS[:9, 1]], unit="m", theme=t
    ),
    "predicted, nothing": lambda t: figures.predicted_vs_actual([[], []], [[], []], theme=t),
    "landscape": lambda t: figures.loss_contour(LINE, LINE, HILLS, names=(NASTY[0], NASTY[3]), log=True, theme=t),
    "landscape, path": lambda t: figures.loss_contour(LINE, LINE, HILLS - 9, names=("x", "y"), way=WAY, theme=t),
    "landscape in space": lambda t: figures.loss_surface(
        LINE, LINE, HILLS, names=(NASTY[0], NASTY[3]), log=True, way=WAY, theme=t
    ),
    "landscape, a plain": lambda t: figures.loss_surface(LINE, LINE, PLAIN, names=("x", "y"), log=True, theme=t),
    "spread map": lambda t: figures.spread_map(STEPS[:60], EDGES[0], SHARES, unit_label="w", theme=t),
    "spread map, one moment": lambda t: figures.spread_map(STEPS[:1], EDGES[0], SHARES[:1], unit_label="w", theme=t),
    "spread ridge": lambda t: figures.spread_ridge(STEPS[:60], EDGES[0], SHARES, unit_label="w", chosen=7, theme=t),
    "layer lines": lambda t: figures.layer_lines(
        STEPS[:60], np.full((60, 8), np.nan), NASTY, unit_label="<b>", guide=1e-3, theme=t
    ),
    "matrix": lambda t: figures.matrix(
        GRID[:, :8], rows="neuron", columns="input", unit_label="w", bias=GRID[:, 0], column_names=NASTY,
        row_groups=[(name, 5) for name in NASTY], theme=t,
    ),
    "matrix, large": lambda t: figures.matrix(
        np.full((512, 3072), np.inf), rows="neuron", columns="input", unit_label="w", bias=np.ones(512), theme=t
    ),
    "weight images": lambda t: figures.weight_images(RANDOM.normal(size=(19, 28, 28)), range(19), theme=t),
    "hidden space": lambda t: figures.hidden_space(
        POINTS[:500], np.arange(500) % 8, wrong=LABELS[:500] > 0, class_names=NASTY, axes=(NASTY[0], "b"), theme=t
    ),
    "hidden space, values": lambda t: figures.hidden_space(
        POINTS[:500], POINTS[:500, 0], wrong=LABELS[:500] > 1, unit=NASTY[1], axes=("a", "b"), theme=t
    ),
    "values": lambda t: figures.value_map(
        np.array([[1.5, -2e-9, np.nan], [np.inf, 0.0, 3e7]]), ["first", NASTY[0]], NASTY[:3],
        row_title=NASTY[0], column_title="input", theme=t, selected=(0, 1),
    ),
    "empty": lambda t: figures.empty("Nothing yet: <b>press</b> Train.", theme=t),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", EACH)
def test_plotly_accepts_it_and_it_is_json(name: str, theme: figures.Theme) -> None:
    figure = EACH[name](theme)
    go.Figure(figure)
    text = json.dumps(figure, allow_nan=False)
    assert len(text) < 32_000, "one figure must leave room for the others in a tick"
    assert figure["layout"]["meta"]["theme"] == theme
    assert figure["layout"]["uirevision"]
    ids = [trace["uid"] for trace in figure["data"]]
    assert len(set(ids)) == len(ids), "Plotly keeps hidden traces apart by their uid"


@pytest.mark.parametrize("name", EACH)
def test_no_tag_from_data_is_left(name: str) -> None:
    ours = {"<br>", "<extra>", "</extra>"}
    text = json.dumps(EACH[name]("light"), ensure_ascii=False)
    for piece in ours:
        text = text.replace(piece, "")
    assert "<b" not in text
    assert "<a" not in text
    assert "\u202e" not in text
    assert "%{secret}" not in text


def test_figures_import_numpy_alone() -> None:
    for path in (ROOT / "mlp_core" / "figures").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                top = module.split(".")[0]
                assert top not in {"torch", "streamlit", "plotly", "pandas"}, path
                if top == "mlp_core":
                    assert module.startswith("mlp_core.figures"), path


@given(st.text())
def test_escaped_text_is_shown_letter_by_letter(text: str) -> None:
    shown = figures.escape_label(text, limit=1000)
    assert not set("<>{$") & set(shown)
    assert html.unescape(shown) == plain(text, 1000)
    assert not any(0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069 for c in shown)
    json.dumps(shown).encode()
    shown.encode("utf-8")


@given(st.text(), st.integers(2, 40))
def test_plain_text_has_one_line_of_at_most_the_limit(text: str, limit: int) -> None:
    assert len(plain(text, limit)) <= limit
    assert "\n" not in plain(text, limit)


@given(st.lists(st.sampled_from(["a", "a ", "b", "a (2)", "<"]), max_size=8))
def test_labels_are_unique(names: list[str]) -> None:
    labels = unique_labels(names)
    assert len(set(labels)) == len(names)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.04123, "0.0412"), (0.0, "0"), (12500, "12,500"), (1.0, "1"), (-0.5, "−0.5"), (2.4e-7, "2.4×10⁻⁷"),
        (0.0001, "0.0001"), (3e9, "3×10⁹"), (math.nan, "not a number"), (-math.inf, "minus infinite"),
        (999.96, "1,000"), (331_000, "331,000"),
    ],
)  # fmt: skip
def test_numbers_are_readable(value: float, shown: str) -> None:
    assert readable(value) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_is_in_e_notation(value: float) -> None:
    assert "e" not in readable(value).lower()


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=1, max_dims=2, max_side=6)))
def test_real_values_come_back(values: np.ndarray) -> None:
    np.testing.assert_array_equal(decode(encode(values)), values)


@given(arrays.arrays(np.int64, 5, elements=st.integers(-(2**53), 2**53)))
def test_whole_numbers_come_back(values: np.ndarray) -> None:
    np.testing.assert_array_equal(decode(encode(values)), values)


def test_values_far_from_zero_stay_apart() -> None:
    values = 2.0**25 + np.arange(5)
    np.testing.assert_array_equal(decode(encode(values)), values)


def test_text_is_not_encoded() -> None:
    with pytest.raises(ValueError, match=r"numeric\. Got dtype <U1 instead"):
        encode(np.array(["a"]))


def test_levels_are_bytes() -> None:
    values = np.array([[-1.0, 0.0, 0.5], [1.0, 9.0, np.nan]])
    np.testing.assert_array_equal(decode(encode_levels(values, 0, 1, 100)), [[0, 0, 50], [100, 100, 50]])


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40), st.floats(0, 0.99))
def test_smoothing_is_the_weighted_mean_of_the_past(values: list[float], weight: float) -> None:
    smoothed = figures.smooth(np.array(values), weight)
    for t in range(len(values)):
        weights = weight ** np.arange(t, -1, -1)
        expected = np.sum(weights * values[: t + 1]) / np.sum(weights)
        assert smoothed[t] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_smoothing_keeps_gaps() -> None:
    smoothed = figures.smooth(np.array([1.0, np.nan, 3.0]), 0.5)
    assert np.isnan(smoothed[1])
    assert smoothed[2] == pytest.approx((0.5 * 1 + 3) / 1.5)


@given(st.integers(1, 2000), st.integers(1, 300))
def test_thinning_keeps_extremes_and_the_end(count: int, limit: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    curve = figures.Curve.of(np.arange(count), values)
    thin = curve.thinned(limit)
    assert len(thin) <= limit
    assert thin.low.min() == values.min()
    assert thin.high.max() == values.max()
    assert thin.x[-1] == count - 1
    assert np.all(np.diff(thin.x) > 0)


def test_zero_loss_is_a_gap_on_a_log_scale() -> None:
    figure = figures.loss_curves(NOTHING, figures.Curve.of([1, 2, 3], [1, 0, 2]), steps_per_epoch=1, log_y=True)
    assert np.isnan(decode(figure["data"][0]["y"])[1])


@given(st.integers(0, 5000), st.integers(0, 5000), st.sampled_from(["train", "test", "both"]))
def test_at_most_a_thousand_points(train: int, test: int, show: Any) -> None:
    kept = shares(train, test, show)
    drawn = [len(np.unique(chosen(count, limit))) for count, limit in zip((train, test), kept, strict=True)]
    assert sum(drawn) == min(1000, (train if show != "test" else 0) + (test if show != "train" else 0))


def test_train_and_test_points_differ_without_colour() -> None:
    figure = figures.decision_boundary(GRID, EXTENT, class_names=["0", "1"], **SAMPLES)
    samples = [trace for trace in figure["data"] if trace["type"] == "scatter"]
    background = PALETTES["light"].background
    hollow = {trace["uid"]: trace["marker"]["color"] == background for trace in samples}
    assert hollow == {"train0": False, "train1": False, "test0": True, "test1": True}


def test_a_surface_draws_both_parts_in_one_scale_each_marked_as_elsewhere() -> None:
    figure = figures.regression_surface(GRID, EXTENT, **VALUES, limits=(-1.0, 1.0))
    traces = {trace["uid"]: trace for trace in figure["data"]}
    background = PALETTES["light"].background
    train, test, bar = traces["train"]["marker"], traces["test"]["marker"], traces["scale"]["marker"]
    assert len(decode(train["color"])) + len(decode(test["line"]["color"])) == 1000
    assert test["color"] == background
    for scaled in (train, test["line"], bar):
        assert (scaled["cmin"], scaled["cmax"]) == (-1.0, 1.0)
        assert scaled["colorscale"] == traces["area"]["colorscale"]
    assert figure["layout"]["annotations"][0]["text"] == "● training  ○ test"


@pytest.mark.parametrize(("show", "drawn"), [("train", ["train"]), ("test", ["test"]), ("both", ["train", "test"])])
def test_a_surface_draws_the_parts_that_are_asked_for(show: Any, drawn: list[str]) -> None:
    figure = figures.regression_surface(GRID, EXTENT, **VALUES, show=show)
    assert [trace["uid"] for trace in figure["data"]] == ["area", *drawn, "scale"]
    assert figure["data"][-1]["marker"]["colorbar"], "the colours are explained whichever points are drawn"


def test_bands_have_the_colour_of_their_middle() -> None:
    ramp = np.linspace(-1.2, 1.2, 101)[None].repeat(2, axis=0)
    smooth, bands = (
        decode(figures.regression_surface(ramp, EXTENT, **VALUES, limits=(-1.0, 1.0), discretise=cut)["data"][0]["z"])
        for cut in (False, True)
    )
    assert len(np.unique(smooth)) > 80
    levels = np.unique(bands)
    np.testing.assert_allclose(levels / 255, (np.arange(8) + 0.5) / 8, atol=0.003)
    inside = np.abs(ramp) <= 1
    assert np.abs(smooth.astype(int) - bands)[inside].max() <= 17, "no value is further than half a band away"


def test_winner_and_confidence_share_a_byte() -> None:
    grid = np.array([[0, 1, 2], [2, 1, 0]])
    sure = np.array([[1 / 3, 1.0, 0.5], [1.0, 1 / 3, 1.0]])
    figure = figures.decision_boundary(
        grid, EXTENT, class_names=["a", "b", "c"], confidence=sure, **{k: v[:0] for k, v in SAMPLES.items()}
    )
    area = figure["data"][0]
    code = decode(area["z"])
    scale = area["colorscale"]
    place = (code.astype(float) - area["zmin"]) / (area["zmax"] - area["zmin"])
    for index, spot in zip(grid.ravel(), place.ravel(), strict=True):
        assert scale[2 * index][0] < spot < scale[2 * index + 1][0]
    assert code[0, 1] > code[1, 1], "a sure answer has a fuller colour"


def test_confusion_colours_are_shares_of_rows() -> None:
    figure = figures.confusion_matrix(np.array([[1, 3], [1000, 0]]), ["a", "b"])
    np.testing.assert_array_equal(decode(figure["data"][0]["z"]), [[25, 75], [100, 0]])
    np.testing.assert_array_equal(decode(figure["data"][0]["customdata"]), [[1, 3], [1000, 0]])
    assert figure["data"][1]["text"] == ["1", "3", "1,000", "0"]


def test_a_matrix_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="must be 3×3"):
        figures.confusion_matrix(np.eye(2, dtype=int), ["a", "b", "c"])


def test_histograms_part_at_zero() -> None:
    figure = figures.histograms(["a"], [np.array([-1.0, 0.5, 2.0])], [np.array([2, 4])], unit_label="w")
    below, above = (decode(trace["x"]) for trace in figure["data"])
    assert np.nanmax(below) == 0
    assert np.nanmin(above) == 0
    assert np.nanmax(above) == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_in_cells_are_legible(theme: figures.Theme) -> None:
    colours = PALETTES[theme]
    for share in np.linspace(0, 1, 21):
        cell = mix(colours.ramp_high, colours.ramp_low, float(share))
        assert contrast(text_on(cell, theme), cell) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_and_points_stand_out(theme: figures.Theme) -> None:
    colours = PALETTES[theme]
    for colour in (colours.positive, colours.negative, colours.trend):
        assert contrast(colour, colours.background) >= 4.5
    for index, colour in enumerate(colours.classes[:2]):
        assert contrast(colour, class_area(index, theme)) >= 2.4


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}  # fmt: skip


def lab(colour: str, sight: str) -> np.ndarray:
    """CIE L*a*b* of a colour as seen."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(SIGHT[sight]) @ linear, 0, 1)
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.asarray(matrix) @ seen / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ten_classes_can_be_told_apart(theme: figures.Theme, sight: str) -> None:
    seen = [lab(colour, sight) for colour in PALETTES[theme].classes[:10]]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 16


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_of_the_page_has_the_same_colours(theme: figures.Theme) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"][theme]
    colours = PALETTES[theme]
    assert config["chartCategoricalColors"] == list(colours.classes)
    assert config["backgroundColor"] == colours.background
    assert config["primaryColor"] == colours.positive
    assert (config["chartSequentialColors"][0], config["chartSequentialColors"][-1]) == (
        colours.ramp_low,
        colours.ramp_high,
    )
    assert (config["chartDivergingColors"][0], config["chartDivergingColors"][-1]) == (
        colours.negative,
        colours.positive,
    )


def test_a_validation_curve_differs_from_the_test_curve_without_colour_and_is_said() -> None:
    rising, falling = (figures.Curve.of([10, 20, 30, 40], values) for values in ([1, 2, 3, 4], [4, 3, 2, 1]))
    for theme in ("light", "dark"):
        figure = figures.loss_curves(TRAIN, rising, validation=falling, steps_per_epoch=10, theme=theme)
        traces = {trace["uid"]: trace for trace in figure["data"]}
        assert traces["validation"]["line"]["dash"] == "dash"
        assert "dash" not in traces["test"]["line"]
        assert len({traces[part]["line"]["color"] for part in ("raw", "validation", "test")}) == 3
        assert decode(traces["validation"]["y"]).tolist() == [4, 3, 2, 1]
    said = figures.loss_curves_alt(NOTHING, rising, validation=falling, steps_per_epoch=10)
    assert "Validation loss is 1, falling. The least validation loss was 1, at epoch 4. Test loss is 4, rising." in said
    assert "Validation accuracy is 50 %." in figures.accuracy_curves_alt(
        None, NOTHING, validation=figures.Curve.of([1, 2], [0.1, 0.5]), steps_per_epoch=1
    )
    figure = figures.accuracy_curves(None, NOTHING, validation=figures.Curve.of([1, 2], [0.1, 0.5]), steps_per_epoch=1)
    assert [trace["uid"] for trace in figure["data"]] == ["validation"]


def test_alternatives_say_values_and_trend() -> None:
    falling = figures.Curve.of(np.arange(1, 101), np.linspace(1, 0.1, 100))
    said = figures.loss_curves_alt(falling, falling, steps_per_epoch=10)
    assert "Loss over training, 10 epochs." in said
    assert "Training loss is 0.1, falling." in said
    assert "least test loss was 0.1, at epoch 10" in said
    said = figures.accuracy_curves_alt(None, figures.Curve.of([1, 2], [0.5, 0.986]), steps_per_epoch=1)
    assert "Test accuracy is 98.6 %." in said
    said = figures.confusion_matrix_alt(np.array([[9, 1], [0, 10]]), ["cat", "dog"])
    assert said == ("Confusion matrix: 19 of 20 right, 95 %. Most frequent mistakes: cat taken for dog (1).")
    said = figures.predicted_vs_actual_alt([[1.0, 3.0]], [[1.0, 3.0]], split_names=["test"], unit="m")
    assert "mean absolute error 0 m, R² 1." in said
    said = figures.histograms_alt(["Linear"], [np.array([-1.0, 0, 1])], [np.array([1, 1])], unit_label="weight")
    assert "Linear: from −1 to 1, mean 0, spread 0.5" in said
    said = figures.decision_boundary_alt(GRID * 0, LABELS, LABELS, ["a", "b"])
    assert "answers a on 100 % of the area. 3000 training points and 3000 test points shown." in said
    said = figures.decision_boundary_alt(GRID, LABELS, LABELS, ["a", "b"], show="test")
    assert "over x₁ and x₂." in said
    assert said.endswith("3000 test points shown.")
    assert "over hour and °C." in figures.decision_boundary_alt(GRID, LABELS, LABELS, "ab", axis_names=("hour", "°C"))


def test_a_surface_in_words() -> None:
    said = figures.regression_surface_alt(
        np.array([[0.0, 2.0]]), train_points=POINTS[:2], train_values=np.array([-1.0, 1.0]),
        test_points=POINTS[:1], test_values=np.array([5.0]), show="train", unit="m",
    )  # fmt: skip
    assert said == (
        "Predicted value over x₁ and x₂. Predictions range from 0 to 2 m. Training values range from −1 to 1 m. "
        "2 training points shown."
    )
    said = figures.regression_surface_alt(GRID, **VALUES, discretise=True)
    assert "in 8 bands" in said
    assert "Test values range from" in said
    assert "3000 training points and 500 test points shown." in said


@pytest.mark.parametrize("confidence", [None, np.ones((2, 5))])
def test_coverage_counts_every_class(confidence: Any) -> None:
    grid = np.array([[0, 0, 1, 1, 1], [2, 2, 2, 2, 1]])
    said = figures.decision_boundary_alt(grid, LABELS, LABELS, ["a", "b", "c"], confidence=confidence)
    assert "answers b on 40 %, c on 40 %, a on 20 % of the area" in said
    shares_of_six = np.array([0, 0, 0, 1, 1, 2, 2, 3, 4, 5]).reshape(2, 5)
    said = figures.decision_boundary_alt(shares_of_six, LABELS, LABELS, list("abcdef"), confidence=confidence)
    assert "answers a on 30 %, b on 20 %, c on 20 %, d on 10 %, 2 more on 20 % of the area" in said


def test_words_and_figure_name_the_axes_alike() -> None:
    for figure, said in (
        (figures.decision_boundary(GRID, EXTENT, class_names="ab", **SAMPLES),
         figures.decision_boundary_alt(GRID, LABELS, LABELS, "ab")),
        (figures.regression_surface(GRID, EXTENT, **VALUES), figures.regression_surface_alt(GRID, **VALUES)),
    ):  # fmt: skip
        axes = [figure["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")]
        assert f"over {axes[0]} and {axes[1]}" in said


def test_a_diverged_loss_is_said() -> None:
    curve = figures.Curve.of([1, 2], [1.0, np.inf])
    assert "Training loss is infinite." in figures.loss_curves_alt(curve, NOTHING, steps_per_epoch=1)


def test_images_become_one_sprite() -> None:
    import io

    from PIL import Image

    from pages.components.image_grid import sprite

    images = RANDOM.integers(0, 256, (7, 3, 5, 4), dtype=np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(sprite(images))))
    assert sheet.shape == (4 * 5, 2 * 4, 3)
    np.testing.assert_array_equal(sheet[10:15, 4:8], images[5].transpose(1, 2, 0))
    with pytest.raises(ValueError, match="must be uint8"):
        sprite(images.astype(float))


def test_plotly_is_copied_once_and_replaced_when_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.components import assets

    monkeypatch.setattr(assets, "STATIC", tmp_path)
    copy = assets.ensure_plotly.__wrapped__
    target = copy()
    size, written = target.stat().st_size, target.stat().st_mtime_ns
    assert size > 1_000_000
    copy()
    assert target.stat().st_mtime_ns == written
    target.write_bytes(b"another release" + bytes(size - 15))
    copy()
    assert target.read_bytes()[:30] != b"another release" + bytes(15)
    assert [path.name for path in tmp_path.iterdir()] == ["plotly.min.js"]


def test_a_landscape_shows_losses_as_heights_with_marks_in_their_own_numbers() -> None:
    plain_scale = figures.loss_surface(LINE, LINE, HILLS, names=("x", "y"), way=WAY)
    area, line, way, now = plain_scale["data"]
    heights = decode(area["z"])
    assert np.isnan(heights[3, 4])
    np.testing.assert_allclose(heights[15], HILLS[15], rtol=1e-6)
    assert len(decode(line["x"])) > len(decode(way["x"])) == 3
    assert 0 < decode(now["z"])[0] - HILLS[15, 15] < 0.1, "it stands on the surface"
    log = figures.loss_contour(LINE, LINE, HILLS, names=("x", "y"), log=True, limits=(0.001, 10))
    area = log["data"][0]
    np.testing.assert_allclose(decode(area["z"])[15], np.log10(HILLS[15]), rtol=1e-5)
    np.testing.assert_allclose(decode(area["customdata"])[15], HILLS[15], rtol=1e-6)
    assert (area["zmin"], area["zmax"]) == (-3, 1)
    assert area["colorbar"]["ticktext"] == ["0.001", "0.01", "0.1", "1", "10"]
    assert not figures.can_be_logarithmic(HILLS - 1)
    assert figures.loss_range(HILLS, HILLS + 1) == pytest.approx((0.01, 3.51))


def test_a_landscape_in_words() -> None:
    said = figures.loss_landscape_alt(LINE, LINE, HILLS, names=("first", "second"), way=WAY, step=120)
    assert said == (
        "Loss over a plane of weights, first and second. With those of step 120: 0.01. Lowest: 0.01 at (0, 0). "
        "Highest: 2.51 at (−1, −1). The path leads from step 0, loss 1.9, to step 120, loss 0.01."
    )
