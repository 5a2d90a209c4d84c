"""A drawing as the image of a digit, placed and smoothed as the makers of MNIST placed theirs.

They scaled each digit into a box of 20×20 pixels, keeping its proportions, with grey levels from smoothing its edges,
and put its centre of mass into the middle of 28×28 pixels (LeCun, Cortes and Burges, The MNIST database).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.errors import DataError

Strokes = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Placing:
    """How the makers of a set placed their digits."""

    box: float
    """The share of the image's side that a digit fills."""
    pen: float
    """The width of a line, in shares of the image's side."""
    by_mass: bool
    """Whether the centre of mass is put into the middle; else the middle of the digit is."""


MNIST = Placing(box=20 / 28, pen=2.6 / 28, by_mass=True)
FILLED = Placing(box=1.0, pen=0.2, by_mass=False)
"""Of the 8×8 digits of scikit-learn, which fill their image (Alpaydin and Kaynak, Optical Recognition of Handwritten
Digits)."""
MAX_STROKES, MAX_POINTS = 200, 20_000
"""In one drawing."""

_FINE = 8
"""Drawn so much larger, and made smaller, for smooth edges."""


def read_strokes(value: Any) -> Strokes:
    """Strokes (N, 2) of x and y from 0 to 1, y downwards, as a browser sends them; raises `DataError`."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_STROKES:
        raise DataError(f"A drawing must be a list of at most {MAX_STROKES} strokes. Clear it and draw again.")
    strokes, points = [], 0
    for stroke in value:
        try:
            read = np.asarray(stroke, dtype=np.float64)
        except (TypeError, ValueError):
            read = np.empty(0)
        points += len(read) if read.ndim else 0
        if read.ndim != 2 or read.shape[1] != 2 or not np.isfinite(read).all() or points > MAX_POINTS:
            raise DataError(
                f"A drawing must consist of at most {MAX_POINTS:,} points of two numbers. Clear it and draw again."
            )
        if len(read):
            strokes.append(read.clip(0.0, 1.0))
    return strokes


def placing_of(images: NDArray[np.uint8]) -> Placing:
    """How the digits of images (N, 1, height, width), light on dark, are placed, by how much of the side most fill."""
    shares = []
    for image in images[:, 0]:
        ends = [np.flatnonzero((image > image.max() / 4).any(axis=axis)) for axis in (0, 1)]
        if image.any():
            shares.append(max(int(np.ptp(inked)) + 1 for inked in ends) / min(image.shape))
    return FILLED if shares and float(np.median(shares)) > (MNIST.box + FILLED.box) / 2 else MNIST


def digit_image(strokes: Strokes, shape: tuple[int, ...], placing: Placing = MNIST) -> NDArray[np.uint8]:
    """White lines on black, uint8 (1, height, width), for an image shape (1, height, width); black without strokes."""
    from PIL import Image, ImageDraw

    _, height, width = shape
    side = min(height, width)
    image: NDArray[np.uint8] = np.zeros((1, height, width), dtype=np.uint8)
    if not strokes:
        return image
    pen = placing.pen * side
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    size = float((high - low).max())
    scale = (placing.box * side - pen) / size if size > 0.02 else side  # a dot stays one
    middle = np.array([width, height]) / 2
    placed = [(stroke - (low + high) / 2) * scale + middle for stroke in strokes]
    sheet = Image.new("L", (width * _FINE, height * _FINE))
    draw, radius = ImageDraw.Draw(sheet), pen * _FINE / 2
    for stroke in placed:
        line = [(float(x) * _FINE, float(y) * _FINE) for x, y in stroke]
        if len(line) > 1:
            draw.line(line, fill=255, width=max(1, round(2 * radius)), joint="curve")
        for x, y in line:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    small = sheet.resize((width, height), Image.Resampling.BOX)
    made: NDArray[np.uint8] = np.asarray(small)
    return (_centred(made) if placing.by_mass else made)[None]


def _centred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image moved by whole pixels so that its centre of mass is in the middle; nothing of it is cut off."""
    total = float(image.sum())
    if total == 0:
        return image
    moved = image
    for axis, length in enumerate(image.shape):
        mass = image.sum(axis=1 - axis, dtype=np.float64)
        shift = math.floor((length - 1) / 2 - float(mass @ np.arange(length)) / total + 0.5)
        inked = np.flatnonzero(mass)
        shift = int(np.clip(shift, -inked[0], length - 1 - inked[-1]))
        moved = np.roll(moved, shift, axis=axis)
    return moved
