"""Whether the state of a run that came in a file is one that its experiment can have.

What the server has written itself is trusted. A file from elsewhere may hold anything, and engines reach into tensors
by their addresses, so everything is compared with the state of a run of the same experiment that has done as little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlp_core import data
from mlp_core.data.dataset import Dataset
from mlp_core.engines.eager import EagerEngine
from mlp_core.errors import SpecError
from mlp_core.export.weights import load
from mlp_core.run.build import build
from mlp_core.run.checkpoint import At, Checkpoint, save
from mlp_core.store.runs import RunStore
from mlp_core.store.state import read_state
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.history import History
from mlp_core.training.loop import LoopState
from mlp_core.training.state import RunState

_REFUSED = "The state in this file is not one of its experiment, so the run cannot go on where it was."


def stored_state(
    store: RunStore, owner: str, run: str, data_dir: Path | None = None
) -> tuple[RunState, History] | None:
    """What a kept run goes on from; None where that is not kept. Raises `SpecError` where a file held another one, and
    `DataError` where that cannot be told because the data are not there."""
    best = store.file(owner, run, "best")
    weights = None if best is None else load(best)
    if (content := store.file(owner, run, "state")) is not None:
        return read_state(content, weights)
    if (content := store.file(owner, run, "given")) is None:
        return None
    state, history = read_state(content, weights)
    check_state(state, data.load(state.experiment.data, data_dir))
    return state, history


def check_state(state: RunState, dataset: Dataset) -> None:
    """Raise `SpecError` where a run of the state's experiment on these data could not have such a state."""
    run = build(state.experiment, dataset)
    if state.checkpoint.batch_size != run.batches.batch_size and 1 <= state.checkpoint.batch_size <= dataset.train_size:
        run.batches.set_size(state.checkpoint.batch_size)
    loop = LoopState(DivergenceGuard(run)).memory()
    if state.step:
        EagerEngine().run(run, 1)
    like = save(run)
    try:
        fits = _fits(state.checkpoint, like, run.batches.per_epoch, dataset.train_size)
        sound = fits and _remembers(state, loop, like)
    except (TypeError, ValueError, AttributeError, RuntimeError, LookupError):
        sound = False
    if not sound:
        raise SpecError(_REFUSED)


def _fits(given: Checkpoint, like: Checkpoint, per_epoch: int, samples: int) -> bool:
    count = len(like.has_gradient)
    networks = len(like.tensors) - sum(like.has_gradient) - sum(1 for _ in _places(like.optimizer))
    gradients = sum(given.has_gradient)
    shapes = [_kind(tensor) for tensor in given.tensors]
    expected = [_kind(tensor) for tensor in like.tensors[:networks]]
    owners = [kind for kind, has in zip(expected, given.has_gradient, strict=False) if has]
    position, order = given.position, given.order
    return (
        len(given.has_gradient) == count
        and given.trains == like.trains
        and shapes[: networks + gradients] == expected + owners
        and sorted(_places(given.optimizer)) == list(range(networks + gradients, len(shapes)))
        and _layout(given.optimizer, given.tensors) == _layout(like.optimizer, like.tensors)
        and _layout(given.scheduler, []) == _layout(like.scheduler, [])
        and _kind(given.stream[0]) == _kind(like.stream[0])
        and given.stream[1] is None
        and type(given.batch_size) is int
        and given.batch_size == like.batch_size
        and all(type(value) is int and 0 <= value < 2**53 for value in (position.epoch, position.batch, position.step))
        and position.batch < per_epoch
        and (order is None or (_kind(order) == (torch.int64, (samples,)) and _within(order, samples)))
    )


def _within(order: Tensor, samples: int) -> bool:
    return int(order.min()) >= 0 and int(order.max()) < samples


def _remembers(state: RunState, loop: Mapping[str, Any], like: Checkpoint) -> bool:
    """Whether what the loop remembers is of the right kinds; numbers of it are only shown."""
    given, network = state.loop, [_kind(tensor) for tensor in like.tensors]
    numbers = ("epoch_loss", "train_loss", "learning_rate", "seconds", "samples", "evaluation_seconds")
    kept = state.loop["stopping"].kept
    return (
        given.keys() == loop.keys()
        and all(isinstance(given[name], int | float) for name in numbers)
        and all(isinstance(part, np.ndarray) and part.ndim == 1 for part in given["report"])
        and all(given[name] is None or isinstance(given[name], type(state.best)) or state.best is None
                for name in ("evaluation", "untold"))
        and (not kept or [_kind(tensor) for tensor in kept] == network[: len(kept)])
        and all(isinstance(part, int) for mark in state.marks for part in mark)
    )  # fmt: skip


def _kind(tensor: Tensor) -> tuple[torch.dtype, tuple[int, ...]]:
    return tensor.dtype, tuple(tensor.shape)


def _places(value: Any) -> Iterator[int]:
    """The places of tensors in a nested value."""
    if isinstance(value, At):
        yield value.index
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _places(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _places(item)


def _layout(value: Any, tensors: list[Tensor]) -> Any:
    """The form of a nested value: keys, kinds of values, types and shapes of tensors."""
    if isinstance(value, At):
        return _kind(tensors[value.index])
    if isinstance(value, Mapping):
        return {key: _layout(item, tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [_layout(item, tensors) for item in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
