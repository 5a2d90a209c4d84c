"""The setting that seeds are compared with: a change of one setting, or the experiment of a kept run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mlp_core.catalog.parameters import Choice
from mlp_core.changes import changes
from mlp_core.errors import SpecError, UserError
from mlp_core.settings import settable
from mlp_core.spec import Experiment
from mlp_core.store.keeper import RunKeeper
from pages.live.runs import BrowserRuns
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.widgets import parameter_widget

NOT_COMPARED = ("data.", "training.seed", "training.patience", "training.min_delta", "training.restore_best")
"""Settings with which runs end elsewhere, or solve another problem."""
NOTHING, CHANGE, RUN = "Nothing", "One change", "A kept run"
MOST_RUNS = 50
_VALUES = "tune_other_values"


def other_setting(runs: BrowserRuns) -> tuple[Experiment, str] | None:
    """Draw the choice; gives the experiment and what it is called, None for none."""
    how = st.segmented_control("Compare with", [NOTHING, CHANGE, RUN], default=NOTHING, key="tune_compare",
                               required=True, persist_state="session")  # fmt: skip
    try:
        if how == CHANGE:
            return _changed()
        if how == RUN and runs.keeper is not None:
            return _kept(runs.keeper)
    except UserError as error:
        st.error(as_text(error), icon=":material/block:")
    return None


def _changed() -> tuple[Experiment, str] | None:
    current = editor.experiment()
    known = {path: one for path, one in settable(current).items() if not path.startswith(NOT_COMPARED)}
    path = st.selectbox("Setting", list(known), index=list(known).index("optimizer.lr"), key="tune_setting", width=260,
                        format_func=lambda name: known[name].label, persist_state="session")  # fmt: skip
    setting = known[path]
    values: dict[str, Any] = st.session_state.setdefault(_VALUES, {})
    value = values.get(path, setting.get(current))
    if isinstance(setting.rule, Choice) and not setting.rule.accepts(value):  # it was chosen for other data
        value = setting.get(current)
    parameter_widget(setting.rule, value, f"tune-other-{path}", lambda given: values.update({path: given}),
                     width=200)  # fmt: skip
    try:
        other = setting.put(current, setting.check(value))
    except SpecError as error:
        st.error(as_text(error.on_page()), icon=":material/block:")
        return None
    said = changes(current, other)
    if not said:
        st.caption("Choose another value than the run has.")
        return None
    return other, "; ".join(said)


def _kept(keeper: RunKeeper) -> tuple[Experiment, str] | None:
    store = keeper.queue.store
    known = {run.id: run for run in store.runs(keeper.owner, limit=MOST_RUNS)}
    if not known:
        st.caption("No run is kept yet.")
        return None
    run = st.selectbox("Run", list(known), key="tune_run", format_func=lambda each: known[each].label, width=360)
    return store.record(keeper.owner, run).experiment, known[run].label
