"""Turns: as many sessions at work at once as there are processor cores, waiting ones in order of arrival."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """A counting lock, first come first served, the urgent before the others; whoever waits can be called off."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._members = 0
        self._lock = threading.Lock()
        self._urgent: deque[Turn] = deque()
        self._line: deque[Turn] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a turn now."""
        return len(self._urgent) + len(self._line)

    @property
    def others(self) -> int:
        """How many work, wait or are members beside one that works."""
        return max(max(0, self._size - self._free - 1) + self.waiting, self._members - 1)

    @property
    def members(self) -> int:
        """How many want turns again and again."""
        return self._members

    @contextmanager
    def member(self) -> Iterator[None]:
        """Be one of those who want turns again and again, for the block: counted between two turns as well."""
        with self._lock:
            self._members += 1
        try:
            yield
        finally:
            with self._lock:
                self._members -= 1

    def ask(self, *, urgent: bool = False) -> Turn:
        """Join the line. The turn is held at once where there is room and nobody waits; else `Turn.wait` for it."""
        turn = Turn(self)
        with self._lock:
            if self._free and not self.waiting:
                self._free -= 1
                turn.held = True
            else:
                (self._urgent if urgent else self._line).append(turn)
        return turn

    @contextmanager
    def turn(self, *, urgent: bool = False) -> Iterator[bool]:
        """Hold a slot for the block; gives whether nobody else holds or awaits one."""
        turn = self.ask(urgent=urgent)
        turn.wait()
        try:
            yield not self.others
        finally:
            turn.end()

    def _call_off(self, turn: Turn) -> None:
        with self._lock:
            for line in (self._urgent, self._line):
                if turn in line:
                    line.remove(turn)
                    turn.decided.set()

    def _end(self, turn: Turn) -> None:
        with self._lock:
            if not turn.held:
                return
            turn.held = False
            line = self._urgent or self._line
            following = line.popleft() if line else None
            if following is None:
                self._free += 1
            else:
                following.held = True  # handed over, so that nobody can slip in between
        if following is not None:
            following.decided.set()


class Turn:
    """One request for a slot."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.held = False
        self.decided = threading.Event()

    def wait(self) -> bool:
        """Wait behind those who came before; False if the request was called off."""
        if not self.held:
            self.decided.wait()
        return self.held

    def call_off(self) -> None:
        """Leave the line, from any thread; a turn that has begun goes on."""
        self._slots._call_off(self)

    def end(self) -> None:
        """Give the slot to the next in line; nothing happens if it is not held."""
        self._slots._end(self)


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


SLOTS = Slots(cores())
"""The process's slots, shared by all sessions."""
