"""An operation on the numbers of a run: weights, buffers, gradients, and what the optimizer keeps for each weight.

A copy of a neuron gets copies of the weights that lead into it. Each weight that leads out of it is divided between the
two, at a share of its own, so that their gradients differ and they part ways. Of what the optimizer keeps for weights
that lead into the pair, what grows with the gradient is halved, and what grows with its square quartered: that is what
they would have gathered as two. What is kept for new weights is as before the first step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mlp_core.catalog.by_hand import StateTensor
from mlp_core.plan import LayerPlan, Plan, plan
from mlp_core.run.build import build_model, freeze, initialise, make_optimizer
from mlp_core.run.checkpoint import Checkpoint, Parts, parts, with_parts
from mlp_core.run.randomness import RandomStream
from mlp_core.spec import Experiment
from mlp_core.surgery.operation import Operation, met_by, operated
from mlp_core.surgery.reach import Reach

UNEVEN = 0.1, 0.25
"""How far from a half the shares of the two copies of a neuron are, at least and at most."""

Fill = float | None
"""What a new weight's number is; None for what a fresh layer has."""
Change = Callable[[Tensor, Tensor, Fill, int], Tensor]
"""From a tensor of the run, that of a fresh layer of the network after the operation, what new numbers are filled with,
and the power of the gradient that the numbers grow with: the tensor after the operation."""


def operate(checkpoint: Checkpoint, experiment: Experiment, operation: Operation) -> tuple[Checkpoint, Experiment]:
    """The state of a run after an operation, and its experiment. Nothing that is given is changed.

    New weights are drawn from the experiment's seed and the step. Raises `SpecError` where the operation is not
    possible.
    """
    after = operated(experiment, operation)
    before_plan, after_plan = plan(experiment), plan(after)
    met = met_by(before_plan, operation)
    layer = next(found for found in before_plan.walk() if found.path == operation.path)
    numbers = (experiment.training.seed, checkpoint.position.step, *operation.path, operation.neuron or 0)
    seed = hash(numbers) % 2**63  # of whole numbers alone, so it is the same everywhere
    stream = RandomStream(seed, torch.device("cpu"))
    with stream.lend():
        fresh = build_model(after_plan)
        initialise(fresh, after_plan)
        drawn = torch.rand(2, max([1, *(reader.out_features for reader in met.readers)]))
    freeze(fresh, after_plan)
    changes = dict(_changes(operation, layer, met, drawn))
    return _changed(checkpoint, before_plan, fresh, changes, experiment), after


def _changed(
    checkpoint: Checkpoint, before: Plan, fresh: nn.Module, changes: dict[str, list[Change]], experiment: Experiment
) -> Checkpoint:
    with torch.device("meta"):
        old_model = build_model(before)
    old = parts(checkpoint, sum(1 for _ in old_model.buffers()))

    def changed(name: str, tensor: Tensor, new: Tensor, fill: Fill = None, power: int = -1) -> Tensor:
        layer, _, _ = name.rpartition(".")
        owner = next((found for found in (name, layer, *_outer(layer)) if found in changes), "")
        found = tensor
        for change in changes.get(owner, ()):
            found = change(found, new.detach().to(tensor.device), fill, power)
        return found.contiguous() if found is not tensor else tensor

    named = dict(fresh.named_parameters())
    found = Parts(
        parameters=[changed(name, t, new) for (name, new), t in zip(named.items(), old.parameters, strict=True)],
        buffers=[changed(name, t, new) for (name, new), t in zip(fresh.named_buffers(), old.buffers, strict=True)],
        gradients=[
            None if gradient is None or not new.requires_grad else changed(name, gradient, new, 0.0, 1)
            for (name, new), gradient in zip(named.items(), old.gradients, strict=True)
        ],
        optimizer=_optimizer(old, checkpoint, named, experiment, changed),
    )
    return with_parts(checkpoint, found, tuple(parameter.requires_grad for parameter in named.values()))


def _outer(name: str) -> Iterator[str]:
    """The layers around a module: a layer that is made of modules has numbers in these."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _optimizer(
    old: Parts, checkpoint: Checkpoint, named: dict[str, nn.Parameter], experiment: Experiment,
    changed: Callable[[str, Tensor, Tensor, Fill, int], Tensor],
) -> dict[str, Any]:  # fmt: skip
    """The optimizer's state after the operation. One whose state is not known number by number starts afresh."""
    entry = experiment.optimizer.entry
    names = list(named)
    trained_before = [name for name, trained in zip(names, checkpoint.trains, strict=True) if trained]
    known = {name: old.optimizer["state"].get(place, {}) for place, name in enumerate(trained_before)}
    trained = [name for name, parameter in named.items() if parameter.requires_grad]
    state: dict[int, Any] = {}
    if entry.survives_surgery and any(known.values()):
        assert entry.by_hand is not None
        kept = {tensor.key: tensor for tensor in entry.by_hand(experiment.optimizer.params).state}
        sample = next(values for values in known.values() if values)
        for place, name in enumerate(trained):
            values = known.get(name) or _new_state(sample, old.parameters[names.index(name)], kept)
            state[place] = {
                key: changed(name, value, named[name], kept[key].fill, kept[key].power) if key in kept else value
                for key, value in values.items()
            }
    return {"state": state, "param_groups": _groups(old.optimizer["param_groups"], named, experiment)}


