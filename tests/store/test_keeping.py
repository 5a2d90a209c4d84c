"""What sessions train is kept by itself, and goes on from there as if it had never stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlp_core.presets import preset
from mlp_core.spec import Experiment
from mlp_core.store.keeper import RunKeeper, SaveQueue
from mlp_core.store.opening import StoreError, open_store
from mlp_core.store.runs import RunStore
from mlp_core.store.state import another_run, read_state, same_run
from mlp_core.training.session import Session

ME, LIMIT = "me", 120.0


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[RunStore]:
    engine = open_store(f"sqlite:///{tmp_path / 'runs.sqlite'}")
    yield RunStore(engine)
    engine.dispose()


@pytest.fixture
def keeper(kept: RunStore) -> RunKeeper:
    return RunKeeper(SaveQueue(lambda: kept), ME)


@pytest.fixture
def session(tmp_path: Path, keeper: RunKeeper) -> Iterator[Session]:
    made = Session(tmp_path, keeper=keeper)
    yield made
    assert made.close(LIMIT)


def experiment(name: str = "spiral", **training: Any) -> Experiment:
    found = preset(name).experiment
    return found.updated(training=found.training.updated(**{"batch_size": 10, **training}))


def epochs(session: Session, count: int) -> None:
    for _ in range(count):
        before = session.snapshot().epoch
        session.step_epoch()
        assert session.wait(lambda now, before=before: now.epoch > before and not now.busy, LIMIT)
    assert session.settle(LIMIT)


def weights(session: Session) -> dict[str, np.ndarray]:
    found = session.weights("current", LIMIT)
    assert found is not None
    return {name: tensor.numpy() for name, tensor in found.tensors.items()}


CONTINUED = {
    "tanh and momentum": experiment(),
    "a schedule, early stopping and dropout": experiment(patience=30).updated(
        layers=[*experiment().layers[:2], {"type": "Dropout", "params": {"p": 0.2}}, *experiment().layers[2:]],
        optimizer={"type": "Adam"}, scheduler={"type": "OneCycleLR", "every": "step", "params": {"total_steps": 400}},
    ),
    "milestones and gradients that add up": experiment(zero_grad=False).updated(
        optimizer={"type": "AdamW"}, scheduler={"type": "MultiStepLR", "every": "epoch", "params": {}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTINUED)
def test_a_run_that_was_kept_goes_on_bit_for_bit(
    session: Session, kept: RunStore, keeper: RunKeeper, tmp_path: Path, name: str
) -> None:
    session.apply(CONTINUED[name])
    epochs(session, 2)
    assert keeper.flush(LIMIT)
    (stored,) = kept.runs(ME)
    content = kept.file(ME, stored.id, "state")
    assert content is not None
    epochs(session, 2)
    wanted, curves = weights(session), session.snapshot().curves(10**6)
    assert curves is not None
    other = Session(tmp_path, keeper=keeper)
    other.resume(same_run(*read_state(content, None)))
    assert other.wait(lambda now: now.status == "ready", LIMIT)
    assert other.snapshot().run == stored.id
    assert other.snapshot().step == stored.figures["step"] == 40
    epochs(other, 2)
    found, again = weights(other), other.snapshot().curves(10**6)
    assert again is not None
    assert all(np.array_equal(found[key], wanted[key]) for key in wanted)
    assert np.array_equal(again.train_loss.mean, curves.train_loss.mean)
    assert np.array_equal(again.evaluations[-1], curves.evaluations[-1])
    record = other.record()
    assert record is not None
    assert (record.id, record.start, record.parent, record.step) == (stored.id, "seed", None, 80)
    assert other.close(LIMIT)
    assert keeper.flush(LIMIT)
    assert {run.figures["step"] for run in kept.runs(ME)} == {80}
    assert len(kept.runs(ME)) == 2, "the first one had gone on too, and both are kept"


def test_a_fork_of_a_kept_run_is_another_run(session: Session, kept: RunStore, keeper: RunKeeper) -> None:
    session.apply(experiment())
    epochs(session, 1)
    assert keeper.flush(LIMIT)
    (stored,) = kept.runs(ME)
    content = kept.file(ME, stored.id, "state")
    assert content is not None
    session.resume(another_run(*read_state(content, None)))
    assert session.wait(lambda now: now.status == "ready" and now.run != stored.id, LIMIT)
    assert len(kept.runs(ME)) == 1, "it has not trained yet"
    epochs(session, 1)
    assert keeper.flush(LIMIT)
    assert len(kept.runs(ME)) == 2
    record = session.record()
    assert record is not None
    assert (record.parent, record.parent_step) == (stored.id, 20)


def test_runs_are_kept_when_they_end_or_are_replaced_and_not_before_a_step(
    session: Session, kept: RunStore, keeper: RunKeeper
) -> None:
    session.apply(experiment())
    assert session.wait(lambda now: now.status == "ready", LIMIT)
    assert keeper.flush(LIMIT)
    assert kept.count(ME) == 0
    session.apply(experiment(epochs=None))
    session.play()
    assert session.wait(lambda now: now.step > 3, LIMIT)
    first = session.snapshot().run
    session.apply(experiment(seed=7, epochs=None))
    assert session.wait(lambda now: now.run != first and now.step > 3, LIMIT)
    second = session.snapshot().run
    assert session.close(LIMIT)
    assert keeper.flush(LIMIT)
    stored = kept.runs(ME)
    assert {run.id for run in stored} == {first, second}
    record, confusion = kept.answers(ME, second)
    assert record.step > 3
    assert record.curves is not None
    assert record.curves.train_loss.steps[-1] == record.step
    assert confusion is not None
    assert confusion.shape == (2, 2)


class Gone:
    """A store that cannot be reached for a while."""

    def __init__(self, store: RunStore) -> None:
        self.store, self.tries, self.back = store, 0, False

    def save(self, *given: Any, **more: Any) -> list[str]:
        self.tries += 1
        if not self.back:
            raise StoreError("The store has no room: the disk is full. Delete files, then try again.")
        return self.store.save(*given, **more)


def test_training_goes_on_without_the_store_and_saving_is_tried_again(tmp_path: Path, kept: RunStore) -> None:
    gone = Gone(kept)
    keeper = RunKeeper(SaveQueue(lambda: gone), ME)
    session = Session(tmp_path, keeper=keeper)
    session.apply(experiment())
    epochs(session, 2)
    assert not keeper.flush(LIMIT)
    waiting = keeper.waiting
    assert (waiting.runs, waiting.given_up) == (1, 0)
    assert "disk is full" in waiting.reason
    assert kept.count(ME) == 0
    gone.back = True
    assert keeper.flush(LIMIT)
    assert keeper.waiting.runs == 0
    assert kept.runs(ME)[0].figures["epoch"] == 2
    assert session.close(LIMIT)


def test_two_tabs_that_continue_one_run_leave_two_whole_runs(
    session: Session, kept: RunStore, keeper: RunKeeper, tmp_path: Path
) -> None:
    """Whoever saves first after it was opened goes on as that run; what the other one trains is a run of its own."""
    session.apply(experiment())
    epochs(session, 1)
    assert keeper.flush(LIMIT)
    (stored,) = kept.runs(ME)
    writer, content = kept.writer(ME, stored.id), kept.file(ME, stored.id, "state")
    assert content is not None
    other = Session(tmp_path, keeper=RunKeeper(SaveQueue(lambda: kept), ME))  # of another server
    other.resume(same_run(*read_state(content, None), writer))
    assert other.wait(lambda now: now.status == "ready", LIMIT)
    epochs(other, 2)
    assert other._driver._keeper.flush(LIMIT)
    assert [(run.id, run.figures["epoch"]) for run in kept.runs(ME)] == [(stored.id, 3)], "it goes on as that run"
    for count in (1, 2):
        epochs(session, 1)
        assert keeper.flush(LIMIT)
        found = {run.id: run.figures["epoch"] for run in kept.runs(ME)}
        assert found.pop(stored.id) == 3, "nothing of what the other one did is lost"
        assert list(found.values()) == [1 + count]
    (branch,) = found
    content, wanted = kept.file(ME, branch, "state"), weights(session)
    assert content is not None
    other.resume(same_run(*read_state(content, None), kept.writer(ME, branch)))
    assert other.wait(lambda now: now.run == branch and now.status == "ready", LIMIT)
    assert all(np.array_equal(weights(other)[key], wanted[key]) for key in wanted)
    epochs(other, 1)
    assert other.close(LIMIT)
    assert other._driver._keeper.flush(LIMIT)
    assert {run.id: run.figures["epoch"] for run in kept.runs(ME)} == {stored.id: 3, branch: 4}


def test_a_deleted_run_comes_back_only_where_it_is_trained_on(
    session: Session, kept: RunStore, keeper: RunKeeper
) -> None:
    session.apply(experiment())
    epochs(session, 1)
    assert keeper.flush(LIMIT)
    kept.delete(ME, [session.snapshot().run])
    session._driver._keep(session._mail.trainer, at_rest=True)
    assert keeper.flush(LIMIT)
    assert kept.runs(ME) == []
    epochs(session, 1)
    assert keeper.flush(LIMIT)
    assert kept.runs(ME)[0].figures["epoch"] == 2
