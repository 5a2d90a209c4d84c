"""UMAP of what a layer puts out, by the package umap-learn where it is installed, in a process of its own.

Its first call takes longer than any other view, and holds the GIL all the while: in this process everybody would wait
for it. A process can be ended at any moment, and leaves no memory behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mlp_core.errors import UserError

NEIGHBOURS = 15
"""Neighbours that UMAP looks at, its own default."""
FEWEST = 4
"""Samples that it needs at least."""
LOADED = 0.3
"""The share of the work that is taken to be done when the package is loaded."""
LOOK_SECONDS = 0.02
"""Between two looks at the process."""

_PROGRAM = """
import os, sys
if hasattr(os, "nice"):
    os.nice(19)
import numpy
from umap import UMAP
folder, neighbours = sys.argv[1:]
open(os.path.join(folder, "loaded"), "w").close()
values = numpy.load(os.path.join(folder, "values.npy"))
found = UMAP(n_components=2, n_neighbors=int(neighbours), random_state=0, n_jobs=1).fit_transform(values)
numpy.save(os.path.join(folder, "points.npy"), numpy.asarray(found, dtype=numpy.float32))
"""


class UmapError(UserError):
    """There is no result, for a reason that the sentence says."""


def embedding(values: np.ndarray) -> Generator[float, None, np.ndarray]:
    """The samples of values (N, width) on a plane, float32 (N, 2), always the same for the same values.

    Yields the share that is done, again and again. Closing it ends the process. Raises `UmapError`.
    """
    if len(values) < FEWEST:
        raise UmapError(f"UMAP needs {FEWEST} samples at least. Got {len(values)}. Choose a larger part of the data.")
    if not np.isfinite(values).all():
        return np.full((len(values), 2), np.nan, dtype=np.float32)
    with TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "values.npy", values)
        command = [sys.executable, "-c", _PROGRAM, name, str(min(NEIGHBOURS, len(values) - 1))]
        threads = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        environment = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
            )
        try:
            while True:
                try:
                    process.wait(LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    yield LOADED if (folder / "loaded").exists() else 0.0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            lines = (folder / "errors").read_text(errors="replace").strip().splitlines() or ["it gave no reason"]
            raise UmapError(f"UMAP could not be computed ({lines[-1][:200]}). Choose PCA, or try again.")
        found: np.ndarray = np.load(folder / "points.npy")
        return found
