"""The state of a run as one safetensors file, and back: numbers as tensors, and how they belong together as JSON.

What can stand in such a file are the few kinds of things that a state is made of. Nothing in it can run.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlp_core.errors import SpecError
from mlp_core.export.weights import Weights
from mlp_core.run.batches import Position
from mlp_core.run.checkpoint import At, Checkpoint
from mlp_core.spec import Experiment
from mlp_core.training.events import EarlyStop, Evaluation
from mlp_core.training.history import History
from mlp_core.training.record import RunRecord
from mlp_core.training.state import Fork, Origin, RunState
from mlp_core.training.stopping import EarlyStopping

STRUCTURE = "structure"
"""The tensor that holds the JSON: uint8 (characters,)."""
FORMAT = 1
"""The version of the form."""
_RECORDS = {kind.__name__: kind for kind in (Checkpoint, Position, Evaluation, EarlyStop)}
_DAMAGED = "The state of this run cannot be read, so it cannot go on where it was. Its weights may still be opened."


def write_state(state: RunState, history: Mapping[str, Any]) -> bytes:
    """A file of a state with the memory of its history. Raises `SpecError` where it holds what cannot be kept."""
    from safetensors.torch import save

    given = {item.name: getattr(state, item.name) for item in fields(state) if item.name != "best_weights"}
    given |= {"experiment": state.experiment.to_json(), "record": state.record.to_json()}
    tensors: list[Tensor] = []
    text = json.dumps({"format": FORMAT, "state": _plain(given, tensors), "history": _plain(history, tensors)})
    named = {str(index): tensor.detach().cpu().contiguous().clone() for index, tensor in enumerate(tensors)}
    found: bytes = save({**named, STRUCTURE: torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)})
    return found


def read_state(content: bytes, best: Weights | None) -> tuple[RunState, History]:
    """The state in a file, with the best weights, and the history up to there. Raises `SpecError` for what is none."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
        text = bytes(tensors.pop(STRUCTURE).numpy()).decode()
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise ValueError("another version")
        given, memory = _whole(found["state"], tensors), _whole(found["history"], tensors)
        given |= {
            "experiment": Experiment.from_json(given["experiment"]),
            "record": RunRecord.from_json(given["record"]),
            "marks": tuple(tuple(mark) for mark in given["marks"]),
        }
        state = RunState(**given, best_weights=best)
        _check_strides(memory)
        return state, History.recalled(memory, state.best)
    except (SafetensorError, LookupError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise SpecError(_DAMAGED) from error


def _check_strides(memory: Mapping[str, Any]) -> None:
    """Raise `ValueError` where the memory of a history has a curve without steps from one value to the next."""
    strides = [each[name] for each in memory.values() if isinstance(each, Mapping) for name in ("stride", "every")
               if name in each]  # fmt: skip
    if not all(type(stride) is int and stride >= 1 for stride in strides):
        raise ValueError("no stride of a curve")


def same_run(state: RunState, history: History, writer: str = "") -> Fork:
    """What a new trainer needs to go on as the same run; `writer` is who had saved it last."""
    return Fork(state, (state,), None, continued=history, writer=writer)


def another_run(state: RunState, history: History) -> Fork:
    """What a new run needs to go on from a state, with that run's curves beside it."""
    return Fork(state, (state,), Origin(state.record.id, state.step, history))


def _plain(value: Any, tensors: list[Tensor]) -> Any:
    """JSON of a value; its tensors and arrays go to the end of `tensors`. All that is no plain value has a tag."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else {"float": str(number)}
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, list):
        return [_plain(item, tensors) for item in value]
    if isinstance(value, Tensor | np.ndarray):
        tensors.append(value if isinstance(value, Tensor) else torch.from_numpy(np.ascontiguousarray(value)))
        return {"tensor" if isinstance(value, Tensor) else "array": len(tensors) - 1}
    tag, inner = _tagged(value)
    return {tag: _plain(inner, tensors)}


def _tagged(value: Any) -> tuple[str, Any]:
    """The tag of a value that is no plain one, and what it holds."""
    name = type(value).__name__
    if isinstance(value, tuple):
        return "tuple", list(value)
    if isinstance(value, Mapping):
        return "counter" if isinstance(value, Counter) else "dict", [[key, item] for key, item in value.items()]
    if isinstance(value, At):
        return "at", value.index
    if isinstance(value, EarlyStopping):
        return "stopping", vars(value)
    if name in _RECORDS:
        return name, {item.name: getattr(value, item.name) for item in fields(value)}
    raise SpecError(f"The state of this run holds a {name}, which cannot be kept.")


def _whole(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `_plain` made JSON of."""
    if isinstance(value, list):
        return [_whole(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, inner),) = value.items()
    if tag in ("tensor", "array"):
        tensor = tensors[str(inner)]
        return tensor if tag == "tensor" else tensor.numpy()
    made: Any = _whole(inner, tensors)
    return _MADE[tag](made) if tag in _MADE else _RECORDS[tag](**made)


def _stopping(memory: Mapping[str, Any]) -> EarlyStopping:
    made = EarlyStopping()
    if memory.keys() != vars(made).keys():
        raise ValueError("another memory of early stopping")
    vars(made).update(memory)
    return made


_MADE: dict[str, Callable[[Any], Any]] = {
    "float": float, "tuple": tuple, "dict": dict, "at": At, "stopping": _stopping,
    "counter": lambda pairs: Counter(dict(pairs)),
}  # fmt: skip
"""What each tag is made into."""
