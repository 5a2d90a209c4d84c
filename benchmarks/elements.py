"""What a browser keeps of a page: the widgets that are on it, by their places, and the values that they have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.messages import json_of, state_of, value_of

Path = tuple[int, ...]
"""The place of an element: its container's path, and its number there."""

WIDGETS = ("button", "menu_button", "number_input", "selectbox", "checkbox", "slider", "button_group", "file_uploader")
"""The kinds of widgets that the app has; other elements have nothing to send."""
COMPONENT = "bidi_component"
DIAGRAM = "network"
"""The component that shows the network as its diagram."""
POPOVER, TABS = "popover", "tab_container"
"""Blocks that are widgets."""


@dataclass(frozen=True)
class Element:
    """A widget or a component on the page."""

    id: str
    """Streamlit's identity of it; a widget that starts over gets another one."""
    kind: str
    """One of `WIDGETS`, `COMPONENT`, `POPOVER` or `TABS`."""
    label: str
    """What stands on it; the name of a component; '' for tabs."""
    help: str
    """What it says when the mouse is over it."""
    options: tuple[str, ...]
    """What a selectbox or a menu offers, as it is read there."""
    disabled: bool
    """Whether it takes no input now."""
    path: Path
    """Where it stands."""
    fragment: str
    """The fragment that it runs; '' for the whole page."""
    run: str
    """The run of the script that drew it."""
    content: str = ""
    """The JSON that a component shows which users read to know what they can do."""


class Elements:
    """The page as far as a user can work with it."""

    def __init__(self) -> None:
        self._placed: dict[Path, Element] = {}
        self._states: dict[str, Any] = {}

    def put(self, path: Path, delta: Any, run: str) -> Element | None:
        """Place what a message brings, in the place of what was there; gives it if it is a widget or a component."""
        self._placed.pop(path, None)
        if delta.WhichOneof("type") == "new_element":
            kind = delta.new_element.WhichOneof("type")
            shown = getattr(delta.new_element, kind) if kind == COMPONENT or kind in WIDGETS else None
        else:
            block = delta.add_block
            kind = TABS if block.HasField(TABS) else POPOVER
            shown = getattr(block, kind) if block.HasField(kind) else None
        if shown is None or not shown.id:
            return None
        options = shown.options if kind in {"selectbox", "menu_button"} else ()
        element = self._placed[path] = Element(
            id=shown.id,
            kind=kind,
            label=shown.component_name if kind == COMPONENT else getattr(shown, "label", ""),
            help=getattr(shown, "help", ""),
            options=tuple(options),
            disabled=getattr(shown, "disabled", False),
            path=path,
            fragment=delta.fragment_id,
            run=run,
            content=json_of(shown) if kind == COMPONENT and shown.component_name == DIAGRAM else "",
        )
        sets_value = getattr(shown, "set_value", False)
        if (shown.id not in self._states or sets_value) and (state := state_of(kind, shown)) is not None:
            self._states[shown.id] = state
        return element

    def finish(self, run: str, fragments: Iterable[str]) -> None:
        """Forget what a run that is through has not drawn again, of the whole page or of its fragments."""
        drawn = set(fragments)
        self._placed = {
            path: element
            for path, element in self._placed.items()
            if element.run == run or (drawn and element.fragment not in drawn)
        }
        present = {element.id for element in self._placed.values()}
        self._states = {key: state for key, state in self._states.items() if key in present}

    def clear(self) -> None:
        """Forget everything: another page is drawn."""
        self._placed.clear()
        self._states.clear()

    def __iter__(self) -> Iterator[Element]:
        """In the order of the page."""
        return iter([self._placed[path] for path in sorted(self._placed)])

    def find(self, kind: str, label: str) -> Element | None:
        """The element with this label; None if there is none."""
        found = (element for element in self._placed.values() if element.kind == kind and element.label == label)
        return next(found, None)

    def get(self, kind: str, label: str) -> Element:
        """As `find`, where it must be there."""
        if (found := self.find(kind, label)) is None:
            present = sorted({element.label for element in self._placed.values() if element.kind == kind})
            raise LookupError(f"there is no {kind} '{label}' on the page; there are {', '.join(present) or 'none'}")
        return found

    def value(self, element: Element) -> Any:
        """What a selectbox or a number input shows; None where it is empty."""
        return value_of(element.kind, self._states[element.id])

    def set(self, state: Any) -> None:
        """Keep the state of a widget, or of a component that remembers one."""
        self._states[state.id] = state

    def states(self) -> Iterable[Any]:
        """The states of all widgets, as a browser sends them with every request."""
        return self._states.values()
