"""The layers of a planned network as the styles see them: a name, a constructor, and a function where there is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog.layers import LayerEntry
from mlp_core.export.calls import constructor, function_of
from mlp_core.export.python import WIDTH, Expression, Group, Named, assign, call, layout
from mlp_core.plan import Plan


@dataclass(frozen=True)
class Piece:
    """One layer. `key` is its name in the plain `nn.Sequential`, `name` what other styles call it.

    `entry` is None for the `nn.Flatten` that images go through first. `make` is the constructor's call.
    """

    key: str
    name: str
    entry: LayerEntry | None
    params: Mapping[str, Any]
    in_features: int
    out_features: int
    make: Group

    @property
    def type(self) -> str:
        """The class in `torch.nn`."""
        return self.entry.name if self.entry else "Flatten"

    @property
    def widens(self) -> bool:
        """Whether the layer sets its own width, as Linear does."""
        return self.entry is not None and "out_features" in self.params

    @property
    def params_inferred(self) -> Mapping[str, int]:
        """The arguments of the constructor that the incoming width decides."""
        return self.entry.inferred(self.in_features) if self.entry else {}

    @property
    def activation(self) -> bool:
        """Whether this is an activation."""
        return self.entry is not None and self.entry.family == "activation"

    @property
    def stateful(self) -> bool:
        """Whether it has weights or other numbers of its own."""
        if self.entry is None:
            return False
        return bool(self.entry.count(self.params, self.in_features) + self.entry.buffers(self.params, self.in_features))

    @property
    def same_kind(self) -> tuple[Any, ...]:
        """Equal for pieces that are the same function, whatever their widths."""
        kept = {name: value for name, value in self.params.items() if name != "out_features"}
        return (self.type, tuple(kept.items()))

    def function(self, x: Expression, training: str = "self.training") -> Group | None:
        """The layer as a function called on `x`, if PyTorch has one and the layer keeps nothing."""
        if self.entry is None:
            assert isinstance(x, str)
            return call(f"{x}.flatten", start_dim="1")
        if self.stateful or self.params_inferred:
            return None
        more = (Named("training", training),) if self.entry.random else ()
        return function_of(self.entry.target, self.params, x, *more)


def pieces(planned: Plan) -> list[Piece]:
    """Every layer in order."""
    names = iter(_names([*(["flatten"] if planned.flatten else []), *(_short(p.spec.entry) for p in planned.layers)]))
    found = []
    if planned.flatten:
        found.append(Piece("0", next(names), None, {}, 0, 0, call("nn.Flatten")))
    for layer in planned.layers:
        entry = layer.spec.entry
        values = {**entry.inferred(layer.in_features), **layer.spec.params}
        found.append(
            Piece(
                key=layer.name,
                name=next(names),
                entry=entry,
                params=layer.spec.params,
                in_features=layer.in_features,
                out_features=layer.out_features,
                make=constructor(entry.target, values),
            )
        )
    return found


def _short(entry: LayerEntry) -> str:
    return entry.short or entry.name.lower()


def _names(short: Sequence[str]) -> list[str]:
    """Short names, numbered where there are several of a kind: fc1, relu1, fc2, relu2, fc3."""
    total, seen = Counter(short), Counter[str]()
    names = []
    for name in short:
        seen[name] += 1
        names.append(f"{name}{seen[name]}" if total[name] > 1 or name == "fc" else name)
    return names


def forward_lines(network: Sequence[Piece], apply: Callable[[Piece, Expression], Expression], within: int) -> list[str]:
    """The body of `forward(x)`: one line per layer, an activation around the layer before it.

    `within` is the number of columns that are to be put before the lines.
    """
    lines: list[str] = []
    expression: Expression = "x"
    alone = False
    for piece in network:
        if expression != "x" and not (piece.activation and alone):
            lines += assign("x", expression, within)
            expression = "x"
        alone = not piece.activation and piece.entry is not None
        expression = apply(piece, expression)
    return [*lines, *layout(expression, "return ", width=WIDTH - within)]
