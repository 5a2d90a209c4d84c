"""The live tabs under the three areas: curves, confusion matrix, histograms."""

from __future__ import annotations

import streamlit as st

from mlp_core import figures
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.live_plot import plot
from pages.components.part import Part
from pages.shared.layout import theme
from pages.shared.link import hidden
from pages.shared.live import curves

HEIGHT = 255
OVERVIEW, CURVES, CONFUSION, WEIGHTS, GRADIENTS = "Overview", "Curves", "Confusion matrix", "Weights", "Gradients"


VIEWS = {OVERVIEW: "weights", WEIGHTS: "weights", GRADIENTS: "gradients"}
LARGE = 430
HELP = {
    WEIGHTS: "How the weights of each layer are spread. Training widens the spread; weights that explode run off.",
    GRADIENTS: "How the last step wanted to move the weights. All near zero in the first layers: vanishing gradients.",
}


def open_tab() -> str:
    """The name of the tab that is open."""
    chosen = st.session_state.get("live_tab") or OVERVIEW
    return OVERVIEW if chosen in _hidden_tabs() else chosen


def _hidden_tabs() -> tuple[str, ...]:
    return (CONFUSION,) if hidden("test") else ()


def tab_view() -> set[str]:
    """The view of the run that the open tab shows."""
    view = VIEWS.get(open_tab())
    return {view} if view else set()


def tab_parts(session: Session, snapshot: Snapshot) -> list[Part]:
    """The charts of the open tab, from left to right."""
    tab = open_tab()
    if tab == OVERVIEW:
        middle = _rate if snapshot.confusion is None or hidden("test") else _matrix
        return [
            _loss(session, snapshot, "overview-loss"),
            middle(session, snapshot, "overview-middle"),
            _histograms(snapshot, "weights", "weight", "overview-weights"),
        ]
    if tab == CURVES:
        log_y, smoothing = st.session_state.get("log_loss", False), st.session_state.get("smoothing", 0.0)
        loss, rate = _loss(session, snapshot, "curves-loss", log_y, smoothing), _rate(session, snapshot, "curves-rate")
        return [loss, rate] if hidden("test") else [loss, _accuracy(session, snapshot, "curves-accuracy"), rate]
    if tab == CONFUSION:
        return [_matrix(session, snapshot, "confusion", bool(st.session_state.get("normalise")), LARGE)]
    view = VIEWS[tab]
    return [_histograms(snapshot, view, view.removesuffix("s"), view, LARGE)]


def live_tabs(session: Session, snapshot: Snapshot) -> None:
    """Draw the tab that is open."""
    names = [name for name in (OVERVIEW, CURVES, CONFUSION, WEIGHTS, GRADIENTS) if name not in _hidden_tabs()]
    for name, tab in zip(names, st.tabs(names, key="live_tab", on_change="rerun"), strict=True):
        if tab.open:
            with tab:
                _options(name)
                parts = tab_parts(session, snapshot)
                for column, part in zip(st.columns(len(parts)), parts, strict=True):
                    with column:
                        part.mount()


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


def _loss(session: Session, snapshot: Snapshot, key: str, log_y: bool = False, smoothing: float = 0.0) -> Part:
    train, test, _ = curves(session)
    if not len(train):
        return _nothing(key, "Press Train: the loss is drawn here.")
    if hidden("test"):
        test = figures.Curve.of([], [])
    per_epoch = max(1, snapshot.batches_per_epoch)
    figure = figures.loss_curves(
        train, test, steps_per_epoch=per_epoch, log_y=log_y, smoothing=smoothing, theme=theme(),
        uirevision=_revision(snapshot, key),
    )  # fmt: skip
    return plot(figure, key=key, height=HEIGHT, alt=figures.loss_curves_alt(train, test, steps_per_epoch=per_epoch))


def _accuracy(session: Session, snapshot: Snapshot, key: str) -> Part:
    _, _, accuracy = curves(session)
    if snapshot.test_accuracy is None or not len(accuracy):
        return _nothing(key, "Accuracy needs classes.")
    per_epoch = max(1, snapshot.batches_per_epoch)
    figure = figures.accuracy_curves(
        None, accuracy, steps_per_epoch=per_epoch, theme=theme(), uirevision=_revision(snapshot, key)
    )
    return plot(
        figure, key=key, height=HEIGHT, alt=figures.accuracy_curves_alt(None, accuracy, steps_per_epoch=per_epoch)
    )


def _rate(session: Session, snapshot: Snapshot, key: str) -> Part:
    found = session.curves(100)
    if found is None or not len(found.learning_rates):
        return _nothing(key, "The learning rate of every step is drawn here.")
    per_epoch = max(1, snapshot.batches_per_epoch)
    steps = [*found.learning_rates[:, 0], snapshot.step]
    rates = [*found.learning_rates[:, 1], found.learning_rates[-1, 1]]
    curve = figures.Curve.of(steps, rates)
    figure = figures.learning_rate_curve(
        curve, steps_per_epoch=per_epoch, theme=theme(), uirevision=_revision(snapshot, key)
    )
    return plot(figure, key=key, height=HEIGHT, alt=figures.learning_rate_curve_alt(curve, steps_per_epoch=per_epoch))


def _matrix(session: Session, snapshot: Snapshot, key: str, normalise: bool = False, height: int = HEIGHT) -> Part:
    dataset = session.dataset
    if dataset is None or snapshot.confusion is None or len(snapshot.confusion) != len(dataset.class_names):
        return _nothing(key, "A confusion matrix needs classes; this set has numbers as targets.", height)
    names = dataset.class_names
    figure = figures.confusion_matrix(
        snapshot.confusion, names, theme=theme(), normalise=normalise, uirevision=_revision(snapshot, key)
    )
    return plot(figure, key=key, height=height, alt=figures.confusion_matrix_alt(snapshot.confusion, names))


def _histograms(snapshot: Snapshot, view: str, unit: str, key: str, height: int = HEIGHT) -> Part:
    looked = snapshot.views.get(view)
    if looked is None or not looked.data["names"]:
        return _nothing(key, f"The {unit}s of every layer are drawn here after the first step.", height)
    data = looked.data
    figure = figures.histograms(
        data["names"],
        data["edges"],
        data["counts"],
        unit_label=unit,
        theme=theme(),
        uirevision=_revision(snapshot, key),
    )
    alt = figures.histograms_alt(data["names"], data["edges"], data["counts"], unit_label=unit)
    return plot(figure, key=key, height=height, alt=alt)


def _nothing(key: str, message: str, height: int = HEIGHT) -> Part:
    return plot(figures.empty(message), key=key, height=height, alt=message)


def _revision(snapshot: Snapshot, key: str) -> str:
    """What the user's zoom belongs to: a new run starts with a fresh view."""
    return f"{key}-{snapshot.generation}"
