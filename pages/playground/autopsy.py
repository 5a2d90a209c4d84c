"""What is shown when a loss broke: what happened, layer by layer, and the ways to go on."""

from __future__ import annotations

import math

import streamlit as st

from mlp_core.figures import readable
from mlp_core.health.autopsy import Autopsy
from mlp_core.spec import Experiment
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.figure_table import Cell, figure_table
from pages.shared import editor
from pages.shared.layout import as_text

SLOWER = 0.1
"""How many times the learning rate a run goes on with that went back."""
HEIGHT = 230
"""The height of the table of layers at the most, in pixels."""
_COLUMNS = (
    ("layer", "The layer as it stands in the network."),
    ("outputs before", "The norm of what it put out in the step before the first bad number was seen."),
    ("outputs then", "The norm of what it put out in the step after that."),
    ("weights before", "The norm of its weights and biases before the update in between."),
    ("weights then", "The same after that update."),
    ("gradient", "The norm of the gradient that the update was made from."),
)


def diverged(session: Session, snapshot: Snapshot) -> None:
    """What happened to a run whose loss broke, with remedies at one press."""
    found = snapshot.autopsy
    happened = "" if found is None else f" {found.sentence}"
    st.error(as_text(f"{snapshot.message}{happened}"), icon=":material/warning:")
    usual = editor.experiment().optimizer.entry.parameter("lr").default
    with st.container(horizontal=True):
        st.button(
            "Go back and continue at a tenth of the learning rate", key="go-back", icon=":material/undo:",
            type="primary", on_click=_go_back, args=(session,),
            help="Back to the last good state of this run; it goes on from there.",
        )  # fmt: skip
        st.button(
            f"Set the learning rate to {usual:g} and start over", key="fix-diverged", icon=":material/build:",
            on_click=_start_over_with, args=(session, usual),
        )  # fmt: skip
    if found is not None:
        with st.expander("Layer by layer, before and when it broke", icon=":material/troubleshoot:"):
            figure_table(
                _COLUMNS, _rows(found), alt=found.sentence, height=HEIGHT, key=f"autopsy-{snapshot.run}"
            ).mount(snapshot.version)  # fmt: skip


def _rows(found: Autopsy) -> list[list[Cell]]:
    return [
        [
            (one.title.removeprefix("layer "), _note(found) if one.path == found.path else "", ""),
            *map(_size, (one.activation, one.activation_after, one.weight, one.weight_after, one.gradient)),
        ]
        for one in found.layers
    ]


def _note(found: Autopsy) -> str:
    """What stands under the layer where it began."""
    sizes = (size for one in found.layers for size in (one.activation_after, one.weight_after, one.gradient))
    broke = found.place == "loss" or any(size is not None and not math.isfinite(size) for size in sizes)
    return "first bad number" if broke else "it began here"


def _size(value: float | None) -> Cell:
    return "–" if value is None else readable(value, 2)


def _go_back(session: Session) -> None:
    before = editor.experiment()
    editor.edit("controls", lambda old: _with_rate(old, float(f"{old.optimizer.params['lr'] * SLOWER:.6g}")))
    if editor.experiment() == before:
        return  # the link does not allow it, and the page says so
    slower = session.go_back(SLOWER)
    if slower is not None:
        editor.replace(slower)


def _start_over_with(session: Session, rate: float) -> None:
    editor.edit("controls", lambda old: _with_rate(old, rate))
    session.apply(editor.experiment())
    session.reset()


def _with_rate(old: Experiment, rate: float) -> Experiment:
    return old.updated(optimizer=old.optimizer.updated(params={**old.optimizer.params, "lr": rate}))
