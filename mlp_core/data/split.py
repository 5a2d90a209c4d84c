"""Dividing samples into a training and a test part.

Own code on numpy, because the first page must appear at once and importing scikit-learn takes three seconds.
Exported scripts contain these functions as they stand here, so their code keeps to 88 columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def split(samples: int, test_fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Indices of the training and of the test part, each in random order.

    The test part has `test_fraction` of the samples, rounded, but both parts have at least one.
    """
    assert samples >= 2, "a split needs two samples"
    order = np.random.default_rng(seed).permutation(samples)
    tests = int(np.clip(round(samples * test_fraction), 1, samples - 1))
    return order[tests:], order[:tests]


def stratified_split(labels: NDArray[np.int64], test_fraction: float, seed: int) -> tuple[Indices, Indices]:
    """As `split`, with the shares of the classes kept as nearly as whole samples allow.

    `labels` is (N,) of class indices. Every class with two or more samples is in both parts, even where that
    makes the test part larger or smaller than asked; a class of one sample is in the training part. Where no
    class has two, there is nothing to keep the shares of, and the split is plain.
    """
    assert len(labels) >= 2, "a split needs two samples"
    _, counts = np.unique(labels, return_counts=True)
    if counts.max() < 2:
        return split(len(labels), test_fraction, seed)
    return split_classes(labels, share_out(counts, test_fraction), seed)


def split_classes(labels: NDArray[np.int64], tests: Sequence[int] | Indices, seed: int) -> tuple[Indices, Indices]:
    """Indices of the training and of the test part, each in random order.

    `tests` says how many samples of each class are for testing.
    """
    generator = np.random.default_rng(seed)
    train, test = [], []
    for label, count in zip(np.unique(labels), tests, strict=True):
        members = generator.permutation(np.flatnonzero(labels == label))
        test.append(members[:count])
        train.append(members[count:])
    train_part = generator.permutation(np.concatenate(train))
    return train_part, generator.permutation(np.concatenate(test))


def share_out(counts: NDArray[np.int64], test_fraction: float) -> NDArray[np.int64]:
    """How many samples of each class are for testing, where `counts` (K,) is how many there are.

    Largest remainder: each class gets the whole part of its share, and the samples that are left over go to
    the classes whose share was cut most. Then every class is held between 1 and all but one of its samples.
    """
    samples = int(counts.sum())
    total = int(np.clip(round(samples * test_fraction), 1, samples - 1))
    share = counts * (total / samples)
    wanted: NDArray[np.int64] = np.floor(share).astype(np.int64)
    by_remainder = np.argsort(wanted - share, kind="stable")
    wanted[by_remainder[: total - int(wanted.sum())]] += 1
    low, high = np.minimum(1, counts - 1), counts - 1
    wanted = np.clip(wanted, low, high)
    # What holding added or took, the classes that have room give back, largest first.
    for place in np.argsort(-counts, kind="stable"):
        missing = total - int(wanted.sum())
        down, up = low[place] - wanted[place], high[place] - wanted[place]
        wanted[place] += np.clip(missing, down, up)
    return wanted
