"""The benchmarks' client keeps a page as a browser does, and its users edit networks that can be trained."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks import users
from benchmarks.elements import Elements
from benchmarks.http import Connection
from benchmarks.messages import (
    Sight,
    component_trigger,
    menu_state,
    number_state,
    open_state,
    option_state,
    sight,
    slider_sight,
    value_of,
)
from benchmarks.network import ADD, BLOCK, FEWEST, LINEAR, MOST, REMOVE, WIDTHS, Diagram, LayerList, is_spare, network
from benchmarks.points import Points
from benchmarks.users import Measured, User
from benchmarks.websocket import Client
from mlp_core.training.history import History
from mlp_core.training.snapshot import Snapshot
from mlp_core.training.state import Origin
from pages.playground.time_travel import TimeSlot

TANH, RELU = "Tanh", "ReLU"


@given(st.integers(0, 10**9), st.sampled_from(["running", "ready", "pausing"]))
def test_what_a_message_shows_is_read(steps: int, status: str) -> None:
    cells = [{"label": "epoch", "value": "3", "note": f"{steps:,} steps"}, {"label": "status", "value": status}]
    shown = sight(json.dumps({"parts": {"strip": {"cells": cells}}}))
    assert shown is not None
    assert (shown.steps, shown.status, shown.stopped) == (steps, status, status == "ready")
    assert sight('{"figure": {}}') is None


@given(st.integers(0, 10**9), st.booleans(), st.sampled_from([None, 5]))
def test_pages_without_numbers_are_read_by_their_slider(steps: int, trains: bool, fork: int | None) -> None:
    snapshot = Snapshot(checkpoints=(0,), run_step=steps, status="running" if trains else "ready",
                        origin=None if fork is None else Origin("a0", fork, History()))  # fmt: skip
    part = TimeSlot().part(snapshot)
    text = json.dumps({"parts": {part.key: {**part.data, "version": 3}}, "version": 3, "at": 1.5, "run": "a1"})
    shown = slider_sight(text)
    assert shown is not None
    assert (shown.steps, shown.stopped, shown.version, shown.at, shown.run) == (steps, not trains, 3, 1.5, "a1")
    assert sight(text) is None
    assert slider_sight('{"figure": {}}') is None


def test_a_message_says_of_itself_what_follows_its_parts() -> None:
    part = {"cells": [{"note": "7 steps"}], "version": 5, "at": 1.0, "run": "of the part"}
    shown = sight(json.dumps({"parts": {"strip": part}, "version": 9, "at": 2.5, "run": "a1", "redraw": False}))
    assert shown is not None
    assert (shown.steps, shown.version, shown.at, shown.run) == (7, 9, 2.5, "a1")


def test_a_request_is_answered_by_the_first_run_that_begins_after_it_and_covers_it() -> None:
    async def scenario() -> None:
        client = Client(SilentSocket(), Connection(0), streams=False)
        client._begin("earlier", {"live"})
        press, tick = (asyncio.create_task(client.run(fragment)) for fragment in ("", "live"))
        await asyncio.sleep(0)
        client._finish("earlier", superseded=False)
        client._begin("interrupted", set())
        client._finish("interrupted", superseded=True)
        await asyncio.sleep(0)
        assert not press.done()
        client._begin("page", set())
        client._begin("fragment", {"live"})  # the end of the page's run was never told
        await press
        assert not tick.done()
        client._finish("fragment", superseded=False)
        await tick

    asyncio.run(scenario())


def delta(fragment: str = "") -> Any:
    made = ForwardMsg().delta
    made.fragment_id = fragment
    return made


def button(label: str, fragment: str = "") -> Any:
    made = delta(fragment)
    made.new_element.button.id = made.new_element.button.label = label
    return made


def selectbox(key: str, label: str, options: list[str], chosen: str) -> Any:
    made = delta()
    box = made.new_element.selectbox
    box.id, box.label, box.default = key, label, options.index(chosen)
    box.options.extend(options)
    return made


def number_input(key: str, value: float | None, *, set_value: bool = False) -> Any:
    made = delta()
    number = made.new_element.number_input
    number.id, number.label, number.set_value = key, "Neurons", set_value
    if set_value:
        number.value = value
    elif value is not None:
        number.default = value
    return made


def menu(key: str, label: str, options: list[str]) -> Any:
    made = delta()
    made.new_element.menu_button.id, made.new_element.menu_button.label = key, label
    made.new_element.menu_button.options.extend(options)
    return made


def labels(elements: Elements) -> set[str]:
    return {element.label for element in elements}


def test_widgets_stay_until_a_run_is_through() -> None:
    async def scenario() -> None:
        client = Client(SilentSocket(), Connection(0), streams=False)
        client._begin("first", set())
        client._take((0, 0), button("Pause", "bar"), 0)
        client._take((0, 1), button("Reset"), 0)
        client._finish("first", superseded=False)
        client._begin("cut", {"bar"})
        client._finish("cut", superseded=True)
        assert set(client.buttons) == {"Pause", "Reset"}
        client._begin("bar", {"bar"})
        client._take((0, 2), button("Train", "bar"), 0)
        client._finish("bar", superseded=False)
        assert set(client.buttons) == {"Train", "Reset"}
        client._begin("page", set())
        client._finish("page", superseded=False)
        assert not client.buttons

    asyncio.run(scenario())


def test_another_page_takes_the_widgets_of_the_last_one_away() -> None:
    client = Client(SilentSocket(), Connection(0), streams=False)
    client._enter("home")
    client._take((0, 0), number_input("n", 3.0), 0)
    client._enter("home")
    assert [state.id for state in client.elements.states()] == ["n"]
    client._enter("model")
    assert not list(client.elements)
    assert not list(client.elements.states())


def test_a_message_in_the_place_of_another_replaces_it() -> None:
    elements = Elements()
    elements.put((0, 0), button("Pause"), "one")
    elements.put((0, 0), button("Train"), "two")
    assert labels(elements) == {"Train"}
    gone = delta()
    gone.new_element.text.body = "no widget"
    assert elements.put((0, 0), gone, "three") is None
    assert not list(elements)


def test_a_widget_keeps_what_the_user_has_put_in_unless_the_page_sets_it() -> None:
    elements = Elements()
    field = elements.put((0,), number_input("n", 3.0), "one")
    assert field is not None
    elements.set(number_state("n", 7.0))
    elements.put((0,), number_input("n", 3.0), "two")
    assert elements.value(field) == 7
    elements.put((0,), number_input("n", 5.0, set_value=True), "three")
    assert elements.value(field) == 5
    elements.set(number_state("n", None))
    assert elements.value(field) is None


def test_a_missing_element_is_said_with_those_that_are_there() -> None:
    elements = Elements()
    elements.put((0,), button("Train"), "one")
    assert elements.get("button", "Train").path == (0,)
    with pytest.raises(LookupError, match="there is no button 'Pause' on the page; there are Train"):
        elements.get("button", "Pause")
    with pytest.raises(LookupError, match="there is no selectbox 'Set' on the page; there are none"):
        elements.get("selectbox", "Set")


def test_a_popover_and_a_menu_send_what_a_browser_sends() -> None:
    assert open_state("p", True).bool_value
    assert menu_state("m", "Remove").string_trigger_value.data == "Remove"
    assert value_of("selectbox", option_state("s", "xor")) == "xor"


def shown(steps: int, run: str = "", status: str = "running") -> Sight:
    return Sight(steps, status, None, run=run)


@given(st.lists(st.lists(st.integers(1, 1000), min_size=1), min_size=1), st.booleans())
def test_steps_of_all_runs_are_counted(runs: list[list[int]], named: bool) -> None:
    """Every run begins with a message of no steps, or is recognised by its name."""
    points = Points()
    for number, chunks in enumerate(runs):
        steps = 0
        if not named:
            points.see(shown(0))
        for chunk in chunks:
            steps += chunk
            points.see(shown(steps, f"run {number}" if named else ""))
    assert points.steps == sum(map(sum, runs))
    assert points.sight.steps == sum(runs[-1])


def test_a_message_older_than_the_newest_is_passed_over() -> None:
    points = Points()
    points.see(Sight(20, "running", None, version=2))
    points.see(Sight(10, "running", None, version=1))
    assert (points.sight.steps, points.steps, points.count) == (20, 20, 1)


def test_the_first_point_of_another_run_is_told_by_its_name() -> None:
    async def scenario() -> None:
        points = Points()
        points.see(shown(300, "a"))
        another, newer = points.next(another_run=True), points.next(another_run=False)
        points.see(shown(400, "a"))
        assert newer.done()
        points.see(shown(450))  # a part that was drawn anew: the run that goes on
        points.see(shown(0, "b", "ready"))
        assert not another.done()
        points.see(shown(9000, "b"))
        assert another.done()

    asyncio.run(scenario())


@pytest.mark.parametrize("run", ["", "a"])
def test_a_run_that_has_no_point_yet_is_not_the_one_after_an_edit(run: str) -> None:
    async def scenario() -> None:
        points = Points()
        points.see(shown(0, run))
        another = points.next(another_run=True)
        points.see(shown(70, run))
        assert another.done() == (not run)  # without names nobody can tell
        points.see(shown(30, run and "b"))
        assert another.done()

    asyncio.run(scenario())


def test_ages_count_from_a_point_to_the_next_and_not_while_the_run_stands_still() -> None:
    points = Points()
    points.start()
    points.see(shown(10))
    points.see(shown(20, status="paused"))
    points.see(shown(20, status="paused"))
    points.note_age()
    assert len(points.ages) == 2
    assert all(age >= 0 for age in points.ages)
    points.forget()
    assert (points.ages, points.count) == ([], 0)


@dataclass
class FakePage:
    """A network panel whose layers change as the app's do, without a server."""

    layers: list[tuple[str, int | None]] = field(
        default_factory=lambda: [(LINEAR, 4), (TANH, None), (LINEAR, 3), (TANH, None), (LINEAR, 2)]
    )
    sight: Sight = field(default_factory=lambda: shown(100))
    points: Points = field(default_factory=Points)
    buttons: dict[str, Any] = field(default_factory=dict)
    presses: list[str] = field(default_factory=list)

    @property
    def elements(self) -> Elements:
        elements = Elements()
        for position, (kind, width) in enumerate(self.layers):
            row = (0, position)
            box = selectbox(f"type {position}", f"Type of layer {position + 1}", [LINEAR, RELU, TANH], kind)
            elements.put((*row, 0), box, "run")
            if width is not None:
                elements.put((*row, 1), number_input(f"width {position}", float(width)), "run")
            elements.put((*row, 2), menu(f"menu {position}", "", ["Duplicate", REMOVE]), "run")
        elements.put((1,), menu("add", ADD, [BLOCK]), "run")
        return elements

    async def choose(self, label: str, option: str) -> float:
        position = int(label.rsplit(" ", 1)[1]) - 1
        assert self.layers[position][0] != option
        self.layers[position] = (option, None)
        return self._point()

    async def fill(self, field: Any, number: float) -> float:
        position = int(field.id.split()[1])
        assert position < len(self.layers) - 1, "the last layer's width is the number of classes"
        assert self.layers[position][1] != number
        self.layers[position] = (LINEAR, int(number))
        return self._point()

    async def pick(self, chosen: Any, option: str) -> float:
        if option == BLOCK:
            self.layers[-1:-1] = [(LINEAR, 5), (RELU, None)]
        else:
            assert option == REMOVE
            del self.layers[int(chosen.id.split()[1])]
        return self._point()

    async def press(self, label: str) -> float:
        self.presses.append(label)
        return 0.1

    def _point(self) -> float:
        self.points.see(shown(0, status="ready"))
        self.points.see(shown(10))
        return 0.25

    @property
    def hidden(self) -> int:
        return sum(kind == LINEAR for kind, _ in self.layers) - 1


