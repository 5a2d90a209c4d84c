"""Pages are drawn in turns: a few at once, in the order in which they were asked for.

Python draws one page at a time whatever the number of threads. Thirty that draw at once take the interpreter lock from
one another at every message that they send, and all of them, and the server's own loop, are done at the very end.
"""

from __future__ import annotations

from mlp_core.processor import Turns

AT_ONCE = 2
"""One that waits for something else must not keep all others waiting."""

CROWD = 4
"""So many in line show that the pages ask for more than Python can draw."""

DRAWING = Turns(AT_ONCE)
"""Hold a turn while drawing, and never while waiting for a session. Urgent is what a user waits for; ticks are not."""
