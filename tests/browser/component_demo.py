"""Every component and figure with made-up training data; the browser tests drive it.

`?run=0` stops the ticks.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from mlp_core import figures
from pages.components.figure_table import figure_table, picked_row, with_pick
from pages.components.image_grid import image_grid, image_store
from pages.components.live_plot import plot
from pages.components.sketch import sketch
from pages.components.state_strip import state_strip

CLASSES = ["<b>cat</b>", "dog & fox", "a{x}$y$", "snail with a very long name indeed"]
SIDE = 48
EXTENT = (-1.2, 1.2, -1.2, 1.2)


def spiral(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 2) points on two arms and (count,) labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    turn = np.sqrt(random.random(count))
    angle = 1.75 * turn * 2 * np.pi + np.pi * labels
    points = np.stack((turn * np.sin(angle), turn * np.cos(angle)), 1)
    return points + random.normal(0, 0.03, points.shape), labels


def plane(angle: float) -> np.ndarray:
    """A boundary that turns with time: P(class 1) over the plane."""
    ticks = np.linspace(-1.2, 1.2, SIDE)
    x, y = np.meshgrid(ticks, ticks)
    return 1 / (1 + np.exp(-6 * np.sin(3 * np.hypot(x, y) - np.arctan2(x, y) + angle)))


def curves(steps: int) -> tuple[figures.Curve, figures.Curve, figures.Curve]:
    """Train loss with a band, test loss and learning rate after `steps` steps."""
    random = np.random.default_rng(1)
    noise = random.lognormal(0, 0.5, 4000)
    x = np.linspace(0, 100, 4000)[: steps + 2]
    base = 0.65 * np.exp(-x / 14) + 0.04
    mean = base * noise[: len(x)]
    train = figures.Curve(x * 25, mean, mean * 0.7, mean * 1.5)
    every = slice(None, None, 20)
    test = figures.Curve.of(x[every] * 25, base[every] * (1.1 + 0.05 * np.sin(x[every])))
    return train, test, figures.Curve.of(x[every] * 25, 0.03 * 0.5 ** (x[every] // 25))


def blobs() -> tuple[np.ndarray, np.ndarray]:
    """(240, 2) points of four groups and (240,) labels."""
    random = np.random.default_rng(3)
    labels = np.arange(240) % 4
    centres = np.array([(-0.6, -0.5), (0.6, -0.6), (0.5, 0.6), (-0.5, 0.6)])
    return centres[labels] + random.normal(0, 0.2, (240, 2)), labels


def four_classes(shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Winner (SIDE×SIDE) and its probability."""
    ticks = np.linspace(-1.2, 1.2, SIDE)
    x, y = np.meshgrid(ticks, ticks)
    centres = np.array([(-0.6, -0.5), (0.6, -0.6), (0.5, 0.6), (-0.5, 0.6 + 0.1 * np.sin(shift))])
    score = np.stack([-5 * ((x - a) ** 2 + (y - b) ** 2) for a, b in centres], -1)
    odds = np.exp(score - score.max(-1, keepdims=True))
    odds /= odds.sum(-1, keepdims=True)
    return odds.argmax(-1), odds.max(-1)


def digits(count: int) -> np.ndarray:
    """(count, 1, 12, 12) uint8: soft blots that stand for digits."""
    random = np.random.default_rng(5)
    image = random.random((count, 1, 12, 12))
    for _ in range(2):
        image = (image + np.roll(image, 1, 2) + np.roll(image, 1, 3)) / 3
    image -= image.min((2, 3), keepdims=True)
    return (255 * (image / image.max((2, 3), keepdims=True)) ** 3).astype(np.uint8)


TRAIN, TRAIN_LABELS = spiral(300, 0)
TEST, TEST_LABELS = spiral(120, 1)
SPIRAL = {
    "train_points": TRAIN,
    "train_labels": TRAIN_LABELS,
    "test_points": TEST,
    "test_labels": TEST_LABELS,
}
BLOBS = dict(zip(("train_points", "train_labels"), blobs(), strict=True))
BLOBS |= {"test_points": np.zeros((0, 2)), "test_labels": np.zeros(0, dtype=int)}

st.set_page_config(layout="wide")
running = st.query_params.get("run", "1") == "1"
image_store(digits(18), key="digits")
state = st.session_state
state.setdefault("tick", 0)
state.setdefault("view", 0)
if st.button("Reset view"):
    state.view += 1


@st.fragment(run_every=0.25 if running else None)
def live() -> None:
    """What changes on the playground's page while a network trains."""
    state.tick += 1
    step = min(400 + 10 * state.tick, 3900) if running else 1800
    theme = st.context.theme.type or "light"
    train, test, _ = curves(step)
    strip(step, train, test)
    shared = {"steps_per_epoch": 25, "theme": theme}
    left, middle, right = st.columns(3)
    with left:
        figure = figures.loss_curves(train, test, smoothing=0.9, log_y=True, uirevision=str(state.view), **shared)
        plot(figure, key="loss", height=280, alt=figures.loss_curves_alt(train, test, steps_per_epoch=25)).mount(0)
    with middle:
        accuracy = figures.Curve.of(test.x, 1 - test.mean)
        figure = figures.accuracy_curves(None, accuracy, **shared)
        alt = figures.accuracy_curves_alt(None, accuracy, steps_per_epoch=25)
        plot(figure, key="accuracy", height=280, alt=alt).mount(0)
    with right:
        weights(step, theme)
    left, middle, right = st.columns(3)
    with left:
        figure = figures.decision_boundary(
            plane(step / 300), EXTENT, class_names=["class 0", "class 1"], theme=theme, **SPIRAL
        )
        plot(figure, key="boundary", height=340, alt="Boundary").mount(0)
    with middle:
        random = np.random.default_rng(step)
        matrix = random.poisson(4, (10, 10)) + np.diag(random.integers(5, 90, 10))
        names = list("0123456789")
        figure = figures.confusion_matrix(matrix, names, theme=theme)
        plot(figure, key="confusion10", height=340, alt=figures.confusion_matrix_alt(matrix, names)).mount(0)
    with right:
        images(step)


