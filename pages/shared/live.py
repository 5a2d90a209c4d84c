"""What moves while a run trains: the state strip, the output and the live tabs, each a fragment that ticks.

A fragment ticks only while something runs. It reads the session's snapshot, draws what is on screen, and says which
views it needs; what is not shown is neither computed nor sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import streamlit as st

from mlp_core.figures import Curve
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot

TICK_SECONDS = 0.25
CURVE_POINTS = 250
LOOK_SECONDS = 0.3
"""How long drawing waits for a view that was just asked for; a slower one comes with the next tick."""

Curves = tuple[Curve, Curve, Curve]


def live(
    draw: Callable[[Session, Snapshot], None],
    session: Session,
    *,
    key: str,
    busy: bool,
    views: Callable[[Session], set[str]] = lambda session: set(),
) -> None:
    """Draw with `draw` now, and again every tick while the session is busy; `views` are those that it shows."""

    def tick() -> None:
        watched: dict[str, set[str]] = st.session_state.setdefault("watched", {})
        watched[key] = views(session)
        session.watch(set().union(*watched.values()))
        session.wait(lambda snapshot: not snapshot.looking, LOOK_SECONDS)
        snapshot = session.snapshot()
        draw(session, snapshot)
        if snapshot.busy != busy or snapshot.status != st.session_state.get("drawn_status"):
            st.rerun()  # the buttons and the other areas have to follow

    st.fragment(tick, run_every=TICK_SECONDS if busy else None, key=key)()


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
