"""Dividing samples into a training, a validation and a test part.

`split_parts` and, for sets whose test part is given, `split_training` are what loaders call. The test part is drawn
first and is the same with and without a validation part, which is drawn from the training part with the same seed.

Own code on numpy, because the first page must appear at once and importing scikit-learn takes three seconds.
Exported scripts contain `split`, `split_classes` and what they use as they stand here, so their code keeps to 88
columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp_core.errors import DataError
from mlp_core.spec import DataSpec

Indices = NDArray[np.int64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Parts:
    """Indices of the samples of each part, each in random order; no sample is in two of them."""

    train: Indices
    """What is trained on."""
    validation: Indices | None
    """What settings are chosen by; None where the spec asks for no such part."""
    test: Indices
    """What is tested on."""


def split_parts(spec: DataSpec, samples: int, labels: Labels | None = None) -> Parts:
    """Divide so many samples as the spec asks; `labels` (samples,) of classes, where given, are stratified.

    Raises `DataError` where they are too few.
    """
    if samples < 2:
        raise DataError(f"A test part needs at least 2 samples, and there {_are(samples)}. Use a larger set.")
    if labels is None:
        train, test = split(samples, spec.test_fraction, spec.seed)
    else:
        train, test = stratified_split(labels, spec.test_fraction, spec.seed)
    if spec.validation_fraction is None:
        return Parts(train, None, test)
    kept, validation = split_training(spec, len(train), None if labels is None else labels[train])
    return Parts(train[kept], train[validation], test)


def split_training(spec: DataSpec, samples: int, labels: Labels | None = None) -> tuple[Indices, Indices]:
    """Divide so many training samples into those to train on and those to validate on, as the spec asks.

    Raises `DataError` where they are too few.
    """
    assert spec.validation_fraction is not None, "the spec asks for no validation part"
    if samples < 2:
        raise DataError(
            f"A validation part needs at least 2 training samples, and there {_are(samples)}. Use more samples, a "
            "smaller share of them for testing, or no validation part."
        )
    if labels is None:
        return split(samples, spec.validation_fraction, spec.seed)
    return stratified_split(labels, spec.validation_fraction, spec.seed)


def _are(samples: int) -> str:
    return f"{'is' if samples == 1 else 'are'} {samples}"


def split(samples: int, test_fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Indices of the training and of the test part, each in random order.

    The test part has `test_fraction` of the samples, rounded, but both parts have at least one.
    """
    assert samples >= 2, "a split needs two samples"
    order = np.random.default_rng(seed).permutation(samples)
    tests = int(np.clip(round(samples * test_fraction), 1, samples - 1))
    return order[tests:], order[:tests]


def stratified_split(labels: Labels, test_fraction: float, seed: int) -> tuple[Indices, Indices]:
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


def split_classes(labels: Labels, tests: Sequence[int] | Indices, seed: int) -> tuple[Indices, Indices]:
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


def given_split(for_testing: NDArray[np.bool_], seed: int) -> tuple[Indices, Indices]:
    """Indices of the training and of the test part, each in random order.

    `for_testing` says of each sample whether it is in the test part, where the data set itself has one.
    """
    generator = np.random.default_rng(seed)
    train_part = generator.permutation(np.flatnonzero(~for_testing))
    return train_part, generator.permutation(np.flatnonzero(for_testing))


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
