"""Calls of PyTorch that hold no GIL: small TorchScript functions, and how they are run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import torch
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


_COPIES = """
def copies(tensors: List[Tensor]) -> List[Tensor]:
    made: List[Tensor] = []
    for tensor in tensors:
        made.append(tensor.clone())
    return made
"""


def copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Detached copies of tensors, made in one call without the interpreter lock.

    Beside a busy Python thread every operator called from Python waits some milliseconds for the lock, so copying
    a network's tensors one by one can take longer than the chunk of steps before it.
    """
    with torch.no_grad(), unoptimised():
        made: list[Tensor] = _copying()(held(tensors))
    return made[: len(tensors)]


@cache
def _copying() -> Callable[[Any], list[Tensor]]:
    function: Callable[[Any], list[Tensor]] = torch.jit.CompilationUnit(_COPIES).copies
    return function
