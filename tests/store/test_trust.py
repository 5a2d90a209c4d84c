"""A state that came in a file goes on as its run did, or is refused: nothing of it is taken on trust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from mlp_core.data import load
from mlp_core.errors import SpecError
from mlp_core.presets import preset
from mlp_core.processor import PROCESSOR
from mlp_core.run.checkpoint import At
from mlp_core.spec import Experiment
from mlp_core.store.state import read_state, write_state
from mlp_core.store.trust import check_state
from mlp_core.training.state import RunState
from mlp_core.training.trainer import Trainer

SPIRAL = preset("spiral").experiment
EXPERIMENTS = {
    "adam": SPIRAL.updated(optimizer={"type": "Adam"}),
    "schedule": SPIRAL.updated(scheduler={"type": "MultiStepLR", "every": "epoch", "params": {}}),
    "batch norm": SPIRAL.updated(layers=[SPIRAL.layers[0], {"type": "BatchNorm1d"}, *SPIRAL.layers[1:]]),
}


def trained(experiment: Experiment, steps: int = 7) -> bytes:
    trainer = Trainer(experiment, load(experiment.data), processor=PROCESSOR)
    for event in trainer.train(steps=steps):
        trainer.take(event)
    draft = trainer.draft()
    assert draft is not None
    assert draft.state is not None
    return write_state(draft.state, draft.history)


@pytest.fixture(scope="module")
def adam() -> RunState:
    return read_state(trained(EXPERIMENTS["adam"]), None)[0]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_a_run_has_written_is_sound(name: str) -> None:
    state, history = read_state(trained(EXPERIMENTS[name]), None)
    assert history.curves().train_loss.steps[-1] == 7
    check_state(state, load(state.experiment.data))


def other(**changes: Any) -> Callable[[RunState], RunState]:
    return lambda state: replace(state, checkpoint=replace(state.checkpoint, **changes))


def smaller(state: RunState) -> RunState:
    """The second average of Adam's for the first weights is one number, where an engine reaches for many."""
    tensors = list(state.checkpoint.tensors)
    place = state.checkpoint.optimizer["state"][0]["exp_avg_sq"].index
    tensors[place] = torch.zeros(1)
    return replace(state, checkpoint=replace(state.checkpoint, tensors=tensors))


def shared(state: RunState) -> RunState:
    """Two averages are one tensor."""
    optimizer = dict(state.checkpoint.optimizer)
    first = dict(optimizer["state"][0])
    optimizer["state"] = {**optimizer["state"], 0: first | {"exp_avg_sq": At(first["exp_avg"].index)}}
    return replace(state, checkpoint=replace(state.checkpoint, optimizer=optimizer))


BROKEN = {
    "fewer tensors": lambda state: other(tensors=state.checkpoint.tensors[:-1])(state),
    "a small tensor of the optimizer": smaller,
    "a tensor twice": shared,
    "an order beyond the samples": other(order=torch.full((200,), 10_000)),
    "a short order": other(order=torch.zeros(3, dtype=torch.int64)),
    "no whole batch size": other(batch_size=0.5),
    "a batch size of nothing": other(batch_size=0),
    "a position before the start": lambda state: other(
        position=replace(state.checkpoint.position, batch=-1))(state),
    "another network": lambda state: replace(state, experiment=SPIRAL.updated(layers=SPIRAL.layers[2:])),
    "another optimizer": lambda state: replace(state, experiment=SPIRAL),
    "a short generator": other(stream=(torch.zeros(3, dtype=torch.uint8), None)),
    "no memory of the loop": lambda state: replace(state, loop={"stopping": state.loop["stopping"]}),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_another_state_is_refused(adam: RunState, name: str) -> None:
    with pytest.raises(SpecError, match="cannot go on"):
        check_state(BROKEN[name](adam), load(SPIRAL.data))


def test_a_torn_state_is_a_sentence() -> None:
    content = trained(SPIRAL, 1)
    read_state(content, None)
    for changed in (
        content[:100], b"", content[:-1], content.replace(b'["stride", 1]', b'["stride", 0]'),
        content.replace(b'{"Position"', b'{"Popen___"'), content.replace(b'"format": 1', b'"format": 2'),
    ):  # fmt: skip
        assert changed != content
        with pytest.raises(SpecError, match="cannot be read"):
            read_state(changed, None)
