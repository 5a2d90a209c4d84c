"""The drawing plane alone, with what it has sent written below; the browser tests drive it."""

from __future__ import annotations

import json

import streamlit as st

from pages.components.drawing import drawing

POINTS = ((-50, 0, 0), (50, 0, 1))
state = st.session_state
state.setdefault("points", POINTS)
state.setdefault("answered", 0)


def use(points: object, number: int) -> None:
    """Take what was drawn, unless the address says `?refuse`."""
    state["answered"] = number
    if "refuse" not in st.query_params:
        state["points"] = points


drawing(
    state["points"],
    names=None if "values" in st.query_params else ["class 0", "<b>class 1</b>", "class 2"],
    colours=["#c2410c", "#0f766e", "#4f7fe8"],
    wall=120,
    limit=12,
    answered=state["answered"],
    disabled="locked" in st.query_params,
    key="pad",
    on_drawn=use,
)
if st.button("Replace"):
    state["points"] = ((0, 0, 2),)
    st.rerun()
st.html(f"<pre id='sent'>{json.dumps({'points': state['points'], 'answered': state['answered']})}</pre>")
