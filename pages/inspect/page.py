"""Inspect: what is inside the network, layer by layer, live while it trains, and how it came about."""

from collections.abc import Sequence

import streamlit as st

from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.plan import Plan, plan
from mlp_core.processor import Priority
from mlp_core.views import VIEWS
from mlp_core.views.moments import SPREADS
from mlp_core.views.space import METHODS, NEURONS, PCA, methods
from pages.inspect.screen import (
    FIRST_IMAGE,
    LAYER,
    LOOKS_AT_LAYER,
    METHOD,
    NEURON,
    OVER_TIME,
    PART,
    SPACE,
    SPREAD,
    SUMMARY,
    TAB,
    TABS,
    WEIGHTS,
    Screen,
    layer_names,
    open_tab,
    parts_of,
    screen,
    usual_layer,
)
from pages.inspect.slots import CHARTS, CHOICES, MOMENT, NOW
from pages.inspect.summary import numbers, printed
from pages.inspect.umap import umap_controls
from pages.live.pace import DRAWING
from pages.live.page import LivePage, run_areas
from pages.live.runs import browser_runs
from pages.live.slots import Slot, ViewSlot
from pages.playground.control_bar import SOON_SECONDS
from pages.playground.run_frame import run_buttons, run_head
from pages.playground.time_travel import TimeSlot
from pages.shared.editor import experiment
from pages.shared.verdict import Verdict, apply_experiment, show_error


def chosen() -> None:
    """Another tab, or something that it shows, was chosen: what can be chosen changes with it."""
    run_areas(CHOICES, CHARTS)


def layer_choice(planned: Plan, tab: str) -> None:
    """Which layer is looked at."""
    names = layer_names(planned, tab)
    if st.session_state.get(LAYER) not in names:
        st.session_state[LAYER] = usual_layer(planned)
    st.selectbox("Layer", list(names), key=LAYER, format_func=names.__getitem__, width=280, persist_state="session",
                 disabled=tab not in LOOKS_AT_LAYER, on_change=chosen)  # fmt: skip


def choices(planned: Plan, dataset: Dataset | None) -> None:
    """What is chosen: an area of its own."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer_choice(planned, open_tab())
        if dataset is not None:
            more_choices(screen(dataset, planned))


def more_choices(seen: Screen) -> None:
    """What else is chosen in the open tab."""
    if seen.tab == OVER_TIME:
        st.segmented_control("Of the layer", list(SPREADS), key=SPREAD, default=next(iter(SPREADS)), required=True,
                             persist_state="session", on_change=chosen,
                             format_func=lambda name: SPREADS[name].label)  # fmt: skip
        st.slider("Moment, in % of the run so far", 0, NOW, NOW, key=MOMENT, width=320, on_change=chosen,
                  help="100 is now, and goes along with the run. Or press a column of the heat map.")  # fmt: skip
    if seen.tab == SPACE:
        st.segmented_control("Seen as", list(methods()), key=METHOD, default=PCA, required=True,
                             persist_state="session", on_change=chosen,
                             format_func=METHODS.__getitem__,
                             help="PCA shows the two directions in which samples differ most. UMAP keeps neighbours "
                             "together and takes a while; it is offered where the package umap-learn is "
                             "installed.")  # fmt: skip
        if seen.options.space.method == NEURONS:
            for place, neuron in enumerate(seen.options.space.neurons):
                key = NEURON.format(place)
                st.session_state[key] = neuron
                st.number_input(("Across", "Up")[place], 0, max(1, seen.width - 1), key=key, width=110,
                                on_change=chosen)  # fmt: skip
        parts = parts_of(seen.dataset)
        st.segmented_control("Samples", list(parts), key=PART, default=parts[0], required=True,
                             persist_state="session", on_change=chosen,
                             format_func=lambda name: PARTS[name].label)  # fmt: skip
    if seen.tab == WEIGHTS and seen.dataset.facts.picture_shape:
        last = max(1, seen.plan.layers[0].out_features - 1)
        st.number_input("Images from neuron", 0, last, 0, key=FIRST_IMAGE, width=140, on_change=chosen)


def row(page: LivePage, slots: list[Slot]) -> None:
    """Charts beside each other, with how to read each."""
    for column, slot in zip(st.columns(len(slots), gap="medium"), slots, strict=True):
        with column:
            if isinstance(slot, ViewSlot):
                view = VIEWS[slot.alternatives[0]]
                st.markdown(f"**{view.label}**", help=view.help)
            page.mount(slot)


def charts(page: LivePage, planned: Plan, dataset: Dataset | None) -> None:
    """The tabs: an area of their own."""
    shown: Sequence[Slot] = []

    def draw() -> None:
        nonlocal shown
        seen = None if dataset is None else screen(dataset, planned)
        rows = [] if seen is None else seen.rows()
        shown = page.exchange(run, shown, [slot for slots in rows for slot in slots])
        tab = open_tab()
        with st.tabs(list(TABS), key=TAB, on_change=chosen)[TABS.index(tab)]:
            if seen is not None and seen.embeds:
                umap_controls(session, runs, seen.options)
            with DRAWING.turn(Priority.PRESSED):
                for slots in rows:
                    row(page, slots)
                if tab == SUMMARY:
                    numbers(experiment(), planned)
            if tab == SUMMARY:
                printed(session, planned)

    page.area(CHARTS, draw)


def inspect(verdict: Verdict, planned: Plan) -> None:
    """The page of a run that can be."""
    snapshot = session.snapshot()
    controls = st.container(key="inspect-controls", horizontal=True, vertical_alignment="bottom")
    above = st.container()
    times = [TimeSlot()]
    page = LivePage(runs, {run: times}, name="inspect")
    with above:
        run_head(page, session, snapshot, verdict, times)
    with controls:
        buttons = st.container(width="content")
        page.area(CHOICES, lambda: choices(planned, snapshot.dataset))
    charts(page, planned, snapshot.dataset)
    with buttons:
        run_buttons(page, run, session, verdict)


runs = browser_runs()
session, run = runs.session, runs.current
found = apply_experiment(session, SOON_SECONDS)
if found.error:
    show_error(found.error)
else:
    inspect(found, plan(experiment()))
