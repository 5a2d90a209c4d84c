"""The playground: compose a network, press Train, watch."""

from collections.abc import Callable

import streamlit as st

from mlp_core.plan import problems
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part
from pages.shared.controls import SOON_SECONDS, control_bar
from pages.shared.data_panel import data_panel
from pages.shared.experiment import experiment
from pages.shared.link import hidden
from pages.shared.live import live, look
from pages.shared.network_panel import network_panel
from pages.shared.output import output, output_panel, output_view
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

views = (set() if hidden("output") else output_view(session)) | (set() if hidden("views") else tab_view())
snapshot = look(session, views)
control_bar(session, snapshot, blocked)
strip(session, snapshot).mount()
moving = st.container(key="moving")
message(session, snapshot)
areas: dict[str, tuple[float, Callable[[], None]]] = {
    "data": (2.1, lambda: data_panel(session, snapshot)),
    "network": (4.9, lambda: network_panel(found)),
    "output": (3.6, lambda: output_panel(session, snapshot)),
}
shown = {name: area for name, area in areas.items() if not hidden(name)}
with st.container(key="areas"):
    for column, (name, (_, draw)) in zip(
        st.columns([width for width, _ in shown.values()]) if shown else [], shown.items(), strict=True
    ):
        with column, st.container(border=True, key=name):
            draw()
if not hidden("views"):
    live_tabs(session, snapshot)


def parts(now: Snapshot) -> list[Part]:
    """Everything on this page that moves."""
    out = None if hidden("output") else output(session, now)
    return [strip(session, now), *([out] if out else []), *([] if hidden("views") else tab_parts(session, now))]


with moving:
    live(session, snapshot, views, parts)
