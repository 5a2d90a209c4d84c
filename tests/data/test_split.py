"""The split, held against scikit-learn's and against what it promises."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from mlp_core.data.split import share_out, split, stratified_split

COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=8)
FRACTIONS = st.floats(0.05, 0.95)
SEEDS = st.integers(0, 2**31 - 1)


def labels_of(counts: list[int]) -> np.ndarray:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))


@given(samples=st.integers(2, 500), fraction=FRACTIONS, seed=SEEDS)
def test_plain_split_has_every_sample_once(samples: int, fraction: float, seed: int) -> None:
    train, test = split(samples, fraction, seed)
    assert sorted([*train, *test]) == list(range(samples))
    assert len(train) >= 1
    assert len(test) >= 1
    assert abs(len(test) - samples * fraction) <= 0.5 or len(test) in (1, samples - 1)


@given(counts=COUNTS, fraction=FRACTIONS, seed=SEEDS)
def test_stratified_split_keeps_its_promises(counts: list[int], fraction: float, seed: int) -> None:
    assume(sum(counts) >= 2)
    labels = labels_of(counts)
    train, test = stratified_split(labels, fraction, seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert len(train) >= 1
    assert len(test) >= 1
    if max(counts) >= 2:
        assert set(labels[train]) == set(labels)
        assert {label for label, count in enumerate(counts) if count >= 2} == set(labels[test])
    for same, other in zip((train, test), stratified_split(labels, fraction, seed), strict=True):
        assert np.array_equal(same, other)


@given(counts=st.lists(st.integers(2, 60), min_size=2, max_size=8), fraction=FRACTIONS)
def test_shares_are_those_of_scikit_learn(counts: list[int], fraction: float) -> None:
    labels = labels_of(counts)
    samples, total = len(labels), round(len(labels) * fraction)
    # Where a class would get none, scikit-learn may leave it out, and ours does not.
    assume(all(1 <= count * total / samples <= count - 1 for count in counts))
    _, theirs = train_test_split(labels, test_size=total, stratify=labels, random_state=0)
    _, ours = stratified_split(labels, fraction, 0)
    assert len(ours) == len(theirs)
    difference = np.bincount(labels[ours], minlength=len(counts)) - np.bincount(theirs, minlength=len(counts))
    assert np.abs(difference).max() <= 1  # equal remainders are given to either


def test_parts_are_shuffled_and_depend_on_the_seed() -> None:
    labels = np.repeat([0, 1], 50)
    train, _ = stratified_split(labels, 0.5, 1)
    assert len(set(labels[train[:10]])) == 2
    assert not np.array_equal(train, stratified_split(labels, 0.5, 2)[0])


def test_small_classes_take_room_from_large_ones() -> None:
    assert share_out(np.array([100, 2, 2]), 0.1).tolist() == [8, 1, 1]
    assert share_out(np.array([100, 2, 1]), 0.9).tolist() == [92, 1, 0]


def test_classes_of_one_sample_are_split_plainly() -> None:
    train, test = stratified_split(np.arange(4), 0.5, 0)
    assert (len(train), len(test)) == (2, 2)
