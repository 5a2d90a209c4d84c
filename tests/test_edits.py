"""Undo and redo of edits: a bounded list with a place in it."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mlp_core.edits import MERGE_SECONDS, MOST, Edits
from mlp_core.presets import PRESETS
from mlp_core.spec import Experiment

BASE = PRESETS["spiral"].experiment


def with_rate(base: Experiment, rate: float) -> Experiment:
    return base.updated(optimizer=base.optimizer.updated(params={**base.optimizer.params, "lr": rate}))


def with_training(base: Experiment, **fields: Any) -> Experiment:
    return base.updated(training=base.training.updated(**fields))


class UndoAndRedo(RuleBasedStateMachine):
    """Against two plain lists: what was done, and what was taken back."""

    LIMIT = 6

    def __init__(self) -> None:
        super().__init__()
        self.edits, self.now = Edits().noted(BASE, 0.0), 0.0
        self.done, self.undone = [BASE], list[Experiment]()

    @rule(seed=st.integers(0, 4))
    def edit(self, seed: int) -> None:
        new = with_training(BASE, seed=seed)
        self.now += 1
        self.edits = self.edits.noted(new, self.now, self.LIMIT)
        if new != self.done[-1]:
            self.done, self.undone = [*self.done, new][-self.LIMIT :], []

    @rule()
    def undo(self) -> None:
        assert self.edits.can_undo == (len(self.done) > 1)
        if self.edits.can_undo:
            before = self.edits
            self.edits = before.moved(before.place - 1)
            assert self.edits.moved(self.edits.place + 1).current == before.current
            self.undone.append(self.done.pop())

    @rule()
    def redo(self) -> None:
        assert self.edits.can_redo == bool(self.undone)
        if self.edits.can_redo:
            self.edits = self.edits.moved(self.edits.place + 1)
            self.done.append(self.undone.pop())

    @rule(data=st.data())
    def back(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.edits.entries) - 1))
        every = [*self.done, *reversed(self.undone)]
        self.edits = self.edits.moved(place)
        self.done, self.undone = every[: place + 1], every[: place : -1]

    @invariant()
    def is_what_the_lists_say(self) -> None:
        every = [*self.done, *reversed(self.undone)]
        assert [entry.after for entry in self.edits.entries] == every
        assert self.edits.current == self.done[-1]
        assert len(self.edits.entries) <= self.LIMIT


UndoAndRedo.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestUndoAndRedo = UndoAndRedo.TestCase


def test_a_number_that_is_dragged_is_one_edit() -> None:
    edits = Edits().noted(BASE, 0)
    for place in range(1, 20):
        edits = edits.noted(with_rate(BASE, place / 100), place * 0.5 * MERGE_SECONDS)
    assert len(edits.entries) == 2
    assert edits.words(1) == "Learning rate 0.03 → 0.19"
    later = edits.entries[-1].at + 2 * MERGE_SECONDS
    assert len(edits.noted(with_rate(BASE, 0.5), later).entries) == 3
    assert len(edits.noted(with_training(edits.entries[1].after, batch_size=10), 14.0).entries) == 3, "another"
    assert edits.noted(BASE, edits.entries[-1].at).entries == edits.entries[:1], "dragged back"
    again = edits.moved(0).moved(1).noted(with_rate(BASE, 0.5), edits.entries[-1].at)
    assert len(again.entries) == 3, "not after an undo"


def test_presses_of_a_button_that_draws_a_seed_are_edits_of_their_own() -> None:
    edits = Edits().noted(BASE, 0)
    for seed in (1, 2, 3):
        edits = edits.noted(with_training(BASE, seed=seed), 0)
    assert len(edits.entries) == 4


def test_an_edit_is_said_in_words() -> None:
    edits = Edits().noted(BASE, 0)
    layers = BASE.layers
    other = layers[1].updated(type="ReLU", params={})
    edits = edits.noted(BASE.updated(layers=(layers[0], other, *layers[2:])), 10)
    edits = edits.noted(PRESETS["two-hidden-relu"].experiment, 20).noted(BASE, 30)
    assert edits.words(1) == "Layer 2: Tanh → ReLU"
    assert edits.words(2).startswith("Preset ")
    assert edits.before(BASE) == 0
    assert edits.moved(0).before(BASE) is None


def test_the_oldest_are_forgotten() -> None:
    edits = Edits()
    for seed in range(3 * MOST):
        edits = edits.noted(with_training(BASE, seed=seed), seed)
    assert len(edits.entries) == MOST
    assert edits.current == with_training(BASE, seed=3 * MOST - 1)
