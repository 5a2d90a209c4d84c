"""The playground: compose a network, press Train, watch."""

from collections.abc import Callable

import streamlit as st

from mlp_core.processor import Priority
from pages.live.pace import DRAWING
from pages.live.page import LivePage
from pages.live.runs import browser_runs
from pages.playground.control_bar import SOON_SECONDS, actions, control_bar
from pages.playground.data_panel import data_panel
from pages.playground.network_panel import network_panel
from pages.playground.output import output_panel
from pages.playground.screen import screen
from pages.playground.status import download_progress, message
from pages.playground.tabs import live_tabs
from pages.shared.editor import drawn_from
from pages.shared.link import hidden
from pages.shared.verdict import apply_experiment

runs = browser_runs()
session, run = runs.session, runs.current
verdict = apply_experiment(session, SOON_SECONDS)
seen = screen()
slots = seen.slots()
page = LivePage(
    runs, {run: [slot for area in slots.values() for slot in area]}, name="playground", drawn_from=drawn_from
)
snapshot = page.snapshots[run]

with DRAWING.turn(Priority.PRESSED):
    buttons = control_bar(session, snapshot)
    for slot in slots["strip"]:
        page.mount(slot)
    page.notice()
    download_progress(session, snapshot)
    message(session, snapshot, verdict.permits(snapshot))
    areas: dict[str, tuple[float, Callable[[], None]]] = {
        "data": (2.1, lambda: data_panel(snapshot)),
        "network": (4.9, lambda: network_panel(verdict.problems)),
        "output": (3.6, lambda: output_panel(page, slots["output"], snapshot)),
    }
    visible = {name: area for name, area in areas.items() if not hidden(name)}
    with st.container(key="areas"):
        for column, (name, (_, draw)) in zip(
            st.columns([width for width, _ in visible.values()]) if visible else [], visible.items(), strict=True
        ):
            with column, st.container(border=True, key=name):
                draw()
    if seen.views:
        live_tabs(page, slots["tab"], seen)

with buttons:
    page.follow(lambda now: actions(session, verdict.permits(now[run])))
