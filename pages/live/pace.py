"""How often pages are drawn and asked for: in turns, and the more seldom, the more runs share the processor.

Python draws one page at a time whatever the number of threads. Thirty that draw at once take the GIL from one another
at every message that they send, and all of them, and the server's own loop, are done at the very end.
"""

from __future__ import annotations

import math
import time

from mlp_core.processor import PROCESSOR, Turns
from mlp_core.training.snapshot import Snapshot

AT_ONCE = 2
"""Pages drawn at once: one that waits for something else must not keep all others waiting."""
CROWD = 4
"""So many in line show that the pages ask for more than Python can draw."""
DRAWING = Turns(AT_ONCE)
"""Hold a turn while drawing, and never while waiting for a session."""

PACES = (0.09, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two updates of a page, from when it is alone to when many share the machine."""
UPDATES_PER_CORE = 16
"""A second, of all pages together: what leaves a core with time for presses."""
SOONEST, LATEST = 0.3, 1.5
"""An update is asked for when the next numbers are due, so many paces away."""
RETRY, RETRY_SECONDS = 0.05, 0.025
"""If they are not there yet, it is asked for again after so many paces or seconds, whichever is longer."""
MARGIN_SECONDS = 0.03
"""How long after numbers are due they may come."""


def interval() -> float:
    """Seconds between two updates of a page: one of `PACES`, the more runs share the processor, the longer."""
    wanted = (PROCESSOR.turns.others() + 1) / (UPDATES_PER_CORE * PROCESSOR.cores)
    return next((pace for pace in PACES if pace >= wanted), PACES[-1])


def seconds_to_next(snapshot: Snapshot, new: bool) -> float:
    """Seconds until a browser that has this snapshot should ask again; `new` if it did not have it before."""
    pace = interval()
    begun = snapshot.trains and not snapshot.period  # how long a turn takes to come round is not known yet
    if begun or not new:
        return min(pace, max(RETRY * pace, RETRY_SECONDS))
    if snapshot.period < SOONEST * pace:
        return pace  # there will be new ones at any time
    age = time.time() - snapshot.at
    periods = math.ceil((age + SOONEST * pace) / snapshot.period)
    return min(periods * snapshot.period - age + MARGIN_SECONDS, LATEST * pace)
