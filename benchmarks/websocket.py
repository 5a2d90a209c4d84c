"""One browser, without the browser: a websocket that speaks Streamlit's own protocol, and the page's stream beside it.

It keeps what a browser keeps (widgets and their values, the timers that the page has set) and does what the page's
feed does there, and drops the drawing, so that a hundred of them fit beside the server that is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect

from benchmarks.http import Connection
from benchmarks.messages import Sight, component_state, component_trigger, json_of, sight, state_of

LARGEST_MESSAGE = 100_000_000
PATIENCE = 60.0
"""Seconds after which an answer counts as not coming; it is recorded as having taken that long."""

FEED = "live_feed"
"""The component that brings what moves."""

GLANCE_SECONDS = 0.05
"""How often a client looks whether the page has set another timer."""

FULL_SPEED = "full speed"
"""What the page calls training without a pause between steps."""


@dataclass(frozen=True)
class Timer:
    """The page wants a fragment run every `interval` seconds, counted from when it said so."""

    interval: float
    began: float


@dataclass(frozen=True)
class Button:
    """A button on the page, the fragment that a press of it runs ('' for the whole page), and the run that drew it."""

    id: str
    fragment: str
    run: str


@dataclass(frozen=True)
class _Feed:
    """The component that hands on what moves: its id and fragment, and the stream that it names."""

    id: str
    fragment: str
    stream: str | None


@dataclass(eq=False)
class _Request:
    """What the server was asked for: the first run that begins after it and covers it is the answer."""

    fragment: str
    answered: asyncio.Future[None]
    run: str = ""


class Client:
    """One session. Times are `time.monotonic()`, ages and answers seconds.

    `streams`: follow the page's stream, as a browser does that reaches it; else Streamlit's ticks bring everything.
    """

    def __init__(self, socket: Any, connection: Connection, *, streams: bool) -> None:
        self._socket, self._connection, self._streams = socket, connection, streams
        self._feed: _Feed | None = None
        self._run = ""
        self._drawn_now: set[str] = set()
        self._requests: list[_Request] = []
        self._widgets: dict[str, Any] = {}
        self._choices: dict[str, str] = {}
        self._chosen: dict[str, str] = {}
        self._changed = asyncio.Condition()
        self.buttons: dict[str, Button] = {}
        self.timers: dict[str, Timer] = {}
        self.sight = Sight(0, "", None)
        self.sights = 0
        self.steps_trained = 0
        self.tick_bytes = 0
        self.ages: list[float] = []
        self.exact_ages = False
        self._asked = 0.0
        self._newest: float | None = None

    async def listen(self) -> None:
        """Take messages in until the connection ends."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        async for raw in self._socket:
            message = ForwardMsg.FromString(raw)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._begin(message.metadata.run.script_run_id, set(message.metadata.run.fragment_ids))
            elif kind == "auto_rerun":
                self.timers[message.auto_rerun.fragment_id] = Timer(message.auto_rerun.interval, time.monotonic())
            elif kind == "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self.timers.pop(fragment, None)
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._take(message.delta, len(raw))
            elif kind == "script_finished":
                self._finish(
                    message.metadata.run.script_run_id, message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
                )
            else:
                continue
            async with self._changed:
                self._changed.notify_all()

    def _take(self, delta: Any, size: int) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "button":
            self.buttons[element.button.label] = Button(element.button.id, delta.fragment_id, self._run)
        elif kind == "bidi_component":
            self._take_component(element.bidi_component, delta.fragment_id, size)
        elif kind in {"number_input", "selectbox", "checkbox", "slider", "button_group"}:
            widget = getattr(element, kind)
            if widget.id not in self._chosen:
                self._widgets[widget.id] = state_of(kind, widget)
            if kind == "selectbox":
                self._choices[widget.label] = widget.id

    def _take_component(self, component: Any, fragment: str, size: int) -> None:
        content = json_of(component)
        if component.component_name == FEED:
            self._feed = _Feed(component.id, fragment, json.loads(content)["stream"])
        if shown := sight(content):
            self.tick_bytes = size
            self._see(shown)

    def _see(self, shown: Sight) -> None:
        """Note what is shown; a point's age counts until the moment that a newer one replaces it on the page."""
        if shown.version < self.sight.version:
            return
        before, self.sight = self.sight, shown
        if shown.steps == before.steps:
            self._newest = None if shown.stopped else self._newest
            return
        self.sights += 1
        self.steps_trained += shown.steps - before.steps if shown.steps > before.steps else shown.steps
        self.note_age()
        self.exact_ages = shown.at is not None
        # Without a time in the message, the point counts as made when it was asked for.
        made = self._asked if shown.at is None else time.monotonic() - (time.time() - shown.at)
        self._newest = None if shown.stopped else made

    def note_age(self) -> None:
        """Record how old the newest point on the page is now, if the run goes on."""
        if self._newest is not None:
            self.ages.append(time.monotonic() - self._newest)

    def _begin(self, run: str, fragments: set[str]) -> None:
        self._run, self._drawn_now = run, fragments
        if not fragments:  # a whole page: its timers are new
            self.timers.clear()
        covered = [not fragments or request.fragment in fragments for request in self._requests]
        for position, request in enumerate(self._requests):
            if covered[position]:
                request.run = run
            elif request.run or any(covered[position + 1 :]):
                # Streamlit drops the end of a run, or all of a short one, when another request comes at that moment.
                self._answer(request)
        self._forget_answered()

    def _finish(self, run: str, superseded: bool) -> None:
        if not superseded:  # what was on the page before and was not drawn again goes; a run cut short leaves it there
            drawn = self._drawn_now
            self.buttons = {
                label: button
                for label, button in self.buttons.items()
                if button.run == run or (drawn and button.fragment not in drawn)
            }
        for request in self._requests:
            if request.run == run:
                if superseded:
                    request.run = ""
                else:
                    self._answer(request)
        self._forget_answered()

    @staticmethod
    def _answer(request: _Request) -> None:
        if not request.answered.done():
            request.answered.set_result(None)

    def _forget_answered(self) -> None:
        self._requests = [request for request in self._requests if not request.answered.done()]

    async def run(self, fragment: str = "", press: str = "", trigger: Any = None) -> float:
        """Have the script run, or one fragment of it as its timer does; the seconds until it has.

        `trigger` is the state of a component that asks for it.
        """
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        message.rerun_script.query_string = ""
        states = message.rerun_script.widget_states.widgets
        states.extend(self._widgets.values())
        message.rerun_script.is_auto_rerun = bool(fragment) and trigger is None
        if press:
            widget = states.add()
            widget.id, widget.trigger_value = self.buttons[press].id, True
            fragment = self.buttons[press].fragment
        if trigger is not None:
            states.append(trigger)
        if fragment:
            message.rerun_script.fragment_id = fragment
        request = _Request(fragment, asyncio.get_running_loop().create_future())
        self._requests.append(request)
        began = self._asked = time.monotonic()
        await self._socket.send(message.SerializeToString())
        with suppress(TimeoutError):
            await asyncio.wait_for(request.answered, PATIENCE)
        return time.monotonic() - began

    async def choose(self, label: str, option: str) -> float:
        """Choose from a list that is on the page; the seconds until the page is there again."""
        self._chosen[self._choices[label]] = option
        self._widgets[self._choices[label]].string_value = option
        return await self.run()

    async def press(self, button: str) -> float:
        """Press a button; the seconds until the page, or the part of it that the button belongs to, is there again."""
        if button == "Train":
            self._newest = time.monotonic()
        elif button == "Pause":
            self._newest = None
        return await self.run(press=button)

    async def until(self, condition: Callable[[Client], bool], patience: float = PATIENCE) -> float:
        """Wait until what the page shows fulfils the condition; the seconds that took, `patience` at most."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(patience), self._changed:
                await self._changed.wait_for(lambda: condition(self))
        except TimeoutError:
            pass
        return time.monotonic() - began

    async def update(self, answers: list[float], at_least: float) -> None:
        """Keep the page up to date as a browser does, for as long as the task lives.

        Adds the seconds of every answer that brings what moves: the stream's, asked when it says, or those of the
        page's timers, asked every `at_least` seconds, more seldom where the page says so.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick(answers, at_least))
            tasks.create_task(self._follow(answers, tasks) if self._streams else self._refuse())

    async def _tick(self, answers: list[float], at_least: float) -> None:
        """Do what the page's timers do in a browser: it asks when it is time to, answered before or not."""
        timer, due = Timer(0.0, 0.0), 0.0
        async with asyncio.TaskGroup() as asking:
            while True:
                fragment, now = next(iter(self.timers.items()), ("", timer))
                if now is not timer:
                    timer, due = now, now.began + max(now.interval, at_least)
                if fragment and time.monotonic() >= due:
                    asking.create_task(self._ask(fragment, due, answers))
                    due += max(timer.interval, at_least)
                wait = due - time.monotonic() if fragment else GLANCE_SECONDS
                await asyncio.sleep(min(max(0.0, wait), GLANCE_SECONDS))

    async def _ask(self, fragment: str, due: float, answers: list[float]) -> None:
        await self.run(fragment)
        if not self._streams:
            answers.append(time.monotonic() - due)

    async def _refuse(self) -> None:
        """Say once that the stream cannot be reached."""
        await self.until(lambda one: one._feed is not None and one._feed.stream is not None)
        if (feed := self._feed) is not None:
            said = component_state(feed.id, {"streams": False})
            await self.run(feed.fragment, trigger=said)
            self._widgets[feed.id] = said

    async def _follow(self, answers: list[float], asking: asyncio.TaskGroup) -> None:
        """Read one stream after the other as the pages name them, one request at a time."""
        while True:
            feed = self._feed
            if feed is None or feed.stream is None:
                await self.until(lambda one, before=feed: one._feed != before)
                continue
            while self._feed == feed:
                began = time.monotonic()
                status, content = await self._connection.get(feed.stream.split("#")[0])
                answers.append(time.monotonic() - began)
                if self._feed != feed:
                    break
                if status != 200:
                    raise RuntimeError(f"the page's stream answered with status {status}")
                answer = json.loads(content)
                if shown := sight(content.decode()):
                    self.tick_bytes = len(content)
                    self._see(shown)
                    async with self._changed:
                        self._changed.notify_all()
                if answer["redraw"]:
                    self._feed = None
                    asking.create_task(self.run(feed.fragment, trigger=component_trigger(feed.id, "redraw")))
                    break
                await asyncio.sleep(max(0.0, answer["next"] - (time.monotonic() - began)))


@asynccontextmanager
async def browser(port: int, *, streams: bool = True, speed: str | None = None) -> AsyncIterator[Client]:
    """A client whose first page has arrived; it lets the page's speed stand, or chooses another."""
    address, origin = f"ws://127.0.0.1:{port}/_stcore/stream", f"http://127.0.0.1:{port}"
    options: dict[str, Any] = {"subprotocols": ["streamlit"], "origin": origin, "max_size": LARGEST_MESSAGE}
    async with (
        Connection(port) as connection,
        connect(address, open_timeout=PATIENCE, compression=None, **options) as socket,
    ):
        client = Client(socket, connection, streams=streams)
        listening = asyncio.create_task(client.listen())
        try:
            await client.run()
            if speed is not None:
                await client.choose("Speed", speed)
            yield client
            if listening.done():
                listening.result()  # it ends only by an error, which is the reason for what is missing
        finally:
            listening.cancel()
