"""Calls of PyTorch that hold no GIL: small TorchScript functions, and how they are run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TRACING = threading.Lock()
"""Held while PyTorch records a graph: tracers patch state of the whole process, so only one thread may trace."""


def held(tensors: Sequence[Tensor]) -> Any:
    """A list of tensors that TorchScript reads in place, and that keeps a reference to each on its side.

    That reference matters: when TorchScript drops its last one to a tensor that Python knows, it waits for the
    interpreter lock.
    """
    return torch._C.ScriptList(list(tensors) or [torch.empty(0)])


def held_lists(lists: Sequence[Sequence[Tensor]]) -> Any:
    """As `held`, for a list of lists."""
    return torch._C.ScriptList([list(tensors) for tensors in lists])


def unoptimised() -> AbstractContextManager[Any]:
    """Run programs as they are written.

    The default executor watches the first calls and rewrites the function, which costs seconds-long first calls
    and may join operators into others that round differently. The switch belongs to the calling thread.
    """
    switch: AbstractContextManager[Any] = torch.jit.optimized_execution(False)  # type: ignore[attr-defined]
    return switch


_SOURCE = """
def copies(tensors: List[Tensor]) -> List[Tensor]:
    made: List[Tensor] = []
    for tensor in tensors:
        made.append(tensor.clone())
    return made

def assign(targets: List[Tensor], values: List[Tensor], filled: List[Tensor], numbers: List[float]) -> int:
    for target, value in zip(targets, values):
        target.copy_(value)
    for target, number in zip(filled, numbers):
        target.fill_(number)
    return 0

def equal(first: List[Tensor], second: List[Tensor]) -> bool:
    for one, other in zip(first, second):
        if one.size() != other.size():
            return False
        if not bool(((one == other) | ((one != one) & (other != other))).all()):
            return False
    return len(first) == len(second)

def picked(tensors: List[Tensor], rows: List[List[int]], columns: List[List[int]]) -> Tensor:
    made: List[Tensor] = []
    for tensor, chosen, across in zip(tensors, rows, columns):
        found = tensor.index_select(0, torch.tensor(chosen, dtype=torch.long, device=tensor.device))
        if tensor.dim() == 2:
            found = found.index_select(1, torch.tensor(across, dtype=torch.long, device=tensor.device))
        made.append(found.reshape(-1).to(torch.float32).cpu())
    return torch.cat(made) if len(made) > 0 else torch.empty(0)

def flats(shapes: List[List[int]], room: List[int], count: int) -> List[List[Tensor]]:
    size = 0
    for length in room:
        size += length
    made: List[List[Tensor]] = []
    for _ in range(count):
        flat = torch.zeros(size)
        found = [flat]
        begin = 0
        for shape, length in zip(shapes, room):
            numbers = 1
            for side in shape:
                numbers *= side
            found.append(flat.narrow(0, begin, numbers).view(shape))
            begin += length
        made.append(found)
    return made
"""


def copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Detached copies of tensors, made in one call without the interpreter lock.

    Beside a busy Python thread every operator called from Python waits some milliseconds for the lock, so copying
    a network's tensors one by one can take longer than the chunk of steps before it.
    """
    with torch.no_grad(), unoptimised():
        made: list[Tensor] = _compiled().copies(held(tensors))
    return made[: len(tensors)]


def assign(values: Sequence[tuple[Tensor, Tensor | float]]) -> None:
    """Give tensors other values, of a tensor of the same shape or all one number, without the interpreter lock."""
    copied = [(target, value) for target, value in values if isinstance(value, Tensor)]
    filled = [(target, value) for target, value in values if not isinstance(value, Tensor)]
    if values:
        with torch.no_grad(), unoptimised():
            _compiled().assign(
                held([target for target, _ in copied]),
                held([value for _, value in copied]),
                held([target for target, _ in filled]),
                [float(value) for _, value in filled],
            )


def equal(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    """Whether tensors are equal number by number, NaN to NaN, found in one call without the interpreter lock."""
    with torch.no_grad(), unoptimised():
        return bool(_compiled().equal(held(first), held(second)))


def picked(asked: Sequence[tuple[Tensor, list[int], list[int]]]) -> NDArray[np.float32]:
    """Chosen rows of tensors, of matrices with chosen columns, one after the other in one array.

    It is made in one call without the interpreter lock.
    """
    if not asked:
        return np.empty(0, dtype=np.float32)
    tensors, rows, columns = zip(*asked, strict=True)
    with torch.no_grad(), unoptimised():
        found: Tensor = _compiled().picked(held(tensors), list(rows), list(columns))
    return found.numpy()


def flats(shapes: Sequence[Sequence[int]], room: Sequence[int], count: int) -> list[tuple[Tensor, list[Tensor]]]:
    """So many flat tensors of zeros, each with views of these shapes, which lie so far apart as `room` says."""
    with unoptimised():
        made = _compiled().flats([list(shape) for shape in shapes], list(room), count)
    return [(flat, views) for flat, *views in made]


@cache
def _compiled() -> Any:
    return torch.jit.CompilationUnit(_SOURCE)
