"""The network in each style that makes an `nn.Module`: the class definitions, and the expression that makes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlp_core.catalog import load_object
from mlp_core.export.calls import is_own
from mlp_core.export.pieces import Piece, forward_lines, opened
from mlp_core.export.python import (
    WIDTH,
    Expression,
    Group,
    Item,
    Keyword,
    assign,
    bound_names,
    call,
    indented,
    layout,
    one_per_line,
)
from mlp_core.export.source import SourceText, borrow

NAME = "MyNetwork"
BODY = 8
"""Columns before the lines of a method."""


@dataclass(frozen=True)
class Written:
    """A network in code."""

    model: Expression
    """What makes the network."""
    classes: tuple[str, ...] = ()
    """Definitions that the expression needs."""
    paths: Mapping[str, str] | None = None
    """From the name of a submodule to its key in the plain `nn.Sequential`, for every layer that has weights; None
    where all are the same."""


def define(name: str, attributes: Sequence[tuple[str, Expression]], forward: Sequence[str], base: str = "nn.Module",
           arguments: str = "", about: str = "") -> str:  # fmt: skip
    """A module class from its attributes in order and the body of its `forward`."""
    made = [line for attribute, value in attributes for line in assign(f"self.{attribute}", value, BODY)]
    return "\n".join(
        [
            f"class {name}({base}):",
            *([f'    """{about}"""', ""] if about else []),
            f"    def __init__(self{arguments}):",
            "        super().__init__()",
            *indented(made, BODY),
            "",
            "    def forward(self, x):",
            *indented(forward, BODY),
        ]
    )


def own_classes(targets: Iterable[str], code: str) -> SourceText:
    """The source of those classes that are this project's, as far as the code names them."""
    named = bound_names(code)
    own = (target for target in dict.fromkeys(targets) if is_own(target) and target.split(":")[1] in named)
    return borrow(*map(load_object, own))


def row(network: Sequence[Piece]) -> Group:
    """An `nn.Sequential` with one layer per line."""
    return one_per_line(call("nn.Sequential", *(piece.make for piece in network)))


def sequential(network: Sequence[Piece]) -> Written:
    """Layers in a row."""
    return Written(row(network))


def named_sequential(network: Sequence[Piece]) -> Written:
    """Layers in a row, each with its name."""
    paths: dict[str, str] = {}
    return Written(call("nn.Sequential", _named(network, "", paths)), paths=paths)


def _named(network: Sequence[Piece], outer: str, paths: dict[str, str]) -> Group:
    """The layers with their names, those inside of others too; adds to `paths`."""
    pairs: list[Item] = []
    for piece in network:
        made, name = piece.make, f"{outer}{piece.name}"
        if piece.inside and not piece.keeps_numbers:
            made = piece.made_of(_named(piece.inside, f"{name}.", paths))
        elif piece.stateful:
            paths[name] = piece.key
        pairs.append(Group("(", (f'"{piece.name}"', made)))
    return call("OrderedDict", Group("[", tuple(pairs), "]", explode=True))


def _paths(network: Iterable[Piece]) -> dict[str, str]:
    return {piece.name: piece.key for piece in network if piece.stateful}


def _module(network: Sequence[Piece], kept: Sequence[Piece], apply: Callable[[Piece, Expression], Expression],
            more: Sequence[tuple[str, Expression]] = ()) -> Written:  # fmt: skip
    attributes = [*((piece.name, piece.make) for piece in kept), *more]
    text = define(NAME, attributes, forward_lines(network, apply, BODY))
    return Written(call(NAME), (text,), _paths(opened(network)))


def module_functional(network: Sequence[Piece]) -> Written:
    """A module that holds what has weights, and calls the rest as functions where PyTorch has them."""
    kept = [piece for piece in opened(network) if piece.function("x") is None]
    return _module(network, kept, lambda piece, x: piece.function(x) or call(f"self.{piece.name}", x))


def module_activations(network: Sequence[Piece]) -> Written:
    """A module with a module for every layer."""
    return _module(network, [*opened(network)], lambda piece, x: call(f"self.{piece.name}", x))


def module_shared(network: Sequence[Piece]) -> Written:
    """A module with one activation module for all layers."""
    called = [*opened(network)]
    first = next(piece for piece in called if piece.activation)
    kept = [piece for piece in called if not piece.activation]

    def apply(piece: Piece, x: Expression) -> Expression:
        return call("self.activation" if piece.activation else f"self.{piece.name}", x)

    return _module(network, kept, apply, [("activation", first.make)])


