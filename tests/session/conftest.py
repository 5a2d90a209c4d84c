"""A session for one test, whose thread has ended after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import LIMIT

from mlp_core.training.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path)
    yield made
    assert made.close(LIMIT), "the thread has ended"
