"""What all pages share in looks: a style sheet for what the theme's settings cannot say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import streamlit as st

Theme = Literal["light", "dark"]

_STYLES = [Path(__file__).with_name(name) for name in ("page.css", "screen.css", "touch.css", "access.css")]
"""What all pages share, where things stand on screens of each size, what fingers press, and what everybody needs to
reach them."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:$])")


_COLOURS = {"page": "backgroundColor", "raised": "secondaryBackgroundColor", "border": "borderColor",
            "primary": "primaryColor", "text": "textColor"}  # fmt: skip
"""Names in the style sheets, and the theme's settings that they stand for."""


@st.cache_resource(show_spinner=False)
def _style() -> str:
    return "".join(f"<style>{style.read_text(encoding='utf-8')}</style>" for style in _STYLES)


def page_style() -> None:
    """Add the style sheets to the page, with the colours of its theme that they name."""
    both = {name: [st.get_option(f"theme.{kind}.{option}") for kind in ("light", "dark")]
            for name, option in _COLOURS.items()}  # fmt: skip
    named = "".join(f"--{name}: light-dark({', '.join(colours)});" for name, colours in both.items())
    # Menus stand outside the element that has the theme of the browser.
    st.html(f"<style>:root {{color-scheme: {theme()}; {named}}}</style>" + _style())


def theme() -> Theme:
    """The theme that the browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def as_text(value: object) -> str:
    """A text for Streamlit's markdown that shows as it is, whatever it holds."""
    return _MARKDOWN.sub(r"\\\1", str(value))
