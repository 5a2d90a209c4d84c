"""Evaluate: how good the network is on a part of its data, live while it trains."""

from collections.abc import Sequence

import streamlit as st

from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.processor import Priority
from mlp_core.views import USUAL_THRESHOLD, VIEWS
from mlp_core.views.evaluation import feature_names
from pages.evaluate.class_choice import class_choice
from pages.evaluate.predict_one import ask
from pages.evaluate.report import downloads
from pages.evaluate.samples import cell_choice
from pages.evaluate.screen import CLASSES, CURVES, NORMALISE, ONE, RESIDUALS, Screen, screen
from pages.evaluate.slots import PairsSlot
from pages.live.pace import DRAWING
from pages.live.page import LivePage, run_areas
from pages.live.runs import browser_runs
from pages.live.slots import Slot, ViewSlot
from pages.playground.control_bar import SOON_SECONDS
from pages.playground.run_frame import run_buttons, run_head
from pages.playground.time_travel import TimeSlot
from pages.shared.layout import as_text
from pages.shared.verdict import Verdict, apply_experiment, show_error

AREA = "evaluate_views"


def choices(seen: Screen) -> None:
    """What is looked at."""
    st.segmented_control(
        "Part", list(seen.parts), default=seen.options.part, key="evaluate_part", required=True,
        format_func=lambda name: PARTS[name].label,
        help="Training samples say how well the network has memorised, the others how well it does on new ones.",
    )  # fmt: skip
    facts = seen.dataset.facts
    if seen.two_classes:
        st.slider(
            f"Predict {as_text(facts.class_names[1])} above", 0.0, 1.0, USUAL_THRESHOLD, 0.01, width=280,
            key="evaluate_threshold",
            help="The probability above which this class is predicted. 0.5 is what the network was trained for.",
        )  # fmt: skip
    if len(facts.target_names) > 1:
        st.selectbox("Target", list(range(len(facts.target_names))), key="evaluate_target", width=200,
                     format_func=lambda place: facts.target_names[place])  # fmt: skip


def row(page: LivePage, slots: list) -> None:
    """Places beside each other, with how to read each."""
    wide = [1.0 if isinstance(slot, ViewSlot | PairsSlot) else 1.5 for slot in slots]
    for column, slot in zip(st.columns(wide, gap="medium"), slots, strict=True):
        with column:
            if isinstance(slot, ViewSlot):
                view = VIEWS[slot.alternatives[0]]
                st.markdown(f"**{view.label}**", help=view.help)
            page.mount(slot)


def opened(page: LivePage, seen: Screen, slots: dict) -> None:
    """The open tab, but for what a sample to predict is given with."""
    if seen.many_classes and seen.tab in (CLASSES, CURVES):
        class_choice(session, seen)
    if seen.tab == RESIDUALS:
        names = feature_names(seen.dataset)
        st.selectbox("Feature", list(range(len(names))), key="evaluate_feature", width=240,
                     format_func=lambda place: str(names[place]))  # fmt: skip
    for area in ("first", "second"):
        if slots[area]:
            if (seen.tab, area) in ((CLASSES, "first"), (CURVES, "second")):  # above the confusion matrix
                st.segmented_control("Confusion matrix", list(NORMALISE), default="counts", key="evaluate_normalise",
                                     required=True, label_visibility="collapsed")  # fmt: skip
            row(page, slots[area])
    if slots["second"] or seen.tab == CLASSES:
        cell_choice(seen.dataset.facts.class_names)
    for slot in slots["samples"]:
        page.mount(slot)


def tabs(page: LivePage, dataset: Dataset) -> None:
    """The tabs: an area of their own."""
    shown: Sequence[Slot] = []

    def draw() -> None:
        nonlocal shown
        seen = screen(dataset)
        slots = seen.slots()
        names = list(seen.tabs)
        question = None
        with st.tabs(names, key="evaluate_tab", on_change=lambda: run_areas(AREA))[names.index(seen.tab)]:
            if seen.tab == ONE:
                question = ask(session.snapshot(), seen)
                slots["question"] = question.slots
            wanted = [slot for area, found in slots.items() if area != "strip" for slot in found]
            shown = page.exchange(run, shown, wanted)
            with DRAWING.turn(Priority.PRESSED):
                opened(page, seen, slots)
                if question is not None:
                    question.mount(page)

    page.area(AREA, draw)


def evaluate(verdict: Verdict) -> None:
    """The page of a run that can be."""
    snapshot = session.snapshot()
    seen = None if snapshot.dataset is None else screen(snapshot.dataset)
    strip = [] if seen is None else seen.slots()["strip"]
    controls = st.container(key="evaluate-controls", horizontal=True, vertical_alignment="bottom")
    above = st.container()
    times = [TimeSlot()]
    page = LivePage(runs, {run: [*times, *strip]}, name="evaluate")
    with above:
        run_head(page, session, snapshot, verdict, times)
    with controls:
        buttons = st.container(width="content")
        if seen is not None:
            choices(seen)
            downloads(session, seen.options)
    if seen is not None:
        with above:
            page.mount(strip[0])
        tabs(page, seen.dataset)
    with buttons:
        run_buttons(page, run, session, verdict)


runs = browser_runs()
session, run = runs.session, runs.current
found = apply_experiment(session, SOON_SECONDS)
if found.error:
    show_error(found.error)
else:
    evaluate(found)
