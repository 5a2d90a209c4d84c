"""Take it away: code, weights, the experiment and a link to it."""

from functools import partial

import streamlit as st

from pages.export.code import code_tab
from pages.export.files import experiment_tab, weights_tab
from pages.live.runs import browser_runs
from pages.shared.back_to_now import back_to_now
from pages.shared.tabs import tabs
from pages.shared.verdict import apply_experiment, show_error

st.subheader("Export", anchor=False)
st.caption("Everything that was composed in the Playground, to keep, to run elsewhere, or to pass on.")

session = browser_runs().session
verdict = apply_experiment(session)
if verdict.error:
    show_error(verdict.error)
else:
    back_to_now(session, session.snapshot())
    contents = {"Code": code_tab, "Weights and models": weights_tab, "Experiment and link": experiment_tab}
    tabs("export_tab", {name: partial(draw, session) for name, draw in contents.items()})
