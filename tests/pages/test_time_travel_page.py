"""The slider over a run on the Playground: what the browser is told, and what happens to what it sends."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mlp_core.training.record import Effect, Surgery
from mlp_core.training.snapshot import Snapshot
from pages.components import state_strip
from pages.components import timeline as component
from pages.playground.time_travel import TimeSlot
from tests.pages.test_pages import LIMIT, app  # noqa: F401


class Slider:
    """Stands for the component: remembers what it is given, and sends what a test puts into `sent`."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.sent: list[dict[str, Any]] = []

    def __call__(self, *, key: str, data: bytes, on_act_change: Any) -> None:
        self.given = json.loads(data)

        def act() -> None:
            st.session_state[key] = SimpleNamespace(act=self.sent.pop())
            on_act_change()

        st.button("act", key="slide", on_click=act)  # only callbacks may run a fragment


@pytest.fixture(autouse=True)
def slider(monkeypatch: pytest.MonkeyPatch) -> Slider:
    made = Slider()
    monkeypatch.setattr(component, "_MOUNT", made)
    return made


@pytest.fixture(autouse=True)
def strip(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The notes of the strip by the labels of its cells."""
    found: dict[str, str] = {}

    def mount(*, key: str, data: bytes) -> None:
        found.update({cell["label"]: f"{cell['value']} {cell['note']}" for cell in json.loads(data)["cells"]})

    monkeypatch.setattr(state_strip, "_MOUNT", mount)
    return found


def send(app: AppTest, slider: Slider, **done: Any) -> None:  # noqa: F811
    slider.sent.append(done)
    app.button(key="slide").click().run()
    assert not app.exception
    app.run()
    assert not slider.sent


def test_a_run_is_looked_back_at_and_goes_on_from_there(
    app: AppTest, slider: Slider, strip: dict[str, str]  # noqa: F811
) -> None:
    session = app.session  # type: ignore[attr-defined]
    assert (slider.given["steps"], slider.given["end"]) == ([0], 0)
    assert slider.given["note"].startswith("Train,")
    for epoch in (1, 2):
        session.step_epoch()
        assert session.wait(lambda now, epoch=epoch: now.epoch == epoch and not now.busy, LIMIT)
    app.run()
    steps = session.snapshot().batches_per_epoch
    assert (slider.given["steps"][-1], slider.given["step"], slider.given["end"]) == (2 * steps, 2 * steps, 2 * steps)
    first = session.snapshot().run

    send(app, slider, kind="look", step=steps)
    assert session.wait(lambda now: now.step == steps and not now.busy, LIMIT)
    app.run()
    assert (slider.given["step"], slider.given["end"], slider.given["fork"]) == (steps, 2 * steps, None)
    assert strip["epoch"] == f"1 {steps} of {2 * steps} steps"
    assert strip["status"].startswith("looking back")
    send(app, slider, kind="look", step=None)
    assert session.wait(lambda now: now.step == 2 * steps and not now.busy, LIMIT)

    for wrong in ("1", -1, 1.5, True, [1]):
        send(app, slider, kind="look", step=wrong)
        send(app, slider, kind="fork", step=wrong)
    send(app, slider, kind="fork", step=None)
    send(app, slider, kind="explode", step=1)
    assert (session.snapshot().step, session.snapshot().run) == (2 * steps, first)

    send(app, slider, kind="fork", step=steps)
    assert session.wait(lambda now: now.run != first and now.step > steps, LIMIT)
    session.pause()
    assert session.wait(lambda now: not now.busy, LIMIT)
    app.run()
    assert slider.given["fork"] == steps
    assert session.snapshot().origin.run == first


def test_the_slider_says_what_lies_before_its_first_moment() -> None:
    done = Surgery(40, "split", (0,), 0, Effect((1.0, 1.0), (1.0, 1.0), (None, None), (None, None)))
    whole = Snapshot(checkpoints=(0, 40), run_step=80, step=80)
    assert TimeSlot().part(whole).data["before"] == ""
    later = replace(whole, checkpoints=(40, 60), surgeries=(done,), can_undo=True)
    assert TimeSlot().part(later).data["before"].startswith("Before step 40 the network had another number of neurons:")
    assert "Undo" not in TimeSlot().part(replace(later, can_undo=False)).data["before"]
    assert not TimeSlot().same(later, replace(later, can_undo=False))
