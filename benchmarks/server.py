"""The app as users start it, in a process of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120.0
STOP_SECONDS = 20.0
LEASE_SECONDS = "2"
"""How long a session may outlive its browser here, so that what is left behind shows soon."""


@dataclass(frozen=True)
class Server:
    """A running server. `started` is `time.monotonic()` just before its process was made."""

    port: int
    process: psutil.Process
    started: float

    @property
    def megabytes(self) -> float:
        """Memory of the process, in MB."""
        return float(self.process.memory_info().rss / 1e6)

    @property
    def own_megabytes(self) -> float:
        """The same without pages of files, which the system can drop; where it does not tell them apart, as above."""
        status = Path(f"/proc/{self.process.pid}/status")
        if status.is_file() and (found := re.search(r"RssAnon:\s+(\d+) kB", status.read_text())):
            return int(found[1]) * 1024 / 1e6
        return self.megabytes

    @property
    def threads(self) -> int:
        """Threads of the process, those of libraries included."""
        return int(self.process.num_threads())

    @property
    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def server(root: Path = ROOT, app: str = "app.py", data_dir: Path | None = None) -> Iterator[Server]:
    """A fresh server on a free port, ended on the way out; its settings are those that the app ships with.

    `app` is the script below `root` that it runs, `data_dir` a folder of data of its own. Runs are kept in a file that
    goes with it.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", app, "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.disconnectedSessionTTL", LEASE_SECONDS]
    environment = os.environ | {"MLP_LEASE_SECONDS": LEASE_SECONDS}
    if data_dir is not None:
        environment["MLP_DATA_DIR"] = str(data_dir)
    with tempfile.TemporaryDirectory(prefix="mlp-benchmark-") as folder:
        environment["MLP_STORE_URL"] = f"sqlite:///{Path(folder, 'runs.sqlite').as_posix()}"
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_until_up(port, process)
            yield Server(port, psutil.Process(process.pid), began)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the server did not start within {START_SECONDS:.0f} s; try `streamlit run app.py` by hand")
