"""The playground: compose a network, press Train, watch."""

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
from pages.playground.status import message
from pages.playground.tabs import live_tabs
from pages.playground.time_travel import time_travel
from pages.shared.editor import NETWORK, drawn_from, experiment
from pages.shared.link import hidden, write_link
from pages.shared.loading import loading
from pages.shared.own_table import table_problems
from pages.shared.verdict import apply_experiment, measured_problems

WIDTHS = {"data": 2.1, NETWORK: 4.9, "output": 3.6}
"""The areas from left to right, with their shares of the page's width."""

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
    buttons = control_bar(page, session, snapshot)
    for slot in slots["strip"]:
        page.mount(slot)
    page.notice()
    loading(session, snapshot)
    message(session, snapshot, verdict.permits(snapshot))
    visible = {name: width for name, width in WIDTHS.items() if not hidden(name)}
    places = {}
    with st.container(key="areas"):
        for name, column in zip(visible, st.columns(list(visible.values())) if visible else [], strict=True):
            places[name] = column.container(border=True, key=name)
    if "data" in places:
        with places["data"]:
            data_panel(snapshot)
    if "output" in places:
        with places["output"]:
            output_panel(page, slots["output"], snapshot)
    if seen.views:
        live_tabs(page, slots["tab"], seen)
        time_travel(page, slots["time"], session)


def network() -> None:
    """Give the session the edited network, and draw the area; where that changes what may be pressed, draw all."""
    now = apply_experiment(session)
    if now.error != verdict.error:
        st.rerun()
    with DRAWING.turn(Priority.PRESSED):
        found = (*now.problems, *table_problems(), *measured_problems(session))
        network_panel(found, slots[NETWORK], session)
    write_link(experiment())


if NETWORK in places:
    with places[NETWORK]:
        page.area(NETWORK, network)
with buttons:
    page.follow(lambda now: actions(session, verdict.permits(now[run])))
