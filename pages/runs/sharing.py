"""Links to runs: made, copied and revoked by whoever keeps the runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode, urljoin

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.figures import plain
from mlp_core.store.keeper import RunKeeper
from pages.shared.layout import as_text

PATH, SECRET = "shared", "runs"
"""The page that a link opens, and the key of its secret in the address."""
_MADE, _REFUSED = "runs_links_made", "runs_link_refused"
_DAY = 86_400


def share_menu(keeper: RunKeeper, runs: Sequence[str]) -> None:
    """A menu that makes a link to these runs, and lists those that there are."""
    menu = st.popover("Share", icon=":material/link:", key="runs-share", on_change=lambda: None,
                      help="A link that shows others these runs, and no more.")  # fmt: skip
    if not menu.open:
        return
    with menu:
        what = "this run, with its name," if len(runs) == 1 else f"these {len(runs)} runs, with names,"
        st.caption(f"Whoever has the link can look at {what} tags and note, and open a copy. They can change nothing.")
        made: dict[tuple[str, ...], tuple[int, str]] = st.session_state.setdefault(_MADE, {})
        if tuple(runs) in made:
            st.code(made[tuple(runs)][1], language="text", wrap_lines=True)
            st.caption("Copy it now: it is not shown again once you leave.")
        else:
            st.button("Make a link", key="runs-share-make", icon=":material/add_link:", type="primary",
                      on_click=_make, args=(keeper, list(runs)))  # fmt: skip
        if message := st.session_state.pop(_REFUSED, ""):
            st.error(as_text(message), icon=":material/block:")
        _links(keeper)


def _links(keeper: RunKeeper) -> None:
    """The owner's links, each with a way to end it."""
    from mlp_core.store.shares import shares

    found = shares(keeper.queue.store, keeper.owner)
    if found:
        st.caption("Links that there are")
    for link in found:
        with st.container(horizontal=True, vertical_alignment="center", key=f"runs-link-{link.key}"):
            st.caption(as_text(f"{_named(link.runs)}, {_ago(time.time() - link.made)}"), width="stretch")
            st.button("Revoke", key=f"runs-revoke-{link.key}", icon=":material/link_off:", type="tertiary",
                      on_click=partial(_revoke, keeper, link.key), help="It shows nothing any more.")  # fmt: skip


def _named(labels: Sequence[str]) -> str:
    if not labels:
        return "Runs that are gone"
    return plain(labels[0], 40) if len(labels) == 1 else f"{len(labels)} runs: {plain(labels[0], 30).rstrip('…')}…"


def _ago(seconds: float) -> str:
    days = int(seconds // _DAY)
    return "today" if days < 1 else f"{days} day{'s' * (days > 1)} ago"


def _make(keeper: RunKeeper, runs: list[str]) -> None:
    from mlp_core.store.shares import share, shares

    try:
        secret = share(keeper.queue.store, keeper.owner, runs)
        newest = shares(keeper.queue.store, keeper.owner)[0].key
    except UserError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state[_MADE][tuple(runs)] = newest, link_to(st.context.url or "http://localhost:8501/runs", secret)


def _revoke(keeper: RunKeeper, key: int) -> None:
    from mlp_core.store.shares import revoke

    try:
        revoke(keeper.queue.store, keeper.owner, key)
    except UserError as error:
        st.session_state[_REFUSED] = str(error)
        return
    made = st.session_state.get(_MADE, {})
    st.session_state[_MADE] = {runs: (number, url) for runs, (number, url) in made.items() if number != key}


def link_to(page: str, secret: str) -> str:
    """The address that shows what a secret is of; `page` is that of the Runs page."""
    return f"{urljoin(page.partition('?')[0], PATH)}?{urlencode({SECRET: secret})}"
