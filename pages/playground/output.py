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
    st.subheader("Output", anchor=False)
    for slot in slots:
        page.mount(slot)
    if snapshot.dataset is not None:
        facts = snapshot.dataset.facts
        view = next((view for view in VIEWS.values() if view.output and view.applies(facts)), None)
        if view is not None and "points" in view.options:
            _plane_options("discretise" in view.options)


def _plane_options(discretise: bool) -> None:
    """The switches under a plane or a curve."""
    with st.container(horizontal=True, vertical_alignment="center"):
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
