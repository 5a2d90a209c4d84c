"""The setting that seeds are compared with: a change of one setting, or the experiment of a kept run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mlp_core.changes import changes
from mlp_core.errors import SpecError, UserError
from mlp_core.spec import Experiment
from mlp_core.store.keeper import RunKeeper
from mlp_core.tuning.settings import Setting, settings_of
from pages.live.runs import BrowserRuns
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.widgets import parameter_widget

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
    known = settings_of(current)
    path = st.selectbox("Setting", list(known), key="tune_setting", format_func=lambda name: known[name].label,
                        width=260, persist_state="session")  # fmt: skip
    setting = known[path]
    values: dict[str, Any] = st.session_state.setdefault(_VALUES, {})
    value = _value(path, setting, values)
    try:
        other = setting.change(value)
    except SpecError as error:
        st.error(as_text(error.on_page()), icon=":material/block:")
        return None
    said = changes(current, other)
    if not said:
        st.caption("Choose another value than the run has.")
        return None
    return other, "; ".join(said)


def _value(path: str, setting: Setting, values: dict[str, Any]) -> Any:
    """The field of the value; gives what was chosen last."""
    chosen = values.get(path, setting.value)
    if setting.choices is not None:
        names = list(setting.choices)
        chosen = chosen if chosen in names else setting.value
        return st.selectbox("Value", names, index=names.index(chosen), key=f"tune-other-{path}", width=200,
                            format_func=setting.choices.__getitem__)  # fmt: skip
    assert setting.parameter is not None
    parameter_widget(setting.parameter, chosen, f"tune-other-{path}", lambda value: values.update({path: value}),
                     width=160)  # fmt: skip
    return chosen


def _kept(keeper: RunKeeper) -> tuple[Experiment, str] | None:
    store = keeper.queue.store
    known = {run.id: run for run in store.runs(keeper.owner, limit=MOST_RUNS)}
    if not known:
        st.caption("No run is kept yet.")
        return None
    run = st.selectbox("Run", list(known), key="tune_run", format_func=lambda each: known[each].label, width=360)
    return store.record(keeper.owner, run).experiment, known[run].label
