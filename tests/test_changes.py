"""What differs between two experiments, in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core.changes import changes, describe_layers
from mlp_core.presets import PRESETS, mlp, shape_of, suited
from mlp_core.problems import problems, with_data
from mlp_core.spec import DataSpec, Experiment, LayerSpec, OptimizerSpec, SchedulerSpec
from tests.strategies import experiments

SPIRAL = PRESETS["spiral"].experiment


def with_lr(lr: float) -> Experiment:
    return SPIRAL.updated(optimizer=SPIRAL.optimizer.updated(params={**SPIRAL.optimizer.params, "lr": lr}))


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (SPIRAL, []),
        (with_lr(0.1), ["learning rate 0.03 → 0.1"]),
        (SPIRAL.updated(data=DataSpec(dataset="circle")), ["data set Spiral → Circle"]),
        (SPIRAL.updated(data=SPIRAL.data.updated(test_fraction=0.3, seed=4)),
         ["data seed 0 → 4", "test share 0.5 → 0.3"]),
        (SPIRAL.updated(training=SPIRAL.training.updated(batch_size=None)), ["batch size 20 → full batch"]),
        (SPIRAL.updated(optimizer=OptimizerSpec(type="Adam")), ["optimizer SGD → Adam"]),
        (SPIRAL.updated(scheduler=SchedulerSpec(type="StepLR", every="epoch")), ["schedule constant → Steps"]),
        (SPIRAL.replace_layer((1,), LayerSpec(type="ReLU")), ["layer 2: Tanh → ReLU"]),
        (SPIRAL.replace_layer((0,), LayerSpec(type="Linear", params={"out_features": 5})), None),
        (SPIRAL.updated(layers=mlp((8,), "ReLU")), ["network 8-8-8 Tanh → 8 ReLU"]),
    ],
)  # fmt: skip
def test_what_was_changed_is_said(after: Experiment, said: list[str] | None) -> None:
    found = changes(SPIRAL, after)
    if said is None:
        assert len(found) == 1
        assert found[0].endswith("8 → 5")
    else:
        assert [text.split(" · ")[0] for text in found] == said


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_equal_experiments_and_only_those_have_no_changes(data: st.DataObject) -> None:
    one, other = (data.draw(experiments()) for _ in range(2))
    assert changes(one, one) == []
    assert bool(changes(one, other)) == (one != other)


@pytest.mark.parametrize("name", ["digits", "iris", "diabetes", "circle", "plane"])
def test_a_network_that_suits_the_data_has_no_error(name: str) -> None:
    data = DataSpec(dataset=name)
    found = with_data(suited(with_data(SPIRAL, data)), data)
    assert found.data == data
    assert not [problem for problem in problems(found) if problem.severity == "error"]
    assert describe_layers(found.layers)
    assert shape_of(data) in ("images", "points of a plane", "a table")
