"""How a layer or an optimizer is written with nothing but tensors, as text for exported scripts.

An entry without such a form is exported as a call of its PyTorch class or function, or the style of bare tensors
says that it cannot express it. The text must give the same bits as PyTorch's own class, which the tests of
`mlp_core.export` check; where that decides the form, a comment next to it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class BareTensor:
    """A tensor of a layer: its short name, the text that makes it, and its key in the module's `state_dict`."""

    name: str
    value: str
    key: str
    trained: bool = True


@dataclass(frozen=True, kw_only=True)
class LayerByHand:
    """A layer in bare tensors.

    `call` is a function with arguments, `{x}` being the input, `{training}` whether this is a training step, and
    `{name}` the tensor of that name. `before` are lines that the tensors' values refer to.
    """

    tensors: tuple[BareTensor, ...]
    call: tuple[str, tuple[str, ...]]
    before: tuple[str, ...] = ()
    mode: bool = False
    """Whether the call uses `{training}`."""


@dataclass(frozen=True, kw_only=True)
class UpdateByHand:
    """One step of an optimizer in bare tensors: `lines` for a parameter `p` and its gradient `g`.

    `settings` are the numbers that lines use, by name. `state` is what is kept per parameter and starts at zero: each
    tensor's name in the lines, with the name of the list of them all. `scalars` are lines that are the same for all
    parameters, after `step`, which counts updates from 1, where `counts` says that there is one.
    """

    lines: tuple[str, ...]
    settings: Mapping[str, float]
    state: Mapping[str, str] = field(default_factory=dict)
    scalars: tuple[str, ...] = ()
    counts: bool = False
