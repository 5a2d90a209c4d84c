"""Sweeps that are kept: what was saved is found again, goes on after a server's end, and belongs to its owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlp_core.presets import preset
from mlp_core.processor import Processor
from mlp_core.store.keeper import RunKeeper, SaveQueue
from mlp_core.store.opening import StoreError
from mlp_core.store.runs import RunStore
from mlp_core.store.sweeps import SweepStore
from mlp_core.sweep.keeping import KeptSweep, record_of, reopened, result_of
from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.space import space_of
from mlp_core.sweep.spec import SweepSpec

ME, OTHER = "me", "somebody else"
SPACE = space_of({"optimizer.lr": {"low": 1e-3, "high": 1.0, "log": True},
                  "hidden.activation": {"choices": ["ReLU", "Tanh"]}}, preset("spiral").experiment)  # fmt: skip
SPEC = SweepSpec(space=SPACE, trials=5, epochs=2, pruner="median")
WAIT = 120


@pytest.fixture
def sweeps(store: RunStore) -> SweepStore:
    return SweepStore(store.engine)


def save(sweeps: SweepStore, owner: str, sweep: str, at: float, **more: Any) -> None:
    sweeps.save(owner, sweep, spec=SPEC.to_json(), size=5, status="running", started=at, **more)


def test_a_sweep_is_found_as_it_was_saved_by_its_owner_alone(sweeps: SweepStore) -> None:
    result = TrialResult(number=3, values={"optimizer.lr": 0.1, "hidden.activation": "Tanh"}, state="pruned",
                         objectives=(0.1 + 0.2,), reports=((1, 0.5), (2, 0.1 + 0.2)), rungs={"completed_rung_0": 0.5},
                         run="r", epoch=2, parameters=9, seconds=0.25, message="<b>\\x00")  # fmt: skip
    save(sweeps, ME, "a", 1.0, trials={3: record_of(result)})
    save(sweeps, ME, "a", 1.0, trials={0: record_of(result), 3: record_of(result)})
    found, trials = sweeps.find(ME, "a")
    assert (found.done, found.size, found.status) == (2, 5, "running")
    assert SweepSpec.from_json(found.spec) == SPEC
    assert result_of(SPEC, trials[1]) == result
    assert sweeps.sweeps(OTHER) == []
    for act in (lambda: sweeps.find(OTHER, "a"), lambda: sweeps.delete(OTHER, "a")):
        with pytest.raises(StoreError, match="no sweep"):
            act()
    sweeps.delete(ME, "a")
    assert sweeps.sweeps(ME) == []


def test_the_oldest_sweeps_make_room(store: RunStore) -> None:
    sweeps = SweepStore(store.engine, most=2)
    for at in range(4):
        save(sweeps, ME, f"sweep {at}", float(at))
    save(sweeps, OTHER, "sweep 0", 0.0)
    assert [sweep.id for sweep in sweeps.sweeps(ME)] == ["sweep 3", "sweep 2"]


def test_a_sweep_goes_on_after_its_server_ended(store: RunStore, sweeps: SweepStore) -> None:
    processor = Processor(2)
    queue = SaveQueue(lambda: store, processor)
    first = KeptSweep(lambda: sweeps, ME, SPEC, runs=RunKeeper(queue, ME), processor=processor)
    first.sweep.start()
    assert first.sweep.wait(WAIT)
    first.flush()
    assert queue.flush(WAIT)
    whole, (stored, trials) = first.sweep.results, sweeps.find(ME, first.id)
    assert (stored.status, len(trials)) == ("finished", 5)
    assert {run.id for run in store.runs(ME)} == {result.run for result in whole if result.run}
    assert all(run.tags == (first.tag,) for run in store.runs(ME))
    # As a server leaves it that was killed: some of the trials, and a status that nobody changed any more.
    save(sweeps, ME, "cut", 2.0, trials={number: record_of(whole[number]) for number in (0, 2)})
    second = reopened(lambda: sweeps, ME, "cut", processor=processor)
    assert (second.sweep.progress.status, second.sweep.progress.done) == ("paused", 2)
    second.sweep.start()
    assert second.sweep.wait(WAIT)
    second.flush()
    assert [(r.values, r.objectives) for r in second.sweep.results] == [(r.values, r.objectives) for r in whole]
    assert sweeps.find(ME, "cut")[0].done == 5


def test_what_cannot_be_saved_waits(store: RunStore, sweeps: SweepStore, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = True

    def opened() -> SweepStore:
        if gone:
            raise StoreError("The store in PostgreSQL cannot be reached.")
        return sweeps

    later: list[Callable[[], None]] = []
    processor = Processor(1)
    monkeypatch.setattr(processor, "record", lambda work, after=0.0: later.append(work))
    kept = KeptSweep(opened, ME, SPEC, processor=processor)
    kept.sweep.start()
    assert kept.sweep.wait(WAIT)
    later.pop(0)()
    assert (kept.unsaved.trials, kept.unsaved.reason) == (5, "The store in PostgreSQL cannot be reached.")
    assert kept.sweep.progress.status == "finished", "it went on"
    gone = False
    later.pop(0)()
    assert (kept.unsaved.trials, kept.unsaved.reason) == (0, "")
    assert sweeps.find(ME, kept.id)[0].status == "finished"
