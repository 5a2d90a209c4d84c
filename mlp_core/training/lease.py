"""A browser's lease: its runs train on for as long as it holds."""

from __future__ import annotations

import os
import time

LEASE_SECONDS = 150.0
"""How long runs train on without a sign of the browser. One with a hidden tab gives a sign every minute at least."""
LOST_LEASE_SECONDS = float(os.environ.get("MLP_LEASE_SECONDS", "30"))
"""How long they train on once the connection is known to be gone: a network that drops out comes back within this."""


class Lease:
    """Belongs to a browser, whatever page it shows, and is shared by all its runs. Safe to use from any thread."""

    def __init__(self, seconds: float = LEASE_SECONDS) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def renew(self) -> None:
        """The browser has given a sign."""
        self._ends = time.monotonic() + self._seconds

    def lose(self) -> None:
        """The browser's connection is gone; unless it gives a sign, the lease ends after `LOST_LEASE_SECONDS`."""
        self._ends = min(self._ends, time.monotonic() + LOST_LEASE_SECONDS)

    @property
    def holds(self) -> bool:
        """Whether runs may go on."""
        return time.monotonic() < self._ends
