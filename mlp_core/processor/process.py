"""Work of other programs' code in a process of its own, which can be ended at any moment and leaves no memory behind.

For what keeps the GIL while it computes: in this process everybody would wait for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryFile

LOOK_SECONDS = 0.02
"""Between two looks at the process."""
_NICE = "import os\nif hasattr(os, 'nice'): os.nice(19)\n"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


class ProcessError(RuntimeError):
    """The process ended with an error, whose last line this is."""


def process(program: str, folder: Path) -> Generator[None, None, None]:
    """Have Python run a program in a folder, on one thread of the lowest priority; what it prints is left out.

    Yields again and again until it has ended. Closing it ends the process. Raises `ProcessError`.
    """
    environment = {**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with TemporaryFile() as errors:
        running = subprocess.Popen(
            [sys.executable, "-c", _NICE + program], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
        try:
            while True:
                try:
                    running.wait(LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    yield
        finally:
            running.kill()  # nothing happens to one that has ended
            running.wait()
        if running.returncode:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            raise ProcessError(lines[-1] if lines else f"it ended with status {running.returncode}")