@given(st.integers(0, 2**32))
def test_edits_leave_a_network_of_one_to_five_hidden_layers(seed: int) -> None:
    random.seed(seed)
    page, sizes = FakePage(), set()

    async def scenario() -> None:
        for _ in range(60):
            before = [*page.layers]
            await network(page.elements).any_edit()(page)  # type: ignore[arg-type]
            assert page.layers != before
            assert page.layers[-1] == (LINEAR, 2)
            assert all(width in WIDTHS for _, width in page.layers[:-1] if width is not None)
            sizes.add(page.hidden)

    asyncio.run(scenario())
    assert min(sizes) >= FEWEST
    assert max(sizes) <= MOST
    assert len(sizes) > 1


@dataclass
class FakeDiagram:
    """A diagram whose columns change as the app's do, without a server."""

    columns: list[tuple[int, str]] = field(default_factory=lambda: [(4, "Tanh"), (3, "Tanh"), (2, "")])

    @property
    def elements(self) -> Elements:
        drawn: list[dict[str, Any]] = [{"link": "none", "width": 2, "paths": [], "layers": []}]
        for number, (width, bend) in enumerate(self.columns):
            layers = [{"path": [2 * number], "type": "Linear"}]
            if bend:
                layers.append({"path": [2 * number + 1], "type": bend})
            paths = [layer["path"] for layer in layers]
            drawn.append({"link": "weights", "width": width, "paths": paths, "layers": layers})
        made = delta("network")
        made.new_element.bidi_component.id, made.new_element.bidi_component.component_name = "d", "network"
        made.new_element.bidi_component.bytes = json.dumps({"structure": {"columns": drawn}}).encode()
        elements = Elements()
        elements.put((0,), made, "run")
        return elements

    async def act(self, picture: Any, done: dict[str, Any]) -> float:
        assert picture.fragment == "network"
        number = (done["paths"][0] if done["kind"] == "remove" else done["path"])[0] // 2
        width, bend = self.columns[number]
        if done["kind"] == "remove":
            del self.columns[number]
        elif done["kind"] == "add":
            self.columns.insert(number, (5, "ReLU"))
        elif done["kind"] == "type":
            self.columns[number] = (width, done["type"])
        else:
            assert (done["kind"], done["name"]) == ("parameter", "out_features")
            self.columns[number] = (done["value"], bend)
        return 0.25


