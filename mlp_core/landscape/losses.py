"""The loss at many points of a plane at once.

A plane is linear in the weights, so the first Linear layer is computed for three networks only (the one in the middle,
and both directions): what it puts out at a point is a sum of these. All later layers are computed for several points in
one call, which holds no GIL where it can be compiled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # as scripts call it
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from mlp_core.engines.cache import BuildCache
from mlp_core.run.build import Run
from mlp_core.run.criterion import batch_weight
from mlp_core.run.metrics import EVALUATION_BATCH, still
from mlp_core.run.nogil import TRACING, unoptimised

MOST_POINTS = 64
"""Points of one call at most: more gain nothing."""
CALL_NUMBERS = 1_500_000
"""Weights and values of one call at most: it stays near the processor, and lasts tens of milliseconds."""
CALL_PRODUCTS = 2_000_000_000
"""Products of one point of a call at most, by which the samples of a call are chosen for very large networks."""
WORTH_COMPILING = 4
"""Calls from which it is worth compiling them."""
KEPT = 16
"""Compiled calls that the process keeps."""

Losses = Generator[float, None, Tensor]
"""Losses in slices: the share that is done, again and again, and at the end the losses."""
_Call = Callable[..., Tensor]

COMPILED: BuildCache[_Call | None] = BuildCache(KEPT)
"""Calls by structure and sizes; None where one could not be compiled."""


class PlaneLosses:
    """The losses of a run's network, as it is when this is made, over the plane of two directions.

    As in a test pass: dropout is off, BatchNorm uses its running statistics (those of the weights in the middle, all
    over the plane), and penalties on weights are left out. A direction has a tensor for every parameter.
    """

    def __init__(self, run: Run, directions: tuple[Sequence[Tensor], Sequence[Tensor]]) -> None:
        self._run = run
        self._model = still(run).model.eval().requires_grad_(False)
        lines = [list(line) for line in (self._model.parameters(), *directions)]
        begins = next((at for at, child in enumerate(self._model) if any(True for _ in child.parameters())), 0)
        self._before = self._model[:begins]
        self._linear: list[list[Tensor]] = []
        if isinstance(self._model[begins], nn.Linear):
            own = len(list(self._model[begins].parameters()))
            self._linear, lines = [line[:own] for line in lines], [line[own:] for line in lines]
            begins += 1
        self._tail, self._lines = self._model[begins:], lines
        self._names = [name for name, _ in self._tail.named_parameters()]
        self._buffers = dict(self._tail.named_buffers())

    def at(self, points: Tensor, x: Tensor, y: Tensor) -> Losses:
        """The mean losses float32 (P,) at points (P, 2) over samples `x` (N, ...) with targets `y`."""
        total, counted = torch.zeros(len(points), dtype=torch.float64), 0.0
        rows, size = self._rows(), self._points_of_call(len(x))
        calls = torch.split(points.float().to(x.device), size)
        starts = range(0, len(x), rows)
        for batch, start in enumerate(starts):
            samples, targets = x[start : start + rows], y[start : start + rows]
            call = self._call_for(samples, targets, size, len(calls))
            found = []
            for number, some in enumerate(calls):
                found.append(call(some).cpu())
                yield (batch + (number + 1) / len(calls)) / len(starts)
            weight = batch_weight(self._run.experiment.loss, self._run.loss, targets)
            total += weight * torch.cat(found).double()
            counted += weight
        return (total / counted).float()

    def of(self, tensors: Mapping[str, Tensor], x: Tensor, y: Tensor) -> Losses:
        """The mean loss, a scalar, of the network with these tensors in the place of its own, buffers too."""
        total = counted = 0.0
        starts = range(0, len(x), EVALUATION_BATCH)
        for batch, start in enumerate(starts):
            samples, targets = x[start : start + EVALUATION_BATCH], y[start : start + EVALUATION_BATCH]
            with torch.no_grad():
                outputs = functional_call(self._model, dict(tensors), (self._run.scaled(samples),))
                loss = float(self._run.loss(outputs, targets))
            weight = batch_weight(self._run.experiment.loss, self._run.loss, targets)
            total, counted = total + weight * loss, counted + weight
            yield (batch + 1) / len(starts)
        return torch.tensor(total / counted)

    def _rows(self) -> int:
        """Samples of a call: those of a test pass, fewer for very large networks."""
        if any(map(_by_batch, self._model.modules())):
            return EVALUATION_BATCH  # the loss depends on which samples are together
        return min(EVALUATION_BATCH, max(1, CALL_PRODUCTS // max(1, self._run.plan.parameters)))

    def _points_of_call(self, samples: int) -> int:
        values = min(samples, self._rows()) * sum(layer.out_features for layer in self._run.plan.layers)
        weights = sum(tensor.numel() for tensor in self._lines[0])
        return max(1, min(MOST_POINTS, CALL_NUMBERS // max(1, values + weights)))

    def _call_for(self, x: Tensor, y: Tensor, size: int, calls: int) -> _Call:
        """A function of at most `size` points that gives their losses on these samples."""
        with torch.no_grad():
            fixed = [self._before(self._run.scaled(x))]
            if self._linear:
                fixed = [F.linear(fixed[0], *line) for line in self._linear]
        tensors = [*(tensor for line in self._lines for tensor in line), *self._buffers.values(), *fixed, y]
        if calls >= WORTH_COMPILING and x.device.type == "cpu":
            shapes: Hashable = tuple((tensor.dtype, tuple(tensor.shape)) for tensor in tensors)
            compiled = COMPILED.get((self._run.structure, size, shapes), lambda: _compile(self._loss_at, size, tensors))
            if compiled is not None:
                return lambda points: _without_lock(compiled, _filled(points, size), *tensors)[: len(points)]
        return lambda points: _plain(self._loss_at, points, tensors)

    def _loss_at(self, point: Tensor, *tensors: Tensor) -> Tensor:
        """The loss at a point (2,), a scalar, from all tensors that it depends on, in the order of `_call_for`."""
        count, given = len(self._names), iter(tensors)
        middle, first, second = ([next(given) for _ in range(count)] for _ in range(3))
        buffers = {name: next(given) for name in self._buffers}
        fixed = [next(given) for _ in range(3 if self._linear else 1)]
        across, up = point[0], point[1]
        x = fixed[0] + across * fixed[1] + up * fixed[2] if self._linear else fixed[0]
        weights = {
            name: weight + across * one + up * other
            for name, weight, one, other in zip(self._names, middle, first, second, strict=True)
        }
        found: Tensor = self._run.loss(functional_call(self._tail, {**weights, **buffers}, (x,)), next(given))
        return found


def _by_batch(module: nn.Module) -> bool:
    """Whether a test pass through the module depends on which samples are in a batch."""
    return getattr(module, "track_running_stats", True) is False


def _filled(points: Tensor, size: int) -> Tensor:
    """So many points: these, and the last one again and again."""
    missing = size - len(points)
    return points if missing == 0 else torch.cat([points, points[-1:].expand(missing, 2)])


def _together(loss_at: _Call, points: Tensor, tensors: Sequence[Tensor]) -> Tensor:
    """The losses at points (P, 2), with all networks side by side."""
    losses: Tensor = vmap(lambda point: loss_at(point, *tensors))(points)
    return losses


def _plain(loss_at: _Call, points: Tensor, tensors: Sequence[Tensor]) -> Tensor:
    """The losses operator by operator; point by point where an operator knows no networks side by side."""
    with torch.no_grad():
        try:
            return _together(loss_at, points, tensors)
        except RuntimeError:
            return torch.stack([loss_at(point, *tensors) for point in points])


def _compile(loss_at: _Call, size: int, tensors: Sequence[Tensor]) -> _Call | None:
    """The call as a graph of operators, for the sizes of these tensors; None where it is not one."""
    points = torch.linspace(-1, 1, 2 * size).reshape(size, 2)
    try:
        with TRACING, torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of deprecation
            graph = make_fx(lambda points, *tensors: _together(loss_at, points, tensors))(points, *tensors)
            traced: _Call = torch.jit.trace(graph, (points, *tensors), check_trace=False)  # type: ignore[no-untyped-call]
            expected = _together(loss_at, points.flip(0), tensors)
        found = _without_lock(traced, points.flip(0), *tensors)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6, equal_nan=True)
    except Exception:
        return None  # a number has become a constant, or PyTorch cannot trace an operator
    return traced


def _without_lock(compiled: _Call, *arguments: Any) -> Tensor:
    with torch.inference_mode(), unoptimised():
        return compiled(*arguments)
