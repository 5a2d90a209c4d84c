"""What the reader has chosen to search, and how: kept for the browser's whole visit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from mlp_core.catalog.sweep import SWEEP
from mlp_core.errors import SpecError
from mlp_core.limits import MAX_SWEEP_SETTINGS
from mlp_core.settings import Setting, settings_of
from mlp_core.spec import Experiment
from mlp_core.sweep.usual import usual_form

_SPACE = "sweep_space"
_OPTIONS = "sweep_options"
_REFUSED = "sweep_refused"
_REVISION = "sweep_revision"
FIRST = ("optimizer.lr",)
"""Settings that a new space holds."""


SHOWN, NEW = "sweep_shown", "new"
"""Which sweep the page shows, and what stands for one that is still to begin."""


def show_new() -> None:
    """Show what a new sweep searches."""
    st.session_state[SHOWN] = NEW


def forms() -> dict[str, dict[str, Any]]:
    """The forms of the settings to search, by their paths."""
    found: dict[str, dict[str, Any]] = st.session_state.get(_SPACE, {})
    return found


def known(experiment: Experiment) -> dict[str, Setting]:
    """The settings that may be searched, given which types are."""
    types = {path.removesuffix(".type"): form["choices"] for path, form in forms().items()
             if path.endswith(".type") and isinstance(form.get("choices"), list) and form["choices"]}  # fmt: skip
    return settings_of(experiment, types)


def settle(experiment: Experiment) -> list[str]:
    """Begin with a usual space, and leave out what this experiment has not; gives the paths that were left out."""
    if _SPACE not in st.session_state:
        for path in FIRST:
            add(experiment, path)
    found = known(experiment)
    gone = [path for path in forms() if path not in found]
    for path in gone:
        forms().pop(path)
    return gone


def add(experiment: Experiment, path: str) -> None:
    """Search one more setting, in its usual range."""
    found = known(experiment)
    if path in found and path not in forms() and len(forms()) < MAX_SWEEP_SETTINGS:
        st.session_state[_SPACE] = {**forms(), path: usual_form(found[path], experiment)}
        refresh()


def remove(path: str) -> None:
    """Do not search a setting any more."""
    st.session_state[_SPACE] = {other: form for other, form in forms().items() if other != path}


def set_form(path: str, form: Mapping[str, Any]) -> None:
    """Search a setting in this."""
    st.session_state[_SPACE] = {**forms(), path: dict(form)}


def refresh() -> None:
    """Have the widgets start over with what is chosen."""
    st.session_state[_REVISION] = st.session_state.get(_REVISION, 0) + 1


def key(name: str) -> str:
    """The key of a widget that shows a part of the choice."""
    return f"sweep-{name}--{st.session_state.get(_REVISION, 0)}"


def options() -> dict[str, Any]:
    """How it is searched, by the names of `SWEEP`."""
    return SWEEP.fill(st.session_state.get(_OPTIONS, {}))


def set_option(name: str, value: Any) -> None:
    """Take a value, or say why not; the one before stays then."""
    try:
        SWEEP.parameter(name).check(value, "the sweep")
    except SpecError as error:
        st.session_state[_REFUSED] = error.on_page()
        refresh()
    else:
        st.session_state[_OPTIONS] = {**st.session_state.get(_OPTIONS, {}), name: value}
        st.session_state[_REFUSED] = ""


def refusal() -> str:
    """Why the last value was not taken; '' where it was."""
    found: str = st.session_state.get(_REFUSED, "")
    return found
