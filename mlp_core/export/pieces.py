"""The layers of a planned network as the styles see them: a name, a constructor, and a function where there is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlp_core.catalog.layers import LayerEntry
from mlp_core.export.calls import constructor, function_of
from mlp_core.export.python import WIDTH, Expression, Group, Item, Keyword, assign, call, layout
from mlp_core.plan import LayerPlan, Plan
from mlp_core.spec import InitSpec


@dataclass(frozen=True)
class Piece:
    """One layer."""

    key: str
    """Its name in the plain `nn.Sequential`."""
    name: str
    """What other styles call it."""
    entry: LayerEntry | None
    """Its entry in the catalog; None for the `nn.Flatten` that images go through first."""
    params: Mapping[str, Any]
    """The entry's parameters."""
    in_features: int
    """Values of one sample that come in."""
    out_features: int
    """Values of one sample that go out."""
    inside: tuple[Piece, ...] = ()
    """The layers that it holds."""
    initializers: Mapping[str, InitSpec | None] = field(default_factory=dict)
    """What its tensors are before training, by name; None for what PyTorch's layer draws."""
    frozen: bool = False
    """Whether training leaves its own weights as they are."""

    @property
    def make(self) -> Group:
        """The constructor's call."""
        return self.made_of(*(piece.make for piece in self.inside))

    def made_of(self, *inside: Item) -> Group:
        """The constructor's call with these expressions for the layers inside."""
        if self.entry is None:
            return call("nn.Flatten")
        values = self.entry.arguments(self.params, self.in_features)
        return constructor(self.entry.target, values, first=inside, explode=len(inside) > 1)

    @property
    def type(self) -> str:
        """The class's name."""
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
    def keeps_numbers(self) -> bool:
        """Whether it has weights or other numbers of its own, apart from the layers inside."""
        if self.entry is None:
            return False
        return bool(self.entry.count(self.params, self.in_features) + self.entry.buffers(self.params, self.in_features))

    @property
    def stateful(self) -> bool:
        """Whether it or a layer inside has weights or other numbers."""
        return self.keeps_numbers or any(piece.stateful for piece in self.inside)

    @property
    def opens(self) -> bool:
        """Whether a `forward` can call the layers inside itself and write out what is done with them."""
        return self.entry is not None and bool(self.inside) and bool(self.entry.combine) and not self.keeps_numbers

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
        more = (Keyword("training", training),) if self.entry.random else ()
        return function_of(self.entry.target, {**self.entry.fixed, **self.params}, x, *more)


def pieces(planned: Plan) -> list[Piece]:
    """The network's own layers in order, with those inside them."""
    short = [*(["flatten"] if planned.flatten else []), *(_short(layer.spec.entry) for layer in planned.walk())]
    names = iter(_names(short))
    found = [Piece("0", next(names), None, {}, 0, 0)] if planned.flatten else []
    return found + [_piece(layer, names) for layer in planned.layers]


def _piece(layer: LayerPlan, names: Iterator[str]) -> Piece:
    return Piece(
        key=layer.name,
        name=next(names),
        entry=layer.spec.entry,
        params=layer.spec.params,
        in_features=layer.in_features,
        out_features=layer.out_features,
        inside=tuple(_piece(inner, names) for inner in layer.inside),
        initializers={"weight": layer.spec.init, "bias": layer.spec.bias_init},
        frozen=layer.spec.frozen,
    )


def walk(network: Iterable[Piece]) -> Iterator[Piece]:
    """Every piece: depth first, a layer before those inside it."""
    for piece in network:
        yield piece
        yield from walk(piece.inside)


def opened(network: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces that a `forward` calls: a layer that it can write out gives way to those inside."""
    for piece in network:
        if piece.opens:
            yield from opened(piece.inside)
        else:
            yield piece


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


Apply = Callable[[Piece, Expression], Expression]
"""The call of a layer on an expression."""


def forward_lines(network: Sequence[Piece], apply: Apply, within: int) -> list[str]:
    """The body of `forward(x)`: one line per layer, an activation around the layer before it.

    `within` is the number of columns that are to be put before the lines.
    """
    lines: list[str] = []
    expression = _forward(network, apply, within, lines, 1)
    return [*lines, *layout(expression, "return ", width=WIDTH - within)]


def _forward(network: Sequence[Piece], apply: Apply, within: int, lines: list[str], depth: int) -> Expression:
    """Adds lines that compute the network's output, all but the last: that is the expression that is returned."""
    expression: Expression = "x"
    alone = False
    for piece in network:
        if expression != "x" and not (piece.activation and alone):
            lines += assign("x", expression, within)
            expression = "x"
        alone = not piece.activation and piece.entry is not None
        expression = _written_out(piece, apply, within, lines, depth) if piece.opens else apply(piece, expression)
    return expression


def _written_out(piece: Piece, apply: Apply, within: int, lines: list[str], depth: int) -> str:
    """Adds lines that call the layers inside of a piece on x; gives the piece's output as an expression."""
    assert piece.entry is not None
    before = "skip" if depth == 1 else f"skip{depth}"  # a piece inside of this one needs another name
    lines.append(f"{before} = x")
    inside = _forward(piece.inside, apply, within, lines, depth + 1)
    if inside != "x":
        lines += assign("x", inside, within)
    return piece.entry.combine.format(x=before, y="x")
