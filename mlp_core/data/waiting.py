"""Work that many sessions ask for at once and one of them does, while the others watch and may leave."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, TypeVar

from mlp_core.data.errors import DataCancelled
from mlp_core.errors import UserError

ResultT = TypeVar("ResultT")

POLL_SECONDS = 0.05
"""Between two looks at whether somebody who waits has given it up."""


@dataclass(frozen=True)
class Progress:
    """How far a download or a load is."""

    what: str
    """What is being fetched or read."""
    done_bytes: int = 0
    """How much of it is there."""
    total_bytes: int | None = None
    """How much there is in all; None where nobody knows."""


Report = Callable[[Progress], None]
Cancelled = Callable[[], bool]


def never() -> bool:
    """The `cancelled` of a caller who waits to the end."""
    return False


def ignore(progress: Progress) -> None:
    """The `progress` of a caller who does not look."""


@dataclass
class _Flight:
    done: Event = field(default_factory=Event)
    progress: Progress | None = None
    finished: bool = False
    result: Any = None
    error: UserError | None = None


class SingleFlight:
    """Runs the work of a key once, however many threads ask for it while it is under way."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flights: dict[Hashable, _Flight] = {}

    def run(
        self,
        key: Hashable,
        work: Callable[[Report], ResultT],
        progress: Report = ignore,
        cancelled: Cancelled = never,
    ) -> ResultT:
        """The result of `work`, done here or by the thread that came first.

        `work` gets a function to report progress with, which all waiting threads see. A `UserError` reaches
        every waiting thread; if the first thread was stopped or broke down otherwise, the next one takes
        over. Raises `DataCancelled` when `cancelled()` says so while waiting.
        """
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    own = self._flights[key] = _Flight()
                    break
            _wait(flight, progress, cancelled)
            if flight.finished:
                return flight.result  # type: ignore[no-any-return]
            if flight.error is not None:
                # A copy, because threads that raise one object write into each other's traceback.
                raise type(flight.error)(*flight.error.args)
        return self._lead(key, own, work, progress)

    def _lead(self, key: Hashable, flight: _Flight, work: Callable[[Report], ResultT], progress: Report) -> ResultT:
        def report(news: Progress) -> None:
            flight.progress = news
            progress(news)

        try:
            flight.result = result = work(report)
            flight.finished = True
        except DataCancelled:
            raise  # the wish of one user, so not an answer for the others
        except UserError as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                del self._flights[key]
            flight.done.set()
        return result


def _wait(flight: _Flight, progress: Report, cancelled: Cancelled) -> None:
    seen = None
    while not flight.done.wait(POLL_SECONDS):
        if cancelled():
            raise DataCancelled("The wait for the data was stopped. Start it again when you like.")
        if flight.progress is not seen and flight.progress is not None:
            seen = flight.progress
            progress(seen)
