"""The table of runs, and which of them are selected: they stay so when the table shows others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import streamlit as st

from mlp_core.figures import plain
from mlp_core.store.runs import StoredRun
from mlp_core.store.settings import FIGURES, label_of
from pages.runs.choice import shown_columns

_SELECTED = "runs_selected"
MOST = 20
"""Runs that are compared at most."""
ROW_HEIGHT = 38
ACCURACIES = tuple(name for name in FIGURES if name.endswith("accuracy"))
TEXT = 60
"""Characters of a cell."""


def selected() -> list[str]:
    """The identities of the selected runs, in the order in which they were selected."""
    found: list[str] = st.session_state.setdefault(_SELECTED, [])
    return found


def select(runs: Sequence[str]) -> None:
    """Select these runs and no others."""
    st.session_state[_SELECTED] = list(runs)[:MOST]


def table(rows: Sequence[StoredRun]) -> None:
    """Draw it, a row per run."""
    identities = [run.id for run in rows]
    # Another key for other rows: the browser knows a selection by the places of its rows.
    marked = [place for place, run in enumerate(identities) if run in selected()]
    key = "runs-table-" + sha256("".join(identities).encode()).hexdigest()[:12]
    key += f"-{st.session_state.get('runs_table', 0)}"
    columns = shown_columns()
    st.dataframe(
        _cells(rows, columns), key=key, hide_index=True, row_height=ROW_HEIGHT, selection_mode="multi-row",
        on_select=lambda: _take(key, identities), column_config=_configuration(columns),
        selection_default={"selection": {"rows": marked}}, height=min(15, len(rows) + 1) * ROW_HEIGHT + 3,
    )  # fmt: skip


def forget_table() -> None:
    """Have the table drawn anew, with the selection that is ours."""
    st.session_state["runs_table"] = st.session_state.get("runs_table", 0) + 1


def _take(key: str, identities: Sequence[str]) -> None:
    state: Any = st.session_state.get(key)
    rows = [] if state is None else [place for place in state["selection"]["rows"] if 0 <= place < len(identities)]
    here = [identities[place] for place in rows]
    kept = [run for run in selected() if run not in identities or run in here]
    select([*kept, *(run for run in here if run not in kept)])


def _cells(rows: Sequence[StoredRun], columns: Sequence[str]) -> pa.Table:
    found: dict[str, Any] = {
        "star": pa.array(["★" if run.starred else "" for run in rows]),
        "curve": pa.array([list(run.thumbnail) for run in rows], type=pa.list_(pa.float32())),
        "name": pa.array([plain(run.label, TEXT) for run in rows]),
    }
    for column in columns:
        found[column] = _column(rows, column)
    found["started"] = pa.array([datetime.fromtimestamp(run.started, UTC) for run in rows], pa.timestamp("s", "UTC"))
    found["tags"] = pa.array([[plain(tag, TEXT) for tag in run.tags] for run in rows], type=pa.list_(pa.string()))
    return pa.table(found)


def _column(rows: Sequence[StoredRun], field: str) -> pa.Array:
    values = [(run.figures if field in FIGURES else run.settings).get(field) for run in rows]
    if field in ACCURACIES:
        return pa.array([None if value is None else 100 * float(value) for value in values], type=pa.float64())
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return pa.array([None if value is None else float(value) for value in values], type=pa.float64())
    return pa.array([None if value is None else plain(str(value), TEXT) for value in values])


def _configuration(columns: Sequence[str]) -> Mapping[str, Any]:
    column = st.column_config
    found: dict[str, Any] = {
        "star": column.TextColumn("★", width=40, help="Runs with a star are never removed to make room."),
        "curve": column.LineChartColumn("Training loss", width=110),
        "name": column.TextColumn("Run", width=220),
        "started": column.DatetimeColumn("When", format="distance"),
        "tags": column.ListColumn("Tags"),
    }
    for field in columns:
        if field in ACCURACIES:
            found[field] = column.NumberColumn(label_of(field), format="%.1f %%")
        elif field in FIGURES or field.rsplit(".", 1)[-1] not in ("type", "dataset", "preset", "network"):
            form = "localized" if field in ("step", "epoch", "samples", "best_step") else "%.4g"
            found[field] = column.Column(label_of(field)) if field not in FIGURES else column.NumberColumn(
                label_of(field), format=form
            )  # fmt: skip
        else:
            found[field] = column.TextColumn(label_of(field))
    return found
