"""What every test gets."""

from __future__ import annotations

import os

# Before PyTorch is imported: small networks are slower on several threads, and sums come out in one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

settings.register_profile("mlp", deadline=None)  # a machine that does other work too is slow, not wrong
settings.load_profile("mlp")
