"""Many training steps as one TorchScript function, which runs without the interpreter lock.

TorchScript is deprecated, and nothing else that PyTorch has runs a loop of operators without the lock and without
a compiler; this module, with `printing`, is all that a successor would have to replace.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from mlp_core.training.engine.optimizers import Update
from mlp_core.training.engine.printing import Body, Prologue
from mlp_core.training.engine.tracing import UnsupportedError

Function = Callable[..., tuple[Tensor, Tensor]]

_HEADER = """
def chunk(x_all: Tensor, y_all: Tensor, order: Tensor, batch: int, steps: int, batch_size: int, block: int,
          generator: Generator, flats: List[Tensor], params: List[Tensor], grads: List[Tensor],
          fresh: List[Tensor], states: List[List[Tensor]], buffers: List[Tensor], constants: List[Tensor],
          counts: Tensor, scratch: List[Tensor], scalars: List[float], first: bool, seed: Tensor
          ) -> Tuple[Tensor, Tensor]:
    losses: List[Tensor] = []
    nothing: List[Tensor] = []
    samples = x_all.size(0)
    done = 0
"""

# The draws repeat `RandomStream.shuffled` and `Batches.advance`, number by number.
_EPOCH_BEGINS = """
while done < steps:
    if batch == 0:
        torch.empty([], dtype=torch.int64).random_(generator=generator)
        drawn = int(torch.empty([], dtype=torch.int64).random_(generator=generator).item())
        sampler = torch.Generator()
        sampler.manual_seed(drawn)
        order = torch.randperm(samples, generator=sampler)
    begin = batch * batch_size
    end = min(begin + block, min(begin + (steps - done) * batch_size, samples))
    rows = order[begin:end]
    xs = torch.split(torch.index_select(x_all, 0, rows), batch_size)
    ys = torch.split(torch.index_select(y_all, 0, rows), batch_size)
    for x, y in zip(xs, ys):
"""

_EPOCH_ENDS = """
    batch += len(xs)
    done += len(xs)
    if end == samples:
        batch = 0
        torch.empty([], dtype=torch.int64).random_(generator=generator)
"""


@dataclass(frozen=True)
class Program:
    """A compiled chunk of steps for one structure; shared by every run that has it. `source` is for reading."""

    function: Function
    constants: list[Tensor]
    source: str


def without_gradients() -> AbstractContextManager[Any]:
    """What a program must run under: no autograd bookkeeping, since gradients are part of the graph."""
    return torch.inference_mode()


def unoptimised() -> AbstractContextManager[Any]:
    """Run programs as they are written.

    The default executor watches the first calls and rewrites the function, which costs seconds-long first calls
    and may join operators into others that round differently. The switch belongs to the calling thread.
    """
    return torch.jit.optimized_execution(False)


def write(
    graphs: Sequence[tuple[int, fx.GraphModule]],
    parameters: int,
    buffers: int,
    update: Update,
    accumulate: bool,
) -> Program:
    """Compile a program from one graph per batch size; raises `UnsupportedError` where TorchScript refuses it."""
    prologue = Prologue()
    bodies = [Body(graph, parameters, buffers, prologue) for _, graph in graphs]
    lines = [
        *(f"p{i} = params[{i}]" for i in range(parameters)),
        *(f"n{i} = fresh[{i}]" for i in range(parameters)),
        *(f"b{i} = buffers[{i}]" for i in range(buffers)),
        "w, g, fresh_flat = flats[0], flats[1], flats[2]",
        *(f"{name} = flats[{3 + i}]" for i, (name, _) in enumerate(update.state)),
        *(f"{name} = scratch[{i}]" for i, name in enumerate(update.scratch)),
        *(f"{name} = scalars[{i}]" for i, name in enumerate(update.scalars)),
        *prologue.lines,
    ]
    if update.fused:
        lines += [f"{name}s = states[{i}]" for i, (name, _) in enumerate(update.state)]
    if update.counts:
        lines += ["steps_of_each = counts.unbind(0)", "step = float(counts[0].item())"]
    if update.fused and update.counts:
        lines += ["counters = states[len(states) - 1]"]
    source = _HEADER + _indent(lines, 4) + _indent(_EPOCH_BEGINS.strip("\n").split("\n"), 4)
    source += _indent(_one_step(graphs, bodies, update, accumulate), 12)
    source += _indent(_EPOCH_ENDS.strip("\n").split("\n"), 4)
    if update.counts and not update.fused:
        source += "    counts.fill_(step)\n"
    source += "    return torch.stack(losses), order\n"
    return Program(_compile(source), prologue.constants, source)


def _one_step(
    graphs: Sequence[tuple[int, fx.GraphModule]], bodies: Sequence[Body], update: Update, accumulate: bool
) -> list[str]:
    lines: list[str] = []
    if len(bodies) == 1 or bodies[0].lines == bodies[1].lines:
        lines += bodies[0].lines
    else:
        lines += [f"if x.size(0) == {graphs[0][0]}:", *("    " + line for line in bodies[0].lines)]
        lines += ["else:", *("    " + line for line in bodies[1].lines)]
    lines.append("losses.append(loss)")
    if accumulate:
        lines.append("g.add_(fresh_flat)")
    if update.counts:
        # A float32 counter stands still at 2**24, and the optimizer's own counter is one.
        lines.append("counts.add_(1)" if update.fused else "step = min(step + 1.0, 16777216.0)")
    lines += update.lines
    if any("first" in line for line in update.lines):
        lines.append("first = False")
    return lines


def _indent(lines: Sequence[str], spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}\n" for line in lines)


def _compile(source: str) -> Function:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*torch.jit.*deprecated.*", category=DeprecationWarning)
            unit = torch.jit.CompilationUnit(source)
        function: Function = unit.chunk
    except RuntimeError as error:
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        raise UnsupportedError(f"TorchScript does not take one of its operators ({reason})") from error
    return function
