"""The parameters of what is tried out: as they are chosen, and a field for each."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mlp_core.catalog.entry import Entry
from mlp_core.errors import SpecError
from mlp_core.spec import Experiment
from pages.shared.editor import start_over
from pages.shared.layout import as_text
from pages.shared.widgets import parameter_widget

PICTURE_EPOCHS = 5
"""Epochs of a run on images that would train until paused."""
_CHOSEN, _REFUSED = "tune_chosen", "tune_refused"


def parameters(entry: Entry, **usual: Any) -> dict[str, Any]:
    """The parameters of an entry as they are chosen, `usual` where nothing is; draws nothing."""
    return entry.fill({**usual, **_held().get(entry.name, {})})


def usual_epochs(experiment: Experiment) -> dict[str, Any]:
    """How long a run of it trains where nobody has chosen: as long as it says, or a few passes over pictures."""
    epochs = experiment.training.epochs or (PICTURE_EPOCHS if experiment.data.facts.holds_images else None)
    return {} if epochs is None else {"epochs": epochs}


def fields(entry: Entry, current: dict[str, Any], width: int = 118) -> None:
    """Draw a field for each."""
    for parameter in entry.parameters:
        parameter_widget(
            parameter, current[parameter.name], f"tune-{entry.name}-{parameter.name}",
            lambda value, name=parameter.name: _set(entry, name, value), width=width,
        )  # fmt: skip


def refuse(message: str) -> None:
    """Say on the next drawing why something was not done."""
    st.session_state[_REFUSED] = message


def refusal() -> None:
    """Draw why the last value was not taken, where it was not."""
    if found := st.session_state.get(_REFUSED, ""):
        st.error(as_text(found), icon=":material/block:")


def _set(entry: Entry, name: str, value: Any) -> None:
    try:
        taken = entry.parameter(name).check(value, entry.label)
    except SpecError as error:
        refuse(error.on_page())
        start_over()
        return
    held = _held()
    st.session_state[_CHOSEN] = {**held, entry.name: {**held.get(entry.name, {}), name: taken}}
    refuse("")


def _held() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = st.session_state.get(_CHOSEN, {})
    return found
