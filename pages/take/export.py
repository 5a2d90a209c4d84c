"""Take it away: code, weights, the experiment and a link to it."""

import streamlit as st

from mlp_core.problems import problems
from pages.shared.experiment import experiment
from pages.shared.export_code import code_tab
from pages.shared.export_files import experiment_tab, weights_tab
from pages.shared.session import current_session

st.subheader("Export", anchor=False)
st.caption("Everything that was composed in the Playground, to keep, to run elsewhere, or to pass on.")

session = current_session()
faults = [problem.message for problem in problems(experiment()) if problem.severity == "error"]
if faults:
    st.error(faults[0], icon=":material/error:")
    st.page_link("/", label="Mend it in the Playground", icon=":material/arrow_back:")
    st.stop()
session.apply(experiment())
session.request_views(())

tabs = {"Code": code_tab, "Weights and models": weights_tab, "Experiment and link": experiment_tab}
for tab, draw in zip(st.tabs(list(tabs), key="export_tab", on_change="rerun"), tabs.values(), strict=True):
    if tab.open:
        with tab:
            draw(session)
