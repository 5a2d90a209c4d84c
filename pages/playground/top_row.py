"""What stands beside the navigation: undo and redo, the preset, and a link to what is on the page."""

from __future__ import annotations

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.link import url
from pages.live.page import LivePage
from pages.playground.preset import preset_area
from pages.shared import editor, undo
from pages.shared.layout import as_text

_SHARE = "share"


def top_row(page: LivePage) -> None:
    """Draw it; the style sheet puts it into the navigation's row."""
    with st.container(key="top", horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        undo.edit_row(page)
        preset_area(page)
        share = st.popover(
            "Share", icon=":material/link:", key=_SHARE, on_change=_nothing, type="tertiary",
            help="A link that opens this experiment anywhere.",
        )  # fmt: skip
        if share.open:
            with share:
                _share()


def _share() -> None:
    base = (st.context.url or "http://localhost:8501/").split("?")[0]
    try:
        st.code(url(base, editor.experiment(), (), ()), language="text", wrap_lines=True)
        st.caption(
            "Opens this experiment wherever the playground runs; Train then gives the same run. It holds settings, not "
            "weights. On the Export page controls can be hidden or locked for a class."
        )
    except UserError as error:  # a table of many columns
        st.info(as_text(error), icon=":material/link_off:")


def _nothing() -> None:
    """The run that follows an opening is all that is wanted."""
