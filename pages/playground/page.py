"""The playground: compose a network, press Train, watch."""

import streamlit as st

from mlp_core.processor import Priority
from pages.live.pace import DRAWING
from pages.live.page import LivePage
from pages.live.runs import browser_runs
from pages.playground.control_bar import FIELDS, SOON_SECONDS, actions, control_bar, training_fields, training_head
from pages.playground.data_panel import data_panel
from pages.playground.network_panel import network_panel
from pages.playground.output import curve_panel, output_panel
from pages.playground.screen import screen
from pages.playground.status import message_line
from pages.playground.tabs import live_tabs
from pages.playground.time_travel import time_travel
from pages.playground.top_row import top_row
from pages.shared.editor import NETWORK, drawn_from, experiment
from pages.shared.link import hidden, write_link
from pages.shared.own_table import table_problems
from pages.shared.verdict import apply_experiment, measured_problems

SETTINGS_COLUMN, RESULTS_COLUMN = "settings_column", "results_column"
WIDTHS = {SETTINGS_COLUMN: 2.3, NETWORK: 4.9, RESULTS_COLUMN: 3.7}
"""The columns from left to right, with their shares of the page's width."""

runs = browser_runs()
session, run = runs.session, runs.current
verdict = apply_experiment(session, SOON_SECONDS)
seen = screen()
slots = seen.slots()
page = LivePage(
    runs, {run: [slot for area in slots.values() for slot in area]}, name="playground", drawn_from=drawn_from,
    remark=lambda: runs.unsaved,
)  # fmt: skip
snapshot = page.snapshots[run]

with DRAWING.turn(Priority.PRESSED):
    top_row(page)
    buttons = control_bar(page, slots["strip"])
    message_line(page, session, snapshot, verdict.permits(snapshot))
    columns = {
        SETTINGS_COLUMN: not all(map(hidden, ("data", "learning_rate", "optimizer", "loss"))),
        NETWORK: not hidden(NETWORK),
        RESULTS_COLUMN: seen.output or seen.views,
    }
    visible = {name: WIDTHS[name] for name, shown in columns.items() if shown}
    places = {}
    with st.container(key="areas"):
        for name, column in zip(visible, st.columns(list(visible.values())) if visible else [], strict=True):
            places[name] = column.container(key=name, border=name == NETWORK)
    if SETTINGS_COLUMN in places:
        with places[SETTINGS_COLUMN]:
            if not hidden("data"):
                with st.container(border=True, key="data"):
                    data_panel(snapshot)
            training = st.container(border=True, key="training")
            with training:
                training_head(session, snapshot)
    if RESULTS_COLUMN in places:
        with places[RESULTS_COLUMN], st.container(border=True, key="results"):
            if seen.output:
                output_panel(page, slots["output"], snapshot)
            curve_panel(page, slots["curve"])
            time_travel(page, slots["time"], session)
    tabs = st.container()


def network() -> None:
    """Give the session the edited network, and draw the area; where that changes what may be pressed, draw all."""
    now = apply_experiment(session)
    if now.error != verdict.error:
        st.rerun()
    with DRAWING.turn(Priority.PRESSED):
        found = (*now.problems, *table_problems(), *measured_problems(session))
        network_panel(found, slots[NETWORK], session)
    write_link(experiment())


def fields() -> None:
    """Give the session the edited settings, and draw their area; where that changes what is said of them, draw all."""
    if apply_experiment(session).problems != verdict.problems:
        st.rerun()
    with DRAWING.turn(Priority.PRESSED):
        training_fields()
    write_link(experiment())


if SETTINGS_COLUMN in places:
    with training:
        page.area(FIELDS, fields)
if NETWORK in places:
    with places[NETWORK]:
        page.area(NETWORK, network)
if seen.views:
    with tabs:
        live_tabs(page, run, slots["tab"], seen)
with buttons:
    page.follow(lambda now: actions(session, verdict.permits(now[run])))
