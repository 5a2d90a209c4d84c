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

from mlp_core.engines.optimizers import Update
from mlp_core.engines.printing import Body, Prologue
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.nogil import held

Function = Callable[..., tuple[Tensor, Tensor]]

_HEADER = """
def chunk(data: List[Tensor], flats: List[Tensor], params: List[Tensor], grads: List[Tensor], fresh: List[Tensor],
          states: List[List[Tensor]], kept: List[Tensor], buffers: List[Tensor], constants: List[Tensor],
          scratch: List[Tensor], generator: Generator, sampler: Generator, scalars: List[float], rates: List[float],
          momenta: List[float], clip_at: float, batch: int, steps: int, batch_size: int, block: int, loaders: int,
          first: bool) -> Tuple[Tensor, Tensor]:
    x_all, y_all, order, counts, seed, drawn = data[0], data[1], data[2], data[3], data[4], data[5]
    losses: List[Tensor] = []
    nothing: List[Tensor] = []
    xs_epoch: List[Tensor] = []
    ys_epoch: List[Tensor] = []
    x_epoch, y_epoch = x_all, y_all
    samples = x_all.size(0)
    per_epoch = (samples + batch_size - 1) // batch_size
    done = 0
"""

ORDER = 2
"""Where `data` holds the order of the epoch that the chunk begins in."""

# An epoch that is run as a whole is put in order in the same memory each time, so that its batches are cut once.
#
# The draws repeat `RandomStream.shuffled` and `Batches.advance`, number by number. `drawn` is an input because the
# compiler drops a draw into a tensor that nobody reads, `sampler` because a generator made here would be made once,
# when the function is compiled, and shared by all threads.
_EPOCH_BEGINS = """
while done < steps:
    if batch == 0:
        drawn.random_(generator=generator)
        sampler.manual_seed(int(drawn.random_(generator=generator).item()))
        order = torch.randperm(samples, generator=sampler)
    begin = batch * batch_size
    end = min(begin + block, min(begin + (steps - done) * batch_size, samples))
    if begin == 0 and end == samples:
        if len(xs_epoch) == 0:
            x_epoch, y_epoch = torch.empty_like(x_all), torch.empty_like(y_all)
            xs_epoch, ys_epoch = torch.split(x_epoch, batch_size), torch.split(y_epoch, batch_size)
        torch.index_select(x_all, 0, order, out=x_epoch)
        torch.index_select(y_all, 0, order, out=y_epoch)
        xs, ys = xs_epoch, ys_epoch
    else:
        rows = order[begin:end]
        xs = torch.split(torch.index_select(x_all, 0, rows), batch_size)
        ys = torch.split(torch.index_select(y_all, 0, rows), batch_size)
    place = batch
    for x, y in zip(xs, ys):
        place += 1
        if x.dtype == torch.float32:  # products round by where a matrix begins, and a script's batch is its own
            x = x.clone()
"""

_EPOCH_ENDS = """
    batch += len(xs)
    done += len(xs)
    if end == samples:
        batch = 0
        for _ in range(loaders):
            drawn.random_(generator=generator)
"""


# As `torch.nn.utils.clip_grad_norm_` does on a processor; dividing a number by a tensor is these two operators.
_CLIP = {
    "": (),
    "norm": (
        "norm = torch.ops.aten.linalg_vector_norm(torch.stack(torch._foreach_norm(grads, 2.0)), 2.0)",
        "g.mul_(torch.clamp(torch.mul(torch.reciprocal(norm.add_(clip_eps)), clip_norm), max=1.0))",
    ),
    "value": ("g.clamp_(-clip_at, clip_at)",),
}


@dataclass(frozen=True)
class Extras:
    """What a step does besides."""

    never_zero: bool = False
    """Whether it adds its gradient to all earlier ones."""
    every: int = 1
    """After how many steps the weights are updated, with the sum of their gradients."""
    scheduled: bool = False
    """Whether it takes its learning rate from a table."""
    cycled: str = ""
    """The setting of the optimizer that it takes from a table as well; '' for none."""
    clip: str = ""
    """How it clips the gradient, by its 'norm' or its every 'value'; '' where it does not."""


