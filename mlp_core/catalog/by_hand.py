"""How a layer or an optimizer is written with nothing but tensors, as text for exported scripts.

An entry without such a form is exported as a call of its PyTorch class or function, or the style of bare tensors
says that it cannot express it. The text must give the same bits as PyTorch's own class, which the tests of
`mlp_core.export` check; where that decides the form, a comment next to it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BareTensor:
    """A tensor of a layer."""

    name: str
    """Its short name."""
    value: str
    """The text that makes it."""
    key: str
    """Its key in the module's `state_dict`."""
    trained: bool = True
    """Whether the optimizer updates it."""


@dataclass(frozen=True, kw_only=True)
class LayerByHand:
    """A layer in bare tensors."""

    tensors: tuple[BareTensor, ...]
    """What the layer keeps."""
    call: tuple[str, tuple[str, ...]]
    """A function with its arguments: `{x}` is the input, `{training}` whether this is a training step, and `{name}`
    the tensor of that name."""
    before: tuple[str, ...] = ()
    """Lines that the tensors' values refer to."""
    mode: bool = False
    """Whether the call uses `{training}`."""


@dataclass(frozen=True, kw_only=True)
class StateTensor:
    """A tensor that an optimizer keeps for every parameter."""

    name: str
    """What the lines call it."""
    plural: str
    """What a script calls the list of them all."""
    key: str
    """Its key in the state of PyTorch's optimizer."""
    fill: float = 0.0
    """What it is filled with before the first step."""
    axis: int | None = None
    """The axis of the parameter along which it holds a single number; None where it has the parameter's shape."""
    power: int = 0
    """How it grows with the gradient: 1 in proportion, 2 with its square, 0 where the size of the gradient cancels."""


@dataclass(frozen=True, kw_only=True)
class StateNumber:
    """A product that PyTorch's optimizer keeps in single precision, the same for every parameter."""

    name: str
    """What the scalars call it; the lines may not use it."""
    key: str
    """Its key in the state of PyTorch's optimizer, which has it for each parameter."""
    fill: float = 1.0
    """What it is before the first step."""


@dataclass(frozen=True, kw_only=True)
class UpdateByHand:
    """One step of an optimizer in bare tensors: the one text of it, for exported scripts and for the fast engines.

    `mlp_core.engines.optimizers` says which forms the lines may have. A method call that ends in `_` works in place.
    """

    lines: tuple[str, ...]
    """What is done to a parameter `p` with its gradient `g`. They may change neither `g` itself nor its numbers, but
    give the name `g` to a new tensor."""
    settings: Mapping[str, float]
    """The numbers that the lines use, by name; the learning rate is `lr`."""
    state: tuple[StateTensor, ...] = ()
    """What is kept for every parameter, in the order in which PyTorch's optimizer makes it."""
    scalars: tuple[str, ...] = ()
    """Lines that come first and are the same for all parameters: names of expressions of the settings and of `step`,
    which counts the updates from 1; and one `NAME *= …` for each of `numbers`, a tensor whose `item()` may be used
    after that."""
    numbers: tuple[StateNumber, ...] = ()
    """What is kept for all parameters together."""
    counts: bool = False
    """Whether PyTorch's optimizer keeps a step counter in its state. Where it does not, the lines may only ask
    whether `step == 1`."""