def strip(step: int, train: figures.Curve, test: figures.Curve) -> None:
    """The strip of numbers."""
    number = figures.readable
    state_strip(
        [
            {
                "label": "epoch",
                "value": f"{step / 40:.0f}",
                "note": f"{step * 25:,} steps",
                "help": "Passes over the data.",
            },
            {"label": "train loss", "value": number(train.last), "help": "Mean of the last batches."},
            {"label": "test loss", "value": number(test.last), "note": f"best {number(test.mean.min())}"},
            {"label": "test accuracy", "value": figures.percent(0.5 + step / 8000), "note": "3 of 200 wrong"},
            {"label": "samples/s", "value": "331,000", "note": "fast engine"},
            {"label": "health", "value": "1 note", "note": "layer 2: 11 % saturated", "help": "What is unusual."},
        ],
        spark=test.mean,
        alt=f"State of the training at tick {state.tick}",
        key="strip",
    ).mount(0)


def weights(step: int, theme: figures.Theme) -> None:
    """Histograms of four layers."""
    random = np.random.default_rng(step)
    edges = [np.linspace(-3, 3, 41)] * 4
    counts = [np.histogram(random.normal(0.2 * i, 0.4 + 0.2 * i, 900), edges[0])[0] for i in range(4)]
    names = [f"Linear {2**i} <i>" for i in range(4)]
    figure = figures.histograms(names, edges, counts, unit_label="weight", theme=theme)
    alt = figures.histograms_alt(names, edges, counts, unit_label="weight")
    plot(figure, key="weights", height=280, alt=alt).mount(0)


def images(step: int) -> None:
    """Eighteen samples and what the network says about them."""
    random = np.random.default_rng(step // 100)
    truths = np.arange(18) % 4
    predicted = np.where(random.random(18) < 0.7, truths, random.integers(0, 4, 18))
    items = [
        (CLASSES[guess], CLASSES[true], int(sure))
        for guess, true, sure in zip(predicted, truths, random.integers(0, 101, 18), strict=True)
    ]
    image_grid("digits", items, alt=f"18 images, {int((predicted == truths).sum())} predicted right", key="grid").mount(
        0
    )


def others(theme: figures.Theme) -> None:
    """The figures that other data, or other pages, would show instead."""
    random = np.random.default_rng(8)
    left, middle, right = st.columns(3)
    with left:
        winner, sure = four_classes(1)
        figure = figures.decision_boundary(
            winner, EXTENT, class_names=CLASSES, confidence=sure, theme=theme, show="train", **BLOBS
        )
        plot(figure, key="classes", height=340, alt="Boundary of four classes").mount(0)
    with middle:
        values = 40 * np.sin(2 * TRAIN[:, 0]) + 10
        tested = 40 * np.sin(2 * TEST[:, 0]) + 10
        figure = figures.regression_surface(
            80 * plane(3) - 40, EXTENT, train_points=TRAIN, train_values=values, test_points=TEST, test_values=tested,
            unit="°C", theme=theme,
        )  # fmt: skip
        plot(figure, key="surface", height=340, alt="Surface").mount(0)
    with right:
        actual = [TRAIN[:, 0] * 50, TEST[:, 0] * 50]
        guess = [a + random.normal(0, 8, len(a)) for a in actual]
        figure = figures.predicted_vs_actual(actual, guess, unit="°C", theme=theme)
        plot(figure, key="parity", height=340, alt=figures.predicted_vs_actual_alt(actual, guess)).mount(0)
    left, middle, right = st.columns(3)
    with left:
        matrix = np.array([[192, 8], [10, 190]])
        figure = figures.confusion_matrix(matrix, ["class 0", "class 1"], theme=theme)
        plot(figure, key="confusion", height=260, alt=figures.confusion_matrix_alt(matrix, ["0", "1"])).mount(0)
    with middle:
        rate = curves(3000)[2]
        figure = figures.learning_rate_curve(rate, steps_per_epoch=25, theme=theme)
        alt = figures.learning_rate_curve_alt(rate, steps_per_epoch=25)
        plot(figure, key="rate", height=260, alt=alt).mount(0)
    with right:
        figure = figures.empty("Press Train, and the curves appear here.", theme=theme)
        plot(figure, key="empty", height=260, alt="Nothing yet").mount(0)


def tables() -> None:
    """A table that sorts, with names that want to be more than text, and the square to draw on."""
    left, right = st.columns(2)
    with left:
        columns = [("class", ""), ("recall", "Of the samples of this class, the share that is found."), ("samples", "")]
        values, sizes = ("0.912", "–", "0.4", "0.98"), ("1,200", "0", "30", "7")
        rows = [
            [(name, "", ""), (value, "note", "Why."), size]
            for name, value, size in zip(CLASSES, values, sizes, strict=True)
        ]
        table = figure_table(
            columns, rows, foot=[["mean", "0.9", "1,237"]], alt="Figures of 4 classes", height=400, key="table",
            caption="Press a column to sort by it.",
        )  # fmt: skip
        with_pick(table, ["cat", "dog", "a", "snail"], lambda: None).mount(0)
        st.text(f"pressed: {picked_row('table')}")
    with right:
        strokes = sketch(key="sketch", label="Draw here") or []
        st.text(f"strokes: {len(strokes)}, first point: {strokes[0][0] if strokes else None}")


live()
others(st.context.theme.type or "light")
tables()