@given(st.integers(0, 2**32))
def test_edits_of_the_diagram_leave_one_to_five_hidden_layers(seed: int) -> None:
    random.seed(seed)
    page, sizes = FakeDiagram(), set()

    async def scenario() -> None:
        for _ in range(40):
            before = [*page.columns]
            found = network(page.elements)
            assert isinstance(found, Diagram)
            await found.any_edit()(page)  # type: ignore[arg-type]
            assert page.columns != before
            assert page.columns[-1] == (2, "")
            sizes.add(len(page.columns) - 1)

    asyncio.run(scenario())
    assert FEWEST <= min(sizes) < max(sizes) <= MOST


def test_what_was_done_to_a_component_is_sent_as_a_browser_does() -> None:
    sent = component_trigger("d", "act", {"kind": "add", "path": [2]})
    assert sent.id.endswith("d__events")
    assert json.loads(sent.json_trigger_value) == [{"event": "act", "value": {"kind": "add", "path": [2]}}]


def test_an_activation_whose_linear_layer_went_goes_with_the_next_edit() -> None:
    page = FakePage([(LINEAR, 4), (TANH, None), (RELU, None), (LINEAR, 2)])
    assert is_spare(RELU, TANH)
    assert not is_spare(TANH, LINEAR)
    asyncio.run(network(page.elements).any_edit()(page))  # type: ignore[arg-type]
    assert page.layers == [(LINEAR, 4), (TANH, None), (LINEAR, 2)]


