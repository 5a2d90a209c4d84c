"""Undo and redo of edits of the experiment, and the list of them, on every page."""

from __future__ import annotations

from functools import partial

import streamlit as st

from mlp_core.edits import Edits
from mlp_core.errors import SpecError
from mlp_core.spec import Experiment
from pages.live import runs as browser
from pages.live.page import LivePage
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import refuse_locked

EDITS = "edits"
"""The area with the buttons."""
_LIST = "edits_list"


def possible() -> tuple[bool, bool]:
    """Whether there is something to undo, and to redo."""
    edits = browser.browser_runs().edits
    return edits.can_undo, edits.can_redo


def go(place: int, area: str = "controls") -> None:
    """Make the experiment what it was at a place of the list, or leave the reason why not to be shown in that area."""
    runs = browser.browser_runs()
    if not 0 <= place < len(runs.edits.entries):
        return
    wanted, now = runs.edits.entries[place].after, editor.experiment()
    try:
        refuse_locked(now, wanted)
    except SpecError as error:
        editor.say(area, str(error))
        return
    session = runs.session
    if session.experiment == now and session.before_operation == wanted:
        session.undo_operation()  # with the weights of before it
    runs.edits = runs.edits.moved(place)
    editor.replace(wanted, note=False)


def back_to(wanted: Experiment, area: str = "controls") -> None:
    """Go back to where the experiment was this, or make it so where the list no longer tells."""
    place = browser.browser_runs().edits.before(wanted)
    if place is None:
        editor.edit(area, lambda old: wanted)
    else:
        go(place, area)


def edit_row(page: LivePage | None = None) -> None:
    """Draw the buttons; on a page that moves as an area of it, so that an edit may draw them alone."""
    if page is None:
        _buttons()
    else:
        page.area(EDITS, _buttons)


def _buttons() -> None:
    edits = browser.browser_runs().edits
    with st.container(key="edits", horizontal=True, vertical_alignment="center", gap=None, width="content"):
        st.button("Undo", key="undo", icon=":material/undo:", type="tertiary", disabled=not edits.can_undo,
                  on_click=_step, args=(-1,), help="Undo the last edit (Ctrl + Z)")  # fmt: skip
        st.button("Redo", key="redo", icon=":material/redo:", type="tertiary", disabled=not edits.can_redo,
                  on_click=_step, args=(1,), help="Redo it (Ctrl + Shift + Z)")  # fmt: skip
        # An `on_change` of its own: the run that follows an opening is what is wanted.
        menu = st.popover("Edits", icon=":material/history:", key=_LIST, type="tertiary", on_change=lambda: None,
                          help="All edits, to go back to any")  # fmt: skip
        if menu.open:
            with menu:
                _list(edits)


def _list(edits: Edits) -> None:
    """The newest first, and the one that the experiment is at chosen."""
    if len(edits.entries) < 2:
        st.caption("Nothing was edited yet.")
        return
    key = f"edits-{edits.version}"
    st.radio(
        "Edits, the newest first", range(len(edits.entries) - 1, -1, -1), index=len(edits.entries) - 1 - edits.place,
        key=key, format_func=lambda place: as_text(edits.words(place)), on_change=partial(_choose, key, edits.version),
    )  # fmt: skip


def _step(by: int) -> None:
    go(browser.browser_runs().edits.place + by)
    st.rerun()


def _choose(key: str, version: int) -> None:
    if browser.browser_runs().edits.version == version:  # else it is a list that edits have changed since
        go(st.session_state[key])
    st.rerun()
