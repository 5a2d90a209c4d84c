"""The drawing of points: a plane to draw on, and patterns to start from. Any page may call `drawing_area`."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mlp_core.catalog import DATASETS
from mlp_core.catalog.parameters import Points
from mlp_core.data import load
from mlp_core.data.dataset import Dataset
from mlp_core.errors import UserError
from mlp_core.figures import class_colour, palette
from mlp_core.limits import MAX_DRAWN_POINTS
from mlp_core.spec import DataSpec, Experiment
from pages.components.drawing import drawing
from pages.shared import editor
from pages.shared.layout import theme
from pages.shared.link import hidden, locked

SET_OF = {"classification": "drawn", "regression": "drawn_values"}
"""The set of drawn points for each task."""
COPIED = 200
"""Points that a pattern starts a drawing with: enough to see it, and few enough to change by hand."""
_ANSWERED = "drawing_answered"
_PATTERN = "drawing_pattern"


def drawing_area() -> None:
    """The plane of the drawn set that the experiment has; draws nothing for another set."""
    data = editor.experiment().data
    parameter = points_of(data)
    if parameter is None or hidden(*parameter.controls):
        return
    classes = data.facts.class_names or None
    of_classes = [class_colour(index, theme()) for index in range(data.facts.classes)]
    drawing(
        data.params[parameter.name], names=classes, wall=parameter.wall, limit=MAX_DRAWN_POINTS,
        colours=of_classes or palette(theme()).surface, answered=st.session_state.get(_ANSWERED, 0),
        disabled=locked(*parameter.controls), key=f"drawing-{data.dataset}", on_drawn=_use,
    )  # fmt: skip
    if not locked(*parameter.controls):
        _patterns(data)


def points_of(data: DataSpec) -> Points | None:
    """The parameter that holds a set's drawn points; None for other sets."""
    return next((parameter for parameter in data.entry.parameters if isinstance(parameter, Points)), None)


def copy_button() -> None:
    """For a set of the plane that is not drawn: draw on from its points."""
    data = editor.experiment().data
    if not data.facts.plane or points_of(data) is not None or hidden("data", "dataset") or locked("data", "dataset"):
        return
    st.button(
        "Draw on", key="copy-to-drawing", icon=":material/draw:", on_click=_copy, args=(data,),
        help="Makes a set of drawn points that starts with these, for you to add to and erase from.",
    )  # fmt: skip


def _use(points: object, number: int) -> None:
    st.session_state[_ANSWERED] = number
    editor.set_param("data", "samples", points)


def _patterns(data: DataSpec) -> None:
    """Other sets of the plane to start from."""
    names = [
        name
        for name, entry in DATASETS.items()
        if entry.source == "generated" and (facts := DataSpec(dataset=name).facts).plane
        and facts.classifies == data.facts.classifies
    ]  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Start from", names, key=_PATTERN, format_func=lambda name: DATASETS[name].label,
            help=f"About {COPIED} points of another set, in place of those on the plane.",
        )  # fmt: skip
        st.button("Copy", key="copy-pattern", on_click=_copy_pattern)


def _copy_pattern() -> None:
    name = st.session_state.get(_PATTERN)
    if name in DATASETS:
        entry = DATASETS[name]
        _copy(DataSpec(dataset=name, params={**entry.fill({}), "points": COPIED}))


def _copy(source: DataSpec) -> None:
    """Make the points of a set of the plane a drawing."""
    try:
        params = copied(load(source))
    except UserError as error:
        editor.say("data", str(error))
        return

    def change(old: Experiment) -> Experiment:
        features = old.data.params.get("features", source.params["features"])
        name = SET_OF[source.facts.task]
        return old.updated(data=old.data.updated(dataset=name, params={**params, "features": features}))

    editor.edit("data", change)


def copied(dataset: Dataset) -> dict[str, object]:
    """The parameters of a drawing that holds the points of a set of the plane, the first `MAX_DRAWN_POINTS` of them."""
    assert dataset.points_train is not None
    assert dataset.points_test is not None
    parameter = DATASETS[SET_OF[dataset.facts.task]].parameter("samples")
    assert isinstance(parameter, Points)
    places = np.concatenate([dataset.points_train, dataset.points_test])
    targets = np.concatenate([dataset.y_train, dataset.y_test]).reshape(len(places), -1)[:, 0]
    scale = 1 if dataset.facts.classifies else 100
    places = np.clip(np.rint(100 * places), -parameter.wall, parameter.wall).astype(int)
    targets = np.clip(np.rint(scale * targets), parameter.target.low, parameter.target.high).astype(int)
    samples = np.c_[places, targets][:MAX_DRAWN_POINTS].tolist()
    return {"samples": samples} | ({"classes": dataset.facts.classes} if dataset.facts.classifies else {})
