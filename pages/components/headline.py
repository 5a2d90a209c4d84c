"""The one sentence that a moving page is about: large, and read out when it does not change any more."""

from __future__ import annotations

import streamlit as st

from pages.components.assets import loader
from pages.components.part import Part

_MOUNT = st.components.v2.component("headline", js=loader("headline.js"))


def headline(text: str, note: str, *, said: bool, key: str) -> Part:
    """The sentence with a smaller one under it. `said` where a screen reader reads it out: not at every lap."""
    return Part(_MOUNT, key, {"text": text, "note": note, "said": said})
