"""Race: a few variants of the experiment that train live, side by side and in step, to see which learns best."""

import streamlit as st

from mlp_core.processor import Priority
from mlp_core.race.race import Race
from pages.live.pace import DRAWING
from pages.live.page import LivePage
from pages.live.runs import browser_runs
from pages.race.cards import cards, swatch
from pages.race.controls import actions, choices, curve_choices
from pages.race.setup import current, setup, start_again
from pages.race.slots import BOARD, CurvesSlot, TableSlot, VerdictSlot, lane_slots
from pages.shared.editor import experiment
from pages.shared.layout import as_text, theme
from pages.shared.link import hidden
from pages.shared.verdict import PLAYGROUND_PAGE


def stage(race: Race) -> None:
    """The race: who leads, the curves, a picture of each, the figures."""
    measure, log = curves
    board = [VerdictSlot(race), CurvesSlot(race, measure=measure, log=log, theme=theme()), TableSlot(race)]
    lanes = lane_slots(race, theme(), test=not hidden("test"))
    watched = {BOARD: race.board, **dict(zip(lanes, race.lanes, strict=True))}
    page = LivePage(watched, {BOARD: board, **lanes}, name="race", drawn_from=lambda: id(runs.race))
    with DRAWING.turn(Priority.PRESSED):
        with right:
            for slot in board[:2]:
                page.mount(slot)
        # Beside few pictures there is room for the table.
        beside = len(lanes) < 4
        with st.container(key="race-pictures"):
            columns = st.columns([1.0] * len(lanes) + [4.6 - len(lanes)] * beside, gap="small")
            for place, (slots, column) in enumerate(zip(lanes.values(), columns, strict=False)):
                with column:
                    st.html(swatch(race.lanes[place].name, place))
                    page.mount(slots[0])
            if beside:
                with columns[-1]:
                    page.mount(board[2])
        if not beside:
            page.mount(board[2])
        outs = [lane for lane in race.lanes if lane.out]
        for lane in outs:
            st.warning(f"{as_text(lane.name)} dropped out. {as_text(lane.out)}", icon=":material/flag:")
    with buttons:
        page.follow(lambda now: actions(race))


runs = browser_runs()
found = setup()
with st.container(key="race-controls", horizontal=True, vertical_alignment="bottom"):
    st.subheader("Race", anchor=False, width="content")
    buttons = st.container(width="content")
    choices(found)
left, right = st.columns([3.2, 8.8], gap="medium")
with left:
    cards(found)
    if found.refused:
        st.error(as_text(found.refused), icon=":material/block:")
race, error = current(runs, found)
with right:
    if found.base != experiment():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info("The experiment was changed since this race began.", icon=":material/history:")
            st.button("Race it as it is now", key="race-rebase", on_click=start_again)
    curves = curve_choices(race)
if race is None:
    with right:
        st.error(as_text(error), icon=":material/error:")
        st.page_link(str(PLAYGROUND_PAGE), label="Go to the Playground", icon=":material/arrow_back:")
else:
    stage(race)
