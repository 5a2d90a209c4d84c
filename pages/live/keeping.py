"""Who the runs of a browser belong to, and where they are kept."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mlp_core.store.keeper import RunKeeper, SaveQueue
from pages.live.browser import browser_token


def _open_runs() -> Any:
    from mlp_core.store.opening import open_store
    from mlp_core.store.runs import RunStore

    return RunStore(open_store())


QUEUE = SaveQueue(_open_runs)
"""What this server saves."""


def owner() -> str:
    """Whose runs these are: the user's where Streamlit's login is set up, else the browser's; '' where it has no token,
    and so nothing is kept."""
    from mlp_core.store.keeper import digest

    if getattr(st.user, "is_logged_in", False):
        return digest(f"user {st.user.get('iss', '')} {st.user.get('sub') or st.user.get('email', '')}")
    token = browser_token()
    return digest(f"browser {token}") if token else ""


def keeper_of(whose: str) -> RunKeeper | None:
    """Who keeps the runs of an owner; None for nobody."""
    return RunKeeper(QUEUE, whose) if whose else None
