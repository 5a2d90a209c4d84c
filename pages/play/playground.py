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
from pages.shared.live import curves, live, look
from pages.shared.network_panel import network_panel
from pages.shared.output import output, output_panel, output_view
from pages.shared.session import current_session, settle
from pages.shared.shown import shown
from pages.shared.status import message, strip
from pages.shared.tabs import live_tabs, tab_parts, tab_view
from pages.shared.turns import DRAWING

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

seen = shown()
views = (output_view(session) if seen.output else set()) | (tab_view(seen) if seen.views else set())
snapshot = look(session, views)


def parts(now: Snapshot) -> list[Part]:
    """Everything on this page that moves; made in ticks and for the stream, so nothing here may ask the page."""
    drawn = curves(session)
    out = output(session, now, seen) if seen.output else None
    return [
        strip(now, seen, drawn),
        *([out] if out else []),
        *(tab_parts(session, now, seen, drawn) if seen.views else []),
    ]


with DRAWING.turn():
    control_bar(session, snapshot, blocked)
    strip(snapshot, seen, curves(session)).mount()
    moving = st.container(key="moving")
    message(session, snapshot)
    areas: dict[str, tuple[float, Callable[[], None]]] = {
        "data": (2.1, lambda: data_panel(session, snapshot)),
        "network": (4.9, lambda: network_panel(found)),
        "output": (3.6, lambda: output_panel(session, snapshot, seen)),
    }
    visible = {name: area for name, area in areas.items() if not hidden(name)}
    with st.container(key="areas"):
        for column, (name, (_, draw)) in zip(
            st.columns([width for width, _ in visible.values()]) if visible else [], visible.items(), strict=True
        ):
            with column, st.container(border=True, key=name):
                draw()
    if seen.views:
        live_tabs(session, snapshot, seen)
with moving:
    live(session, snapshot, views, parts)
