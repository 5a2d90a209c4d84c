"""Optimizer updates as TorchScript text over flat storage, made from the catalog's text for one parameter.

Because the operators work element by element, they may work on all parameters laid end to end, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import torch

from mlp_core.catalog import OPTIMIZERS, OptimizerEntry, load_object
from mlp_core.catalog.by_hand import UpdateByHand
from mlp_core.engines.fused import CALLS
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.engines.updates import Translation

Group = Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """A product in single precision that an optimizer keeps for every parameter, the same for all of them."""

    name: str
    """What the lines call it."""
    key: str
    """Its name in the optimizer's state."""
    fill: float
    """What a new one is."""
    factor: str
    """What it is multiplied by before the lines are run, as an expression of `scalars` and `step`."""


@dataclass(frozen=True)
class Update:
    """An optimizer's update of flat weights `w` by flat gradients `g`.

    A number that a whole tensor is multiplied, divided or added by costs three times as much as a float32 tensor of
    no dimensions, which gives the same result: `NAME_0d` is that for a number of `scalars`, and `number` is one to be
    filled with what changes from step to step.
    """

    lines: tuple[str, ...]
    """What is done in a step. They may use `w`, `g`, the tensors of `state` and `scratch`, the numbers of `scalars`,
    `step` (a float that counts the steps from 1, where `counts`) and `first` (whether the state is new)."""
    scalars: tuple[str, ...]
    """The numbers that the lines use, by name."""
    state: tuple[tuple[str, float], ...] = ()
    """The tensors that the optimizer keeps, by its own names, and what a new one is filled with."""
    scratch: tuple[str, ...] = ()
    """Tensors as large as `w` that the lines write before they read them."""
    counts: bool = True
    """Whether the optimizer keeps a 'step' too."""
    numbers: tuple[Kept, ...] = ()
    """Numbers that it keeps for all weights together."""
    fused: tuple[str, ...] = ()
    """What PyTorch does instead of the lines, where the optimizer is fused: operators on lists of all parameters."""


def update_of(optimizer: torch.optim.Optimizer) -> Update:
    """The update that this optimizer makes, as its parameter group is set now; raises `UnsupportedError`."""
    entry, group = _entry_of(optimizer), _group_of(optimizer)
    kind: Any = type(optimizer)
    usual = _usual(kind)
    names = [parameter.name for parameter in entry.parameters]
    special = [name for name, value in usual.items() if name not in names and group[name] != value]
    if special:
        raise UnsupportedError(f"its optimizer {entry.name} is set to a special implementation ({special[0]})")
    # What may change live is no part of the text, nor is a momentum that a schedule changes.
    changes = {p.name for p in entry.parameters if p.live} | ({"betas"} if "max_momentum" in group else set())
    usually = {"momentum": group["max_momentum"]} if "max_momentum" in group else {}
    values = (p.default if p.name in changes else usually.get(p.name, group[p.name]) for p in entry.parameters)
    return _translated(entry.name, tuple(zip(names, values, strict=True)))


def scalars_of(optimizer: torch.optim.Optimizer, update: Update) -> list[float]:
    """The numbers that the update's lines use, as the parameter group holds them now."""
    settings = _by_hand(_entry_of(optimizer))(_group_of(optimizer)).settings
    return [float(settings[name]) for name in update.scalars]


def _by_hand(entry: OptimizerEntry) -> Callable[[Group], UpdateByHand]:
    assert entry.by_hand is not None
    return entry.by_hand


def _entry_of(optimizer: torch.optim.Optimizer) -> OptimizerEntry:
    for entry in OPTIMIZERS.values():
        if entry.by_hand is not None and load_object(entry.target) is type(optimizer):
            return entry
    raise UnsupportedError(f"the optimizer {type(optimizer).__name__} has no fast form yet")


def _group_of(optimizer: torch.optim.Optimizer) -> Group:
    if len(optimizer.param_groups) != 1:
        raise UnsupportedError("its optimizer has several parameter groups")
    group: Group = optimizer.param_groups[0]
    return group


@cache
def _usual(kind: Any) -> Group:
    """The settings of an optimizer of this class that was given none."""
    group = kind([torch.nn.Parameter(torch.empty(0))]).param_groups[0]
    return {name: value for name, value in group.items() if name != "params"}


@lru_cache(maxsize=256)
def _translated(name: str, params: tuple[tuple[str, Any], ...]) -> Update:
    settings = dict(params)
    written = _by_hand(OPTIMIZERS[name])(settings)
    translation = Translation(written)
    return Update(
        lines=tuple(translation.lines),
        scalars=tuple(written.settings),
        state=tuple((tensor.key, tensor.fill) for tensor in written.state),
        scratch=tuple(translation.scratch),
        counts=written.counts,
        numbers=tuple(Kept(n.name, n.key, n.fill, translation.factors[n.name]) for n in written.numbers),
        fused=CALLS[name](settings) if settings.get("fused") else (),
    )
