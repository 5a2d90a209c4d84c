"""The playground: compose a network, press Train, watch."""

import streamlit as st

from mlp_core.plan import problems
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part
from pages.shared.controls import SOON_SECONDS, control_bar
from pages.shared.data_panel import data_panel
from pages.shared.experiment import experiment
from pages.shared.live import live, look
from pages.shared.network_panel import network_panel
from pages.shared.output import output, output_view, plane_options, sample_table, send_images
from pages.shared.session import current_session, settle
from pages.shared.status import message, strip
from pages.shared.tabs import live_tabs, tab_parts, tab_view

session = current_session()
dataset = session.dataset
found = problems(experiment(), dataset.train_size if dataset is not None else None)
blocked = any(problem.severity == "error" for problem in found)
if blocked:
    session.pause()
else:
    session.apply(experiment())
    session.wait(lambda snapshot: snapshot.status != "preparing", SOON_SECONDS)
    settle()

views = output_view(session) | tab_view()
snapshot = look(session, views)
control_bar(session, snapshot, blocked)
strip(session, snapshot).mount()
moving = st.container(key="moving")
message(session, snapshot)
with st.container(key="areas"):
    left, middle, right = st.columns([2.1, 4.9, 3.6])
    with left, st.container(border=True, key="data"):
        data_panel(session, snapshot)
    with middle, st.container(border=True, key="network"):
        network_panel(found)
    with right, st.container(border=True, key="output"):
        st.subheader("Output", anchor=False)
        send_images(session)
        if (shown := output(session, snapshot)) is not None:
            shown.mount()
        else:
            sample_table(session, snapshot)
        if experiment().data.entry.two_features:
            plane_options()
live_tabs(session, snapshot)


def parts(now: Snapshot) -> list[Part]:
    """Everything on this page that moves."""
    out = output(session, now)
    return [strip(session, now), *([out] if out else []), *tab_parts(session, now)]


with moving:
    live(session, snapshot, views, parts)
