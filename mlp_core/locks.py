"""Locks on what a whole process shares."""

from __future__ import annotations

import threading

TRACING = threading.Lock()
"""Held while PyTorch records a graph: tracers patch state of the whole process, so only one thread may trace."""
