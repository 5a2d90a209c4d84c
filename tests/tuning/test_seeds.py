"""Seeds: bands by NumPy, intervals by SciPy, and trials that train, end, fail and are called off as they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core.presets import preset
from mlp_core.processor import Processor
from mlp_core.settings import settings_of
from mlp_core.spec import Experiment
from mlp_core.store.opening import open_store, store_url
from mlp_core.store.runs import RunStore
from mlp_core.tuning.seeds import (
    LEAST_SEEDS,
    band_of,
    compare,
    finals_of,
    in_words,
    members_of,
    of_setting,
    seeds_from,
    with_seed,
)
from mlp_core.tuning.trials import Member, Trials

SEEDS = 4
EPOCHS = 3
LIMIT = 60


def faster(experiment: Experiment) -> Experiment:
    return settings_of(experiment)["optimizer.lr"].put(experiment, 0.1)


@pytest.fixture(scope="module")
def trained() -> Trials:
    experiment = preset("spiral").experiment
    members = members_of([experiment, faster(experiment)], seeds_from(2**31 - 2, SEEDS))
    trials = Trials(Processor(2), members, EPOCHS, at_once=2)
    trials.start()
    assert trials.wait(LIMIT)
    return trials


def test_each_setting_is_trained_with_every_seed(trained: Trials) -> None:
    assert [member.status for member in trained.members] == ["ended"] * 2 * SEEDS
    assert not trained.running
    assert trained.progress == 1
    first, second = (of_setting(trained.members, place, 2) for place in (0, 1))
    for each in (first, second):
        assert [member.experiment.training.seed for member in each] == [2**31 - 2, 2**31 - 1, 0, 1]
        assert all(member.evaluations[-1].epoch == EPOCHS for member in each)
        assert len({member.final("test_loss") for member in each}) == SEEDS
    assert second[0].experiment.optimizer.params["lr"] == 0.1


def test_the_band_is_that_of_numpy(trained: Trials) -> None:
    members = of_setting(trained.members, 0, 2)
    band = band_of(members, "test_loss")
    lines = np.array([[one.test_loss for one in member.evaluations] for member in members])
    assert band.epochs.tolist() == [1, 2, 3]
    assert np.array_equal(band.lines, lines)
    assert np.array_equal([band.low, band.median, band.high], np.percentile(lines, [25, 50, 75], axis=0))
    assert len(band_of(members, "validation_loss").epochs) == 0
    # One that ended early is missed at its later epochs only.
    short = [members[0], Member(name="x", experiment=members[1].experiment)]
    short[1].evaluations = members[1].evaluations[:1]
    assert band_of(short, "test_loss").median.tolist()[1:] == lines[0, 1:].tolist()


numbers = st.lists(st.floats(-10, 10, width=16), min_size=LEAST_SEEDS, max_size=12)


@settings(max_examples=10)
@given(numbers)
def test_the_interval_of_shared_seeds_is_that_of_scipy(values: list[float]) -> None:
    first = dict(enumerate(values))
    second = {seed: value + 0.5 + (seed % 3) for seed, value in first.items()}
    found = compare(first, second)
    assert found is not None
    differences = np.array([second[seed] - first[seed] for seed in first])
    assert found.paired
    assert found.difference == pytest.approx(differences.mean())
    theirs = scipy.stats.bootstrap(
        (differences,), np.mean, n_resamples=10_000, method="percentile", random_state=np.random.default_rng(1)
    ).confidence_interval
    assert found.interval == pytest.approx((theirs.low, theirs.high), abs=0.1)
    assert found.clear


def test_the_interval_of_other_seeds_is_that_of_scipy() -> None:
    first = dict(enumerate([1.0, 2.0, 1.5, 1.2]))
    second = {seed + 100: value for seed, value in enumerate([1.1, 2.5, 1.9, 0.9, 1.4])}
    found = compare(first, second)
    assert found is not None
    assert not found.paired
    theirs = scipy.stats.bootstrap(
        (list(second.values()), list(first.values())), lambda b, a, axis: b.mean(axis=axis) - a.mean(axis=axis),
        n_resamples=10_000, method="percentile", random_state=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert found.interval == pytest.approx((theirs.low, theirs.high), abs=0.03)
    assert not found.clear
    said = in_words(found, "test_loss")
    assert "4 and 5 seeds" in said
    assert f"about {found.needed:,} seeds of each to settle it" in said


def test_so_many_seeds_settle_it_in_four_of_five_repetitions() -> None:
    differences = [0.3, -0.1, 0.2, 0.05, -0.2]
    found = compare(dict.fromkeys(range(5), 0.0), dict(enumerate(differences)))
    assert found is not None
    assert found.needed is not None
    mean, spread = np.mean(differences), np.std(differences, ddof=1)
    powers = [
        scipy.stats.norm.sf(scipy.stats.norm.isf(0.025) - mean * np.sqrt(count) / spread)
        for count in (found.needed - 1, found.needed)
    ]
    assert powers[0] < 0.8 <= powers[1]


def test_too_few_or_equal_seeds_are_said() -> None:
    assert compare({1: 0.1, 2: 0.2}, {1: 0.1, 2: 0.2}) is None
    assert "At least 3 seeds" in in_words(None, "test_loss")
    same = compare({1: 0.1, 2: 0.2, 3: 0.3}, {1: 0.1, 2: 0.2, 3: 0.3})
    assert in_words(same, "test_loss") == "A and B have the same test loss on average."
    better = compare({1: 0.5, 2: 0.6, 3: 0.7}, {1: 0.7, 2: 0.8, 3: 0.95})
    said = in_words(better, "test_accuracy")
    assert said.startswith("The test accuracy of B is 22 points higher than that of A on average (95 % interval 20 ")
    assert said.endswith("The settings differ by more than their seeds do.")


def test_a_run_that_fails_or_diverges_leaves_the_others(tmp_path: Path) -> None:
    """What has trained is kept, with its tag."""
    experiment = preset("spiral").experiment
    known = settings_of(experiment)
    wild = known["optimizer.lr"].put(experiment, 1e12)
    broken = known["training.batch_size"].put(experiment, 10_000)
    store = RunStore(open_store(store_url(tmp_path)))
    drafts = []
    trials = Trials(
        Processor(2), members_of([wild, broken, experiment], [7]), EPOCHS, at_once=1, keep=drafts.append,
        tags=("seeds",),
    )  # fmt: skip
    trials.start()
    assert trials.wait(LIMIT)
    assert [member.status for member in trials.members] == ["ended", "failed", "ended"]
    assert trials.members[0].diverged
    assert "batch_size" in trials.members[1].message
    assert finals_of(trials.members, "test_loss").keys() == {7}
    from mlp_core.store.keeper import save_draft

    for draft in drafts:
        save_draft(store, "me", draft)
    kept = store.some("me", [trials.members[2].run])
    assert [run.tags for run in kept] == [("seeds",)]
    store.engine.dispose()


@pytest.mark.parametrize("how", ["cancel", "lease"])
def test_they_end_when_called_off_or_when_nobody_waits(how: str) -> None:
    wanted = [True]
    members = members_of([preset("spiral").experiment], range(6))
    trials = Trials(Processor(2), members, 1_000_000, at_once=2, wanted=lambda: wanted[0])
    trials.start()
    if how == "cancel":
        trials.cancel()
    else:
        wanted[0] = False
    assert trials.wait(LIMIT)
    assert {member.status for member in trials.members} == {"cancelled"}
    assert finals_of(members, "test_loss") == {}


def test_another_seed_may_draw_other_data() -> None:
    experiment = preset("spiral").experiment
    assert with_seed(experiment, 5).data == experiment.data
    assert with_seed(experiment, 5, data=True).data.seed == 5
