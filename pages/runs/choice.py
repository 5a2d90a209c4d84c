"""Which runs the table shows, in which order, with which columns: the controls above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.figures import plain
from mlp_core.store.keeper import RunKeeper
from mlp_core.store.query import Condition, Operator, Query
from mlp_core.store.runs import StoredRun
from mlp_core.store.settings import FIGURES, NETWORK, SETTINGS, label_of
from pages.runs.files import taking
from pages.shared.layout import as_text

PAGE = 50
"""Rows of a page."""
USUAL_COLUMNS = ("data.dataset", NETWORK, "optimizer.type", "optimizer.lr", "step", "best_test_accuracy",
                 "best_test_loss")  # fmt: skip
SORTS = ("started", "name", *FIGURES)
_ORDER = {"started": "When", "name": "Name"}
_CONDITIONS, _OFFSET, _REFUSED, _FIELDS = "runs_conditions", "runs_offset", "runs_refused", "runs_fields"


def chosen_query() -> Query:
    """What the controls ask for."""
    state = st.session_state
    sort = state.get("runs_sort") or "started"
    return Query(
        words=state.get("runs_words") or "", conditions=tuple(state.get(_CONDITIONS, ())),
        starred=bool(state.get("runs_starred")), sort=sort, descending=bool(state.get("runs_descending", True)),
    )  # fmt: skip


def shown_columns() -> list[str]:
    """Settings and figures that have a column."""
    return list(st.session_state.get("runs_columns", USUAL_COLUMNS))


def controls(keeper: RunKeeper, rows: Sequence[StoredRun]) -> None:
    """Search, filter, order and columns."""
    known: dict[str, None] = st.session_state.setdefault(_FIELDS, dict.fromkeys((*FIGURES, *SETTINGS)))
    for run in rows:
        known.update(dict.fromkeys(run.settings))
    fields = list(known)
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs-controls"):
        st.text_input(
            "Search", key="runs_words", placeholder="name, tag, note, data set, optimizer…", on_change=_first_page,
            persist_state="session", max_chars=200,
        )  # fmt: skip
        st.selectbox(
            "Sort by", [*SORTS, *(field for field in fields if field not in SORTS)], key="runs_sort",
            format_func=lambda field: _ORDER.get(field) or label_of(field), on_change=_first_page,
            persist_state="session", width=220,
        )  # fmt: skip
        st.toggle("Descending", value=True, key="runs_descending", on_change=_first_page, persist_state="session")
        st.toggle("Starred", key="runs_starred", on_change=_first_page, persist_state="session")
        _filter(fields)
        with st.popover("Columns", icon=":material/view_column:"):
            st.multiselect(
                "Columns", fields, default=USUAL_COLUMNS, key="runs_columns", format_func=label_of,
                persist_state="session",
            )  # fmt: skip
        taking(keeper)
    _conditions()


def _filter(fields: Sequence[str]) -> None:
    count = len(st.session_state.get(_CONDITIONS, ()))
    with st.popover("Filter" + (f" ({count})" if count else ""), icon=":material/filter_alt:"):
        st.selectbox("Setting or figure", fields, key="runs_field", format_func=label_of)
        with st.container(horizontal=True):
            st.selectbox("Is", get_args(Operator), key="runs_operator", width=110)
            st.text_input("Value", key="runs_value", placeholder="0.1 or Tanh", max_chars=200)
        st.button("Add", key="runs-add-condition", on_click=_add, icon=":material/add:")
        if message := st.session_state.pop(_REFUSED, ""):
            st.error(as_text(message), icon=":material/block:")


def _conditions() -> None:
    """The conditions that hold, each with a way to take it out."""
    held: list[Condition] = st.session_state.get(_CONDITIONS, [])
    if held:
        with st.container(horizontal=True, key="runs-conditions"):
            for place, one in enumerate(held):
                st.button(
                    as_text(f"{label_of(one.field)} {one.operator} {plain(one.value, 40)}"), icon=":material/close:",
                    key=f"runs-condition-{place}", on_click=_remove, args=(one,), type="tertiary",
                    help="Take this condition out.",
                )  # fmt: skip


def _add() -> None:
    state = st.session_state
    try:
        one = Condition(state["runs_field"], state["runs_operator"], state["runs_value"].strip())
        held = [*state.get(_CONDITIONS, ()), one]
        Query(conditions=tuple(held))
    except UserError as error:
        state[_REFUSED] = str(error)
        return
    state[_CONDITIONS] = held
    _first_page()


def _remove(one: Condition) -> None:
    st.session_state[_CONDITIONS] = [other for other in st.session_state.get(_CONDITIONS, ()) if other != one]
    _first_page()


def _first_page() -> None:
    st.session_state[_OFFSET] = 0


def pager(total: int) -> tuple[int, int]:
    """The number of the first row of the page, and how many rows a page has."""
    first = max(0, min(int(st.session_state.get(_OFFSET, 0)), (total - 1) // PAGE * PAGE))
    st.session_state[_OFFSET] = first
    return first, PAGE


def turn_pages(total: int) -> None:
    """Buttons to the pages before and after this one; nothing where there is one only."""
    first: int = st.session_state.get(_OFFSET, 0)
    if total <= PAGE:
        return
    st.button("Newer", key="runs-before", icon=":material/chevron_left:", disabled=first == 0, on_click=_turn,
              args=(first - PAGE,), type="tertiary", help="The page before this one")  # fmt: skip
    st.caption(f"{first + 1:,}–{min(total, first + PAGE):,} of {total:,}")
    st.button("Older", key="runs-after", icon=":material/chevron_right:", disabled=first + PAGE >= total,
              on_click=_turn, args=(first + PAGE,), type="tertiary", help="The page after this one")  # fmt: skip


def _turn(first: int) -> None:
    st.session_state[_OFFSET] = max(0, first)
