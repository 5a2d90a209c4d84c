"""The output area: what the network makes of the data now."""

from __future__ import annotations

import streamlit as st

from mlp_core import figures
from mlp_core.data import EXTENT
from mlp_core.data.dataset import Dataset
from mlp_core.limits import SHOWN_SAMPLES
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.image_grid import image_grid, image_store
from pages.components.live_plot import plot
from pages.components.part import Part
from pages.shared import experiment as edit
from pages.shared.shown import POINTS, Shown

HEIGHT = 370
TABLE_SECONDS = 0.5
AXES = ("x₁", "x₂")
IMAGES = "sample_images"


def send_images(session: Session) -> None:
    """Hand the sample images to the browser once; call outside the part of the page that ticks."""
    dataset = session.snapshot().dataset
    if dataset is not None and len(dataset.facts.sample_shape) == 3:
        image_store(dataset.x_test[:SHOWN_SAMPLES], key=_store_key(dataset))


def output_panel(session: Session, snapshot: Snapshot, shown: Shown) -> None:
    """Draw the area."""
    st.subheader("Output", anchor=False)
    send_images(session)
    if (part := output(session, snapshot, shown)) is not None:
        part.mount(snapshot.version)
    else:
        sample_table(session, snapshot)
    if edit.experiment().data.facts.plane:
        plane_options()


def output_view(session: Session) -> set[str]:
    """The view of the run that the output shows."""
    dataset = session.snapshot().dataset
    if dataset is None:
        return set()
    if dataset.facts.plane:
        return {"boundary"}
    return {"regression" if dataset.facts.task == "regression" else "samples"}


def as_table(dataset: Dataset) -> bool:
    """Whether a data set's predictions are shown as rows, by `sample_table`."""
    classes = dataset.facts.task == "classification"
    return classes and len(dataset.facts.sample_shape) == 1 and not dataset.facts.plane


def output(session: Session, snapshot: Snapshot, shown: Shown) -> Part | None:
    """What the network makes of the data; None for tables of classes, which `sample_table` draws."""
    dataset = snapshot.dataset
    if dataset is None:
        return _nothing("The data appears here as soon as it is loaded.")
    if dataset.facts.plane:
        return _plane(snapshot, dataset, shown)
    if dataset.facts.task == "regression":
        return _predicted_against_actual(snapshot, dataset, shown)
    return None if as_table(dataset) else _images(snapshot, dataset)


def _nothing(message: str) -> Part:
    return plot(figures.empty(message), key="output-empty", height=HEIGHT, alt=message)


def _plane(snapshot: Snapshot, dataset: Dataset, shown: Shown) -> Part:
    assert dataset.points_train is not None
    assert dataset.points_test is not None
    looked = snapshot.views.get("boundary")
    data = looked.data if looked is not None else {}
    grid = data.get("grid")
    drawn = {"theme": shown.theme, "uirevision": f"plane-{dataset.spec.dataset}"}
    if dataset.facts.class_names:
        labels = {"train_labels": dataset.y_train, "test_labels": dataset.y_test}
        figure = figures.decision_boundary(
            grid, (*EXTENT, *EXTENT), train_points=dataset.points_train, test_points=dataset.points_test, **labels,
            class_names=dataset.facts.class_names, confidence=data.get("confidence"), show=shown.points,
            discretise=shown.discretise, axis_names=AXES, **drawn,
        )  # fmt: skip
        alt = figures.decision_boundary_alt(
            grid, class_names=dataset.facts.class_names, show=shown.points, axis_names=AXES, **labels
        )
    else:
        given = {
            "train_points": dataset.points_train, "train_values": dataset.y_train[:, 0],
            "test_points": dataset.points_test, "test_values": dataset.y_test[:, 0],
            "show": shown.points, "discretise": shown.discretise, "axis_names": AXES,
        }  # fmt: skip
        figure = figures.regression_surface(grid, (*EXTENT, *EXTENT), **given, limits=(-1.0, 1.0), **drawn)
        alt = figures.regression_surface_alt(grid, **given)
    return plot(figure, key="output-plane", height=HEIGHT, alt=alt)


def plane_options() -> None:
    """The switches under a plane; drawn outside the part of the page that ticks."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Points", list(POINTS), key="show_points", default="both", label_visibility="collapsed",
            help="Which points are drawn. Training points are full, test points hollow.",
        )  # fmt: skip
        st.toggle(
            "Discretise",
            key="discretise",
            help="Classes: show only which wins, not how sure the network is. Values: show bands.",
        )


def _predicted_against_actual(snapshot: Snapshot, dataset: Dataset, shown: Shown) -> Part:
    looked = snapshot.views.get("regression")
    facts = dataset.facts
    if looked is None:
        return _nothing("Predictions appear here as soon as the network is built.")
    actual, predicted = zip(looked.data["train"], looked.data["test"], strict=True)
    figure = figures.predicted_vs_actual(
        actual, predicted, split_names=("train", "test"), unit=facts.target_unit, theme=shown.theme,
        uirevision=f"regression-{dataset.spec.dataset}",
    )  # fmt: skip
    alt = figures.predicted_vs_actual_alt(actual, predicted, unit=facts.target_unit)
    return plot(figure, key="output-regression", height=HEIGHT, alt=alt)


def _images(snapshot: Snapshot, dataset: Dataset) -> Part:
    looked = snapshot.views.get("samples")
    if looked is None:
        return _nothing("Predictions appear here as soon as the network is built.")
    return image_grid(
        _store_key(dataset),
        predictions=looked.data["predicted"],
        truths=looked.data["true"],
        probabilities=looked.data["probability"],
        class_names=dataset.facts.class_names,
        key="output-images",
    )


def sample_table(session: Session, drawn: Snapshot) -> None:
    """Predictions for the first test rows of a table, in a fragment of its own while the session is busy."""

    def tick() -> None:
        now = session.snapshot()
        dataset, looked = now.dataset, now.views.get("samples")
        if dataset is None or looked is None:
            st.caption("Predictions appear here as soon as the network is built.")
            return
        guesses, true, chances = (looked.data[name] for name in ("predicted", "true", "probability"))
        st.dataframe(
            {
                "predicted": [dataset.facts.class_names[i] for i in guesses],
                "true": [dataset.facts.class_names[i] for i in true],
                "sure": [f"{chance:.0%}" for chance in chances],
                "": ["✓" if guess == label else "✗" for guess, label in zip(guesses, true, strict=True)],
            },
            hide_index=True,
            height=HEIGHT,
            key="output-rows",
        )

    st.fragment(tick, run_every=TABLE_SECONDS if drawn.busy else None, key="live-rows")()


def _store_key(dataset: Dataset) -> str:
    return f"{IMAGES}-{dataset.spec.dataset}"
