"""What was said to be saved survives the end of the process at any moment; `killed.py` does it 200 times by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_nothing_that_was_said_to_be_saved_is_missing_or_torn(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "tests/store/killed.py", url, str(KILLS)], cwd=ROOT, capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT)}, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["said"] >= KILLS
    assert (found["missing"], found["torn"]) == ([], [])
