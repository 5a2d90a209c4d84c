"""A sentence that a live page has to say, which comes and goes with its numbers."""

from __future__ import annotations

import streamlit as st

from pages.components.assets import loader
from pages.components.part import Part

_MOUNT = st.components.v2.component("notice", js=loader("notice.js"))


def notice(text: str, *, key: str) -> Part:
    """The sentence; '' takes it away."""
    return Part(_MOUNT, key, {"text": text})
