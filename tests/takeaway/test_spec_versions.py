"""Experiments of older versions are read, step by step, and all others are named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_core.errors import SpecError
from mlp_core.presets import preset
from mlp_core.spec import Experiment
from mlp_core.versions import MIGRATIONS, VERSION, upgraded

# As the first version wrote it.
VERSION_1 = (
    '{"version":1,"data":{"dataset":"iris","params":{},"test_fraction":0.3,"seed":0},"layers":[{"type":"Linear",'
    '"params":{"out_features":10,"bias":true}},{"type":"ReLU","params":{}},{"type":"Linear","params":'
    '{"out_features":10,"bias":true}},{"type":"ReLU","params":{}},{"type":"Linear","params":{"out_features":null,'
    '"bias":true}}],"loss":{"type":"CrossEntropyLoss","params":{}},"optimizer":{"type":"Adam","params":{"lr":0.001,'
    '"betas":[0.9,0.999],"eps":1e-08,"weight_decay":0.0,"amsgrad":false}},"training":{"batch_size":16,"epochs":200,'
    '"zero_grad":true,"report_every":null,"device":"cpu","seed":42}}'
)

STEPS = {
    1: lambda values: {"version": 1, "rate": values["lr"]},
    2: lambda values: {**values, "rate": values["rate"] * 10},
}


def test_the_first_version_is_read() -> None:
    assert Experiment.from_json(VERSION_1) == preset("two-hidden-relu").experiment


def test_there_is_a_step_from_every_older_version() -> None:
    assert set(MIGRATIONS) == set(range(1, VERSION))


@pytest.mark.parametrize(
    "values", [{"version": 1, "lr": 2}, {"version": 2, "rate": 2}, {"version": 3, "rate": 20}, {"rate": 20}]
)
def test_each_older_version_becomes_the_newest(values: dict[str, Any]) -> None:
    before = json.dumps(values)
    found = upgraded(values, STEPS, newest=3)
    assert found.pop("version", 3) == 3
    assert found == {"rate": 20}
    assert json.dumps(values) == before, "what was passed in is left alone"


@pytest.mark.parametrize("version", [4, 10**30])
def test_a_newer_one_is_named(version: int) -> None:
    with pytest.raises(SpecError, match=r"reads up to 3\. Open it with a newer"):
        upgraded({"version": version}, STEPS, newest=3)


@given(st.one_of(st.integers(max_value=0), st.floats(), st.text(max_size=300), st.none(), st.booleans(), st.just([1])))
def test_a_version_that_never_was_is_named(version: object) -> None:
    with pytest.raises(SpecError, match="whole number from 1 to 3"):
        upgraded({"version": version}, STEPS, newest=3)


def test_the_newest_version_is_left_as_it_is() -> None:
    values = json.loads(preset("spiral").experiment.to_json())
    assert upgraded(values) == values
