"""The columns of a user's table: what each holds, what it is taken for, and which is predicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import streamlit as st

from mlp_core.catalog.facts import Task
from mlp_core.catalog.tables import DECIMALS, ENCODINGS, FILLS_OF, IGNORED, KINDS, MISSING, SEPARATORS, Column, Table
from mlp_core.data.column_choice import Choice, choose_columns
from mlp_core.data.faults import Fix, target_fixes
from mlp_core.data.inspection import ColumnSummary, Inspection, propose, with_kind, with_target
from mlp_core.errors import UserError
from mlp_core.figures import plain, readable
from pages.data.upload import read_again
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import locked
from pages.shared.own_table import adopt, fault_list, faults_of, fix_buttons, know

SHOWN_COLUMNS = 60
"""How many columns the preview of the rows has."""
BINS = 20
MANY_COLUMNS = 12
"""With more columns than this, they can be chosen by their names too."""
_CHOICES: dict[Choice, tuple[str, str]] = {
    "only": ("Use only these", ":material/filter_alt:"),
    "add": ("Add", ":material/add:"),
    "leave out": ("Leave out", ":material/remove:"),
}
"""For each thing that can be done with named columns: the label and the icon of its button."""

_WAYS = "table_ways"


def columns_area(table: Table, inspection: Inspection) -> None:
    """Target, task, and a row for every column with its kind."""
    file = table.file
    st.markdown(f"**{as_text(file.name)}**: {inspection.rows:,} rows, {len(inspection.columns):,} columns")
    fault_list(faults_of(editor.experiment().data))
    left, right = st.columns(2)
    names = list(inspection.layout.names)
    key, first = editor.start("table-target", table.target)
    left.selectbox(
        "Target", names, index=names.index(first), key=key, format_func=plain, disabled=locked("data"),
        on_change=_change(
            lambda: with_target(table, inspection, st.session_state[key]),
            lambda: target_fixes(inspection, table, st.session_state[key]),
        ),
        help="The column that the network learns to predict from the others.",
    )  # fmt: skip
    tasks = list(get_args(Task))
    task_key, task = editor.start("table-task", table.task)
    right.selectbox(
        "Task", tasks, index=tasks.index(task), key=task_key, disabled=locked("data"),
        on_change=_change(
            lambda: with_target(table, inspection, table.target, st.session_state[task_key]),
            lambda: target_fixes(inspection, table, table.target, st.session_state[task_key]),
        ),
        help="Classification predicts one of a few classes, regression a number.",
    )  # fmt: skip
    with st.expander("First rows"):
        rows = [row[:SHOWN_COLUMNS] for row in inspection.preview]
        st.dataframe(pd.DataFrame(rows, columns=[plain(name, 40) for name in names[:SHOWN_COLUMNS]]), hide_index=True)
        if len(names) > SHOWN_COLUMNS:
            st.caption(f"The first {SHOWN_COLUMNS} of {len(names):,} columns.")
    _kinds(table, inspection)


def _kinds(table: Table, inspection: Inspection) -> None:
    chosen = {column.name: column for column in table.features}
    others = [summary for name, summary in inspection.columns.items() if name != table.target]
    rows = [_row(summary, chosen.get(summary.name), inspection.rows) for summary in others]
    if len(others) > MANY_COLUMNS:
        _choose_by_name(table, inspection, len(others))
    key = editor.key("table-columns")

    def changed() -> Table:
        found = table
        for place, edit in st.session_state[key]["edited_rows"].items():
            name = others[int(place)].name
            if "kind" in edit:
                found = with_kind(found, inspection, name, edit["kind"] or IGNORED)
            if edit.get("missing cells"):
                found = _with_fill(found, name, edit["missing cells"])
        return found

    fixed = ["column", "missing", "different", "range", "distribution"]
    st.data_editor(
        pd.DataFrame(rows), key=key, hide_index=True, disabled=True if locked("data") else fixed,
        on_change=_change(changed),
        column_config={
            "kind": st.column_config.SelectboxColumn(options=[*KINDS, IGNORED], required=True, help="; ".join(
                f"{name}: {words}" for name, words in KINDS.items())),
            "missing cells": st.column_config.SelectboxColumn(options=sorted({f for fills in FILLS_OF.values() for f in
                fills}), help="What stands for a missing cell, by what the training part holds."),
            "distribution": st.column_config.BarChartColumn(),
        },
    )  # fmt: skip


def _choose_by_name(table: Table, inspection: Inspection, others: int) -> None:
    """A field for names, and what to do with the columns that it means."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key, first = editor.start("table-names", "")
        st.text_input(
            "Columns by name", first, key=key, disabled=locked("data"), placeholder="all, or: age, f1:f20, *_mean",
            help="Names or pieces of them, separated by commas; 'first:last' means all columns from one to another, "
            "\\* any text, ? any letter. Empty means all.",
        )  # fmt: skip
        for choice, (label, icon) in _CHOICES.items():
            st.button(
                label, icon=icon, key=f"table-{choice}", disabled=locked("data"),
                on_click=_change(
                    lambda choice=choice: choose_columns(table, inspection, st.session_state[key], choice)
                ),
            )  # fmt: skip
    st.caption(f"The network learns from {len(table.features):,} of {others:,} columns.")


