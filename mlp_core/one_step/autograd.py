"""What autograd does on the user's own network: its graph, and the ways to keep gradients, or to do without them.

Every result is computed on a copy of the network with the mini-batch at hand.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mlp_core.errors import SpecError
from mlp_core.one_step.step import choose_batch, refuse_large
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save
from mlp_core.run.objective import objective

MAX_NODES = 150
"""Nodes of the graph that are walked to, from the loss back."""
BACKWARDS = 3
"""How often `backward()` is called to show that gradients add up."""


@dataclass(frozen=True, kw_only=True)
class GraphNode:
    """One node of autograd's graph."""

    name: str
    """The class of its `grad_fn`, such as 'AddmmBackward0'; of a leaf 'AccumulateGrad'."""
    leaf: str
    """The name of the parameter whose `grad` it fills; '' for a node that is no leaf."""
    shape: tuple[int, ...]
    """The shape of that parameter; () for a node that is no leaf."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Autograd's graph of one mini-batch, from the loss back to the leaves."""

    nodes: tuple[GraphNode, ...]
    """The nodes in the order in which a walk by breadth from the loss meets them; the first one is the loss."""
    edges: tuple[tuple[int, int], ...]
    """Positions of two nodes: where a gradient comes from, and where it goes."""
    complete: bool
    """Whether the walk has met all nodes; it ends after `MAX_NODES`."""

    @property
    def leaves(self) -> tuple[GraphNode, ...]:
        """The parameters that gradients arrive at."""
        return tuple(node for node in self.nodes if node.leaf)


@dataclass(frozen=True, kw_only=True)
class GradRow:
    """One parameter after a demonstration."""

    parameter: str
    """Its name."""
    requires_grad: bool
    """Whether autograd follows it."""
    norms: tuple[float | None, ...]
    """The norm of its `grad` at each moment that is shown; None where `grad` is None."""


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """One thing that autograd does, on the network at hand."""

    name: str
    """Its short name."""
    title: str
    """What it shows, in a few words."""
    code: str
    """The lines of PyTorch that do it."""
    found: str
    """What came of it, in a sentence with the numbers."""
    moments: tuple[str, ...]
    """When norms were taken."""
    rows: tuple[GradRow, ...]
    """Every parameter."""


@dataclass(frozen=True, kw_only=True)
class Autograd:
    """The graph and all demonstrations."""

    graph: Graph
    """The graph of the mini-batch."""
    demonstrations: tuple[Demonstration, ...]
    """What was shown."""


def explore(run: Run, seed: int | None = None) -> Autograd:
    """Autograd on the next mini-batch of a run, or on one drawn with a seed. The run is left as it was.

    Raises `SpecError` for a network that is too large.
    """
    refuse_large(run.experiment, run.plan.parameters)
    if not any(True for _ in run.model.parameters()):
        raise SpecError("The network has no parameters, so autograd has nothing to follow. Add a Linear layer.")
    before = save(run)
    try:
        x, y = choose_batch(run, seed, [])
        trial = _Trial(run, run.scaled(x), y)
        shown = (_accumulation, _no_grad, _detach, _frozen)
        return Autograd(graph=_graph(trial), demonstrations=tuple(show(trial) for show in shown))
    finally:
        restore(run, before)


class _Trial:
    """One mini-batch and fresh copies of the network, each of which sees the same random draws."""

    def __init__(self, run: Run, x: Tensor, y: Tensor) -> None:
        self.run, self.x, self.y = run, x, y
        self._stream = run.stream.state()

    def model(self) -> nn.Sequential:
        """The network without any gradients."""
        model = copy.deepcopy(self.run.model)
        model.zero_grad()
        return model

    def loss(self, forward: Callable[[], Tensor]) -> Tensor:
        """The loss of what `forward` gives, without penalties."""
        found: Tensor = self.run.loss(self.drawn(forward), self.y)
        return found

    def drawn(self, forward: Callable[[], Tensor]) -> Tensor:
        """What `forward` gives with the draws of the step."""
        self.run.stream.restore(self._stream)
        with self.run.stream.lend() if self.run.draws_in_training else nullcontext():
            return forward()

    def norms(self) -> dict[str, float | None]:
        """The norm of every gradient after one plain `backward()`."""
        model = self.model()
        _backward(self.loss(lambda: model(self.x)))
        return _norms(model)


def _backward(total: Tensor, *, keep: bool = False) -> None:
    total.backward(retain_graph=keep)  # type: ignore[no-untyped-call]


def _norms(model: nn.Module) -> dict[str, float | None]:
    return {name: None if p.grad is None else float(p.grad.norm()) for name, p in model.named_parameters()}


def _whole(norms: dict[str, float | None]) -> float:
    return float(sum(norm**2 for norm in norms.values() if norm is not None) ** 0.5)


def _rows(model: nn.Module, *moments: dict[str, float | None]) -> tuple[GradRow, ...]:
    return tuple(
        GradRow(parameter=name, requires_grad=p.requires_grad, norms=tuple(norms[name] for norms in moments))
        for name, p in model.named_parameters()
    )