@dataclass(frozen=True)
class Program:
    """A compiled chunk of steps for one structure; shared by every run that has it."""

    function: Function
    """The compiled function."""
    constants: Any
    """What it needs besides the run's own tensors."""
    source: str
    """Its text, for reading."""


def without_gradients() -> AbstractContextManager[Any]:
    """What a program must run under: no autograd bookkeeping, since gradients are part of the graph."""
    return torch.inference_mode()


def write(
    graphs: Sequence[tuple[int, fx.GraphModule]],
    parameters: int,
    buffers: int,
    update: Update,
    extras: Extras,
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
        *(f"{name}_0d = torch.full([], {name}, dtype=torch.float32)" for name in update.scalars),
        "number = torch.zeros([], dtype=torch.float32)",
        *prologue.lines,
    ]
    if extras.clip == "norm":
        lines += [
            "clip_eps = torch.full([], 1e-6, dtype=torch.float32)",
            "clip_norm = torch.full([], clip_at, dtype=torch.float32)",
        ]
    if update.counts:
        lines.append("step = float(counts[0].item())")
    lines += [f"{number.name} = float(kept[{i}][0].item())" for i, number in enumerate(update.numbers)]
    source = _HEADER + _indent(lines, 4) + _indent(_EPOCH_BEGINS.strip("\n").split("\n"), 4)
    source += _indent(_one_step(graphs, bodies, update, extras), 12)
    source += _indent(_EPOCH_ENDS.strip("\n").split("\n"), 4)
    if update.counts:
        source += "    counts.fill_(step)\n"
    source += "".join(f"    kept[{i}].fill_({number.name})\n" for i, number in enumerate(update.numbers))
    source += "    return torch.stack(losses), order\n"
    return Program(_compile(source), held(prologue.constants), source)


def _one_step(
    graphs: Sequence[tuple[int, fx.GraphModule]], bodies: Sequence[Body], update: Update, extras: Extras
) -> list[str]:
    lines: list[str] = []
    if len(bodies) == 1 or bodies[0].lines == bodies[1].lines:
        lines += bodies[0].lines
    else:
        lines += [f"if x.size(0) == {graphs[0][0]}:", *("    " + line for line in bodies[0].lines)]
        lines += ["else:", *("    " + line for line in bodies[1].lines)]
    if extras.scheduled:
        lines.append("lr = rates[len(losses)]")
        if any("lr_0d" in line for line in update.lines):
            lines.append("lr_0d.fill_(lr)")
    if extras.cycled in update.scalars:
        lines += [f"{extras.cycled} = momenta[len(losses)]", f"{extras.cycled}_0d.fill_({extras.cycled})"]
    lines.append("losses.append(loss)")
    if extras.never_zero:
        lines.append("g.add_(fresh_flat)")
    elif extras.every > 1:
        lines += [f"if place % {extras.every} == 1:", "    g.copy_(fresh_flat)", "else:", "    g.add_(fresh_flat)"]
    applied = [*_CLIP[extras.clip]]
    if update.counts:
        # A float32 counter stands still at 2**24, and the optimizer's own counter is one.
        applied.append("step = min(step + 1.0, 16777216.0)")
    # Its factor is rounded to single precision, and then the product.
    for number in update.numbers:
        applied.append(f"{number.name} *= float(number.fill_({number.factor}).item())")
        applied.append(f"{number.name} = float(number.fill_({number.name}).item())")
    done = update.fused or update.lines
    applied += done
    if any("first" in line for line in done):
        applied.append("first = False")
    if extras.every == 1:
        return lines + applied
    lines.append(f"if place % {extras.every} == 0 or place == per_epoch:")
    return lines + [f"    {line}" for line in applied]


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
