"""Many sessions at once, all training and receiving live ticks: raw websockets that speak Streamlit's own protocol.

Browsers would measure the browser. Each client opens the playground, presses Train, asks for a tick a second as a
browser's timer would, and now and then presses a button; what is measured is the time until the server has answered.
"""

from __future__ import annotations

import asyncio
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[1]
SESSIONS = (1, 10, 30)
SECONDS = 12.0
TICK_SECONDS = 1.0
LARGEST_MESSAGE = 50_000_000


def rows() -> Iterator[dict[str, Any]]:
    """One row per number of sessions: seconds at the 50th and 95th percentile, steps per second of all together."""
    for count in SESSIONS:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        options = ["--server.headless", "true", "--server.enableXsrfProtection", "false"]
        server = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_up(port)
            yield {"sessions": count, **asyncio.run(_measure(port, count, psutil.Process(server.pid)))}
        finally:
            server.terminate()
            server.wait()


def _wait_until_up(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Streamlit did not start")


class Client:
    """One session: what a browser knows of it."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.buttons: dict[str, str] = {}
        self.fragment = ""
        self.state = ""
        self.steps = 0
        self.finished = asyncio.Event()

    async def listen(self) -> None:
        """Take messages in until the connection ends."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        async for raw in self.socket:
            message = ForwardMsg.FromString(raw)
            kind = message.WhichOneof("type")
            if kind == "auto_rerun":
                self.fragment = message.auto_rerun.fragment_id
            elif kind == "script_finished":
                self.finished.set()
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                if element.WhichOneof("type") == "button":
                    self.buttons[element.button.label] = element.button.id
                elif element.WhichOneof("type") == "bidi_component":
                    text = str(element.bidi_component)
                    if found := re.search(r"([\d,]+) steps", text):
                        self.steps = int(found[1].replace(",", ""))

    async def send(self, fragment: str = "", press: str = "") -> float:
        """Have the script run, as a tick or a press; returns the seconds until it had."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        message.rerun_script.query_string = ""
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
        if press:
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id, widget.trigger_value = self.buttons[press], True
        self.finished.clear()
        began = time.monotonic()
        await self.socket.send(message.SerializeToString())
        await asyncio.wait_for(self.finished.wait(), 60)
        return time.monotonic() - began


async def _session(port: int, ticks: list[float], presses: list[float], start: asyncio.Event, ready: list[Any]) -> int:
    url = f"ws://127.0.0.1:{port}/_stcore/stream"
    origin: Any = f"http://127.0.0.1:{port}"
    async with connect(url, subprotocols=["streamlit"], origin=origin, max_size=LARGEST_MESSAGE) as socket:  # type: ignore[list-item]
        client = Client(socket)
        listening = asyncio.create_task(client.listen())
        while "Train" not in client.buttons or not client.fragment:
            await client.send()
        ready.append(client)
        await start.wait()
        await client.send(press="Train")
        deadline = time.monotonic() + SECONDS
        count = 0
        while time.monotonic() < deadline:
            spent = await client.send(fragment=client.fragment)
            ticks.append(spent)
            count += 1
            if count % 4 == 0:
                presses.append(await client.send(press="New weights"))
                presses.append(await client.send(press="Train"))
            await asyncio.sleep(max(0.0, TICK_SECONDS - spent))
        listening.cancel()
        return client.steps


async def _measure(port: int, count: int, server: psutil.Process) -> dict[str, Any]:
    ticks: list[float] = []
    presses: list[float] = []
    start, ready = asyncio.Event(), []
    tasks = [asyncio.create_task(_session(port, ticks, presses, start, ready)) for _ in range(count)]
    while len(ready) < count:
        await asyncio.sleep(0.1)
        for task in tasks:
            if task.done():
                task.result()
    memory = server.memory_info().rss
    start.set()
    steps = await asyncio.gather(*tasks)
    return {
        "tick_p50": _percentile(ticks, 50),
        "tick_p95": _percentile(ticks, 95),
        "press_p50": _percentile(presses, 50),
        "press_p95": _percentile(presses, 95),
        "ticks": len(ticks),
        "sessions_that_trained": sum(step > 0 for step in steps),
        "server_mb": round(memory / 1e6),
    }


def _percentile(values: list[float], share: int) -> float:
    return round(statistics.quantiles(values, n=100)[share - 1], 3)
