"""Opening a trial in the Playground: its run as it ended where that is kept, else its settings."""

from __future__ import annotations

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.store.keeper import RunKeeper
from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.spec import SweepSpec
from pages.live.runs import BrowserRuns
from pages.runs.opening import open_run
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.verdict import PLAYGROUND_PAGE


def open_trial(runs: BrowserRuns, keeper: RunKeeper, spec: SweepSpec, trial: TrialResult) -> None:
    """Open it and go to the Playground; says why where that is not possible."""
    try:
        if trial.run and keeper.queue.store.some(keeper.owner, [trial.run]):
            open_run(runs, keeper, trial.run, "open")
            return
        editor.adopt(spec.space.experiment_of(trial.values))
    except UserError as error:
        st.error(as_text(error), icon=":material/block:")
        return
    st.toast("Its settings are in the Playground; its run is not kept.", icon=":material/info:")
    st.switch_page(str(PLAYGROUND_PAGE))
