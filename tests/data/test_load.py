"""One load for many sessions, bounded memory, and no heavy import on the way to the first page."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import numpy as np
import pytest

from mlp_core import data
from mlp_core.data import DataCancelled, Dataset, Progress, load
from mlp_core.data.cache import Cache
from mlp_core.data.dataset import read_only
from mlp_core.data.waiting import Report, SingleFlight
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec

ROOT = Path(__file__).parents[2]
SPIRAL = DataSpec(dataset="spiral")


def small(size: int) -> Dataset:
    x, y = np.zeros((size, 1), np.uint8), np.zeros(0, np.int64)
    return Dataset(spec=SPIRAL, x_train=x, y_train=y, x_test=x[:0], y_test=y)


def test_generated_sets_import_nothing_heavy() -> None:
    script = (
        "import sys; from mlp_core.data import load, is_present; from mlp_core.spec import DataSpec\n"
        "load(DataSpec(dataset='spiral')); load(DataSpec(dataset='bumps')); is_present(DataSpec(dataset='MNIST'))\n"
        "print([name for name in ('torch', 'torchvision', 'sklearn', 'scipy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_same_spec_same_object() -> None:
    first = load(SPIRAL)
    assert load(DataSpec(dataset="spiral")) is first
    params = dict(reversed(list(SPIRAL.params.items())))
    assert load(DataSpec(dataset="spiral", params=params)) is first
    for other in ({"seed": 1}, {"test_fraction": 0.2}, {"params": {"noise": 0.2}}, {"dataset": "xor"}):
        assert load(SPIRAL.updated(**{"params": {}, **other})) is not first


def test_arrays_are_closed_for_writing() -> None:
    dataset = load(SPIRAL)
    for array in (dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test, dataset.points_train):
        assert array is not None
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert read_only(np.zeros((3, 4)).T).flags.c_contiguous


def test_thirty_sessions_load_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, start = [], Barrier(30)

    def slow(spec: DataSpec) -> Dataset:
        calls.append(spec)
        return small(1)

    monkeypatch.setitem(data._MAKERS, "generated", slow)

    def ask(_: int) -> Dataset:
        start.wait(60)
        return load(SPIRAL)

    with ThreadPoolExecutor(30) as pool:
        found = set(map(id, pool.map(ask, range(30))))
    assert len(found) == 1
    assert len(calls) == 1


def test_cache_drops_the_longest_unused() -> None:
    cache = Cache(max_bytes=250)
    for name in "ab":
        cache.get(name, lambda report: small(100))
    assert cache.peek("a") is not None
    cache.get("c", lambda report: small(100))
    assert [name for name in "abc" if cache.peek(name)] == ["a", "c"]
    assert cache.nbytes == 200
    cache.get("huge", lambda report: small(1000))
    assert [name for name in "abc" if cache.peek(name)] == []
    assert cache.peek("huge") is not None


def test_failed_load_is_tried_again() -> None:
    cache = Cache()

    def fail(report: Report) -> Dataset:
        raise DataError("no")

    with pytest.raises(DataError):
        cache.get("a", fail)
    assert cache.get("a", lambda report: small(1)).train_size == 1


class Race:
    """One thread at work in a `SingleFlight`, held there until a second one is seen waiting."""

    def __init__(self) -> None:
        self.flights = SingleFlight()
        self.working, self.waiting, self.calls = Event(), Event(), 0

    def work(self, report: Report) -> int:
        self.calls += 1
        if self.calls > 1:
            return 2
        report(Progress("half", 5, 10))
        self.working.set()
        assert self.waiting.wait(60)
        return self.first()

    def first(self) -> int:
        return 1

    def seen(self) -> bool:
        """The follower's `cancelled`, asked only while it waits."""
        self.waiting.set()
        return False


@pytest.mark.parametrize("_", range(5))
def test_second_thread_gets_the_result_and_the_progress_of_the_first(_: int) -> None:
    race, told = Race(), []

    def told_then_seen(progress: Progress) -> None:
        told.append(progress)
        race.waiting.set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(race.flights.run, "key", race.work)
        assert race.working.wait(60)
        second = pool.submit(race.flights.run, "key", race.work, told_then_seen)
        assert (first.result(60), second.result(60)) == (1, 1)
    assert race.calls == 1
    assert told == [Progress("half", 5, 10)]


@pytest.mark.parametrize(
    ("fault", "second_result"),
    [(DataError("host is down"), None), (DataCancelled("stopped"), 2), (KeyError("bug"), 2), (SystemExit(), 2)],
)
def test_second_thread_shares_an_answer_but_takes_over_from_a_broken_one(
    fault: BaseException, second_result: int | None
) -> None:
    race = Race()

    def first() -> int:
        raise fault

    race.first = first  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(race.flights.run, "key", race.work)
        assert race.working.wait(60)
        follower = pool.submit(race.flights.run, "key", race.work, cancelled=race.seen)
        with pytest.raises(type(fault)):
            leader.result(60)
        if second_result is None:
            with pytest.raises(DataError, match="host is down"):
                follower.result(60)
            assert race.calls == 1
        else:
            assert follower.result(60) == second_result
    assert not race.flights._flights


def test_waiting_can_be_cancelled() -> None:
    race = Race()
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(race.flights.run, "key", race.work)
        assert race.working.wait(60)
        with pytest.raises(DataCancelled):
            race.flights.run("key", race.work, cancelled=lambda: True)
        race.waiting.set()
        assert leader.result(60) == 1
