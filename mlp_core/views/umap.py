"""UMAP of what a layer puts out, by the package umap-learn where it is installed, in a process of its own.

Its first call takes longer than any other view: it compiles its own code.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mlp_core.errors import UserError
from mlp_core.processor.process import ProcessError, process

NEIGHBOURS = 15
"""Neighbours that UMAP looks at, its own default."""
FEWEST = 4
"""Samples that it needs at least."""
LOADED = 0.3
"""The share of the work that is taken to be done when the package is loaded."""

_PROGRAM = """
import numpy
from umap import UMAP
open("loaded", "w").close()
values = numpy.load("values.npy")
made = UMAP(n_components=2, n_neighbors=min({neighbours}, len(values) - 1), random_state=0, n_jobs=1)
numpy.save("points.npy", numpy.asarray(made.fit_transform(values), dtype=numpy.float32))
"""


class UmapError(UserError):
    """There is no result, for a reason that the sentence says."""


def embedding(values: np.ndarray) -> Generator[float, None, np.ndarray]:
    """The samples of values (N, width) on a plane, float32 (N, 2), always the same for the same values.

    Yields the share that is done, again and again. Closing it ends the work. Raises `UmapError`.
    """
    if len(values) < FEWEST:
        raise UmapError(f"UMAP needs {FEWEST} samples at least. Got {len(values)}. Choose a larger part of the data.")
    if not np.isfinite(values).all():
        return np.full((len(values), 2), np.nan, dtype=np.float32)
    with TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "values.npy", values)
        try:
            with closing(process(_PROGRAM.format(neighbours=NEIGHBOURS), folder)) as running:
                for _ in running:
                    yield LOADED if (folder / "loaded").exists() else 0.0
        except ProcessError as error:
            raise UmapError(f"UMAP could not be computed ({str(error)[:200]}). Choose PCA, or try again.") from None
        found: np.ndarray = np.load(folder / "points.npy")
        return found
