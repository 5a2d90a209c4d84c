"""Trials: runs that train while nobody looks give the figures of a run that somebody watches."""

from __future__ import annotations

import threading
from contextlib import nullcontext

import pytest

from mlp_core import data
from mlp_core.engines.eager import EagerEngine
from mlp_core.presets import preset
from mlp_core.processor import Processor
from mlp_core.processor.workers import Workers
from mlp_core.run.build import build
from mlp_core.spec import Experiment
from mlp_core.training.events import Evaluation
from mlp_core.training.loop import train
from mlp_core.training.trial import MOST_REPORTS, report_epochs, run_trial

EPOCHS = 4


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return preset("spiral").experiment


def test_a_trial_gives_the_figures_of_the_plain_loop(experiment: Experiment) -> None:
    dataset = data.load(experiment.data)
    reports: list[Evaluation] = []
    trial = run_trial(experiment, dataset, Processor(2), epochs=EPOCHS, report=lambda e: not reports.append(e))
    run = build(experiment, dataset)
    with run.tuned():
        plain = [event for event in train(run, EagerEngine(), epochs=EPOCHS) if isinstance(event, Evaluation)]
    assert trial.end == "epochs"
    assert trial.record.epoch == EPOCHS
    assert [one.epoch for one in reports] == [1, 2, 3, 4]
    assert [one.test_loss for one in reports] == pytest.approx([one.test_loss for one in plain], rel=1e-6)
    assert trial.evaluation.test_loss == reports[-1].test_loss
    assert trial.draft is not None
    assert trial.draft.record.id == trial.record.id
    assert trial.parameters == sum(each.numel() for each in run.model.parameters())


def test_one_whose_reports_are_poor_is_pruned(experiment: Experiment) -> None:
    trial = run_trial(experiment, data.load(experiment.data), Processor(2), epochs=EPOCHS, report=lambda e: e.epoch < 2)
    assert (trial.end, trial.evaluation.epoch) == ("pruned", 2)


def test_one_that_nobody_wants_ends_between_chunks(experiment: Experiment) -> None:
    asked = iter([True, False])
    trial = run_trial(experiment, data.load(experiment.data), Processor(2), epochs=10**6, wanted=lambda: next(asked))
    assert trial.end == "cancelled"
    assert 0 < trial.record.step < 10**6


def test_one_that_diverges_says_so(experiment: Experiment) -> None:
    wild = experiment.updated(
        optimizer=experiment.optimizer.updated(params={**experiment.optimizer.params, "lr": 1e12})
    )
    trial = run_trial(wild, data.load(wild.data), Processor(2), epochs=EPOCHS)
    assert trial.end == "diverged"
    assert trial.message


@pytest.mark.parametrize("epochs", [1, 7, MOST_REPORTS, 250, 10**6])
def test_reports_come_evenly_and_at_the_end(epochs: int) -> None:
    found = report_epochs(epochs)
    assert len(found) == min(epochs, MOST_REPORTS)
    assert found[-1] == epochs
    assert found == sorted(set(found))
    assert found[0] >= 1


def test_a_worker_that_asks_for_work_does_it_itself() -> None:
    workers = Workers(1, 0)
    assert workers.run(lambda: workers.run(threading.get_ident) == threading.get_ident())


@pytest.mark.parametrize("somebody", [False, True])
def test_an_attendant_computes_itself_while_it_disturbs_nobody(somebody: bool) -> None:
    processor, found, done = Processor(2), [], threading.Event()

    def work() -> None:
        found.extend([threading.get_ident(), processor.compute(threading.get_ident, background=True)])
        done.set()

    with processor.turns.member() if somebody else nullcontext():
        processor.attend(work)
        assert done.wait(60)
    assert (len(set(found)) == 1) is not somebody


def test_trials_beside_one_another_come_to_their_end(experiment: Experiment) -> None:
    processor, found, done = Processor(2), [], threading.Semaphore(0)

    def work() -> None:
        found.append(run_trial(experiment, data.load(experiment.data), processor, epochs=EPOCHS))
        done.release()

    for _ in range(4):
        processor.attend(work)
    for _ in range(4):
        assert done.acquire(timeout=60)
    assert len({trial.evaluation.test_loss for trial in found}) == 1
