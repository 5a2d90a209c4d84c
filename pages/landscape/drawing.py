"""The landscape on the page: a chart and a sentence for each part, and what the plane is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import streamlit as st

from mlp_core.data.parts import PARTS
from pages.components.live_plot import plot
from pages.shared.layout import theme

if TYPE_CHECKING:
    from mlp_core.landscape import Landscape

HEIGHT = 430
"""Pixels of a chart."""
MARKS = {"Contour lines": "★ is where the weights are", "Surface": "◆ is where the weights are"}
"""What marks the weights as they are, in each form."""


def draw(found: Landscape) -> None:
    """Draw it, with the choices of how."""
    from mlp_core.landscape import about, reading
    from mlp_core.landscape.drawing import drawing, wants_log

    with st.container(horizontal=True, vertical_alignment="center", key="landscape-view"):
        form = st.segmented_control(
            "Form", list(MARKS), default=next(iter(MARKS)), key="landscape_form", required=True,
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        penalised = found.penalties is not None and st.toggle(
            "With penalties", key="landscape_penalties", help="Add the penalties on weights, as training does."
        )
        wanted = wants_log(found, penalised=penalised)
        log = st.toggle(
            "Log scale", value=bool(wanted), key=f"landscape_log_{id(found)}", disabled=wanted is None,
            help="Equal distances for equal ratios: small differences in a valley stay visible beside high walls."
            if wanted is not None
            else "Some losses are not above 0, so they have no logarithm.",
        )  # fmt: skip
        st.download_button(
            "JSON", lambda: json.dumps(found.as_dict(), allow_nan=False), "landscape.json", "application/json",
            key="landscape-json", icon=":material/download:", on_click="ignore", type="tertiary",
            help="Every number of it, as `python -m mlp_core landscape --json` prints it.",
        )  # fmt: skip
    version = time.time_ns() // 1000
    for column, part in zip(st.columns(len(found.losses), gap="medium"), found.losses, strict=True):
        made = drawing(found, part, form, log=log, penalised=penalised, theme=theme())
        with column:
            st.markdown(f"**{PARTS[part].label}**")
            # One for each form: Plotly cannot turn one into the other in place.
            key = f"landscape-{part}-{list(MARKS).index(form)}"
            plot(made.figure, key=key, height=HEIGHT, alt=made.alt).mount(version)
            st.caption(reading(found, part, penalised=penalised))
    way = "; the line is the way there" if found.path_steps else ""
    st.caption(" ".join([f"{MARKS[form]}{way}.", about(found), *found.notes]))
