"""Generated sets: patterns of the plane, each a function of the number of points, the noise and the seed.

Every pattern fills about the square [-1, 1]² (a good scale for tanh networks). Where a point lies in its
pattern and where noise pushes it are drawn from two generators, so that turning the noise up moves the same
points further. Radii and positions along a curve are drawn one from each of n equal intervals
("even"), which keeps small samples well spread.

Functions return coordinates float64 (N, 2) and class indices int64 (N,), as many of each class as possible,
or regression values float64 (N, 1).

Exported scripts contain these functions as they stand here, so their code keeps to 88 columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pattern = tuple[Floats, NDArray[Any]]

WALL = 1.2
"""No coordinate is larger: points that noise pushes further are mirrored back."""


def circle(points: int, noise: float, seed: int) -> Pattern:
    """Class 1 evenly over the disc of radius 0.5, class 0 over the ring of radii 0.7 to 1.

    The square root of an even number makes a radius that is even over the area.
    """
    generator = _positions(seed)
    outer, inner = _halves(points)
    ring = np.sqrt(0.7**2 + (1 - 0.7**2) * _even(generator, outer))
    disc = 0.5 * np.sqrt(_even(generator, inner))
    angle = 2 * np.pi * generator.random(points)
    place = _polar(np.concatenate([ring, disc]), angle)
    return _strayed(place, noise, seed), _two_classes(outer, inner)


def xor(points: int, noise: float, seed: int) -> Pattern:
    """Four squares with sides from 0.06 to 1 along each axis; class 1 where the signs of x₁ and x₂ agree."""
    generator = _positions(seed)
    differ, agree = _halves(points)
    labels = _two_classes(differ, agree)
    sign = np.where(np.arange(points) % 2 == 0, 1.0, -1.0)
    signs = np.stack([sign, sign * np.where(labels == 1, 1, -1)], axis=1)
    place = (0.06 + 0.94 * generator.random((points, 2))) * signs
    return _strayed(place, noise, seed), labels


def gaussians(points: int, noise: float, seed: int) -> Pattern:
    """Normal clouds around (-0.5, -0.5) for class 0 and (0.5, 0.5) for class 1.

    Their standard deviation is 0.15 + 0.35 noise: 0.15 keeps them apart, 0.5 lets them overlap.
    """
    labels = _two_classes(*_halves(points))
    centre = np.where(labels == 1, 0.5, -0.5)[:, None]
    stray = (0.15 + 0.35 * noise) * _positions(seed).standard_normal((points, 2))
    return _mirrored(centre + stray), labels


def spiral(points: int, noise: float, seed: int) -> Pattern:
    """Two arms of 1.25 turns, half a turn apart: radius t, angle 1.25 · 2πt from the x₂ axis, t even in [0, 1].

    More turns make it a matter of luck whether a small tanh network finds the arms within some thousand steps.
    """
    generator = _positions(seed)
    first, second = _halves(points)
    labels = _two_classes(first, second)
    t = np.concatenate([_even(generator, first), _even(generator, second)])
    angle = np.pi / 2 - 1.25 * 2 * np.pi * t + np.pi * labels
    return _strayed(_polar(t, angle), noise, seed), labels


def moons(points: int, noise: float, seed: int) -> Pattern:
    """Class 0 on the upper half circle of radius 2/3 around (-1/3, -1/6), class 1 on its image turned by
    π."""
    generator = _positions(seed)
    upper, lower = _halves(points)
    labels = _two_classes(upper, lower)
    t = np.concatenate([_even(generator, upper), _even(generator, lower)])
    half = _polar(np.full(points, 2 / 3), np.pi * t) + np.array([-1 / 3, -1 / 6])
    return _strayed(half * np.where(labels == 1, -1, 1)[:, None], noise, seed), labels


def plane(points: int, noise: float, seed: int) -> Pattern:
    """Points evenly over the square; value (x₁ + x₂) / 2, from -1 to 1, plus noise."""
    place = _positions(seed).uniform(-1, 1, (points, 2))
    return place, _noisy(place.mean(axis=1), noise, seed)


def bumps(points: int, noise: float, seed: int) -> Pattern:
    """Points evenly over the square; value Σ ±exp(-d² / (2 · 0.2²)) over six bumps, from -1 to 1, plus noise.

    d is the distance to a bump's centre; the centres are the corners of a hexagon of radius 0.65 around 0,
    hills and hollows in turn.
    """
    place = _positions(seed).uniform(-1, 1, (points, 2))
    centres = _polar(np.full(6, 0.65), np.arange(6) * np.pi / 3)
    squares = ((place[:, None, :] - centres) ** 2).sum(axis=2)
    height = np.exp(-squares / (2 * 0.2**2)) @ np.array([1, -1, 1, -1, 1, -1])
    return place, _noisy(height, noise, seed)


def _positions(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 0])


def _shifts(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 1])


def _even(generator: np.random.Generator, count: int) -> Floats:
    """`count` numbers of [0, 1), one from each of as many equal intervals, rising."""
    return (np.arange(count) + generator.random(count)) / count


def _halves(points: int) -> tuple[int, int]:
    return points - points // 2, points // 2


def _two_classes(zeros: int, ones: int) -> NDArray[np.int64]:
    return np.repeat(np.arange(2, dtype=np.int64), [zeros, ones])


def _polar(radius: Floats, angle: Floats) -> Floats:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _strayed(place: Floats, noise: float, seed: int) -> Floats:
    """Each point pushed to somewhere in the disc of radius `noise` around it; 1 is the pattern's radius."""
    generator = _shifts(seed)
    distance = np.sqrt(generator.random(len(place)))
    angle = 2 * np.pi * generator.random(len(place))
    return _mirrored(place + noise * _polar(distance, angle))


def _mirrored(place: Floats) -> Floats:
    """Coordinates beyond a wall come back from it by as much as they were past it."""
    over = np.clip(np.abs(place) - WALL, 0, None)
    return np.clip(place - 2 * np.sign(place) * over, -WALL, WALL)


def _noisy(value: Floats, noise: float, seed: int) -> Floats:
    """Values (N, 1) with normal noise; 95 of 100 stray by less than `noise`, 1 being half of their range."""
    return (value + noise / 2 * _shifts(seed).standard_normal(len(value)))[:, None]
