"""What activations cost on this machine, relative to ReLU."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

import torch
from torch import Tensor, nn

from mlp_core.activations.response import build
from mlp_core.processor import PROCESSOR, Priority, Processor
from mlp_core.processor.policy import use_threads
from mlp_core.spec import LayerSpec

SAMPLES, FEATURES = 256, 256
"""The batch that is measured."""
ROUNDS = 15
"""How often all take their turn."""
CALLS = 3
"""Calls of one activation in its turn."""
REFERENCE = LayerSpec(type="ReLU")
"""What costs are relative to."""


@dataclass(frozen=True)
class Cost:
    """The cost of an activation: processor time of one thread."""

    layer: LayerSpec
    """The activation with its parameters."""
    forward: float
    """Time of a pass forward relative to ReLU's; the median of the ratios of each round."""
    backward: float
    """The same of a pass backward."""
    forward_ns: float
    """Nanoseconds a value forward; the median over the rounds."""
    backward_ns: float
    """The same backward."""


@dataclass
class _Timing:
    """One activation being measured."""

    layer: LayerSpec
    module: nn.Module
    x: Tensor
    forward: list[float] = field(default_factory=list)
    backward: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Time some calls by the thread's own clock, which stands still while other threads have the core."""
        forward = backward = 0.0
        for _ in range(CALLS):
            began = time.thread_time()
            out = self.module(self.x)
            between = time.thread_time()
            (out,) if out.grad_fn is None else torch.autograd.grad(out, self.x, torch.ones_like(out))
            forward, backward = forward + between - began, backward + time.thread_time() - between
        self.forward.append(forward)
        self.backward.append(backward)


def measure(
    layers: Sequence[LayerSpec], rounds: int = ROUNDS, *, processor: Processor = PROCESSOR
) -> Iterator[list[Cost]]:
    """Measure, round after round, every activation once in each; yields the costs so far after every round.

    Each round is a turn on the processor like a chunk of somebody's training, on a thread of the lowest priority, so
    that other sessions go on. Whoever stops taking rounds ends the measurement.
    """
    chosen = list(dict.fromkeys((REFERENCE, *layers)))
    measured: list[_Timing] = []

    def prepare() -> None:
        chance = torch.Generator().manual_seed(0)
        for layer in chosen:
            x = torch.randn(SAMPLES, FEATURES, generator=chance, requires_grad=True)
            measured.append(_Timing(layer, build(layer, FEATURES).train(), x))

    def one_round() -> None:
        use_threads(1)
        for each in measured:
            each.measure()

    _in_turn(processor, prepare)
    _in_turn(processor, one_round)  # what is first used loads code
    for each in measured:
        each.forward.clear()
        each.backward.clear()
    for _ in range(rounds):
        _in_turn(processor, one_round)
        yield [_cost(each, measured[0]) for each in measured]


def _in_turn(processor: Processor, work: Callable[[], None]) -> None:
    with processor.turns.turn(Priority.WATCHED):
        processor.compute(work, background=True)


def _cost(each: _Timing, reference: _Timing) -> Cost:
    def ratio(mine: list[float], theirs: list[float]) -> float:
        return median(a / max(b, 1e-9) for a, b in zip(mine, theirs, strict=True))

    per_value = 1e9 / (CALLS * SAMPLES * FEATURES)
    return Cost(
        each.layer,
        ratio(each.forward, reference.forward),
        ratio(each.backward, reference.backward),
        median(each.forward) * per_value,
        median(each.backward) * per_value,
    )
