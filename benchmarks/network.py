"""The network area of a page as its user reads it, and the edits that a user makes there.

The area shows the network as its diagram or as its list of layers; users edit what they see.
"""

from __future__ import annotations

import json
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.elements import COMPONENT, DIAGRAM, Element, Elements
from benchmarks.websocket import Client
from mlp_core.catalog import ACTIVATIONS, ALL_LAYERS

WIDTHS = range(2, 13)
"""Neurons of a layer whose width is edited."""
FEWEST, MOST = 1, 5
"""Hidden layers that edits leave."""
LINEAR = ALL_LAYERS["Linear"].label
BENDS = frozenset(entry.label for entry in ACTIVATIONS.values())
ADD, BLOCK, REMOVE = "Layer", "Linear + activation", "Remove"
"""The menu that adds a layer, what it calls a hidden one, and the choice in a layer's own menu."""

_TYPE = re.compile(r"Type of layer (\S+)")

Edit = Callable[[Client], Awaitable[float]]
"""Makes one edit on the page and gives the seconds until the page is there again."""


class Network(ABC):
    """What the page says now."""

    hidden: list[int]
    """Positions of the Linear layers before the last one."""

    @abstractmethod
    def bends(self) -> bool:
        """Whether there is an activation."""

    @abstractmethod
    def change_activation(self) -> Edit:
        """Another type for any activation."""

    @abstractmethod
    def change_width(self) -> Edit:
        """Another number of neurons for any hidden layer."""

    @abstractmethod
    def add(self) -> Edit:
        """One more hidden layer."""

    @abstractmethod
    def remove(self) -> Edit:
        """One hidden layer less."""

    def is_half_removed(self) -> bool:
        """Whether the next edit has to end a removal."""
        return False

    def any_edit(self) -> Edit:
        """One that leaves from `FEWEST` to `MOST` hidden layers; a removal that was begun is ended first."""
        if self.is_half_removed():
            return self.remove()
        possible = [self.change_width]
        if self.bends():
            possible.append(self.change_activation)
        if len(self.hidden) < MOST:
            possible.append(self.add)
        if len(self.hidden) > FEWEST:
            possible.append(self.remove)
        return random.choice(possible)()


def network(elements: Elements) -> Network:
    """The network in the form in which the page shows it."""
    picture = elements.find(COMPONENT, DIAGRAM)
    return LayerList(elements) if picture is None else Diagram(picture)


class Diagram(Network):
    """The network as its columns of neurons."""

    def __init__(self, picture: Element) -> None:
        self._picture = picture
        self.columns: list[dict[str, Any]] = json.loads(picture.content)["structure"]["columns"]
        wide = [place for place, column in enumerate(self.columns) if column["link"] == "weights"]
        self.hidden = wide[:-1]

    def bends(self) -> bool:
        return bool(self._activations())

    def _activations(self) -> list[dict[str, Any]]:
        return [layer for column in self.columns for layer in column["layers"] if layer["type"] in ACTIVATIONS]

    def change_activation(self) -> Edit:
        layer = random.choice(self._activations())
        chosen = random.choice(sorted(ACTIVATIONS.keys() - {layer["type"]}))
        return self._act(kind="type", path=layer["path"], type=chosen)

    def change_width(self) -> Edit:
        column = self.columns[random.choice(self.hidden)]
        width = random.choice([width for width in WIDTHS if width != column["width"]])
        return self._act(kind="parameter", path=column["paths"][0], name="out_features", value=width)

    def add(self) -> Edit:
        return self._act(kind="add", path=self.columns[-1]["paths"][0])

    def remove(self) -> Edit:
        return self._act(kind="remove", paths=self.columns[random.choice(self.hidden)]["paths"])

    def _act(self, **done: Any) -> Edit:
        return lambda client: client.act(self._picture, done)


@dataclass(frozen=True)
class Row:
    """A layer in the list."""

    type: Element
    """The selectbox of its type."""
    chosen: str
    """The type, as the page names it."""
    number: Element | None
    """The number input beside it, if the type has one: the neurons of a Linear layer."""
    menu: Element
    """What can be done with the layer."""


class LayerList(Network):
    """The network as a row for each layer. A layer is removed in two edits: its Linear, and with the next one the
    activation that is left of it."""

    def __init__(self, elements: Elements) -> None:
        self._elements = elements
        self.rows = [row for element in elements if _TYPE.fullmatch(element.label) and (row := self._row(element))]
        linear = [position for position, row in enumerate(self.rows) if row.chosen == LINEAR]
        self.hidden = linear[:-1]

    def _row(self, box: Element) -> Row | None:
        container = box.path[:-1]
        beside = {one.kind: one for one in self._elements if one.path[: len(container)] == container}
        chosen = self._elements.value(box)
        if chosen is None or "menu_button" not in beside:
            return None  # it is being drawn
        return Row(box, chosen, beside.get("number_input"), beside["menu_button"])

    def activations(self) -> list[Row]:
        """The rows of activations."""
        return [row for row in self.rows if row.chosen in BENDS]

    def bends(self) -> bool:
        return bool(self.activations())

    def is_half_removed(self) -> bool:
        return self.spare() is not None

    def spare(self) -> Row | None:
        """An activation whose Linear layer was removed."""
        before = [None, *(row.chosen for row in self.rows)]
        return next((row for row, last in zip(self.rows, before, strict=False) if is_spare(row.chosen, last)), None)

    def change_activation(self) -> Edit:
        row = random.choice(self.activations())
        option = random.choice(sorted(BENDS.intersection(row.type.options) - {row.chosen}))
        return lambda client: client.choose(row.type.label, option)

    def change_width(self) -> Edit:
        number = self.rows[random.choice(self.hidden)].number
        assert number is not None
        width = random.choice([width for width in WIDTHS if width != self._elements.value(number)])
        return lambda client: client.fill(number, width)

    def add(self) -> Edit:
        menu = self._elements.get("menu_button", ADD)
        return lambda client: client.pick(menu, BLOCK)

    def remove(self) -> Edit:
        row = self.spare() or self.rows[random.choice(self.hidden)]
        return lambda client: client.pick(row.menu, REMOVE)


def is_spare(chosen: str, before: str | None) -> bool:
    """Whether a layer is an activation that follows no Linear layer."""
    return chosen in BENDS and before != LINEAR
