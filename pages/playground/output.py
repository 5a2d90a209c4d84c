"""The output area: what the network makes of the data now."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS
from pages.live.page import LivePage
from pages.live.slots import Slot
from pages.playground.screen import POINTS


def output_panel(page: LivePage, slots: Sequence[Slot], snapshot: Snapshot) -> None:
    """Draw the area."""
    with st.container(horizontal=True, vertical_alignment="center", key="output-head"):
        st.subheader("Output", anchor=False, width="stretch")
        if snapshot.dataset is not None:
            facts = snapshot.dataset.facts
            view = next((view for view in VIEWS.values() if view.output and view.applies(facts)), None)
            if view is not None and "points" in view.options:
                _plane_options("discretise" in view.options)
    with st.container(key="output"):
        for slot in slots:
            page.mount(slot)


def curve_panel(page: LivePage, slots: Sequence[Slot]) -> None:
    """Draw the curve of the loss."""
    with st.container(key="curve"):
        for slot in slots:
            page.mount(slot)


def _plane_options(discretise: bool) -> None:
    """The switches beside the title of a plane or a curve."""
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="xsmall"):
        st.segmented_control(
            "Points", list(POINTS), key="show_points", default="both", label_visibility="collapsed",
            help="Which points are drawn. Training points are full, test points hollow.",
        )  # fmt: skip
        if discretise:
            st.toggle(
                "Discretise",
                key="discretise",
                help="Classes: show only which wins, not how sure the network is. Values: show bands.",
            )
