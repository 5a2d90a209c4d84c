"""A small picture of samples as SVG: light enough to show a whole catalog of data sets at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp_core.figures.palette import Theme, class_colour, mix, palette

SIZE = 100
"""Width and height in units of the picture."""
MARGIN = 6
DOTS = 240
"""How many samples are drawn at most, evenly spread."""


def thumbnail(samples: NDArray[np.floating], targets: NDArray[np.generic], *, theme: Theme) -> str:
    """Samples (N, F) as dots: their first two features, or the two directions in which they differ most.

    `targets` are class indices (N,), or numbers (N, 1) of which the first gives the colour; of samples with one
    feature it is the height. Returns the text of an SVG of `SIZE` by `SIZE`.
    """
    step = max(1, -(-len(samples) // DOTS))
    some, values = samples[::step].astype(np.float64), targets[::step]
    number = values[:, 0].astype(np.float64) if values.ndim == 2 else None
    if some.shape[1] == 1:
        places = np.column_stack([some, np.zeros(len(some)) if number is None else number])
    else:
        places = some if some.shape[1] == 2 else _widest(some)
    low, width = places.min(axis=0), np.ptp(places, axis=0)
    width[width == 0] = 1.0
    places = MARGIN + (places - low) / width * (SIZE - 2 * MARGIN)
    colours = [class_colour(int(value), theme) for value in values] if number is None else _ramp(number, theme)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{SIZE - y:.1f}" r="1.7" fill="{colour}"/>'
        for (x, y), colour in zip(places, colours, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" rx="6" fill="{palette(theme).background}"/>'
        f'<g fill-opacity="0.85">{dots}</g></svg>'
    )


def _widest(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The samples (N, 2) along their first two principal components."""
    centred = samples - samples.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ directions[:2].T)


def _ramp(numbers: NDArray[np.float64], theme: Theme) -> list[str]:
    """From orange for the lowest number by grey to teal for the highest."""
    colours = palette(theme)
    share = 2 * (numbers - numbers.min()) / (np.ptp(numbers) or 1.0) - 1
    ends = (colours.positive if value > 0 else colours.negative for value in share)
    return [mix(end, colours.raw, abs(float(value))) for end, value in zip(ends, share, strict=True)]