def test_a_row_that_is_still_being_drawn_is_no_layer_yet() -> None:
    elements = Elements()
    elements.put((0, 0, 0), selectbox("t", "Type of layer 1", [LINEAR, TANH], LINEAR), "run")
    assert not LayerList(elements).rows
    elements.put((0, 0, 1), menu("m", "", [REMOVE]), "run")
    assert [row.chosen for row in LayerList(elements).rows] == [LINEAR]


def test_a_user_who_edits_lets_a_run_that_stands_still_go_on_first() -> None:
    async def scenario() -> None:
        page, measured = FakePage(sight=shown(100, status="paused"), buttons={"Train": None}), Measured()
        page.points.see(shown(100))
        await User(page, measured)._edit()  # type: ignore[arg-type]
        assert page.presses == ["Train"]
        assert measured.edits == [0.25]
        assert len(measured.first_points) == 1
        assert measured.first_points[0] < 1

    asyncio.run(scenario())


def test_a_point_that_does_not_come_took_all_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "PATIENCE", 0.01)

    async def scenario() -> float:
        never = asyncio.get_running_loop().create_future()
        return await users.seconds_until(never, asyncio.get_running_loop().time())

    assert asyncio.run(scenario()) == 0.01


def test_an_idle_connection_that_was_ended_is_made_again() -> None:
    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readuntil(b"\r\n\r\n")
        path = line.split()[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            async with Connection(port) as connection:
                for path in ("one", "two", "three"):
                    assert await connection.get(path) == (
                        200,
                        {"content-length": str(len(path) + 1)},
                        f"/{path}".encode(),
                    )

    asyncio.run(scenario())


class SilentSocket:
    """Takes what is sent."""

    async def send(self, message: bytes) -> None:
        assert message
