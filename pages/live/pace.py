"""How often pages are drawn and asked for: in turns, and the more seldom, the more runs share the processor.

Python draws one page at a time whatever the number of threads. Thirty that draw at once take the GIL from one another
at every message that they send, and all of them, and the server's own loop, are done at the very end.
"""

from __future__ import annotations

from mlp_core.processor import PROCESSOR, Turns

AT_ONCE = 2
"""Pages drawn at once: one that waits for something else must not keep all others waiting."""
CROWD = 4
"""So many in line show that the pages ask for more than Python can draw."""
DRAWING = Turns(AT_ONCE)
"""Hold a turn while drawing, and never while waiting for a session."""

PACES = (0.075, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two updates of a page, from when it is alone to when many share the machine."""
UPDATES_PER_CORE = 16
"""A second, of all pages together: what leaves a core with time for presses."""
HOLD_SECONDS = 2.0
"""Where nothing is new, an answer says so after so long: a page counts as looked at while it is asked for."""


def interval() -> float:
    """Seconds between two updates of a page: one of `PACES`, the more runs share the processor, the longer."""
    wanted = (PROCESSOR.turns.others() + 1) / (UPDATES_PER_CORE * PROCESSOR.cores)
    return next((pace for pace in PACES if pace >= wanted), PACES[-1])


def seconds_left(since: float, period: float) -> float:
    """Seconds until new numbers should be sent that are there now; 0 where the next ones would come too late.

    `since`: seconds since the page was sent the last ones; `period`: from one turn of the run to the next.
    """
    pace = interval()
    return 0.0 if since + period > pace else pace - since