def _graph(trial: _Trial) -> Graph:
    model = trial.model()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    loss = trial.loss(lambda: model(trial.x))
    total = objective(loss, model.parameters(), trial.run.experiment.training)
    nodes: list[GraphNode] = []
    places: dict[Any, int] = {}
    edges: list[tuple[int, int]] = []
    waiting: list[Any] = [total.grad_fn]
    places[total.grad_fn] = 0
    complete = True
    for function in waiting:  # grows while it is walked through
        variable = getattr(function, "variable", None)
        leaf = "" if variable is None else names.get(id(variable), "input")
        shape = () if variable is None else tuple(variable.shape)
        nodes.append(GraphNode(name=type(function).__name__, leaf=leaf, shape=shape))
        for follower, _ in function.next_functions:
            if follower is None:
                continue
            if follower not in places:
                if len(waiting) >= MAX_NODES:
                    complete = False
                    continue
                places[follower] = len(waiting)
                waiting.append(follower)
            edges.append((places[function], places[follower]))
    return Graph(nodes=tuple(nodes), edges=tuple(dict.fromkeys(edges)), complete=complete)


def _accumulation(trial: _Trial) -> Demonstration:
    model = trial.model()
    loss = trial.loss(lambda: model(trial.x))
    moments = []
    for _ in range(BACKWARDS):
        _backward(loss, keep=True)
        moments.append(_norms(model))
    wholes = ", ".join(f"{_whole(norms):.4g}" for norms in moments)
    model.zero_grad()
    rows = _rows(model, *moments, _norms(model))
    return Demonstration(
        name="accumulation",
        title="Gradients add up until they are zeroed",
        code="loss = loss_fn(model(x), y)\n"
        "loss.backward(retain_graph=True)  # fills .grad\n"
        "loss.backward()  # adds to .grad: optimizer.zero_grad() was not called",
        found=f"Norm of all gradients together after 1, 2 and 3 calls of backward(): {wholes}. zero_grad() makes every "
        "grad None again.",
        moments=("after 1 call", "after 2 calls", "after 3 calls", "after zero_grad()"),
        rows=rows,
    )


def _no_grad(trial: _Trial) -> Demonstration:
    model = trial.model()
    with torch.no_grad():
        outcome = trial.drawn(lambda: model(trial.x))
    followed = trial.drawn(lambda: model(trial.x))
    said = ""
    try:
        _backward(outcome.sum())
    except RuntimeError as error:
        said = str(error).splitlines()[0].rstrip(".")
    came = type(followed.grad_fn).__name__
    return Demonstration(
        name="no_grad",
        title="no_grad: forward without a graph",
        code="with torch.no_grad():\n    outputs = model(x)\nprint(outputs.requires_grad, outputs.grad_fn)",
        found=f"requires_grad is {outcome.requires_grad} and grad_fn is {outcome.grad_fn}; without no_grad it is "
        f"{came}. outputs.sum().backward() says: {said}. Evaluation runs like this: no graph, so less memory.",
        moments=("after no_grad",),
        rows=_rows(model, _norms(model)),
    )


def _detach(trial: _Trial) -> Demonstration:
    model, plain = trial.model(), trial.norms()
    last = _last_trained(model)

    def cut() -> Tensor:
        cut_off: Tensor = model[:last](trial.x).detach()
        found: Tensor = model[last:](cut_off)
        return found

    _backward(trial.loss(cut))
    now = _norms(model)
    lost = [name for name, norm in now.items() if norm is None]
    said = (
        f"The grad of {len(lost)} of {len(now)} parameters is None: nothing came back to what lies before layer "
        f"{last}, so the optimizer passes over it. The others have the gradient that they had."
        if lost
        else f"Layer {last} is the first with weights, so nothing before it could lose a gradient."
    )
    return Demonstration(
        name="detach",
        title=f"detach: cut the graph in front of layer {last}",
        code=f"h = model[:{last}](x).detach()  # the same numbers, no grad_fn\n"
        f"loss = loss_fn(model[{last}:](h), y)\n"
        "loss.backward()",
        found=said,
        moments=("without detach", "with detach"),
        rows=_rows(model, plain, now),
    )


def _frozen(trial: _Trial) -> Demonstration:
    model, plain = trial.model(), trial.norms()
    first = next(i for i, layer in enumerate(model) if any(p.requires_grad for p in layer.parameters()))
    model[first].requires_grad_(False)
    loss = trial.loss(lambda: model(trial.x))
    if loss.requires_grad:
        _backward(loss)
    now = _norms(model)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    every = sum(p.numel() for p in model.parameters())
    fate = (
        "The others have the gradient that they had."
        if loss.requires_grad
        else "No other layer is trained, so the loss has no grad_fn and backward() would be an error."
    )
    return Demonstration(
        name="requires_grad_",
        title=f"requires_grad_(False): freeze layer {first}",
        code=f"model[{first}].requires_grad_(False)\n"
        "loss = loss_fn(model(x), y)\n"
        "loss.backward()  # fills the grad of all other layers",
        found=f"The grad of layer {first} stays None, and {trained:,} of {every:,} numbers are trained. {fate}",
        moments=("before", "frozen"),
        rows=_rows(model, plain, now),
    )


def _last_trained(model: nn.Sequential) -> int:
    return max(i for i, layer in enumerate(model) if any(p.requires_grad for p in layer.parameters()))
