"""A browser's lease: its runs train on for as long as it holds."""

from __future__ import annotations

import math
import os
import time

LEASE_SECONDS = 150.0
"""How long runs train on without a sign of the browser. One with a hidden tab gives a sign every minute at least."""
LOST_LEASE_SECONDS = float(os.environ.get("MLP_LEASE_SECONDS", "30"))
"""How long they train on once the connection is known to be gone: a network that drops out comes back within this."""

STRAGGLER_SECONDS = 1.0
"""A sign that comes so soon after the connection was lost may be of what was under way then, and does not count."""


class Lease:
    """Belongs to a browser, whatever page it shows, and is shared by all its runs. Safe to use from any thread."""

    def __init__(self, seconds: float = LEASE_SECONDS) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._lost = -math.inf  # when the connection was lost

    def renew(self) -> None:
        """The browser has given a sign."""
        now = time.monotonic()
        if now - self._lost >= STRAGGLER_SECONDS:
            self._ends = now + self._seconds

    def lose(self) -> None:
        """The browser's connection is gone; unless it gives a sign, the lease ends after `LOST_LEASE_SECONDS`."""
        self._lost = time.monotonic()
        self._ends = min(self._ends, self._lost + LOST_LEASE_SECONDS)

    def regain(self) -> None:
        """The browser is there without doubt: it is connected again, or somebody has pressed something."""
        self._lost = -math.inf
        self.renew()

    @property
    def lost(self) -> float | None:
        """When the connection was lost (`time.monotonic`); None while the browser is there."""
        return None if self._lost == -math.inf else self._lost

    @property
    def holds(self) -> bool:
        """Whether runs may go on."""
        return time.monotonic() < self._ends
