"""A sweep is trained by one server at a time, and goes on with another one when that has ended in any way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from test_sweep_store import ME, SPEC, WAIT

from mlp_core.errors import SpecError
from mlp_core.processor import Processor
from mlp_core.store.keeper import RunKeeper, SaveQueue
from mlp_core.store.runs import RunStore
from mlp_core.store.sweeps import HOLD_SECONDS, SweepStore
from mlp_core.sweep import keeping
from mlp_core.sweep.keeping import KeptSweep, close_sweeps, reopened

ROOT = Path(__file__).resolve().parents[2]
KILLS = 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_a_sweep_whose_server_was_killed_ends_as_one_that_was_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'runs.sqlite'}"
    done = subprocess.run(
        [sys.executable, "tests/store/killed_sweep.py", url, str(KILLS)], cwd=ROOT, capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT)}, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["same"], found["status"], found["holder"]) == (True, "finished", "")
    assert found["done"][0] >= 1


def test_one_of_two_servers_trains_a_sweep_and_the_other_one_follows(store: RunStore) -> None:
    sweeps, queue = SweepStore(store.engine), SaveQueue(lambda: store, Processor(1))
    runs = RunKeeper(queue, ME)
    first = KeptSweep(lambda: sweeps, ME, SPEC, runs=runs, processor=Processor(1), holder="first")
    first.flush()
    second = reopened(lambda: sweeps, ME, first.id, runs=runs, processor=Processor(1), holder="second")
    first.start()
    assert 0 < sweeps.about(ME, first.id).held <= HOLD_SECONDS
    with pytest.raises(SpecError, match="trained by another server"):
        second.start()
    assert first.sweep.wait(WAIT)
    first.flush()
    now = sweeps.about(ME, first.id)
    assert (now.status, now.holder, now.held, now.done) == ("finished", "", 0, SPEC.trials)
    assert second.differs(now)
    with pytest.raises(SpecError, match="Press Resume again"):
        second.start()
    assert not sweeps.about(ME, first.id).held
    second = reopened(lambda: sweeps, ME, first.id, processor=Processor(1), holder="second")
    assert (second.sweep.progress.status, second.sweep.results) == ("finished", first.sweep.results)
    assert queue.flush(WAIT)
    assert store.count(ME) == SPEC.trials, "each trial was trained once"


def test_who_was_not_heard_of_for_too_long_trains_no_more(store: RunStore) -> None:
    sweeps = SweepStore(store.engine)
    first = KeptSweep(lambda: sweeps, ME, SPEC, processor=Processor(1), holder="first")
    first.flush()
    assert sweeps.hold(ME, first.id, "first")
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE sweeps SET held_until = 0"))
    second = reopened(lambda: sweeps, ME, first.id, processor=Processor(1), holder="second")
    second.start()
    first.sweep.start()  # it goes on, as where the store was gone for a while, and then hears of the other one
    first.flush()
    assert first.sweep.wait(WAIT)
    first.flush()
    assert second.sweep.wait(WAIT)
    second.flush()
    assert sweeps.about(ME, first.id).status == second.sweep.progress.status == "finished"
    first.save()
    first.flush()
    assert (sweeps.about(ME, first.id).status, sweeps.about(ME, first.id).done) == ("finished", SPEC.trials)


def test_a_sweep_that_is_deleted_elsewhere_is_not_kept_again(store: RunStore) -> None:
    sweeps = SweepStore(store.engine)
    first = KeptSweep(lambda: sweeps, ME, SPEC, processor=Processor(1))
    first.flush()
    sweeps.delete(ME, first.id)
    first.sweep.start()
    assert first.sweep.wait(WAIT)
    first._work()
    assert (first.sweep.progress.status in ("cancelled", "finished"), first.unsaved.trials) == (True, 0)
    assert sweeps.sweeps(ME) == []


def test_a_server_that_is_closed_leaves_its_sweep_to_others_at_once(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps = SweepStore(store.engine)
    first = KeptSweep(lambda: sweeps, ME, SPEC, processor=Processor(1), holder="first")
    first.flush()
    first.start()
    monkeypatch.setattr(keeping, "_KEPT", {first})
    close_sweeps(WAIT)
    stored = sweeps.about(ME, first.id)
    assert (stored.holder, stored.done) == ("", len(first.sweep.results))
    assert stored.status in ("paused", "finished")
    assert sweeps.hold(ME, first.id, "second")
    sweeps.release(ME, first.id, "second")
    again = reopened(lambda: sweeps, ME, first.id, processor=Processor(1))
    again.sweep.cancel()
    again.start()
    assert sweeps.about(ME, first.id).held == 0, "there is nothing to train"
