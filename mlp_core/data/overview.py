"""What a loaded data set holds, in numbers of bounded size: classes, correlations, samples that both parts have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.data.dataset import Dataset

ROWS = 20_000
"""How many samples of a part are looked at, evenly spread."""
MOST_FEATURES = 1_000
"""How many features are compared with each other, the first ones."""
PRODUCTS = 2_000_000_000
"""Products that are computed for it: with many features fewer samples are looked at."""


def class_counts(dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many samples of each class (K,) the training and the test part have."""
    classes = dataset.facts.classes
    return tuple(np.bincount(y, minlength=classes) for y in (dataset.y_train, dataset.y_test))  # type: ignore[return-value]


def correlations(dataset: Dataset) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The names of the first features of a table, and the correlation (F, F) of each two in the training part.

    NaN where a feature has one value throughout.
    """
    features = min(MOST_FEATURES, dataset.x_train.shape[1])
    some = _spread(dataset.x_train, max(1, PRODUCTS // features**2))[:, :features].astype(np.float64)
    some = some - some.mean(axis=0)
    size = np.sqrt((some**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (some / size).T @ (some / size)
    return dataset.feature_names[:MOST_FEATURES], np.clip(found, -1, 1)


def closest_pairs(matrix: NDArray[np.float64], most: int) -> list[tuple[int, int, float]]:
    """At most so many pairs of features with their correlation (F, F), those farthest from 0 first."""
    rows, columns = np.triu_indices(len(matrix), 1)
    sizes = np.nan_to_num(np.abs(matrix[rows, columns]))
    order = np.argsort(-sizes, kind="stable")[:most]
    return [(int(rows[at]), int(columns[at]), float(matrix[rows[at], columns[at]])) for at in order if sizes[at]]


def closest_features(matrix: NDArray[np.float64], most: int) -> list[int]:
    """At most so many features: those of the closest pairs, in their own order."""
    pairs = closest_pairs(matrix, most * most)
    found = list(dict.fromkeys(place for first, second, _ in pairs for place in (first, second)))
    return sorted((found or list(range(len(matrix))))[:most])


def shared_samples(dataset: Dataset) -> int:
    """How many of the test samples looked at are, to the last digit, among the training samples."""
    test, train = (_rows(x) for x in (_spread(dataset.x_test), dataset.x_train))
    # Sorting and searching leave the interpreter to others, which NumPy's functions on sets do not.
    known = np.sort(test)
    places = np.searchsorted(known, train)
    places[places == len(known)] = 0
    hit = np.zeros(len(known), dtype=bool)
    hit[places[known[places] == train]] = True
    return int(hit[np.searchsorted(known, test)].sum())


def _spread(x: NDArray[Any], most: int = ROWS) -> NDArray[Any]:
    """At most so many samples, and never more than `ROWS`, evenly spread."""
    return x[:: max(1, -(-len(x) // min(most, ROWS)))]


def _rows(x: NDArray[Any]) -> NDArray[np.uint64]:
    """A number for each sample, the same for the same bytes, and for others hardly ever."""
    flat = np.ascontiguousarray(x.reshape(len(x), -1))
    drawn = np.random.default_rng(0).integers(1, 2**63, flat.shape[1], dtype=np.uint64)
    weights: NDArray[np.uint64] = np.asarray(drawn | np.uint64(1))
    found = np.zeros(len(x), dtype=np.uint64)
    kind = np.uint32 if flat.dtype == np.float32 else np.uint8
    whole = (flat + 0).view(kind) if flat.dtype == np.float32 else flat  # -0.0 equals 0.0
    with np.errstate(over="ignore"):
        for column in range(flat.shape[1]):
            found += whole[:, column].astype(np.uint64) * weights[column]
    return found
