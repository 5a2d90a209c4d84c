"""What is said of the runs as a whole: how many there are, what is not saved yet, and which go next to make room."""

from __future__ import annotations

import streamlit as st

from mlp_core.store.keeper import RunKeeper
from mlp_core.store.query import Query
from mlp_core.store.runs import Room
from pages.runs.choice import turn_pages
from pages.shared.layout import as_text
from pages.shared.numbers import size_in_bytes
from pages.shared.verdict import PLAYGROUND_PAGE

SOON = 0.9
"""The share of the room from which on it is said which runs go next."""
_DELETED = "runs_deleted"


def nothing_kept(why: str) -> None:
    """Say why there are no runs here; training works all the same."""
    st.info(f"{why} Training works all the same.", icon=":material/database_off:")


def notes(keeper: RunKeeper, room: Room, total: int, query: Query) -> None:
    """Draw what there is to say."""
    narrowed = query.words or query.conditions or query.starred
    with st.container(horizontal=True, vertical_alignment="center", key="runs-notes"):
        if room.runs:
            shown = f"{total:,} of {room.runs:,} runs" if narrowed else f"{room.runs:,} run{'s' * (room.runs != 1)}"
            st.caption(f"{shown}, {size_in_bytes(room.bytes)}.")
        turn_pages(total)
        if deleted := st.session_state.get(_DELETED):
            st.button(
                f"Undo deleting {len(deleted)}", key="runs-undo", icon=":material/undo:", on_click=_restore,
                args=(keeper,), type="tertiary",
            )  # fmt: skip
    if not room.runs:
        st.info("Every run that trains is kept here by itself. Train one, and it appears.", icon=":material/list_alt:")
        st.page_link(str(PLAYGROUND_PAGE), label="Go to the Playground", icon=":material/arrow_back:")
    elif not total:
        st.info("No run fits the search. Take a condition out, or search for other words.", icon=":material/search:")
    _about_room(room)
    unsaved(keeper)


def _about_room(room: Room) -> None:
    if room.share < SOON:
        return
    if not room.next_to_go:
        st.warning("The room for runs is nearly full, and every run has a star. Delete runs, or remove stars; else new "
                   "ones are not kept.", icon=":material/inventory_2:")  # fmt: skip
        return
    count = len(room.next_to_go)
    which = "The oldest run without a star goes" if count == 1 else f"The oldest {count} runs without a star go"
    limits = f"{room.most_runs:,} runs or {size_in_bytes(room.most_bytes)}"
    st.warning(
        f"{which} when there are more than {limits}: {as_text(', '.join(room.next_to_go))}. Give a star to what should "
        "stay.", icon=":material/inventory_2:",
    )  # fmt: skip


def unsaved(keeper: RunKeeper) -> None:
    """What is not saved yet and why; nothing where all is."""
    waiting = keeper.waiting
    if waiting.reason:
        st.warning(as_text(waiting.sentence), icon=":material/sync_problem:")
    if waiting.given_up:
        st.warning(f"{waiting.given_up} runs could not be kept.", icon=":material/sync_problem:")


def delete(keeper: RunKeeper, runs: list[str]) -> None:
    """Delete runs, and remember them for an undo."""
    keeper.queue.store.delete(keeper.owner, runs)
    st.session_state[_DELETED] = runs


def _restore(keeper: RunKeeper) -> None:
    keeper.queue.store.restore(keeper.owner, st.session_state.pop(_DELETED, []))
