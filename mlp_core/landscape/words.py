"""What a landscape shows, in sentences."""

from __future__ import annotations

import numpy as np

from mlp_core.catalog.landscape import PATH
from mlp_core.data.parts import PARTS
from mlp_core.figures import percent, readable
from mlp_core.landscape.landscape import Landscape

STEEP = 2.0
"""How many times the loss of the weights as they are counts as a wall."""
NEARLY = 1.01
"""Up to how many times the lowest loss of the plane counts as the lowest."""
SKEWED = 0.2
"""From which cosine directions are so far from a right angle that a reader should know."""


def reading(found: Landscape, part: str, *, penalised: bool = False) -> str:
    """What the losses of a part tell of the weights as they are, in two or three sentences."""
    losses = found.loss(part, penalised=penalised)
    here = float(losses[found.centre])
    finite = np.isfinite(losses)
    if not np.isfinite(here) or not finite.any():
        return "The loss of these weights is not a finite number."
    said = [f"{PARTS[part].label} loss of the weights at step {found.step:,}: {readable(here)}."]
    low = float(losses[finite].min())
    row, column = np.unravel_index(int(np.argmin(np.where(finite, losses, np.inf))), losses.shape)
    if here - low <= abs(low) * (NEARLY - 1):
        said.append("No point of this plane is clearly lower: seen from here, they lie at the bottom.")
    else:
        where = f"({readable(found.x[column], 2)}, {readable(found.y[row], 2)})"
        said.append(f"The plane goes down to {readable(low)} at {where}: there is a lower point in sight.")
    if here > 0:
        said.append(_walls(found, losses, here))
    if not finite.all():
        said.append(f"On {percent(1 - float(finite.mean()), 2)} of the plane the loss is no finite number.")
    return " ".join(said)


def about(found: Landscape) -> str:
    """What the plane is, in a sentence or two."""
    if found.spec.directions != PATH or found.explained is None:
        said = (
            "Two random directions: at a distance of 1, the weights of each neuron have changed by as much as they "
            "are long. Wide, even valleys are easy to descend; narrow or broken ones are not."
        )
        if abs(found.cosine) > SKEWED:
            said += (
                f" The network has so few weights that the directions are not at a right angle (cosine "
                f"{readable(found.cosine, 2)}): distances in the picture are skewed."
            )
        return said
    first, second = found.explained
    return (
        f"The two directions in which this run has moved most: {percent(first)} and {percent(second)} of the path's "
        "variance. "
        + (
            "So the picture holds nearly all of the way."
            if first + second > 0.95
            else "The rest of the way leads out of this plane."
        )
        + " Each of its points tells its own loss, which may differ from that of the plane there."
    )


def _walls(found: Landscape, losses: np.ndarray, here: float) -> str:
    """How far it is to where the loss is so much higher."""
    x, y = np.meshgrid(found.x, found.y)
    far = np.hypot(x, y)
    high = ~(losses < STEEP * here)
    unit = "" if found.spec.directions == PATH else ", where 1 is the length of each neuron's weights"
    if not high.any():
        return "Nowhere on this plane is it twice as high: a flat region."
    return f"The nearest point where it is twice as high is {readable(float(far[high].min()), 2)} away{unit}."
