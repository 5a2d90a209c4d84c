"""Turns: as many threads at work at once as there are cores, in three queues that wait for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class Priority(IntEnum):
    """Which queue a request waits in; the lower number goes first."""

    PRESSED = 0
    """What somebody has just pressed, and waits for."""
    WATCHED = 1
    """What somebody looks at."""
    BACKGROUND = 2
    """What runs while nobody looks, such as a sweep."""


class Turns:
    """A counting lock with three queues, each first come first served; a request in line can be called off.

    Background work never counts as somebody that others share the processor with: it gets what they leave.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._held = [0 for _ in Priority]
        self._members = [0 for _ in Priority]
        self._lock = threading.Lock()
        self._queues: tuple[deque[Turn], ...] = tuple(deque() for _ in Priority)

    @property
    def waiting(self) -> int:
        """How many wait for a turn now, background work left out."""
        return sum(len(self._queues[priority]) for priority in Priority if priority != Priority.BACKGROUND)

    @property
    def members(self) -> int:
        """How many want turns again and again, background work left out."""
        return self._members[Priority.PRESSED] + self._members[Priority.WATCHED]

    @property
    def held(self) -> int:
        """How many hold a turn, background work left out."""
        return self._held[Priority.PRESSED] + self._held[Priority.WATCHED]

    @property
    def idle(self) -> bool:
        """Whether nobody works, waits or is a member, background work left out."""
        return not (self.held or self.waiting or self.members)

    def others(self, *, background: bool = False) -> int:
        """How many work, wait or are members beside the one that asks; for `background` work, everybody counts."""
        beside = max(max(0, self.held - (not background)) + self.waiting, self.members - (not background))
        if not background:
            return beside
        rank = Priority.BACKGROUND
        return beside + max(max(0, self._held[rank] - 1) + len(self._queues[rank]), self._members[rank] - 1, 0)

    @contextmanager
    def member(self, priority: Priority = Priority.WATCHED) -> Iterator[None]:
        """Be one of those who want turns again and again, for the block: counted between two turns as well."""
        with self._lock:
            self._members[priority] += 1
        try:
            yield
        finally:
            with self._lock:
                self._members[priority] -= 1

    def ask(self, priority: Priority = Priority.WATCHED) -> Turn:
        """Join the queue. The turn is held at once where there is room and nobody waits; else `Turn.wait` for it."""
        turn = Turn(self, priority)
        with self._lock:
            if self._free and not any(self._queues):
                self._give(turn)
            else:
                self._queues[priority].append(turn)
        return turn

    @contextmanager
    def turn(self, priority: Priority = Priority.WATCHED) -> Iterator[None]:
        """Hold a turn for the block."""
        turn = self.ask(priority)
        turn.wait()
        try:
            yield
        finally:
            turn.end()

    def _give(self, turn: Turn) -> None:
        self._free -= 1
        self._held[turn.priority] += 1
        turn.held = True

    def _call_off(self, turn: Turn) -> None:
        with self._lock:
            queue = self._queues[turn.priority]
            if turn in queue:
                queue.remove(turn)
                turn.decided.set()

    def _end(self, turn: Turn) -> None:
        with self._lock:
            if not turn.held:
                return
            turn.held = False
            self._held[turn.priority] -= 1
            self._free += 1
            following = next((queue.popleft() for queue in self._queues if queue), None)
            if following is not None:
                self._give(following)  # under the same lock, so that nobody can slip in between
        if following is not None:
            following.decided.set()


class Turn:
    """One request for a turn."""

    def __init__(self, turns: Turns, priority: Priority) -> None:
        self._turns = turns
        self.priority = priority
        self.held = False
        self.decided = threading.Event()

    def wait(self) -> bool:
        """Wait behind those who came before; False if the request was called off."""
        if not self.held:
            self.decided.wait()
        return self.held

    def call_off(self) -> None:
        """Leave the queue, from any thread; a turn that has begun goes on."""
        self._turns._call_off(self)

    def end(self) -> None:
        """Give the turn to the next in line; nothing happens if it is not held."""
        self._turns._end(self)
