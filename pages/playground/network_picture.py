"""The network's picture in the network area: how it is mounted, and what is done when it is pressed.

What a reader does there is checked as the value of any widget: it comes from a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import isfinite
from typing import Any

from mlp_core.catalog import ALL_LAYERS
from mlp_core.diagram import SHOWN, WHOLE, Column, columns, row_of_neurons
from mlp_core.errors import SpecError
from mlp_core.plan import plan
from mlp_core.spec import Experiment, Path
from mlp_core.surgery import Operation
from mlp_core.training.session import Session
from pages.components.network import with_structure
from pages.live.page import run_areas
from pages.playground import edits
from pages.playground.diagram import NetworkSlot, features, path_of, structure
from pages.playground.layer_form import layer_form, layer_types
from pages.playground.surgery import freeze, offered, operate
from pages.race.opening import OFFER, RACE, can_race, race_layer
from pages.shared import editor
from pages.shared.editor import NETWORK
from pages.shared.link import hidden, locked

MOST_NAMED = 200
"""Neurons that a reader may name at once; what is more is passed over."""
WEIGHTS_SECONDS = 5.0
"""How long a press waits for the weights of the run."""


def network_picture(slot: NetworkSlot, session: Session) -> None:
    """Draw the edited network, with the neurons of the run where it is the same."""
    now, current = session.snapshot(), editor.experiment()
    described, identity = structure(current, now.dataset, slot.shown)
    forms = {
        path: layer_form(
            path, layer, [*offered(current, path, neuron=False), *([OFFER] if can_race(path, layer) else [])]
        )
        for path, layer in current.walk()
    }
    columns = [
        column
        | {
            "layers": [forms[tuple(path)] for path in column["paths"]],
            "operations": offered(current, column["paths"][0], neuron=True) if column["link"] == "weights" else [],
            "frozen": any(current.layer_at(tuple(path)).frozen for path in column["paths"]),
        }
        for column in described
    ]
    part = with_structure(
        slot.part(now), columns, identity, loss=current.loss.entry.label, types=layer_types(),
        features=None if hidden("features") or locked("features", "data") else features(current),
        locked=locked("network"),
        acted=lambda done: _act(session, slot, done),
    )  # fmt: skip
    part.mount(now.version)


@dataclass(frozen=True)
class Act:
    """What a reader did."""

    done: Mapping[str, Any]
    """As the browser says it."""
    path: Path | None
    """The layer that it was done to, if it is one."""
    paths: Sequence[Path]
    """The layers of a column that it was done to."""
    session: Session
    """The run that is shown."""


def _act(session: Session, slot: NetworkSlot, done: Mapping[str, Any]) -> None:
    if done["kind"] == "show":
        _show(session, slot, done)
        return
    path, sent = path_of(done.get("path")), done.get("paths")
    paths = [path_of(found) for found in sent] if isinstance(sent, list) else []
    known = {place for place, _ in editor.experiment().walk()}
    # A path that is none of a layer belongs to a network that was edited since.
    if done["kind"] in _ACTS and known >= {*paths, *([] if path is None else [path])}:
        _ACTS[done["kind"]](Act(done, path, [found for found in paths if found], session))


def _choose_features(act: Act) -> None:
    """Choose what goes in; the data's own widget shows it too, so the whole page is drawn again."""

    def change(old: Experiment) -> Experiment:
        return old.updated(data=old.data.updated(params={**old.data.params, "features": act.done.get("names")}))

    if editor.experiment().data.facts.plane:
        editor.edit("data", change)


def _show(session: Session, slot: NetworkSlot, done: Mapping[str, Any]) -> None:
    """Show other neurons of a column: those in a row from the first one on, those that are named, those with the
    largest weights, or some evenly spread."""
    place, by = done.get("column"), done.get("by")
    try:
        found = columns(plan(editor.experiment()))
    except SpecError:
        return
    if type(place) is not int or not 0 <= place < len(found):
        return
    column, neurons, first = found[place], done.get("neurons"), done.get("first")
    slot.shown.pop(place, None)
    if by == "row" and type(first) is int:
        count = done.get("count")
        slot.shown[place] = row_of_neurons(column.width, first, count if type(count) is int else SHOWN)
    elif by == "names" and isinstance(neurons, list):
        wanted = {neuron for neuron in neurons[:MOST_NAMED] if type(neuron) is int and 0 <= neuron < column.width}
        slot.shown[place] = tuple(sorted(wanted)[:WHOLE])
    elif by == "norm" and (largest := largest_neurons(session, column)):
        slot.shown[place] = largest
    if not slot.shown.get(place):
        slot.shown.pop(place, None)
    session.request_views(slot.views(editor.experiment().data.facts))
    run_areas(NETWORK)


def largest_neurons(session: Session, column: Column) -> tuple[int, ...]:
    """The neurons whose weights have the largest Euclidean norm now; none where they have none of their own."""
    weighted = column.weighted
    found = session.weights("current", WEIGHTS_SECONDS) if weighted else None
    if weighted is None or found is None or (weight := found.tensors.get(f"{weighted.name}.weight")) is None:
        return ()
    norms = weight.float().norm(dim=1)[: column.width]
    return tuple(sorted(norms.topk(min(SHOWN, len(norms))).indices.tolist()))


def _remove(act: Act) -> None:
    def change(old: Experiment) -> Experiment:
        return reduce(lambda now, found: now.remove_layer(found), sorted(act.paths, reverse=True), old)

    if act.paths:
        edits.edit(change)


def _move(act: Act) -> None:
    """In front of the layer at `path`, or to the end without one."""
    if act.paths:
        places = [path[0] for path in act.paths]
        edits.edit(lambda old: old.move_layers(places, len(old.layers) if act.path is None else act.path[0]))


def _set_weight(act: Act) -> None:
    row, column, value = (act.done.get(name) for name in ("row", "column", "value"))
    index = (row,) if column is None else (row, column)
    placed = all(type(place) is int and place >= 0 for place in index)
    if act.path and placed and type(value) in (int, float) and isfinite(value):
        act.session.set_weight(act.path, index, float(value))
        run_areas(NETWORK)  # the browser follows a run that stands still for as long as it changes


def _set_parameter(act: Act) -> None:
    if act.path:
        edits.set_param(act.path, str(act.done.get("name")), act.done.get("value"), redraw=True)


def _freeze(act: Act) -> None:
    if act.path and type(act.done.get("value")) is bool:
        freeze(act.session, act.path, act.done["value"])


def _operate(act: Act) -> None:
    name, neuron = act.done.get("operation"), act.done.get("neuron")
    if act.path and name == RACE:
        race_layer(act.path, editor.experiment().layer_at(act.path))
    elif act.path and isinstance(name, str) and (neuron is None or type(neuron) is int):
        operate(act.session, Operation(name, act.path, neuron))


def _change_type(act: Act) -> None:
    name = act.done.get("type")
    if act.path and isinstance(name, str) and name in ALL_LAYERS:
        edits.change_type(act.path, name)


def _add(act: Act) -> None:
    """In front of the layer at `path`."""
    if act.path:
        edits.insert(act.path, "Linear", edits.usual_activation(act.path[:-1]))


def _select(act: Act) -> None:
    if act.path:
        edits.toggle_details(act.path)


_ACTS: dict[str, Callable[[Act], None]] = {
    "add": _add,
    "features": _choose_features,
    "freeze": _freeze,
    "move": _move,
    "operate": _operate,
    "parameter": _set_parameter,
    "remove": _remove,
    "select": _select,
    "type": _change_type,
    "weight": _set_weight,
}
