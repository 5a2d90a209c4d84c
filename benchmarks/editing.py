"""One person who changes things while training goes on: how long until the page is there, and until the first point.

Each thing is done once in every round, so that what slows the machine for a while slows all of them. A first point is
one of the run that the change has begun; where the run goes on (another learning rate, another page and back), it is
the next one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from benchmarks.browsers import ready, updated, warm_up
from benchmarks.network import Edit, network
from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile
from benchmarks.users import seconds_until, train
from benchmarks.websocket import FULL_SPEED, Client, browser
from mlp_core.catalog import DATASETS
from mlp_core.presets import PRESETS, Preset
from mlp_core.spec import DataSpec

PAUSE_SECONDS = 0.3
"""Between a first point and the next change."""
RATES = (0.01, 0.02, 0.03, 0.05)
OTHER_PAGE, HOME = "Activations", "Playground"


@dataclass
class Seconds:
    """What one kind of change took, each time."""

    answers: list[float] = field(default_factory=list)
    """From the request until the page is there."""
    points: list[float] = field(default_factory=list)
    """From the request until the page shows the first point."""

    def row(self) -> Row:
        """Median and 95th percentile of both."""
        return {
            "answer_p50": percentile(self.answers, 50),
            "answer_p95": percentile(self.answers, 95),
            "first_point_p50": percentile(self.points, 50),
            "first_point_p95": percentile(self.points, 95),
        }


def rows(options: Options) -> Iterator[Row]:
    """One row per kind of change."""
    with server() as running:
        found = asyncio.run(_measure(running, options))
    for name, seconds in found.items():
        yield {"change": name, "count": len(seconds.answers), **seconds.row()}


async def _measure(running: Server, options: Options) -> dict[str, Seconds]:
    names = [name for name in CHANGES if options.layer_list or name != SPARE]
    found = {name: Seconds() for name in (*names, LEAVE, RETURN)}
    speed = None if options.usual_speed else FULL_SPEED
    await warm_up(running)
    async with browser(running.port, speed=speed, form=options.form) as client, updated([client], at_least=0.0):
        await ready(client)
        for _ in range(options.actions):
            for name in names:
                change = CHANGES[name]
                await _begin(client)
                await _time(client, change(client), found[name], another_run=name not in SAME_RUN)
            await _begin(client)
            found[LEAVE].answers.append(await client.visit(OTHER_PAGE))
            await asyncio.sleep(PAUSE_SECONDS)
            await _time(client, lambda one: one.visit(HOME), found[RETURN], another_run=False)
    return found


async def _begin(client: Client) -> None:
    """Let the run go on for a while, and start it where it stands still."""
    await asyncio.sleep(PAUSE_SECONDS)
    await train(client)


async def _time(client: Client, edit: Edit, into: Seconds, *, another_run: bool) -> None:
    point = client.points.next(another_run=another_run)
    began = time.monotonic()
    into.answers.append(await edit(client))
    into.points.append(await seconds_until(point, began))


def _another(client: Client, label: str, options: Collection[str]) -> Edit:
    """Choose any other of these options."""
    chosen = client.elements.value(client.elements.get("selectbox", label))
    option = random.choice([option for option in options if option != chosen])
    return lambda one: one.choose(label, option)


def _data_set(client: Client) -> Edit:
    """Another set of those that need no download and that the network can learn as it is."""
    offered = client.elements.get("selectbox", "Data set").options
    labels = tuple(
        f"{entry.label} · "
        for name, entry in DATASETS.items()
        if entry.source in ("generated", "bundled") and DataSpec(dataset=name).facts.classifies
    )
    return _another(client, "Data set", [option for option in offered if option.startswith(labels)])


def _preset(client: Client) -> Edit:
    """Another preset of those that train until they are paused, and that the other changes can be made to."""
    return _another(client, "Preset", [preset.label for preset in PRESETS.values() if _can_be_edited(preset)])


def _can_be_edited(preset: Preset) -> bool:
    experiment = preset.experiment
    linear = sum(layer.type == "Linear" for layer in experiment.layers)
    return experiment.training.epochs is None and experiment.data.facts.classifies and linear > 1


def _rate(client: Client) -> Edit:
    field = client.elements.get("number_input", "Learning rate")
    rate = random.choice([rate for rate in RATES if rate != client.elements.value(field)])
    return lambda one: one.fill(field, rate)


SPARE = "its activation removed"
"""In the list of layers a Linear is removed without the activation that follows it."""
CHANGES: dict[str, Callable[[Client], Edit]] = {
    "activation": lambda client: network(client.elements).change_activation(),
    "width": lambda client: network(client.elements).change_width(),
    "learning rate": _rate,
    "layer added": lambda client: network(client.elements).add(),
    "layer removed": lambda client: network(client.elements).remove(),
    SPARE: lambda client: network(client.elements).remove(),
    "data set": _data_set,
    "preset": _preset,
}
"""In this order: a layer that was added goes again, and a preset ends the round."""
SAME_RUN = ("learning rate",)
LEAVE, RETURN = "page left", "page entered again"
