"""What all pages share in looks: a style sheet for what the theme's settings cannot say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import streamlit as st

Theme = Literal["light", "dark"]

_STYLES = [Path(__file__).with_name(name) for name in ("page.css", "access.css")]
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:$])")


@st.cache_resource(show_spinner=False)
def _style() -> str:
    return f"<style>{''.join(path.read_text(encoding='utf-8') for path in _STYLES)}</style>"


def page_style() -> None:
    """Add the style sheet to the page."""
    st.html(_style())


def theme() -> Theme:
    """The theme that the browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def as_text(value: object) -> str:
    """A text for Streamlit's markdown that shows as it is, whatever it holds."""
    return _MARKDOWN.sub(r"\\\1", str(value))
