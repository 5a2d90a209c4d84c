"""The live tabs under the three areas: curves, confusion matrix, histograms."""

from __future__ import annotations

import streamlit as st

from mlp_core import figures
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.live_plot import live_plot
from pages.shared.layout import theme
from pages.shared.live import curves

HEIGHT = 255
OVERVIEW, CURVES, CONFUSION, WEIGHTS, GRADIENTS = "Overview", "Curves", "Confusion matrix", "Weights", "Gradients"


VIEWS = {OVERVIEW: "weights", WEIGHTS: "weights", GRADIENTS: "gradients"}


def tab_view(session: Session) -> set[str]:
    """The view of the run that the open tab shows."""
    view = VIEWS.get(st.session_state.get("live_tab") or OVERVIEW)
    return {view} if view else set()


def live_tabs(session: Session, snapshot: Snapshot) -> None:
    """Draw the tab that is open."""
    tabs = st.tabs([OVERVIEW, CURVES, CONFUSION, WEIGHTS, GRADIENTS], key="live_tab", on_change="rerun")
    for tab, draw in zip(tabs, (_overview, _curves, _confusion, _weights, _gradients), strict=True):
        if tab.open:
            with tab:
                draw(session, snapshot)


def _overview(session: Session, snapshot: Snapshot) -> None:
    left, middle, right = st.columns(3)
    with left:
        _loss(session, snapshot, "overview-loss")
    with middle:
        if snapshot.confusion is not None:
            _matrix(session, snapshot, "overview-confusion", normalise=False)
        else:
            _learning_rate(session, snapshot, "overview-rate")
    with right:
        _histograms(snapshot, "weights", "weight", "overview-weights")


def _curves(session: Session, snapshot: Snapshot) -> None:
    with st.container(horizontal=True):
        st.toggle("Logarithmic loss", key="log_loss")
        st.slider("Smoothing", 0.0, 0.99, 0.0, 0.01, key="smoothing", width=220,
                  help="Averages the train curve over its past; the raw curve stays in grey.")  # fmt: skip
    left, middle, right = st.columns(3)
    with left:
        _loss(session, snapshot, "curves-loss", st.session_state.log_loss, st.session_state.smoothing)
    with middle:
        _accuracy(session, snapshot, "curves-accuracy")
    with right:
        _learning_rate(session, snapshot, "curves-rate")


def _confusion(session: Session, snapshot: Snapshot) -> None:
    if snapshot.confusion is None:
        st.caption("A confusion matrix needs classes, and this data set has numbers as targets.")
        return
    normalise = st.toggle("Share of the true class", key="normalise", help="Percent of each row instead of counts.")
    _matrix(session, snapshot, "confusion", normalise=normalise, height=440)


def _weights(session: Session, snapshot: Snapshot) -> None:
    st.caption("How the weights of each layer are spread. Training widens the spread; weights that explode run off.")
    _histograms(snapshot, "weights", "weight", "weights", height=420)


def _gradients(session: Session, snapshot: Snapshot) -> None:
    st.caption("How the last step wanted to move the weights. All near zero in the first layers: vanishing gradients.")
    _histograms(snapshot, "gradients", "gradient", "gradients", height=420)


def _loss(session: Session, snapshot: Snapshot, key: str, log_y: bool = False, smoothing: float = 0.0) -> None:
    train, test, _ = curves(session)
    if not len(train):
        _nothing(key, "Press Train: the loss is drawn here.")
        return
    per_epoch = max(1, snapshot.batches_per_epoch)
    figure = figures.loss_curves(
        train, test, steps_per_epoch=per_epoch, log_y=log_y, smoothing=smoothing, theme=theme(),
        uirevision=_revision(snapshot, key),
    )  # fmt: skip
    live_plot(figure, key=key, height=HEIGHT, alt=figures.loss_curves_alt(train, test, steps_per_epoch=per_epoch))


def _accuracy(session: Session, snapshot: Snapshot, key: str) -> None:
    _, _, accuracy = curves(session)
    if snapshot.test_accuracy is None or not len(accuracy):
        _nothing(key, "Accuracy needs classes.")
        return
    per_epoch = max(1, snapshot.batches_per_epoch)
    figure = figures.accuracy_curves(
        None, accuracy, steps_per_epoch=per_epoch, theme=theme(), uirevision=_revision(snapshot, key)
    )
    live_plot(
        figure, key=key, height=HEIGHT, alt=figures.accuracy_curves_alt(None, accuracy, steps_per_epoch=per_epoch)
    )


def _learning_rate(session: Session, snapshot: Snapshot, key: str) -> None:
    found = session.curves(100)
    if found is None or not len(found.learning_rates):
        _nothing(key, "The learning rate of every step is drawn here.")
        return
    per_epoch = max(1, snapshot.batches_per_epoch)
    steps = [*found.learning_rates[:, 0], snapshot.step]
    rates = [*found.learning_rates[:, 1], found.learning_rates[-1, 1]]
    curve = figures.Curve.of(steps, rates)
    figure = figures.learning_rate_curve(
        curve, steps_per_epoch=per_epoch, theme=theme(), uirevision=_revision(snapshot, key)
    )
    live_plot(figure, key=key, height=HEIGHT, alt=figures.learning_rate_curve_alt(curve, steps_per_epoch=per_epoch))


def _matrix(session: Session, snapshot: Snapshot, key: str, *, normalise: bool, height: int = HEIGHT) -> None:
    dataset = session.dataset
    if dataset is None or snapshot.confusion is None or len(snapshot.confusion) != len(dataset.class_names):
        return
    names = dataset.class_names
    figure = figures.confusion_matrix(
        snapshot.confusion, names, theme=theme(), normalise=normalise, uirevision=_revision(snapshot, key)
    )
    live_plot(figure, key=key, height=height, alt=figures.confusion_matrix_alt(snapshot.confusion, names))


def _histograms(snapshot: Snapshot, view: str, unit: str, key: str, height: int = HEIGHT) -> None:
    looked = snapshot.views.get(view)
    if looked is None or not looked.data["names"]:
        _nothing(key, f"The {unit}s of every layer are drawn here after the first step.", height)
        return
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
    live_plot(figure, key=key, height=height, alt=alt)


def _nothing(key: str, message: str, height: int = HEIGHT) -> None:
    live_plot(figures.empty(message), key=key, height=height, alt=message)


def _revision(snapshot: Snapshot, key: str) -> str:
    """What the user's zoom belongs to: a new run starts with a fresh view."""
    return f"{key}-{snapshot.generation}"
