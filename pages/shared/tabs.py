"""The live tabs under the three areas: curves, confusion matrix, histograms."""

from __future__ import annotations

import streamlit as st

from mlp_core import figures
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.live_plot import plot
from pages.components.part import Part
from pages.shared.live import Curves, curves
from pages.shared.shown import CONFUSION, CURVES, GRADIENTS, OVERVIEW, WEIGHTS, Shown

HEIGHT = 255
VIEWS = {OVERVIEW: "weights", WEIGHTS: "weights", GRADIENTS: "gradients"}
LARGE = 430
HELP = {
    WEIGHTS: "How the weights of each layer are spread. Training widens the spread; weights that explode run off.",
    GRADIENTS: "How the last step wanted to move the weights. All near zero in the first layers: vanishing gradients.",
}


def tab_view(shown: Shown) -> set[str]:
    """The view of the run that the open tab shows."""
    view = VIEWS.get(shown.tab)
    return {view} if view else set()


def tab_parts(session: Session, snapshot: Snapshot, shown: Shown, found: Curves) -> list[Part]:
    """The charts of the open tab, from left to right; `found` are the run's curves."""
    if shown.tab == OVERVIEW:
        matrix = snapshot.confusion is not None and shown.test
        return [
            _loss(snapshot, shown, found, "overview-loss"),
            (_matrix if matrix else _rate)(session, snapshot, shown, "overview-middle"),
            _histograms(snapshot, shown, "weights", "weight", "overview-weights"),
        ]
    if shown.tab == CURVES:
        loss = _loss(snapshot, shown, found, "curves-loss", shown.log_loss, shown.smoothing)
        rate = _rate(session, snapshot, shown, "curves-rate")
        return [loss, _accuracy(snapshot, shown, found, "curves-accuracy"), rate] if shown.test else [loss, rate]
    if shown.tab == CONFUSION:
        return [_matrix(session, snapshot, shown, "confusion", shown.normalise, LARGE)]
    view = VIEWS[shown.tab]
    return [_histograms(snapshot, shown, view, view.removesuffix("s"), view, LARGE)]


def live_tabs(session: Session, snapshot: Snapshot, shown: Shown) -> None:
    """Draw the tab that is open."""
    for name, tab in zip(shown.tabs, st.tabs(shown.tabs, key="live_tab", on_change="rerun"), strict=True):
        if tab.open:
            with tab:
                _options(name)
                parts = tab_parts(session, snapshot, shown, curves(snapshot))
                for column, part in zip(st.columns(len(parts)), parts, strict=True):
                    with column:
                        part.mount(snapshot.version)


def _options(tab: str) -> None:
    if tab == CURVES:
        with st.container(horizontal=True):
            st.toggle("Logarithmic loss", key="log_loss")
            st.slider("Smoothing", 0.0, 0.99, 0.0, 0.01, key="smoothing", width=220,
                      help="Averages the train curve over its past; the raw curve stays in grey.")  # fmt: skip
    elif tab == CONFUSION:
        st.toggle("Share of the true class", key="normalise", help="Percent of each row instead of counts.")
    elif tab in HELP:
        st.caption(HELP[tab])


def _loss(
    snapshot: Snapshot, shown: Shown, found: Curves, key: str, log_y: bool = False, smoothing: float = 0.0
) -> Part:
    train, test, _ = found
    if not len(train):
        return _nothing(key, "Press Train: the loss is drawn here.")
    if not shown.test:
        test = figures.Curve.of([], [])
    per_epoch = max(1, snapshot.batches_per_epoch)
    figure = figures.loss_curves(
        train, test, steps_per_epoch=per_epoch, log_y=log_y, smoothing=smoothing, theme=shown.theme,
        uirevision=_revision(snapshot, key),
    )  # fmt: skip
    return plot(figure, key=key, height=HEIGHT, alt=figures.loss_curves_alt(train, test, steps_per_epoch=per_epoch))


def _accuracy(snapshot: Snapshot, shown: Shown, found: Curves, key: str) -> Part:
    _, _, accuracy = found
    if snapshot.test_accuracy is None or not len(accuracy):
        return _nothing(key, "Accuracy needs classes.")
    per_epoch = max(1, snapshot.batches_per_epoch)
    figure = figures.accuracy_curves(
        None, accuracy, steps_per_epoch=per_epoch, theme=shown.theme, uirevision=_revision(snapshot, key)
    )
    return plot(
        figure, key=key, height=HEIGHT, alt=figures.accuracy_curves_alt(None, accuracy, steps_per_epoch=per_epoch)
    )


def _rate(session: Session, snapshot: Snapshot, shown: Shown, key: str) -> Part:
    found = snapshot.curves(100)
    if found is None or not len(found.learning_rates):
        return _nothing(key, "The learning rate of every step is drawn here.")
    per_epoch = max(1, snapshot.batches_per_epoch)
    steps = [*found.learning_rates[:, 0], snapshot.step]
    rates = [*found.learning_rates[:, 1], found.learning_rates[-1, 1]]
    curve = figures.Curve.of(steps, rates)
    figure = figures.learning_rate_curve(
        curve, steps_per_epoch=per_epoch, theme=shown.theme, uirevision=_revision(snapshot, key)
    )
    return plot(figure, key=key, height=HEIGHT, alt=figures.learning_rate_curve_alt(curve, steps_per_epoch=per_epoch))


def _matrix(
    session: Session, snapshot: Snapshot, shown: Shown, key: str, normalise: bool = False, height: int = HEIGHT
) -> Part:
    dataset = snapshot.dataset
    if dataset is None or snapshot.confusion is None or len(snapshot.confusion) != len(dataset.facts.class_names):
        return _nothing(key, "A confusion matrix needs classes; this set has numbers as targets.", height)
    names = dataset.facts.class_names
    figure = figures.confusion_matrix(
        snapshot.confusion, names, theme=shown.theme, normalise=normalise, uirevision=_revision(snapshot, key)
    )
    return plot(figure, key=key, height=height, alt=figures.confusion_matrix_alt(snapshot.confusion, names))


def _histograms(snapshot: Snapshot, shown: Shown, view: str, unit: str, key: str, height: int = HEIGHT) -> Part:
    looked = snapshot.views.get(view)
    if looked is None or not looked.data["names"]:
        return _nothing(key, f"The {unit}s of every layer are drawn here after the first step.", height)
    data = looked.data
    figure = figures.histograms(
        data["names"],
        data["edges"],
        data["counts"],
        unit_label=unit,
        theme=shown.theme,
        uirevision=_revision(snapshot, key),
    )
    alt = figures.histograms_alt(data["names"], data["edges"], data["counts"], unit_label=unit)
    return plot(figure, key=key, height=height, alt=alt)


def _nothing(key: str, message: str, height: int = HEIGHT) -> Part:
    return plot(figures.empty(message), key=key, height=height, alt=message)


def _revision(snapshot: Snapshot, key: str) -> str:
    """What the user's zoom belongs to: a new run starts with a fresh view."""
    return f"{key}-{snapshot.generation}"
