"""Sweeps: the same seed gives the same trials, whatever ends first and whatever breaks in between."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import Any

import pytest

from mlp_core import data
from mlp_core.data.dataset import Dataset
from mlp_core.presets import preset
from mlp_core.processor import Processor
from mlp_core.spec import DataSpec
from mlp_core.sweep import sweep as module
from mlp_core.sweep.choosing import Chooser
from mlp_core.sweep.measuring import Measured, TrialResult, measure
from mlp_core.sweep.space import space_of
from mlp_core.sweep.spec import SweepSpec
from mlp_core.sweep.summary import best, front
from mlp_core.sweep.sweep import Sweep

SPIRAL = preset("spiral").experiment
SPACE = {
    "optimizer.lr": {"low": 1e-3, "high": 1.0, "log": True},
    "hidden.width": {"low": 2, "high": 4},
    "hidden.activation": {"choices": ["ReLU", "Tanh"]},
    "training.max_grad_norm": {"choices": [None, 1.0]},
}
WAIT = 120


def spec(**options: Any) -> SweepSpec:
    return SweepSpec(space=space_of(SPACE, SPIRAL), **{"trials": 14, "epochs": 4, "seed": 3, **options})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials that train nothing: their objective is a function of their settings, and they end in any order."""

    def made_up(experiment: Any, dataset: Any, objective: Any, epochs: int, *, report: Any, **_: Any) -> Measured:
        lr, width = experiment.optimizer.params["lr"], experiment.layers[0].params["out_features"]
        threading.Event().wait(random.random() / 500)
        reports = []
        for epoch in range(1, epochs + 1):
            reports.append((epoch, abs(lr - 0.1) + width / 100 + 1 / epoch))
            if not report(*reports[-1]) and epoch < epochs:
                return Measured("pruned", (reports[-1][1],), tuple(reports), None, epoch, 9 * width, 0.0, "")
        values = (reports[-1][1], 9.0 * width) if objective.counts_parameters else (reports[-1][1],)
        return Measured("finished", values, tuple(reports), None, epochs, 9 * width, 0.0, "")

    monkeypatch.setattr(module, "measure", made_up)


def results(sweep: Sweep) -> list[TrialResult]:
    sweep.start()
    assert sweep.wait(WAIT)
    assert sweep.progress.status == "finished", sweep.progress.message
    return sweep.results


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "options",
    [
        {}, {"sampler": "random", "pruner": "median"}, {"pruner": "halving", "epochs": 16},
        {"pruner": "hyperband", "epochs": 9}, {"sampler": "cmaes"}, {"sampler": "grid", "trials": 9},
        {"sampler": "nsga2", "objective": "loss_and_parameters"}, {"objective": "loss_and_parameters"},
    ],
    ids=str,
)  # fmt: skip
def test_the_same_seed_gives_the_same_trials(options: dict[str, Any]) -> None:
    asked = spec(**options)
    once = results(Sweep(asked, processor=Processor(3)))
    assert [result.number for result in once] == list(range(asked.size))
    assert results(Sweep(asked, processor=Processor(1))) == once
    earlier = [result for result in once if result.number in (0, 1, 2, 4)]
    assert results(Sweep(asked, processor=Processor(3), earlier=earlier)) == once, "as if there had been no break"
    if asked.pruner != "none":
        assert {result.state for result in once} == {"finished", "pruned"}
    if asked.sampler != "grid":
        assert results(Sweep(asked.updated(seed=4), processor=Processor(3))) != once


@pytest.mark.usefixtures("quick")
def test_what_learns_from_its_trials_does_better_than_chance() -> None:
    found = {sampler: best(one := spec(sampler=sampler, trials=60), results(Sweep(one, processor=Processor(3))))
             for sampler in ("random", "tpe")}  # fmt: skip
    assert found["tpe"].objectives < found["random"].objectives


def test_a_sweep_trains_and_its_best_trial_repeats() -> None:
    asked = spec(trials=4, objective="last_accuracy")
    kept = []
    sweep = Sweep(asked, processor=Processor(2), keep=lambda result, draft: kept.append((result, draft)))
    found = results(sweep)
    top = best(asked, found)
    assert top is not None
    assert top.objectives[0] == max(result.objectives[0] for result in found)
    assert {draft.record.id for _, draft in kept} == {result.run for result in found}
    again = measure(asked.space.experiment_of(top.values), data.load(SPIRAL.data), asked.objective_entry, asked.epochs,
                    processor=Processor(1))  # fmt: skip
    assert again is not None
    assert again.objectives == top.objectives
    assert SweepSpec.from_json(asked.to_json()) == asked


def test_a_trial_that_does_not_fit_fails_and_the_sweep_goes_on() -> None:
    space = space_of({"training.batch_size": {"choices": [20, 500_000]}, "optimizer.lr": {"choices": [0.1, 1e12]}},
                     SPIRAL)  # fmt: skip
    found = results(Sweep(SweepSpec(space=space, sampler="grid", trials=4, epochs=2), processor=Processor(2)))
    states = {(result.values["training.batch_size"], result.values["optimizer.lr"]): result for result in found}
    assert states[20, 0.1].state == "finished"
    assert states[20, 1e12].state == "diverged"
    failed = states[500_000, 0.1]
    assert (failed.state, failed.objectives) == ("failed", ())
    assert "batch" in failed.message


def test_pause_and_cancel_end_it_between_chunks() -> None:
    begun = threading.Event()

    def load(part: DataSpec) -> Dataset:
        begun.set()
        return data.load(part)

    asked = spec(epochs=10**6, trials=3)
    sweep = Sweep(asked, processor=Processor(2), load=load)
    sweep.start()
    assert begun.wait(WAIT)
    sweep.pause()
    assert sweep.wait(WAIT)
    assert (sweep.progress.status, sweep.progress.done) == ("paused", 0)
    sweep.start()
    assert sweep.progress.status == "running"
    sweep.cancel()
    assert sweep.wait(WAIT)
    sweep.start()
    assert sweep.progress.status == "cancelled"


def test_the_front_holds_what_no_trial_beats() -> None:
    asked = spec(objective="loss_and_parameters")
    places = [(0.5, 10.0), (0.4, 20.0), (0.6, 10.0), (0.3, 30.0), (0.4, 25.0)]
    made = [TrialResult(number=at, values={}, state="finished", objectives=place) for at, place in enumerate(places)]
    made.append(replace(made[0], number=5, state="failed", objectives=()))
    assert [result.number for result in front(asked, made)] == [3, 1, 0]


def test_trials_are_chosen_of_the_values_that_the_space_holds() -> None:
    chooser = Chooser(asked := spec(trials=30, sampler="random"))
    for number in range(30):
        values = chooser.ask()
        assert 1e-3 <= values["optimizer.lr"] <= 1
        assert values["training.max_grad_norm"] in (None, 1.0)
        asked.space.experiment_of(values)
        chooser.tell(TrialResult(number=number, values=values, state="failed"))
