"""Time travel: a slider under the curves that shows the run as it was, and the way on from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mlp_core.catalog.facts import DataFacts
from mlp_core.errors import SpecError
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part
from pages.components.timeline import timeline, with_actions
from pages.live.page import BUTTONS, LivePage, run_areas
from pages.shared import editor
from pages.shared.link import locked

AREA = "time"
SOON_SECONDS = 0.2
"""How long a press waits for what it shows; what takes longer comes with a tick."""
FIRST = "Train, and any moment of the run can be seen again here."


@dataclass(frozen=True, eq=False)
class TimeSlot:
    """The place of the slider."""

    label: str = "The slider over the run"
    """Its name for people."""

    def views(self, facts: DataFacts) -> Iterable[str]:
        """None: it shows where the run stands."""
        return ()

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "time-slider"

    def part(self, snapshot: Snapshot) -> Part:
        """The slider as it is now."""
        return timeline({
            "steps": list(snapshot.checkpoints),
            "step": snapshot.step,
            "end": snapshot.run_step,
            "fork": None if snapshot.origin is None else snapshot.origin.step,
            "trains": snapshot.trains,
            "note": _note(snapshot),
            "before": _before(snapshot),
        }, key=self.key(snapshot))  # fmt: skip

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Whether the run and what is shown of it stand where they did."""
        return _state(before) == _state(now)


def _state(snapshot: Snapshot) -> tuple[Any, ...]:
    found = snapshot.run, snapshot.checkpoints, snapshot.step, snapshot.run_step, snapshot.trains
    return *found, _note(snapshot), _before(snapshot)


def _note(snapshot: Snapshot) -> str:
    """What is said where there is no slider."""
    if snapshot.no_checkpoints or snapshot.dataset is None:
        return snapshot.no_checkpoints
    return "" if snapshot.run_step else FIRST


def _before(snapshot: Snapshot) -> str:
    """What is said of what came before the first moment, where that is not the start of the run."""
    first = next(iter(snapshot.checkpoints), 0)
    if not first:
        return ""
    if all(surgery.step != first for surgery in snapshot.surgeries):  # it was opened again
        return f"Before step {first:,} only the curve is kept, so that part cannot be seen from here."
    undo = snapshot.can_undo and snapshot.surgeries[-1].step == first
    way = ": Undo leads back to it" if undo else ", so that part cannot be seen from here"
    return f"Before step {first:,} the network had another number of neurons{way}."


def time_travel(page: LivePage, slots: Sequence[TimeSlot], session: Session) -> None:
    """Draw the slider, at any place of the page. What is done with it runs nothing but its own area."""

    def draw() -> None:
        now = session.snapshot()
        for slot in slots:
            part = with_actions(slot.part(now), lambda done: _act(session, done), locked=locked("step"))
            part.mount(now.version)

    with st.container(key=AREA):
        page.area(AREA, draw)


def _act(session: Session, done: Mapping[str, Any]) -> None:
    """Do what a reader did. What came from the browser is checked as any other value of a widget."""
    step = done.get("step")
    if step is not None and (type(step) is not int or step < 0):
        return
    if done["kind"] == "look":
        session.look_at(step)
        session.wait(lambda now: not now.busy, SOON_SECONDS)
        run_areas(AREA, BUTTONS)
    elif done["kind"] == "fork" and step is not None and not locked("step"):
        _fork(session, step)
        run_areas(AREA, BUTTONS)


def _fork(session: Session, step: int) -> None:
    """Go on from there with the settings that the page shows."""
    before = session.snapshot().run
    try:
        if session.fork(step, editor.experiment()) is None:
            return
    except SpecError as error:
        editor.say("controls", str(error))
        return
    session.play()
    session.wait(lambda now: now.run != before and now.step > step, SOON_SECONDS)
