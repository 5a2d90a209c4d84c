"""The playground: compose a network, press Train, watch."""

from collections.abc import Callable

import streamlit as st

from mlp_core.problems import problems
from mlp_core.processor import Priority
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part
from pages.shared.controls import SOON_SECONDS, actions, control_bar
from pages.shared.data_panel import data_panel
from pages.shared.experiment import drawn_from, experiment
from pages.shared.link import hidden, write_link
from pages.shared.live import curves, download, live, look
from pages.shared.network_panel import network_panel
from pages.shared.output import output, output_panel, output_view
from pages.shared.session import current_session, settle
from pages.shared.shown import shown
from pages.shared.status import message, strip
from pages.shared.stream import page_state
from pages.shared.tabs import live_tabs, tab_parts, tab_view
from pages.shared.turns import DRAWING

session = current_session()
dataset = session.snapshot().dataset
if dataset is not None and dataset.spec != experiment().data:
    dataset = None
found = problems(experiment(), dataset.train_size if dataset is not None else None)
blocked = any(problem.severity == "error" for problem in found)
widgets = drawn_from()


def apply() -> None:
    """Give the session the experiment, and the time that a small one takes to be ready."""
    session.apply(experiment())
    session.wait(lambda snapshot: snapshot.status != "preparing", SOON_SECONDS)


if blocked:
    session.pause()
else:
    apply()
    settle()

seen = shown()
views = (output_view(session) if seen.output else set()) | (tab_view(seen) if seen.views else set())
snapshot = look(session, views)
drawn = page_state(session, snapshot)


def parts(now: Snapshot) -> list[Part]:
    """Everything on this page that moves; made in ticks and for the stream, so nothing here may ask the page."""
    lines = curves(now)
    out = output(session, now, seen) if seen.output else None
    return [
        strip(now, seen, lines),
        *([out] if out else []),
        *(tab_parts(session, now, seen, lines) if seen.views else []),
    ]


with DRAWING.turn(Priority.PRESSED):
    place = control_bar(session, snapshot)
    strip(snapshot, seen, curves(snapshot)).mount(snapshot.version)
    download(session)
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


def run() -> None:
    """The buttons, and the ticks that follow from what they start; a press runs this and not the page."""
    if drawn_from() != widgets:
        st.rerun()
    if session.experiment != experiment() and not blocked:  # another seed
        apply()
        write_link(experiment())
    now = look(session, views)
    with DRAWING.turn(Priority.PRESSED):
        actions(session, now, blocked)
    with st.container(key="moving"):
        live(session, drawn, now, views, parts)
    if page_state(session, now) != drawn:
        st.rerun()


with place:
    st.fragment(run, key="run")()
