"""Several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core.store.keeper import RunKeeper
from mlp_core.store.runs import StoredRun
from pages.live.runs import BrowserRuns


def comparison(runs: BrowserRuns, keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """Draw them."""
    st.caption(f"{len(chosen)} runs are selected.")
