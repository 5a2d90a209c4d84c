"""Jumps of the training loss: told where steps went too far and came back, and nowhere else."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core import figures
from mlp_core.figures import Curve
from mlp_core.health.jumps import jumps

STEPS = 40.0 * np.arange(1, 201)
FALLING = 0.7 * np.exp(-np.arange(200) / 15) + 0.02


def with_jump(place: int, height: float, parts: int = 3) -> np.ndarray:
    losses = FALLING.copy()
    losses[place : place + parts] = height * np.linspace(1, 0.5, parts)
    return losses


@settings(max_examples=20)
@given(st.integers(90, 190), st.floats(0.2, 5.0), st.integers(1, 5))
def test_a_jump_that_came_back_is_told_with_its_numbers(place: int, height: float, parts: int) -> None:
    (found,) = jumps(with_jump(place, height, parts), STEPS)
    assert found.place == place
    assert (found.began, found.ended) == (STEPS[place - 1], STEPS[place + parts])
    assert np.isclose(found.peak, height)
    assert f"From step {40 * place:,} the train loss jumped from 0.02" in found.sentence


def test_nothing_else_is_a_jump() -> None:
    assert jumps(FALLING, STEPS) == ()
    assert jumps(with_jump(150, 2.0, 50), STEPS) == (), "it has not come back"
    assert jumps(with_jump(150, 2.0), STEPS / 40) == (), "single mini-batches"
    assert jumps(np.full(200, 0.7) + with_jump(150, 3.0), STEPS) == (), "there was nothing to lose"
    assert jumps(np.full(200, np.nan), STEPS) == ()
    assert jumps(np.zeros(0), np.zeros(0)) == ()
    assert [one.place for one in jumps(with_jump(90, 1.0) + with_jump(150, 1.0) - FALLING, STEPS)] == [90, 150]


def test_a_jump_has_a_triangle_that_says_what_it_is() -> None:
    losses = with_jump(150, 3.0)
    for log in (False, True):
        told = {one.place: one.sentence for one in jumps(losses, STEPS)}
        curve = Curve.of(STEPS, losses)
        figure = figures.loss_curves(curve, Curve.of([], []), steps_per_epoch=40, log_y=log, jumps=told)
        (drawn,) = (trace for trace in figure["data"] if trace["uid"] == "jumps")
        assert drawn["text"][0].replace("<br>", " ") == told[150]
        assert drawn["marker"]["symbol"] == "triangle-up"
