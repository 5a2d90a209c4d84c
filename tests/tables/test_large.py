"""Large tables: read one after the other, told and stopped at every step, and in a bounded multiple of their bytes."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlp_core import data
from mlp_core.data import DataCancelled, Progress, cells, inspection, reading, uploaded, uploads
from mlp_core.data import cache as cache_module
from mlp_core.data.inspection import Inspection, add_table, propose
from mlp_core.data.overview import shared_samples
from mlp_core.data.reading import is_large, reading_turn
from mlp_core.data.sniff import find_layout
from mlp_core.data.waiting import ignore, never
from mlp_core.processor import Turns
from mlp_core.spec import DataSpec

LIMIT = 30.0
ROWS = 2_000


def table_bytes(rows: int = ROWS) -> bytes:
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(rows, 3))
    lines = [f"{a:.6f},{b:.6f},{c:.6f},{'rgb'[n % 3]},{'yn'[n % 2]}" for n, (a, b, c) in enumerate(numbers)]
    return ("a,b,c,colour,label\n" + "\n".join(lines) + "\n").encode()


@pytest.fixture
def blocks_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small table is read as a large one: in many blocks, and in its turn."""
    monkeypatch.setattr(cells, "BLOCK_BYTES", 8_192)
    monkeypatch.setattr(uploaded, "CELLS_AT_ONCE", 1_000)
    for module in (reading, uploaded):
        monkeypatch.setattr(module, "SMALL_BYTES", 1_000)


def stop_after(calls: int) -> Callable[[], bool]:
    asked = iter(range(10**9))
    return lambda: next(asked) >= calls


@pytest.mark.usefixtures("blocks_are_small")
def test_progress_is_true_and_every_step_can_be_stopped(tmp_path: Path) -> None:
    content, said = table_bytes(), list[Progress]()
    asked = iter(range(10**9))

    def never_but_counted() -> bool:
        next(asked)
        return False

    found, _ = add_table(io.BytesIO(content), "t.csv", tmp_path, None, said.append, never_but_counted)
    shares = [p.done_bytes / p.total_bytes for p in said if p.what.startswith("Reading") and p.total_bytes]
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert shares[0] < 0.3  # a file that is read ahead is not there yet
    assert shares[-1] > 0.95
    questions = next(asked)
    for calls in (0, 1, 2, questions // 2, questions - 1):
        with pytest.raises(DataCancelled):
            add_table(io.BytesIO(content + b"1,2,3,r,y\n"), "other.csv", tmp_path, None, ignore, stop_after(calls))
    assert [path.name for path in (tmp_path / "uploads").iterdir()] == [found.sha256]


@pytest.mark.usefixtures("blocks_are_small")
def test_loading_tells_and_can_be_stopped_until_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_cache", cache_module.Cache())
    found, _ = add_table(io.BytesIO(table_bytes()), "t.csv", tmp_path)
    spec = DataSpec(dataset="table", params={"table": propose(found).values()})
    assert is_large(spec)
    assert not is_large(DataSpec(dataset="spiral"))
    said: list[Progress] = []
    whole = data.load(spec, tmp_path, progress=said.append)
    preparing = [p.done_bytes for p in said if p.what == "Preparing t.csv"]
    assert preparing == sorted(preparing)
    assert said[-1].done_bytes == said[-1].total_bytes
    questions = len(said)
    for calls in (0, questions // 3, questions - 2):
        monkeypatch.setattr(data, "_cache", cache_module.Cache())
        with pytest.raises(DataCancelled):
            data.load(spec, tmp_path, cancelled=stop_after(calls))
    monkeypatch.setattr(data, "_cache", cache_module.Cache())
    again = data.load(spec, tmp_path)
    assert (again.x_train == whole.x_train).all()


def test_large_files_wait_for_one_another_and_small_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class Alone:
        readings = Turns(1)

    monkeypatch.setattr(reading, "PROCESSOR", Alone)
    large, waits, over, order = reading.SMALL_BYTES + 1, threading.Event(), threading.Event(), list[str]()

    def second() -> None:
        with reading_turn("second", large, lambda news: waits.set(), never):
            order.append("second")
        over.set()

    with reading_turn("first", large, ignore, never):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(LIMIT)
        with reading_turn("small", 10, ignore, never):
            order.append("small")
        with pytest.raises(DataCancelled, match="Waiting to read 'third'"), reading_turn(
            "third", large, ignore, lambda: True
        ):
            pytest.fail("it was given up while it waited")
        order.append("first")
    assert over.wait(LIMIT)
    thread.join(LIMIT)
    assert order == ["small", "first", "second"]
    assert Alone.readings.ask().held  # nobody holds on to a turn


def test_a_wide_table_keeps_no_more_texts_than_a_narrow_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(inspection, "COUNTED_IN_ALL", 4_000)
    columns = 4
    rows = [",".join(f"c{column}-{row}" for column in range(columns)) for row in range(1_100)]
    found: Inspection = add_table(io.BytesIO(("a,b,c,d\n" + "\n".join(rows)).encode()), "wide.csv", tmp_path)[0]
    assert all(column.many and not column.texts for column in found.columns.values())


def test_a_source_is_let_go_before_the_file_is_looked_through(tmp_path: Path) -> None:
    order: list[str] = []
    uploads.add(
        io.BytesIO(b"anything"), "t.csv", tmp_path, lambda path, sha256: order.append("check"),
        copied=lambda: order.append("copied"),
    )  # fmt: skip
    assert order == ["copied", "check"]


def test_nothing_remains_of_a_killed_process(tmp_path: Path) -> None:
    code = """
import io, os, sys
from pathlib import Path
from mlp_core.data.inspection import add_table
add_table(io.BytesIO(b"a,b\\n1,2\\n3,4\\n"), "t.csv", Path(sys.argv[1]), copied=lambda: os._exit(9))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == 9
    assert len(list((tmp_path / "uploads").iterdir())) == 1
    found, _ = add_table(io.BytesIO(b"a,b\n1,2\n3,5\n"), "t.csv", tmp_path)
    assert [path.name for path in (tmp_path / "uploads").iterdir()] == [found.sha256]


def test_a_control_character_in_utf_16_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\n1,ā\n3,\x024\n".encode("utf-16"))
    with pytest.raises(data.errors.DataError, match="a control character in line 3"):
        find_layout(path, "t.csv")


def test_doubles_are_counted_as_a_set_would_find_them(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    rows = "\n".join(f"{a},{b},{'yn'[a % 2]}" for a, b in generator.integers(0, 12, (200, 2)))
    found, _ = add_table(io.BytesIO(("a,b,label\n" + rows).encode()), "t.csv", tmp_path)
    loaded = data.load(DataSpec(dataset="table", params={"table": propose(found).values()}), tmp_path)
    seen = {row.tobytes() for row in loaded.x_train}
    assert shared_samples(loaded) == sum(row.tobytes() in seen for row in loaded.x_test) > 0