def _row(summary: ColumnSummary, column: Column | None, rows: int) -> dict[str, Any]:
    kind = column.kind if column else IGNORED
    low, high = summary.low, summary.high
    if kind == "date":
        ends = [str(np.datetime64(int(day), "D")) for day in (low, high)]
    else:
        ends = [readable(end) for end in (low, high)] if summary.numbers else []
    return {
        "column": plain(summary.name, 60),
        "kind": kind,
        "missing cells": column.fill if column else None,
        "missing": summary.missing,
        "different": f"{summary.distinct:,}" if not summary.many else "many",
        "range": " to ".join(ends) if ends else ", ".join(plain(text, 16) for text, _ in _frequent(summary, 3)),
        "distribution": _distribution(summary),
    }


def _distribution(summary: ColumnSummary) -> list[int]:
    values = summary.values
    if len(values):
        return [int(count) for count in np.histogram(values, bins=BINS)[0]]
    return [count for _, count in _frequent(summary, BINS)]


def _frequent(summary: ColumnSummary, most: int) -> list[tuple[str, int]]:
    return [(text, count) for text, count in summary.texts.most_common(most + 1) if text not in MISSING][:most]


def _with_fill(table: Table, name: str, fill: str) -> Table:
    column = next((column for column in table.features if column.name == name), None)
    if column is None:
        raise UserError(f"The column {name!r} is ignored. Give it a kind first.")
    columns = [replace(column, missing=fill) if column.name == name else column for column in table.features]
    return replace(table, features=tuple(columns))


def reading_area(table: Table, inspection: Inspection) -> None:
    """How the file is read, to be put right where it was guessed wrong."""
    file = table.file
    if file.format != "csv":
        return
    with st.expander("How the file is read"):
        fields = st.columns(4)
        choices: list[tuple[str, str, tuple[Any, ...], Callable[[Any], str]]] = [
            ("encoding", "Encoding", ENCODINGS, str),
            ("separator", "Between cells", tuple(SEPARATORS), lambda mark: SEPARATORS[mark]),
            ("decimal", "Before decimals", tuple(DECIMALS), lambda mark: DECIMALS[mark]),
            ("header", "First line", (True, False), lambda named: "names the columns" if named else "is a row"),
        ]
        for place, (name, label, options, words) in zip(fields, choices, strict=True):
            key, first = editor.start(f"table-{name}", getattr(file, name))
            place.selectbox(
                label, options, index=options.index(first), key=key, format_func=words, disabled=locked("data"),
                on_change=_change(lambda key=key, name=name: _read_as(table, name, st.session_state[key])),
            )  # fmt: skip


def _read_as(table: Table, name: str, value: Any) -> Table:
    found = read_again(replace(table.file, **{name: value}))
    know(found)
    return propose(found, table.target if table.target in found.columns else None)


def refused_fixes() -> None:
    """Ways to have what was meant by a choice that was refused."""
    message, fixes = st.session_state.get(_WAYS, ("", ()))
    if message and message == editor.refusal("data"):
        fix_buttons(fixes, "refused")


def _change(make: Callable[[], Table], ways: Callable[[], tuple[Fix, ...]] = tuple) -> Callable[[], None]:
    """A callback that makes another table the experiment's, or leaves the reason of a refusal and ways around it."""

    def change() -> None:
        try:
            adopt(make())
        except UserError as error:
            editor.say("data", str(error))
            st.session_state[_WAYS] = str(error), ways()

    return editor.once(change)
