"""What moves while a run trains: one fragment that ticks, and feeds every part of the page that is on screen.

It reads the session's snapshot and says which views are shown; what is not shown is neither computed nor sent.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable

import streamlit as st

from mlp_core.figures import Curve
from mlp_core.processor import Priority
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part, feed
from pages.shared.layout import as_text
from pages.shared.stream import PageState, Stream, interval, offer
from pages.shared.turns import CROWD, DRAWING

HEARTBEAT_SECONDS = 15.0
"""Between two ticks of a page whose browser follows the stream; others tick as often as the stream would answer."""
DOWNLOAD_SECONDS = 0.5
"""Between two looks at a download."""
REST_SECONDS = 5.0
"""How long a page goes on ticking when nothing happens any more; it costs a whole run of the page to end that."""
CURVE_POINTS = 250
LOOK_SECONDS = 0.1
"""How long drawing waits for a view that was just asked for; a slower one comes with a later tick."""

Curves = tuple[Curve, Curve, Curve]

_STREAMS = "browser_streams"
_RUNS = itertools.count()


def look(session: Session, views: Iterable[str]) -> Snapshot:
    """The session's state, with views that are asked for now if they are there soon."""
    session.request_views(views)
    session.wait(lambda snapshot: not snapshot.computing_views or snapshot.waiting_since is not None, LOOK_SECONDS)
    return session.snapshot()


def live(
    session: Session, page: PageState, drawn: Snapshot, views: set[str], parts: Callable[[Snapshot], list[Part]]
) -> None:
    """Feed the page every tick while the session is busy.

    `page` is the state that the areas show now, `drawn` the one that the buttons show.
    """
    stream = Stream(session, page, drawn, views, parts)
    address = f"{offer(stream)}#{next(_RUNS)}"  # another one for every run of the page: what it shows may be new
    first, skipped = True, False
    rest_began: float | None = None
    every = _interval()

    def tick() -> None:
        nonlocal first, skipped, rest_began
        snapshot = look(session, views)
        # Where many wait to draw, every second tick draws nothing: numbers that are older, not a line that grows.
        skipped = not skipped and snapshot.busy and DRAWING.waiting >= CROWD
        with DRAWING.turn(Priority.PRESSED if first else Priority.WATCHED):
            # Where no stream brings the state that the buttons show, every tick does: Streamlit drops the first one's
            # message if another run of this fragment begins before it has gone out.
            brought = drawn.busy and (skipped or _streams())
            moved = [] if brought and not first else parts(snapshot)
            first = False
            said = feed(
                moved, version=snapshot.version, at=snapshot.at, stream=address if drawn.busy else None, key="live_feed"
            )
        if said is not None:
            st.session_state[_STREAMS] = said
        wanted = _interval()
        rest_began = None if snapshot.busy else rest_began or time.monotonic()
        over = rest_began is not None and time.monotonic() - rest_began > REST_SECONDS
        if over or (drawn.busy and not 0.4 < wanted / every < 2.6):
            st.rerun()  # the ticks have to end, which takes a whole page, or to come at another pace
        if not stream.follows(snapshot):
            st.rerun()  # the buttons and the other areas have to follow

    st.fragment(tick, run_every=every if drawn.busy else None, key="live")()


def _streams() -> bool:
    """Whether the browser follows the stream: until it says that it cannot."""
    return st.session_state.get(_STREAMS) is not False


def _interval() -> float:
    return HEARTBEAT_SECONDS if _streams() else interval()


def download(session: Session) -> None:
    """What of a data set has arrived, and a way to give it up; draws nothing when none is under way."""

    def tick() -> None:
        progress = session.snapshot().progress
        if progress is not None:
            what, share = progress
            st.progress(share or 0.0, text=as_text(what))
            st.button("Cancel", key="cancel_download", on_click=session.cancel_download)

    if session.snapshot().progress is not None:
        st.fragment(tick, run_every=DOWNLOAD_SECONDS, key="download_progress")()


def curves(snapshot: Snapshot) -> Curves:
    """Train loss per step, test loss and test accuracy as figures draw them; empty before a run."""
    found = snapshot.curves(CURVE_POINTS)
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
