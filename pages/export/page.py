"""Take it away: code, weights, the experiment and a link to it."""

import streamlit as st

from pages.export.code import code_tab
from pages.export.files import experiment_tab, weights_tab
from pages.live.runs import browser_runs
from pages.shared.back_to_now import back_to_now
from pages.shared.verdict import apply_experiment, show_error

st.subheader("Export", anchor=False)
st.caption("Everything that was composed in the Playground, to keep, to run elsewhere, or to pass on.")

session = browser_runs().session
verdict = apply_experiment(session)
if verdict.error:
    show_error(verdict.error)
else:
    back_to_now(session, session.snapshot())
    tabs = {"Code": code_tab, "Weights and models": weights_tab, "Experiment and link": experiment_tab}
    for tab, draw in zip(st.tabs(list(tabs), key="export_tab", on_change="rerun"), tabs.values(), strict=True):
        if tab.open:
            with tab:
                draw(session)
