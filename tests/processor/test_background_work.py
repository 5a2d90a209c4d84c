"""Work in slices in the background: it goes on, can be called off, tells its errors, and leaves turns to others."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest

from mlp_core.processor import BackgroundWork, Processor, background

LIMIT = 180.0


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processor]:
    monkeypatch.setattr(background, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0.01)
    made = Processor(2)
    yield made
    assert made.close(LIMIT)


def counting(until: int) -> Generator[float, None, int]:
    for number in range(until):
        yield number / until
    return until


def test_several_come_to_their_ends_slice_by_slice(processor: Processor) -> None:
    tuned: list[int] = []
    works = [BackgroundWork(processor, lambda: counting(20), tune=lambda: tuned.append(1)) for _ in range(3)]
    for work in works:
        assert work.wait(LIMIT)
        assert (work.result, work.progress, work.error, work.running) == (20, 1.0, None, False)
    assert len(tuned) == 3 * 21


def test_it_goes_on_though_others_keep_all_turns_and_holds_none_at_its_end(processor: Processor) -> None:
    turns = [processor.turns.ask() for _ in range(2)]
    work = BackgroundWork(processor, lambda: counting(3))
    assert work.wait(LIMIT)
    assert work.result == 3
    for turn in turns:
        turn.end()
    assert all(processor.turns.ask().held for _ in range(2))


def test_it_can_be_called_off_and_then_closes_what_it_did(processor: Processor) -> None:
    closed, wanted = threading.Event(), True

    def endless() -> Generator[float, None, None]:
        try:
            while True:
                yield 0.5
        finally:
            closed.set()

    work = BackgroundWork(processor, endless)
    work.cancel()
    assert work.wait(LIMIT)
    assert (work.result, work.error, work.cancelled) == (None, None, True)
    closed.clear()
    unwanted = BackgroundWork(processor, endless, wanted=lambda: wanted)
    wanted = False
    assert unwanted.wait(LIMIT)
    assert unwanted.cancelled


def test_an_error_is_its_result(processor: Processor) -> None:
    def failing() -> Generator[float, None, None]:
        yield 0.1
        raise KeyError("lost")

    work = BackgroundWork(processor, failing)
    assert work.wait(LIMIT)
    assert isinstance(work.error, KeyError)
    assert not work.running