def _groups(
    old: list[dict[str, Any]], named: dict[str, nn.Parameter], experiment: Experiment
) -> list[dict[str, Any]]:
    """The optimizer's groups of parameters after the operation, with the settings that they have now."""
    made = make_optimizer(experiment.optimizer, [each for each in named.values() if each.requires_grad])
    new = made.state_dict()["param_groups"]
    if len(new) == len(old):
        return [{**kept, "params": group["params"]} for kept, group in zip(old, new, strict=True)]
    rates: dict[str, Any] = {name: old[0][name] for name in ("lr", "initial_lr") if name in old[0]}
    return [{**group, **rates} for group in new]


def _new_state(sample: dict[str, Any], parameter: Tensor, kept: dict[str, StateTensor]) -> dict[str, Any]:
    """What is kept for a weight that was frozen: as before the first step, at the step of all others."""
    return {
        key: torch.full_like(parameter, kept[key].fill)
        if key in kept
        else value.clone()
        if isinstance(value, Tensor)
        else value
        for key, value in sample.items()
    }


def _changes(
    operation: Operation, layer: LayerPlan, met: Reach, drawn: Tensor
) -> Iterator[tuple[str, list[Change]]]:
    """What is done to the tensors of each layer, by its name; for a column before a row."""
    neuron = operation.neuron
    if operation.type == "reset_layer":
        yield layer.name, [_anew]
    elif operation.type == "reset_neuron":
        yield layer.name, [_row_anew(neuron)]
    elif operation.type == "ablate":
        yield from ((reader.name, [_of_matrices(_without_column(neuron))]) for reader in met.readers)
    elif operation.type in ("split", "add_neuron"):
        made: dict[str, list[Change]] = {}
        for reader in met.readers:
            shares = _shares(drawn[:, : reader.out_features])
            column = _column_added() if neuron is None else _column_divided(neuron, shares)
            made.setdefault(reader.name, []).append(_of_matrices(column))
        for writer in met.writers:
            made.setdefault(writer.name, []).append(_row_added(neuron, zero=True))
        for grown in (layer, *met.carriers):
            made.setdefault(grown.name, []).append(_row_added(neuron))
        yield from made.items()


def _shares(drawn: Tensor) -> Tensor:
    """The share of the first copy in each weight that leads out, from random numbers (2, N) in [0, 1]."""
    least, most = UNEVEN
    away = least + (most - least) * drawn[0]
    return 0.5 + torch.where(drawn[1] < 0.5, -away, away)


def _of_matrices(change: Change) -> Change:
    """A change of columns, which leaves a bias alone."""
    return lambda tensor, new, fill, power: change(tensor, new, fill, power) if tensor.ndim > 1 else tensor


def _anew(tensor: Tensor, new: Tensor, fill: Fill, power: int) -> Tensor:
    return new.clone() if fill is None else torch.full_like(tensor, fill)


def _row_anew(neuron: int | None) -> Change:
    def change(tensor: Tensor, new: Tensor, fill: Fill, power: int) -> Tensor:
        found = tensor.clone()
        found[neuron] = new[neuron] if fill is None else fill
        return found

    return change


def _without_column(neuron: int | None) -> Change:
    def change(tensor: Tensor, new: Tensor, fill: Fill, power: int) -> Tensor:
        found = tensor.clone()
        found[:, neuron] = 0.0 if fill is None else fill
        return found

    return change


def _column_added() -> Change:
    def change(tensor: Tensor, new: Tensor, fill: Fill, power: int) -> Tensor:
        return torch.cat([tensor, torch.full_like(tensor[:, :1], fill or 0.0)], dim=1)

    return change


def _column_divided(neuron: int, shares: Tensor) -> Change:
    """Weights are divided; what is kept for them is what it was, since their gradients are."""

    def change(tensor: Tensor, new: Tensor, fill: Fill, power: int) -> Tensor:
        found = torch.cat([tensor, tensor[:, neuron : neuron + 1]], dim=1)
        if fill is None:
            share = shares.to(tensor.device)
            found[:, neuron] *= share
            found[:, -1] *= 1 - share
        return found

    return change


def _row_added(neuron: int | None, *, zero: bool = False) -> Change:
    """One more row: a copy of the neuron's, or without one that of a fresh layer, or zeros.

    A tensor that is as large in a fresh layer, such as one slope for all values, has no row for each.
    """

    def change(tensor: Tensor, new: Tensor, fill: Fill, power: int) -> Tensor:
        if tensor.ndim == 0 or tensor.shape[0] == new.shape[0]:
            return tensor
        if neuron is None:
            row = torch.zeros_like(tensor[:1]) if zero and fill is None else new[-1:].to(tensor.dtype)
            return torch.cat([tensor, row if fill is None else torch.full_like(tensor[:1], fill)])
        found = torch.cat([tensor, tensor[neuron : neuron + 1]])
        if power > 0:
            found[[neuron, -1]] *= 0.5**power
        return found

    return change
