"""The processor: who computes when, on which threads. `PROCESSOR` is the one that a whole process shares."""

from __future__ import annotations

from mlp_core.processor.background import BackgroundWork
from mlp_core.processor.processor import PROCESSOR, Processor
from mlp_core.processor.turns import Priority, Turn, Turns

__all__ = ["PROCESSOR", "BackgroundWork", "Priority", "Processor", "Turn", "Turns"]
