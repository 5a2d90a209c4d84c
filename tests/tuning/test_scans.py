"""Scans: which values are tried, what they change, and which of them is suggested."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core.errors import SpecError
from mlp_core.presets import preset
from mlp_core.processor import Processor
from mlp_core.spec import Experiment
from mlp_core.training.events import Evaluation
from mlp_core.tuning.scans import BATCH, WIDTH, hidden_layers, members_of, suggest, values_of
from mlp_core.tuning.trials import Member, Trials


@settings(max_examples=20)
@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(2, 20))
def test_values_are_whole_and_grow_at_equal_ratios(low: int, more: int, count: int) -> None:
    values = values_of(WIDTH, {"low": low, "high": low + more, "count": count})
    assert values == sorted(set(values))
    assert (values[0], values[-1]) == (low, low + more)
    assert len(values) <= count


def test_values_that_do_not_fit_are_left_out_or_refused() -> None:
    assert values_of(BATCH, {}, most=200) == [4, 8, 16, 32, 64, 128]
    with pytest.raises(SpecError, match="'low' parameter of the scan of the batch size must leave two values up to 5"):
        values_of(BATCH, {}, most=5)
    with pytest.raises(SpecError, match="'high' parameter of the scan of the width must be larger than 'low'"):
        values_of(WIDTH, {"low": 8, "high": 8})


def test_a_scan_trains_each_value_and_suggests_one() -> None:
    experiment = preset("spiral").experiment
    assert hidden_layers(experiment) == [0, 2, 4]
    one = members_of(WIDTH, experiment, [3], 2)[0].experiment
    assert [one.layers[place].params["out_features"] for place in (0, 2, 4)] == [8, 3, 8]
    assert (WIDTH.current(one, None), WIDTH.current(one, 2)) == (None, 3)
    members = members_of(WIDTH, experiment, [2, 4, 16])
    trials = Trials(Processor(2), members, 2, at_once=2)
    trials.start()
    assert trials.wait(60)
    assert [member.parameters for member in members] == [24, 62, 626]
    assert all(member.seconds > 0 and member.samples == 400 for member in members)
    assert suggest(WIDTH, members).value in (2, 4, 16)


def ended(experiment: Experiment, name: str, loss: float, seconds: float = 1.0, **more: Any) -> Member:
    evaluation = Evaluation(1, 1, loss, loss, None, None, **more)
    return Member(
        name=name, experiment=experiment, status="ended", end="epochs", evaluations=(evaluation,), seconds=seconds,
        samples=1000, parameters=10 * int(name),
    )  # fmt: skip


def test_of_those_about_as_good_the_cheapest_is_suggested() -> None:
    experiment = preset("spiral").experiment
    members = [ended(experiment, "2", 0.9), ended(experiment, "8", 0.51), ended(experiment, "32", 0.5)]
    found = suggest(WIDTH, members)
    assert found.value == 8
    assert found.reason == (
        "The test loss is lowest at 32 (0.5). 8 (0.51) is the smallest of those within 5% of it, with 80 parameters "
        "instead of 320."
    )
    sizes = [ended(experiment, "4", 0.5, 4.0), ended(experiment, "16", 0.52, 2.0), ended(experiment, "64", 0.8, 0.5)]
    found = suggest(BATCH, sizes)
    assert found.value == 16
    assert "the fastest of those within 5% of it, with 2 times the samples per second" in found.reason
    checked = [
        ended(experiment, "4", 0.5, validation_loss=0.9), ended(experiment, "8", 0.7, validation_loss=0.4)
    ]  # fmt: skip
    assert suggest(WIDTH, checked).reason.startswith("The validation loss is lowest at 8 (0.4). No other")
    assert suggest(WIDTH, checked[:1]).value is None
    alike = suggest(WIDTH, [ended(experiment, "2", 0.5), ended(experiment, "4", 0.5)])
    assert alike.value == 2
    assert "more epochs may tell them apart" in alike.reason
