"""One browser, without the browser: a websocket that speaks Streamlit's own protocol, and the page's stream beside it.

It keeps what a browser keeps (widgets and their values, the timers that the page has set) and does what the page's
feed does there, and drops the drawing, so that a hundred of them fit beside the server that is measured.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect

from benchmarks import messages
from benchmarks.elements import COMPONENT, POPOVER, TABS, Element, Elements
from benchmarks.http import Connection
from benchmarks.messages import Sight, json_of, sight, slider_sight
from benchmarks.points import Points
from benchmarks.updates import Feed, Timer, update
from pages.live.browser import COOKIE

LARGEST_MESSAGE = 100_000_000
PATIENCE = 60.0
"""Seconds after which an answer counts as not coming; it is recorded as having taken that long."""

FEED, STRIP = "live_feed", "state_strip"
"""The component that brings what moves, and the one with the numbers of the run."""

SETTINGS = "All settings"
"""The popover with the settings of less use."""
FULL_SPEED = "full speed"
"""What the page calls training without a pause between steps."""

@dataclass(eq=False)
class _Request:
    """What the server was asked for: the first run that begins after it and covers it is the answer."""

    fragment: str
    answered: asyncio.Future[None]
    run: str = ""


class Client:
    """One browser. Times are `time.monotonic()`, answers seconds.

    `streams`: follow the page's stream, as a browser does that reaches it; else Streamlit's ticks bring everything.
    """

    def __init__(self, socket: Any, connection: Connection, *, streams: bool) -> None:
        self._socket, self.connection, self.streams = socket, connection, streams
        self._run = ""
        self._page, self._query = "", ""
        self._drawn_now: set[str] = set()
        self._requests: list[_Request] = []
        self._stream: str | None = None
        self._place: Any = None
        self._changed = asyncio.Condition()
        self.onlookers: list[Callable[[Any], None]] = []
        self.elements = Elements()
        self.points = Points()
        self.timers: dict[str, Timer] = {}
        self.pages: dict[str, str] = {}
        self.tick_bytes = 0

    @property
    def buttons(self) -> dict[str, Element]:
        """The buttons that may be pressed, by what stands on them."""
        return {one.label: one for one in self.elements if one.kind == "button" and not one.disabled}

    @property
    def sight(self) -> Sight:
        """What the page shows of its run."""
        return self.points.sight

    @property
    def sights(self) -> int:
        """How many points the page has shown."""
        return self.points.count

    @property
    def fragments(self) -> set[str]:
        """The fragments of the page that ran last; none where all of it did."""
        return self._drawn_now

    @property
    def feed(self) -> Feed | None:
        """The component that hands on what moves, if the page has one."""
        found = self.elements.find(COMPONENT, FEED)
        return Feed(found.id, found.fragment, self._stream) if found else None

    async def listen(self) -> None:
        """Take messages in until the connection ends."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        async for raw in self._socket:
            message = ForwardMsg.FromString(raw)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._enter(message.new_session.page_script_hash)
                self._begin(message.metadata.run.script_run_id, set(message.metadata.run.fragment_ids))
            elif kind == "navigation":
                self.pages = {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
                self._enter(message.navigation.page_script_hash)
            elif kind == "page_info_changed":
                self._query = message.page_info_changed.query_string
            elif kind == "auto_rerun":
                self.timers[message.auto_rerun.fragment_id] = Timer(message.auto_rerun.interval, time.monotonic())
            elif kind == "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self.timers.pop(fragment, None)
            elif kind == "delta":
                self._take(tuple(message.metadata.delta_path), message.delta, len(raw))
            elif kind == "file_urls_response":
                self._place, *_ = message.file_urls_response.file_urls
            elif kind == "script_finished":
                early = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
                self._finish(message.metadata.run.script_run_id, superseded=early)
            else:
                continue
            await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _enter(self, page: str) -> None:
        """Another page is drawn: a browser takes the old one away before the first element of the new one."""
        if page and self._page and page != self._page:
            self.elements.clear()
        self._page = page or self._page

    def _take(self, path: tuple[int, ...], delta: Any, size: int) -> None:
        for onlooker in self.onlookers:
            onlooker(delta)
        element = self.elements.put(path, delta, self._run)
        if element is None or element.kind != COMPONENT:
            return
        content = json_of(delta.new_element.bidi_component)
        if element.label == FEED:
            self._stream = json.loads(content)["stream"]
        self._show(content, size)

    def _show(self, content: str, size: int) -> bool:
        """Take what a message shows of the run; whether it does."""
        shown = sight(content)
        if shown is None and self.elements.find(COMPONENT, STRIP) is None:
            shown = slider_sight(content)
        if shown is not None:
            self.tick_bytes = size
            self.points.see(shown)
        return shown is not None

    async def take(self, answer: bytes) -> None:
        """Show what the page's stream has answered."""
        if self._show(answer.decode(), len(answer)):
            await self._notify()

    def leave_stream(self) -> None:
        """Follow no stream until the page names one anew."""
        self._stream = None

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

    def _finish(self, run: str, *, superseded: bool) -> None:
        if not superseded:  # a run that was cut short leaves what was on the page before
            self.elements.finish(run, self._drawn_now)
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

    async def run(self, fragment: str = "", trigger: Any = None, *, timer: bool = False, page: str = "") -> float:
        """Have the script run, or one fragment of it; the seconds until it has.

        `trigger` is the state of a widget that is sent once. `timer`: the page's own timer asks, and no user. `page`
        is the key of the page that is wanted instead of this one.
        """
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = "" if page else self._query
        asked.page_script_hash = page or self._page
        if not page:  # widgets of a page that is left are not sent
            asked.widget_states.widgets.extend(self.elements.states())
        asked.is_auto_rerun = timer
        if trigger is not None:
            asked.widget_states.widgets.append(trigger)
        if fragment:
            asked.fragment_id = fragment
        request = _Request(fragment, asyncio.get_running_loop().create_future())
        self._requests.append(request)
        began = self.points.asked = time.monotonic()
        await self._socket.send(message.SerializeToString())
        with suppress(TimeoutError):
            await asyncio.wait_for(request.answered, PATIENCE)
        return time.monotonic() - began

    async def press(self, label: str) -> float:
        """Press a button; the seconds until the page, or the part of it that the button belongs to, is there again."""
        if label == "Train":
            self.points.start()
        elif label == "Pause":
            self.points.stop()
        button = self.elements.get("button", label)
        return await self.run(button.fragment, messages.press_state(button.id))

    async def choose(self, label: str, option: str) -> float:
        """Choose from a selectbox; the seconds until what depends on it is there, none for what is chosen already."""
        box = self.elements.get("selectbox", label)
        if self.elements.value(box) == option:
            return 0.0
        return await self._set(box, messages.option_state(box.id, option))

    async def open_tab(self, label: str) -> float:
        """Open one of the page's tabs; the seconds until what is in it is there."""
        tabs = self.elements.get(TABS, "")
        return await self._set(tabs, messages.option_state(tabs.id, label))

    async def fill(self, field: Element, number: float | None) -> float:
        """Put a number into a number input, or empty it; the seconds until what depends on it is there."""
        return await self._set(field, messages.number_state(field.id, number))

    async def pick(self, menu: Element, option: str) -> float:
        """Choose from a menu; the seconds until what it does is there."""
        return await self.run(menu.fragment, messages.menu_state(menu.id, option))

    async def act(self, component: Element, done: dict[str, Any]) -> float:
        """Do something to a component that tells the page of it; the seconds until what it changes is there."""
        return await self.run(component.fragment, messages.component_trigger(component.id, "act", done))

    async def toggle(self, group: str, option: str) -> float:
        """Press a button of a group; the seconds until what depends on it is there."""
        buttons = self.elements.get("button_group", group)
        return await self._set(buttons, messages.toggle_state(buttons.id, option))

    async def unfold(self, popover: Element, is_open: bool = True) -> float:
        """Open a popover, or close it; the seconds until its content is there."""
        return await self._set(popover, messages.open_state(popover.id, is_open))

    async def place_for(self, name: str) -> tuple[str, str]:
        """Where a file of this name is to be put: its identity, and the address below the server's root."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.file_names.append(name)
        self._place = None
        await self._socket.send(message.SerializeToString())
        await self.until(lambda client: client._place is not None)
        return self._place.file_id, self._place.upload_url

    async def visit(self, page: str) -> float:
        """Go to the page with this title; the seconds until it is there."""
        if page not in self.pages:
            raise LookupError(f"there is no page '{page}'; there are {', '.join(self.pages)}")
        self.timers.clear()
        return await self.run(page=self.pages[page])

    async def _set(self, widget: Element, state: Any) -> float:
        self.elements.set(state)
        return await self.run(widget.fragment)

    async def set_speed(self, speed: str) -> None:
        """Choose the speed of training, among the settings that are one press away."""
        settings = self.elements.get(POPOVER, SETTINGS)
        await self.unfold(settings)
        await self.choose("Speed", speed)
        await self.unfold(settings, is_open=False)

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
        """Keep the page up to date as a browser does, for as long as the task lives; see `updates.update`."""
        await update(self, answers, at_least)


@asynccontextmanager
async def browser(
    port: int, *, streams: bool = True, speed: str | None = None, form: str | None = None
) -> AsyncIterator[Client]:
    """A client whose first page has arrived; it lets the page's speed and the network's form stand, or chooses
    others."""
    address, origin = f"ws://127.0.0.1:{port}/_stcore/stream", f"http://127.0.0.1:{port}"
    options: dict[str, Any] = {"subprotocols": ["streamlit"], "origin": origin, "max_size": LARGEST_MESSAGE}
    options["additional_headers"] = {"Cookie": f"{COOKIE}={secrets.token_hex(32)}"}  # whose runs they are
    async with (
        Connection(port) as connection,
        connect(address, open_timeout=PATIENCE, compression=None, **options) as socket,
    ):
        client = Client(socket, connection, streams=streams)
        listening = asyncio.create_task(client.listen())
        try:
            await client.run()
            if speed is not None:
                await client.set_speed(speed)
            if form is not None:
                await client.toggle("Form", form)
            yield client
            if listening.done():
                listening.result()  # it ends only by an error, which is the reason for what is missing
        finally:
            listening.cancel()
