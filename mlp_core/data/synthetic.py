"""Generated tables of more than two features, each a function of the number of samples and the seed.

Exported scripts contain these functions as they stand here, so their code keeps to 88 columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FEATURES = 16
CENTRES_PER_CLASS = 2

Table = tuple[NDArray[np.float64], NDArray[Any]]


def blobs16(points: int, seed: int) -> Table:
    """Two classes of two normal clouds each in sixteen dimensions: x float64 (points, 16), classes int64
    (points,).

    Centres are drawn with standard deviation 0.8 per feature and clouds have 1, so that classes overlap a
    little.
    """
    generator = np.random.default_rng(seed)
    centres = 0.8 * generator.standard_normal((2, CENTRES_PER_CLASS, FEATURES))
    labels = np.arange(points) % 2
    which = (np.arange(points) // 2) % CENTRES_PER_CLASS
    x = centres[labels, which] + generator.standard_normal((points, FEATURES))
    return x, labels.astype(np.int64)


def ones(points: int, seed: int) -> Table:
    """Five features from a normal distribution with mean 1 and deviation 1, and two targets that are always
    1."""
    x = 1.0 + np.random.default_rng(seed).standard_normal((points, 5))
    return x, np.ones((points, 2))


def classification(
    points: int,
    n_features: int,
    n_informative: int,
    n_redundant: int,
    n_classes: int,
    n_clusters_per_class: int,
    class_sep: float,
    flip_y: float,
    seed: int,
) -> Table:
    """Clouds on the corners of a cube of `n_informative` dimensions, as scikit-learn's make_classification puts them.

    x float64 (points, n_features) and classes int64 (points,). Besides the dimensions of the cube there are
    `n_redundant` mixtures of them, and noise.
    """
    from sklearn.datasets import make_classification

    x, labels = make_classification(
        points,
        n_features=n_features,
        n_informative=n_informative,
        n_redundant=n_redundant,
        n_classes=n_classes,
        n_clusters_per_class=n_clusters_per_class,
        class_sep=class_sep,
        flip_y=flip_y,
        random_state=seed,
    )
    return x, labels.astype(np.int64)
