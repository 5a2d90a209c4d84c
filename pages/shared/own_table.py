"""The user's own table on every page: what its file holds, what is amiss with it, and presses that put it right."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core.catalog.tables import Table, table_of
from mlp_core.data.faults import Fault, Fix, find_faults, without_drops
from mlp_core.data.inspection import Inspection
from mlp_core.errors import SpecError
from mlp_core.problems import Problem, with_data
from mlp_core.spec import DataSpec, Experiment
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import locked

SHOWN = 6
"""How many faults are shown at once; the next ones follow when these are put right."""
HINTS = 3
"""How many of them stand among the problems of the Playground."""

_KNOWN = "table_inspection"


def know(inspection: Inspection) -> None:
    """Keep what a file holds, for all pages of this browser."""
    st.session_state[_KNOWN] = inspection


def known(table: Table) -> Inspection | None:
    """What the table's file holds, if this browser has had it looked through."""
    found: Inspection | None = st.session_state.get(_KNOWN)
    return found if found is not None and found.file() == table.file else None


def on_table(old: Experiment, table: Table) -> Experiment:
    """The experiment on a table; raises `SpecError`."""
    kept = {"scaling": old.data.params["scaling"]} if old.data.dataset == "table" else {}
    data = DataSpec(
        dataset="table", params={**kept, "table": table.values()}, test_fraction=old.data.test_fraction,
        validation_fraction=old.data.validation_fraction, seed=old.data.seed,
    )  # fmt: skip
    return with_data(old, data)


def adopt(table: Table) -> None:
    """Make a table the experiment's data; raises `SpecError`."""
    editor.adopt(on_table(editor.experiment(), table))


def faults_of(data: DataSpec) -> tuple[Fault, ...]:
    """What is amiss with the data's table, as far as this browser has had its file looked through."""
    table = table_of(data.params) if data.dataset == "table" else None
    inspection = None if table is None else known(table)
    if table is None or inspection is None:
        return ()
    return find_faults(inspection, table, data.validation_fraction is not None)


def table_problems() -> list[Problem]:
    """What waits for a decision, as problems of the experiment with the usual way to put each right."""
    current = editor.experiment()
    waiting = [fault for fault in faults_of(current.data) if fault.fixes and not fault.decided]
    found = []
    for fault in waiting[:HINTS]:
        fix = fault.fixes[0]
        try:
            found.append(Problem("hint", fault.message, fix.label, on_table(current, fix.table)))
        except SpecError:  # it would be longer than a table may be described
            continue
    return found


def fault_list(faults: Sequence[Fault]) -> None:
    """What waits for a decision with its buttons, then what is only worth knowing."""
    waiting = [fault for fault in faults if not fault.decided]
    for place, fault in enumerate(waiting[:SHOWN]):
        _row(f":material/build: {as_text(fault.message)}", fault.fixes, f"fault-{place}")
    if len(waiting) > SHOWN:
        st.caption(f"{len(waiting) - SHOWN:,} more follow when these are put right.")
    rest = [fault for fault in faults if fault.decided]
    if rest:
        with st.expander(f"Worth knowing ({len(rest)})", icon=":material/info:", expanded=not waiting):
            for place, fault in enumerate(rest):
                _row(as_text(fault.message), fault.fixes, f"note-{place}")


def _row(message: str, fixes: Sequence[Fix], name: str) -> None:
    """A sentence with its buttons beside it, or below where there is no room."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key=name):
        st.markdown(message, width="stretch" if len(fixes) < 2 else 560)
        fix_buttons(fixes, name)


def fix_buttons(fixes: Sequence[Fix], name: str) -> None:
    """A button for each way to put something right, the usual one first."""
    if not fixes:
        return
    with st.container(horizontal=True, gap="small", width="content"):
        for place, fix in enumerate(fixes):
            st.button(
                as_text(fix.label), key=editor.key(f"{name}-{place}"), disabled=locked("data"),
                on_click=editor.once(lambda table=fix.table: _take(table)),
            )  # fmt: skip


def failure_fix(data: DataSpec) -> None:
    """Where a table left too little to learn from: filling its cells instead of leaving rows out, at one press."""
    table = table_of(data.params) if data.dataset == "table" else None
    filled = None if table is None else without_drops(table)
    if filled is not None:
        fix_buttons([Fix("Fill missing cells instead of leaving rows out", filled)], "fill-instead")


def _take(table: Table) -> None:
    try:
        adopt(table)
    except SpecError as error:
        editor.say("data", str(error))
