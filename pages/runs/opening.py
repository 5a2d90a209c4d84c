"""Opening a kept run in the Playground: as it was, to train on, or as a run of its own."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from mlp_core.errors import SpecError, UserError
from mlp_core.store.keeper import RunKeeper
from pages.live.runs import BrowserRuns
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.verdict import PLAYGROUND_PAGE

EXPORT_PAGE = PLAYGROUND_PAGE.parents[1] / "export" / "page.py"
How = Literal["open", "continue", "export", "fork"]


def open_run(runs: BrowserRuns, keeper: RunKeeper, run: str, how: How) -> None:
    """Open it and go to the Playground, or to the Export page; says why where it cannot be opened."""
    try:
        said = _open(runs, keeper, run, how)
    except UserError as error:
        st.error(as_text(error), icon=":material/block:")
        return
    if said:
        st.toast(said, icon=":material/info:")
    st.switch_page(str(EXPORT_PAGE if how == "export" else PLAYGROUND_PAGE))


def _open(runs: BrowserRuns, keeper: RunKeeper, run: str, how: How) -> str:
    """Give it to the session; gives what there is to say of it."""
    from mlp_core.export.weights import load
    from mlp_core.store.state import another_run, same_run
    from mlp_core.store.trust import stored_state

    session, store = runs.session, keeper.queue.store
    if session.snapshot().run == run and how != "fork":  # it is at hand
        if how == "continue":
            session.play()
        return ""
    said, writer = "", store.writer(keeper.owner, run)
    found = stored_state(store, keeper.owner, run)
    if found is not None:
        editor.adopt(found[0].experiment)
        session.resume(another_run(*found) if how == "fork" else same_run(*found, writer))
    elif (last := store.file(keeper.owner, run, "last")) is not None:
        weights = load(last)
        editor.adopt(weights.experiment)
        session.apply(weights.experiment, weights.tensors)
        said = "Its weights are loaded. The optimizer's state was too large to be kept, so it begins anew."
    else:
        raise SpecError("No weights of this run are kept. Its settings can still be seen, and trained again.")
    if how in ("continue", "fork"):
        session.play()
    return said
