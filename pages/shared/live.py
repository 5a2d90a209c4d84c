"""What moves while a run trains: one fragment that ticks, and feeds every part of the page that is on screen.

It reads the session's snapshot and says which views are shown; what is not shown is neither computed nor sent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable

import streamlit as st

from mlp_core.figures import Curve
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part, feed
from pages.shared.layout import as_text
from pages.shared.stream import Stream, interval, offer
from pages.shared.turns import DRAWING

HEARTBEAT_SECONDS = 1.0
"""Between two ticks of a page whose browser follows the stream; others tick as often as the stream would answer."""
CURVE_POINTS = 250
LOOK_SECONDS = 0.1
"""How long drawing waits for a view that was just asked for; a slower one comes with a later tick."""

Curves = tuple[Curve, Curve, Curve]

_STREAMS = "browser_streams"
_RUNS = itertools.count()


def look(session: Session, views: Iterable[str]) -> Snapshot:
    """The session's state, with views that are asked for now if they are there soon."""
    session.watch(views)
    session.wait(lambda snapshot: not snapshot.looking or snapshot.waiting_since is not None, LOOK_SECONDS)
    return session.snapshot()


def live(session: Session, drawn: Snapshot, views: set[str], parts: Callable[[Snapshot], list[Part]]) -> None:
    """Feed the page every tick while the session is busy; `drawn` is the state that the page shows now."""
    stream = Stream(session, drawn, views, parts)
    address = f"{offer(stream)}#{next(_RUNS)}"  # another one for every run of the page: what it shows may be new
    every = HEARTBEAT_SECONDS if st.session_state.get(_STREAMS) else interval()

    def tick() -> None:
        snapshot = look(session, views)
        with DRAWING.turn():
            moved = [] if st.session_state.get(_STREAMS) else parts(snapshot)
            said = feed(moved, at=snapshot.at, stream=address if drawn.busy else None, key="live_feed")
        if said is not None:
            st.session_state[_STREAMS] = said
        wanted = HEARTBEAT_SECONDS if st.session_state.get(_STREAMS) else interval()
        if snapshot.progress is not None:
            what, share = snapshot.progress
            st.progress(share or 0.0, text=as_text(what))
            st.button("Cancel", key="cancel_download", on_click=session.cancel_download)
        if not stream.follows(snapshot) or (drawn.busy and not 0.4 < wanted / every < 2.6):
            st.rerun()  # the buttons and the other areas have to follow, or the ticks to come at another pace

    st.fragment(tick, run_every=every if drawn.busy else None, key="live")()


def curves(session: Session) -> Curves:
    """Train loss per step, test loss and test accuracy as figures draw them; empty before a run."""
    found = session.curves(CURVE_POINTS)
    if found is None:
        nothing = Curve.of([], [])
        return nothing, nothing, nothing
    train, rows = found.train_loss, found.evaluations
    return (
        Curve(train.steps, train.mean, train.low, train.high),
        Curve.of(rows[:, 0], rows[:, 1]),
        Curve.of(rows[:, 0], rows[:, 2]),
    )


def number(value: float | None) -> str:
    """A loss for people: four digits that mean something, an en dash for none."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"
    return f"{value:.1e}"
