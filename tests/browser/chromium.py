"""A Streamlit server and a Chromium for browser tests; both end with the test, whatever happens in it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from benchmarks.chromium import FLAGS, PROGRAMS, program

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MS = 60_000
"""The longest that a test waits for a condition; a slow shared machine may need it"""


# On Linux the kernel ends the server even if the test process is killed and no clean-up runs.
_RUN = """
import ctypes, runpy, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
exec(sys.argv.pop(1))
runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
"""


def chromium_path() -> str:
    """The browser's program; without one the test is skipped, but fails where CI promises it."""
    if found := program():
        return found
    reason = f"no {', '.join(PROGRAMS[:-1])} or {PROGRAMS[-1]} on the PATH"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must run the browser tests, and there is {reason}.")
    pytest.skip(reason)


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A Playwright browser."""
    path = chromium_path()
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


@contextlib.contextmanager
def serve(script: Path, *options: str, before: str = "") -> Iterator[str]:
    """Runs `script` with Streamlit on a free port, under the project's configuration; yields the address.

    `before` is Python code that the server runs first.

    Streamlit serves the folder `static/` beside the script, so a script from elsewhere runs as a link in a
    folder that also has a link to the project's static files.
    """
    with tempfile.TemporaryDirectory() as folder:
        main = script
        if script.parent != ROOT:
            main = Path(folder) / script.name
            main.symlink_to(script)
            (Path(folder) / "static").symlink_to(ROOT / "pages" / "entry" / "static")
        port = free_port()
        command = [
            sys.executable,
            "-c",
            _RUN,
            before,
            "run",
            str(main),
            "--server.port",
            str(port),
            "--server.headless",
            "true",
            *options,
        ]
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                command,
                cwd=ROOT,
                env={"MLP_STORE_URL": f"sqlite:///{folder}/runs.sqlite", **os.environ, "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_up(server, address, base_path(options), log)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_idle(page: Any) -> None:
    """Waits until the script has run and no run is under way."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=LIMIT_MS)


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def base_path(options: tuple[str, ...]) -> str:
    """The value of --server.baseUrlPath among the options, with a slash in front; empty without one."""
    named = dict(pairwise(options)).get("--server.baseUrlPath", "")
    return f"/{named}" if named else ""


def _wait_until_up(server: subprocess.Popen[bytes], address: str, base: str, log: Path) -> None:
    deadline = monotonic() + LIMIT_MS / 1000
    while monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{address}{base}/_stcore/health", timeout=5).close()
            return
        # Waiting for its end is also the pause between two attempts.
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=0.1)
            break
    raise RuntimeError(f"Streamlit did not start:\n{log.read_text(errors='replace')}")
