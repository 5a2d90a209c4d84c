"""Generated sets of the plane with as many classes as one likes, and the plane of the Swiss roll.

They keep the conventions of `mlp_core.data.toy`. Exported scripts contain these functions as they stand here, so
their code keeps to 88 columns. scikit-learn is imported where a function of it is called: the import takes seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp_core.data.toy import Pattern, _even, _mirrored, _noisy, _polar, _positions, _strayed


def blobs(points: int, classes: int, noise: float, seed: int) -> Pattern:
    """One round cloud for each class around a random centre, as scikit-learn's make_blobs draws them.

    Their standard deviation is 0.05 + 0.35 noise.
    """
    from sklearn.datasets import make_blobs

    place, labels = make_blobs(
        points,
        centers=classes,
        center_box=(-0.85, 0.85),
        cluster_std=0.05 + 0.35 * noise,
        random_state=seed,
    )
    return _mirrored(place), labels.astype(np.int64)


def rings(points: int, classes: int, noise: float, seed: int) -> Pattern:
    """Rings around 0, one for each class; that of class k has the radius (k + 1) / classes."""
    labels = _shared_out(points, classes)
    angle = 2 * np.pi * _positions(seed).random(points)
    return _strayed(_polar((labels + 1) / classes, angle), noise, seed), labels


def arms(points: int, classes: int, noise: float, seed: int) -> Pattern:
    """Arms of a spiral, one for each class, of 0.8 turns: radius t, angle 0.8 · 2πt plus the arm's own, t even in
    [0, 1]."""
    generator = _positions(seed)
    labels = _shared_out(points, classes)
    t = np.concatenate([_even(generator, size) for size in np.bincount(labels)])
    angle = np.pi / 2 - 0.8 * 2 * np.pi * t + 2 * np.pi * labels / classes
    return _strayed(_polar(t, angle), noise, seed), labels


def swiss_roll(points: int, noise: float, seed: int) -> Pattern:
    """The rolled-up sheet of scikit-learn's make_swiss_roll, seen from its end; value along the sheet from -1, inside,
    to 1."""
    from sklearn.datasets import make_swiss_roll

    place, t = make_swiss_roll(points, random_state=seed)
    return place[:, [0, 2]] / (4.5 * np.pi), _noisy((t / np.pi - 3) / 1.5, noise, seed)


def _shared_out(points: int, classes: int) -> NDArray[np.int64]:
    """Class indices in order, as many of each as possible."""
    return np.sort(np.arange(points, dtype=np.int64) % classes)