def mixed(network: Sequence[Piece]) -> Written:
    """A module with the hidden layers in an `nn.Sequential`, and the output layer of its own."""
    widths = [place for place, piece in enumerate(network) if piece.widens]
    cut = widths[-1] if widths else 0
    start = 1 if network[0].entry is None else 0
    parts = [("hidden", network[start:cut]), ("output", network[cut:])]
    if cut <= start:  # nothing is hidden
        parts = [("layers", network[start:])]
    attributes: list[tuple[str, Expression]] = [(piece.name, piece.make) for piece in network[:start]]
    lines = [f"x = self.{piece.name}(x)" for piece in network[:start]]
    paths = {}
    for name, part in parts:
        lone = name == "output" and len(part) == 1
        attributes.append((name, part[0].make if lone else row(part)))
        lines.append(f"x = self.{name}(x)")
        for place, piece in enumerate(part):
            if piece.stateful:
                paths[name if lone else f"{name}.{place}"] = piece.key
    lines[-1] = lines[-1].replace("x = ", "return ")
    return Written(call(NAME), (define(NAME, attributes, lines),), paths)


def layers_sequential(network: Sequence[Piece]) -> Written:
    """A class per kind of layer with its activation, kept in an `nn.Sequential`."""

    def body(linear: Piece, activation: Piece) -> tuple[list[tuple[str, Expression]], list[str]]:
        inner = call("nn.Sequential", _general(linear), activation.make)
        return [("layers", inner)], ["return self.layers(x)"]

    return _in_blocks(network, body, ("layers.0", "layers.1"))


def layers_functional(network: Sequence[Piece]) -> Written:
    """A class per kind of layer that calls its activation as a function."""

    def body(linear: Piece, activation: Piece) -> tuple[list[tuple[str, Expression]], list[str]]:
        function = activation.function("self.linear(x)")
        if function is not None:
            return [("linear", _general(linear))], layout(function, "return ", width=WIDTH - BODY)
        kept: list[tuple[str, Expression]] = [("linear", _general(linear)), ("activation", activation.make)]
        return kept, ["return self.activation(self.linear(x))"]

    return _in_blocks(network, body, ("linear", "activation"))


def layers_clamp(network: Sequence[Piece]) -> Written:
    """A class for Linear with ReLU, written as a lower bound of zero."""

    def body(linear: Piece, activation: Piece) -> tuple[list[tuple[str, Expression]], list[str]]:
        return [("linear", _general(linear))], ["return self.linear(x).clamp(min=0)  # ReLU"]

    return _in_blocks(network, body, ("linear", ""))


Body = Callable[[Piece, Piece], tuple[list[tuple[str, Expression]], list[str]]]


def _in_blocks(network: Sequence[Piece], body: Body, inside: tuple[str, str]) -> Written:
    """A row of layers in which each Linear and the activation after it are one object of a class of their own."""
    names: dict[tuple[object, ...], str] = {}
    classes: list[str] = []
    paths: dict[str, str] = {}

    def class_of(piece: Piece, after: Piece) -> str:
        kind = (piece.same_kind, after.same_kind)
        if kind not in names:
            again = sum(name.startswith(f"{after.type}Layer") for name in names.values())
            names[kind] = f"{after.type}Layer{again + 1 if again else ''}"
            attributes, forward = body(piece, after)
            about = f"A {piece.type} layer with its {after.type}."
            classes.append(
                define(names[kind], attributes, forward, arguments=", in_features, out_features", about=about)
            )
        return names[kind]

    def items_of(network: Sequence[Piece], outer: str) -> list[Item]:
        items: list[Item] = []
        rest = deque(network)
        while rest:
            piece, name = rest.popleft(), f"{outer}{len(items)}"
            after = rest[0] if rest else None
            if after is not None and is_block(piece, after):
                rest.popleft()
                for member, path in zip((piece, after), inside, strict=True):
                    if member.stateful:
                        paths[f"{name}.{path}"] = member.key
                items.append(call(class_of(piece, after), str(piece.in_features), str(piece.out_features)))
            elif piece.inside and not piece.keeps_numbers:
                items.append(piece.made_of(*items_of(piece.inside, f"{name}.")))
            else:
                if piece.stateful:
                    paths[name] = piece.key
                items.append(piece.make)
        return items

    made = one_per_line(call("nn.Sequential", *items_of(network, "")))
    return Written(made, tuple(classes), paths)


def is_block(piece: Piece, after: Piece | None) -> bool:
    """Whether a layer and the one after it belong together: a width, and an activation that need not know it."""
    if after is None or not after.activation or after.entry is None:
        return False
    return piece.widens and "in_features" in piece.params_inferred and not after.params_inferred


def _general(linear: Piece) -> Group:
    """The Linear's constructor with its widths left open."""
    widths = ("in_features", "out_features")
    named = tuple(item for item in linear.make.items if isinstance(item, Keyword) and item.name not in widths)
    return Group(linear.make.head, (*widths, *named))
