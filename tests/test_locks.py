"""What a teacher's link locks, derived from the catalog: a new entry or parameter is covered as it is added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import experiments, params

from mlp_core.catalog import CONTROLS, KINDS, OPTIMIZERS, TRAINING
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.parameters import Parameter
from mlp_core.catalog.schedulers import EVERY
from mlp_core.catalog.training import DATA_SEED, TEST_FRACTION
from mlp_core.errors import SpecError
from mlp_core.locks import refuse_locked, settings
from mlp_core.presets import preset
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, SchedulerSpec

BASE = preset("spiral").experiment
TABLE = {
    "file": {"name": "a.csv", "sha256": "0" * 64, "size": 100, "rows": 10},
    "features": [{"name": "x"}],
    "target": "y",
}
"""A description of a table."""
ARCHIVE = {"file": {"name": "a.zip", "sha256": "0" * 64, "size": 100}, "classes": ["cat", "dog"], "images": 10}
"""A description of an archive of images."""
CHOSEN = {
    "layers": lambda name, given: {"layers": (*BASE.layers, LayerSpec(type=name, params=given))},
    "activations": lambda name, given: {"layers": (*BASE.layers, LayerSpec(type=name, params=given))},
    "losses": lambda name, given: {"loss": LossSpec(type=name, params=given)},
    "optimizers": lambda name, given: {"optimizer": OptimizerSpec(type=name, params=given)},
    "schedulers": lambda name, given: {"scheduler": SchedulerSpec(type=name, params=given)},
    "datasets": lambda name, given: {"data": DataSpec(dataset=name, params=given)},
}
PARAMETERS = [
    (kind, entry, parameter)
    for kind in CHOSEN
    for entry in KINDS[kind].values()
    for parameter in entry.parameters
]  # fmt: skip


def other(parameter: Parameter, value: Any, fits: Callable[[Any], bool] = lambda found: True) -> Any:
    """A value of the parameter that is not this one, and that fits."""
    tries = [0.25, 0.5, 2, 50, -0.5, not value, *getattr(parameter, "choices", ()), ("x2",), (0.25, 2.0), (0.5, 0.5)]
    tries += ["cos(x)", [(0, 0, 0), (1, 1, 1)], 3, 8, [1, 2], (1.0, 1.0, 1.0), (0.5, 0.25, 0.125), TABLE, ARCHIVE]
    follow = [parameter.convert(found) for found in tries if parameter.accepts(found)]
    return next(found for found in follow if found != value and fits(found))


def locked_by(old: Experiment, new: Experiment) -> set[str]:
    """Every control that, locked alone, refuses the change."""
    found = set()
    for control in CONTROLS:
        try:
            refuse_locked(old, new, {control})
        except SpecError:
            found.add(control)
    return found


@pytest.mark.parametrize(
    ("kind", "entry", "parameter"), PARAMETERS, ids=[f"{e.name}-{p.name}" for _, e, p in PARAMETERS]
)
def test_every_parameter_is_locked_by_its_own_controls_alone(kind: str, entry: Entry, parameter: Parameter) -> None:
    assert parameter.controls
    assert set(parameter.controls) <= set(CONTROLS)
    given = entry.fill({"momentum": 0.5} if "momentum" in entry.fill({}) else {})
    old = BASE.updated(**CHOSEN[kind](entry.name, given))

    def fits(found: Any) -> bool:
        return not entry.conflict({**given, parameter.name: found}, entry.name)

    changed = {**given, parameter.name: other(parameter, given[parameter.name], fits)}
    new = BASE.updated(**CHOSEN[kind](entry.name, changed))
    assert locked_by(old, new) == set(parameter.controls)


@pytest.mark.parametrize("parameter", TRAINING.parameters, ids=lambda parameter: parameter.name)
def test_settings_of_the_run_are_locked_by_their_controls(parameter: Parameter) -> None:
    changed = {parameter.name: other(parameter, getattr(BASE.training, parameter.name))}
    assert locked_by(BASE, BASE.updated(training=BASE.training.updated(**changed))) == set(parameter.controls)
    assert set(parameter.controls) <= set(CONTROLS)


def test_settings_of_the_data_are_locked_by_their_controls() -> None:
    for name, parameter in (("seed", DATA_SEED), ("test_fraction", TEST_FRACTION)):
        assert locked_by(BASE, BASE.updated(data=BASE.data.updated(**{name: 0.25 if name != "seed" else 7}))) == set(
            parameter.controls
        )
    schedule = SchedulerSpec(type="StepLR")
    old = BASE.updated(scheduler=schedule)
    assert locked_by(old, BASE.updated(scheduler=schedule.updated(every="step"))) == set(EVERY.controls)


@pytest.mark.parametrize(
    ("change", "controls"),
    [
        ({"loss": LossSpec(type="MSELoss")}, {"loss"}),
        ({"scheduler": SchedulerSpec(type="StepLR")}, {"scheduler"}),
        ({"optimizer": BASE.optimizer.changed_to("RMSprop")}, {"optimizer"}),
        ({"data": BASE.data.updated(dataset="moons", params={**BASE.data.params, "noise": 0.05})}, {"data", "dataset"}),
        ({"layers": (LayerSpec(type="Linear", params={"out_features": 3}), *BASE.layers)}, {"network"}),
        ({"layers": (*BASE.layers, LayerSpec(type="Tanh"))}, {"network", "activation"}),
        ({"layers": (*BASE.layers, LayerSpec(type="Dropout"))}, {"network", "regularisation"}),
        ({"layers": BASE.layers[::-1]}, {"network"}),
    ],
)
def test_choices_are_locked_by_the_controls_of_their_entries(change: dict[str, Any], controls: set[str]) -> None:
    new = BASE.updated(**change)
    differs = {"learning_rate"} if new.optimizer.params["lr"] != BASE.optimizer.params["lr"] else set()
    assert locked_by(BASE, new) - differs == controls


@given(experiments(), experiments())
def test_nothing_changes_while_everything_is_locked(old: Experiment, new: Experiment) -> None:
    refuse_locked(old, old, set(CONTROLS))
    refuse_locked(old, new, set())
    free = {"report_every"}
    if [(s.name, s.value) for s in settings(old) if s.name not in free] != [
        (s.name, s.value) for s in settings(new) if s.name not in free
    ]:
        with pytest.raises(SpecError):
            refuse_locked(old, new, set(CONTROLS))


def test_every_choice_has_controls() -> None:
    for kind in CHOSEN:
        for entry in KINDS[kind].values():
            assert entry.choice_controls
            assert set(entry.choice_controls) <= set(CONTROLS)


# What may change while a run goes on


@pytest.mark.parametrize("name", ["layers", "activations", "losses", "optimizers", "schedulers"])
def test_only_the_learning_rate_the_batch_size_and_the_epochs_are_live(name: str) -> None:
    """More would need an engine that takes them between two chunks."""
    live = {parameter.name for entry in KINDS[name].values() for parameter in entry.parameters if parameter.live}
    assert live == ({"lr"} if name == "optimizers" else set())
    assert [parameter.name for parameter in TRAINING.parameters if parameter.live] == ["batch_size", "epochs"]


@given(experiments(), st.floats(0, 1e12), st.none() | st.integers(1, 10**6))
def test_live_changes_make_no_other_experiment(found: Experiment, rate: float, epochs: int | None) -> None:
    optimizer = found.optimizer.updated(params={**found.optimizer.params, "lr": rate})
    changed = found.updated(optimizer=optimizer, training=found.training.updated(epochs=epochs))
    assert changed.without_live() == found.without_live()
    seed = found.training.seed ^ 1
    assert changed.updated(training=changed.training.updated(seed=seed)).without_live() != found.without_live()


# Another entry of the same kind


@pytest.mark.parametrize(
    ("old", "name", "kept"),
    [
        (("SGD", {"lr": 0.3, "momentum": 0.9}), "RMSprop", {"lr": 0.3, "momentum": 0.9}),
        (("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}), "Adam", {"lr": 1e-3, "weight_decay": 0.1}),
        (("Adam", {}), "AdamW", {"lr": 1e-3}),  # AdamW has another default of the weight decay
        (("AdamW", {}), "Adam", {"lr": 1e-3}),
        (("Adam", {"weight_decay": 0.3, "eps": 1e-4}), "AdamW", {"lr": 1e-3, "weight_decay": 0.3, "eps": 1e-4}),
        (("Adam", {}), "Adagrad", {"lr": 1e-3}),  # and Adagrad of the epsilon
        (("RMSprop", {}), "SGD", {"lr": 1e-2}),  # the learning rate is always kept
    ],
)
def test_another_optimizer_keeps_what_the_user_has_set(
    old: tuple[str, dict[str, Any]], name: str, kept: dict[str, Any]
) -> None:
    found = OptimizerSpec(type=old[0], params=old[1]).changed_to(name)
    assert found == OptimizerSpec(type=name, params=kept)


def test_values_that_the_other_does_not_accept_are_left_out() -> None:
    found = SchedulerSpec(type="CosineAnnealingLR", params={"T_max": 7, "eta_min": 0.5}, every="step")
    assert found.changed_to("StepLR") == SchedulerSpec(type="StepLR", every="step")
    assert found.changed_to("CosineAnnealingWarmRestarts").params["eta_min"] == 0.5
    with pytest.raises(SpecError, match="no optimizer named 'Adan'"):
        OptimizerSpec(type="SGD").changed_to("Adan")


@given(st.data())
def test_any_optimizer_can_follow_any_other(data: st.DataObject) -> None:
    old = OPTIMIZERS[data.draw(st.sampled_from(list(OPTIMIZERS)))]
    given_ = old.fill(data.draw(params(old)))
    if old.conflict(given_, ""):
        given_ = old.fill({})
    name = data.draw(st.sampled_from(list(OPTIMIZERS)))
    found = OptimizerSpec(type=old.name, params=given_).changed_to(name)
    assert found.type == name
    if not OPTIMIZERS[name].conflict(found.params, ""):
        assert found.params["lr"] == given_["lr"]
