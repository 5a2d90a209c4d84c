"""The playground: compose a network, press Train, watch."""

import streamlit as st

from mlp_core.plan import problems
from pages.shared.controls import control_bar
from pages.shared.data_panel import data_panel
from pages.shared.experiment import experiment
from pages.shared.live import live
from pages.shared.network_panel import network_panel
from pages.shared.output import output, output_view, plane_options, send_images
from pages.shared.session import current_session, settle
from pages.shared.status import status_strip
from pages.shared.tabs import live_tabs, tab_view

session = current_session()
dataset = session.dataset
found = problems(experiment(), dataset.train_size if dataset is not None else None)
blocked = any(problem.severity == "error" for problem in found)
if blocked:
    session.pause()
else:
    session.apply(experiment())
    settle()

snapshot = session.snapshot()
st.session_state["drawn_status"] = snapshot.status
control_bar(session, snapshot, blocked)
live(status_strip, session, key="live-strip", busy=snapshot.busy)
with st.container(key="areas"):
    left, middle, right = st.columns([2.1, 4.9, 3.6])
    with left, st.container(border=True, key="data"):
        data_panel(session, snapshot)
    with middle, st.container(border=True, key="network"):
        network_panel(found)
    with right, st.container(border=True, key="output"):
        send_images(session)
        live(output, session, key="live-output", busy=snapshot.busy, views=output_view)
        if experiment().data.entry.two_features:
            plane_options()
live(live_tabs, session, key="live-tabs", busy=snapshot.busy, views=tab_view)
