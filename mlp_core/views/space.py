"""What a reader chooses to see of the hidden space: a layer, a part of the data, and how many numbers become two."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from mlp_core.data.parts import PARTS

INPUT = "input"
"""The layer that stands for the data as the network gets it."""
NEURONS, PCA, UMAP = "neurons", "pca", "umap"
METHODS = {NEURONS: "Two neurons", PCA: "PCA", UMAP: "UMAP"}
"""Ways from a layer's values to a plane, with their names for people."""
MOST_NEURON = 10**9
"""A number above every neuron's."""


def methods() -> tuple[str, ...]:
    """The ways that this machine has: UMAP is a package of its own."""
    return tuple(name for name in METHODS if name != UMAP or find_spec("umap") is not None)


@dataclass(frozen=True)
class Space:
    """Which samples are seen by which layer, and how."""

    layer: str = ""
    """The layer's name in the model, or `INPUT`; '' for the one before the output layer."""
    part: str = "train"
    """The part of the data: a key of `mlp_core.data.parts.PARTS`."""
    method: str = PCA
    """A key of `METHODS`."""
    neurons: tuple[int, int] = (0, 1)
    """The two neurons, where these are shown."""

    def write(self) -> str:
        """As a text, which `read` reads."""
        return f"{self.layer}|{self.part}|{self.method}|{self.neurons[0]}|{self.neurons[1]}"

    @classmethod
    def read(cls, text: str) -> Space:
        """What `write` has written; the usual choice for anything else."""
        pieces = text.split("|")
        numbers = [int(piece) for piece in pieces[3:] if piece.isascii() and piece.isdigit()]
        known = len(pieces) == 5 and pieces[1] in PARTS and pieces[2] in METHODS
        if not known or len(numbers) != 2 or max(numbers) > MOST_NEURON:
            return cls()
        return cls(pieces[0], pieces[1], pieces[2], (numbers[0], numbers[1]))


USUAL_SPACE = Space()
"""The layer before the output layer, by its principal components."""
