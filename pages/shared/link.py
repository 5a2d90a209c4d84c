"""The address of the page: it always holds the whole experiment, and may hide or lock controls for a class."""

from __future__ import annotations

import streamlit as st

from mlp_core import locks
from mlp_core.errors import SpecError
from mlp_core.link import HIDE, LOCK, Link, parse, query_of
from mlp_core.spec import Experiment

_LINK = "link"
_SAID = "link_said"
_TOO_LONG = "link_too_long"
_KEPT = "link_kept"


def open_link() -> Experiment | None:
    """Read the address that this browser came with, once; gives its experiment, if it has a good one."""
    if _LINK in st.session_state:
        return None
    try:
        found = parse({name: st.query_params[name] for name in st.query_params})
        said = list(found.notes)
    except SpecError as error:
        found, said = Link(), [f"{error} The default experiment is shown instead."]
    st.session_state[_LINK], st.session_state[_SAID] = found, said
    return found.experiment


def show_notes() -> None:
    """Say what was wrong with the link, until the reader closes it."""
    if too_long := st.session_state.get(_TOO_LONG):
        st.info(f"The address of this page does not hold the experiment. {too_long}", icon=":material/link_off:")
    said: list[str] = st.session_state.get(_SAID, [])
    if said:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(" ".join(said), icon=":material/link_off:")
            st.button("Close", key="close-link-notes", on_click=said.clear)


def keep_in_address(query: dict[str, str]) -> None:
    """In a run of a page: have its address hold this, and no experiment."""
    st.session_state[_KEPT] = query


def write_link(experiment: Experiment) -> None:
    """Put the experiment into the address; one that is too long for a link is left out, which the page says."""
    kept = st.session_state.pop(_KEPT, None)
    if kept is not None:
        if st.query_params.to_dict() != kept:
            st.query_params.from_dict(kept)
        return
    try:
        wanted = query_of(experiment, _link().hide, _link().lock)
        st.session_state.pop(_TOO_LONG, None)
    except SpecError as error:
        wanted = {key: st.query_params[key] for key in (HIDE, LOCK) if key in st.query_params}
        st.session_state[_TOO_LONG] = str(error)
    if {name: st.query_params[name] for name in st.query_params} != wanted:
        st.query_params.from_dict(wanted)


def hidden(*controls: str) -> bool:
    """Whether the link hides one of these controls."""
    return not _link().hide.isdisjoint(controls)


def locked(*controls: str) -> bool:
    """Whether the link locks one of these controls."""
    return not _link().lock.isdisjoint(controls)


def came_for_experiment() -> bool:
    """Whether this browser came with a link to an experiment, and not to look around."""
    return _link().experiment is not None


def refuse_locked(old: Experiment, new: Experiment) -> None:
    """Raise `SpecError` if something that the link locks would change."""
    locks.refuse_locked(old, new, _link().lock)


def _link() -> Link:
    found: Link = st.session_state.get(_LINK) or Link()
    return found
