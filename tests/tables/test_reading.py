"""Uploaded tables: any bytes are a table or a named error, and values come back whatever the file's form."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlp_core import limits
from mlp_core.catalog.tables import MISSING, SEPARATORS
from mlp_core.data import DataCancelled, sniff
from mlp_core.data import cells as cells_module
from mlp_core.data.cells import blocks, numbers_of
from mlp_core.data.inspection import add_table, file_name, inspect, kind_of, propose
from mlp_core.data.sniff import Reading, find_layout
from mlp_core.data.waiting import ignore, never
from mlp_core.errors import DataError

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "uploads").glob("*"))


def add(content: bytes | str, folder: Path, name: str = "table.csv") -> Any:
    content = content.encode() if isinstance(content, str) else content
    return add_table(io.BytesIO(content), name, folder)[0]


REFUSED = {
    "nothing": (b"", "is empty"),
    "white space": (b" \r\n\n", "is empty"),
    "a header alone": (b"a,b\n", "no rows below it"),
    "one row": (b"a,b\n1,2\n", "1 rows, and at least 2"),
    "one column": (b"a\n1\n2\n", "has one column"),
    "a long name": (b"a," + b"x" * 300 + b"\n1,2\n3,4\n", "has a name of 300 characters; the limit is 200"),
    "a short row": (b"a,b\n1,2\n3\n4,5\n", "Row 3 of the table 'table.csv' has 1 cells, and there are 2 columns"),
    "a long row": (b"a,b\n1,2\n3,4,5\n", "has 3 cells, and there are 2 columns"),
    "a NUL byte": (b"a,b\n1,2\n3,\x004\n", "NUL byte in line 3"),
    "a workbook": (b"PK\x03\x04" + b"x" * 500, "Excel workbook"),
    "an image": (b"\x89PNG\r\n\x1a\n" + b"x" * 500, "a PNG image"),
    "random bytes": (bytes(range(256)) * 40, "NUL byte|not text"),
    "a broken Parquet file": (b"PAR1" + b"x" * 100, "not a sound Parquet file"),
    "a cell of 100 kB": (b"a,b\n1," + b"x" * 100_000 + b"\n2,3\n", "a cell of 100,000 bytes; the limit is 10,000"),
    "100,000 columns": (b",".join(b"c%d" % n for n in range(100_000)) + b"\n", "columns; the limit is 2,000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_table_is_refused_by_name_and_nothing_of_it_remains(name: str, tmp_path: Path) -> None:
    content, reason = REFUSED[name]
    with pytest.raises(DataError, match=reason) as caught:
        add(content, tmp_path)
    assert "\n" not in str(caught.value)
    assert kept(tmp_path) == []


def test_a_control_character_is_none_of_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a control character in line 2"):
        add(b"a,b\n1,\x012\n3,4\n", tmp_path)


@SAME_FOLDER
@given(st.binary(max_size=300) | st.text(st.sampled_from('ab1,;\t|."\n\r-eé \0'), max_size=80).map(str.encode))
def test_any_bytes_are_a_table_or_a_named_error(tmp_path: Path, content: bytes) -> None:
    try:
        inspection = add(content, tmp_path)
        propose(inspection)
    except DataError as error:
        assert len(str(error)) > 20 and "\n" not in str(error)  # noqa: PT017, PT018 - any other error fails the test


@SAME_FOLDER
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20),
    st.sampled_from(ENCODINGS), st.sampled_from(list(SEPARATORS)), st.sampled_from(".,"), st.booleans(),
)  # fmt: skip
def test_numbers_come_back_whatever_the_form_of_the_file(
    tmp_path: Path, numbers: list[float], encoding: str, separator: str, decimal: str, crlf: bool
) -> None:
    texts = [repr(number).replace(".", decimal) for number in numbers]
    rows = [["größe", "was"], *([text, "x"] for text in texts)]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="\r\n" if crlf else "\n").writerows(rows)
    path = tmp_path / "numbers.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    plain = encoding.removesuffix("-sig")
    layout = find_layout(path, "numbers.csv", Reading("csv", plain, separator, decimal, True))
    assert layout.names == ("größe", "was")
    found = [numbers_of(block["größe"], decimal) for block in blocks(path, "n", layout, ["größe"], ignore, never)]
    assert np.concatenate(found).tolist() == numbers


@SAME_FOLDER
@given(
    st.lists(
        st.tuples(st.integers(-10**6, 10**6), st.sampled_from(["rot", "grün", "naïve", "a b"])), min_size=3, max_size=9
    ),
    st.sampled_from(ENCODINGS), st.sampled_from([",", ";", "\t", "|"]),
)  # fmt: skip
def test_the_form_of_a_file_is_found(
    tmp_path: Path, rows: list[tuple[int, str]], encoding: str, separator: str
) -> None:
    decimal = "," if separator == ";" else "."
    lines = [["Maß", "Farbe"], *([f"{number / 4:.2f}".replace(".", decimal), colour] for number, colour in rows)]
    path = tmp_path / "found.csv"
    path.write_bytes("\n".join(separator.join(line) for line in lines).encode(encoding))
    found = inspect(path, "0" * 64, "found.csv")
    assert found.layout.names == ("Maß", "Farbe")
    assert found.layout.reading.separator == separator
    assert found.rows == len(rows)
    assert found.columns["Maß"].numbers == len(rows)
    assert found.columns["Maß"].low == min(number / 4 for number, _ in rows)
    assert dict(found.columns["Farbe"].texts) == {c: sum(c == o for _, o in rows) for _, c in rows}


@pytest.mark.parametrize("cell", ["2e06918610327a", "1e9999", "0x10", "1_000", "1.234,5", "+-1", "١٢", "infinity"])
def test_what_only_looks_like_a_number_is_text(cell: str, tmp_path: Path) -> None:
    found = add(f"a,b\n{cell!r},1\n{cell!r},2\n".replace("'", '"'), tmp_path)
    assert found.columns["a"].numbers == 0
    assert kind_of(found.columns["a"], found.rows) == "category"
    assert list(found.columns["a"].texts) == [cell]


@pytest.mark.parametrize("cell", ["1", "-1.5", "+2", ".5", "5.", "1e3", "1E-05", " 7 "])
def test_numbers_as_people_write_them(cell: str, tmp_path: Path) -> None:
    found = add(f"a,b\n{cell},1\n{cell},2\n", tmp_path)
    assert found.columns["a"].numbers == 2
    assert found.columns["a"].low == float(cell)


def test_missing_cells_infinite_ones_and_text_among_numbers_are_counted_and_named(tmp_path: Path) -> None:
    rows = "".join(f"{n}.5,{n % 2}\n" for n in range(40))
    found = add(f"size,y\n{rows}inf,0\nabc,1\n,0\nNA,1\n", tmp_path)
    summary = found.columns["size"]
    assert (summary.missing, summary.numbers) == (2, 40)
    assert summary.infinite == 1
    assert propose(found).features[0].kind == "number"


def test_dates_are_found_and_their_form_is_kept(tmp_path: Path) -> None:
    found = add("when;y\n01.02.2020;1\n13.02.2020;2\nNA;1\n", tmp_path)
    assert found.columns["when"].format == "%d.%m.%Y"
    column = propose(found).features[0]
    assert (column.kind, column.format) == ("date", "%d.%m.%Y")


def test_a_target_of_many_classes_or_one_is_refused(tmp_path: Path) -> None:
    found = add("a,name,one\n" + "".join(f"{n % 7},name{n},x\n" for n in range(limits.MAX_CLASSES + 5)), tmp_path)
    with pytest.raises(DataError, match="'name' has 1,005 classes; the limit is 1,000"):
        propose(found, "name")
    with pytest.raises(DataError, match="'one' has one class, 'x'"):
        propose(found, "one")
    with pytest.raises(DataError, match=r"no column 'nothing'. Its columns are: 'a', 'name', 'one'"):
        propose(found, "nothing")
    assert [column.name for column in propose(found, "a").features] == ["one"]  # 'name' tells every row apart


def test_limits_are_looked_at_before_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniff, "MAX_TABLE_ROWS", 5)
    monkeypatch.setattr(cells_module, "blocks", None)
    with pytest.raises(DataError, match="lines; the limit is 6"):
        add("a,b\n" + "1,2\n" * 100, tmp_path)
    assert kept(tmp_path) == []


def test_more_rows_than_lines_are_refused_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells_module, "MAX_TABLE_ROWS", 5)
    with pytest.raises(DataError, match="more than 5 rows"):
        add("a,b\n" + "1,2\n" * 100, tmp_path)


def test_reading_stops_when_asked_to_and_nothing_remains(tmp_path: Path) -> None:
    content = io.BytesIO(b"a,b\n" + b"1,2\n" * 1000)
    with pytest.raises(DataCancelled):
        add_table(content, "t.csv", tmp_path, cancelled=lambda: True)
    assert kept(tmp_path) == []


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({
        "number": [1.5, math.nan, 3.25], "whole": [1, 2, 3], "text": ["a", None, "b"],
        "when": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]), "flag": [True, False, True],
    })  # fmt: skip
    out = io.BytesIO()
    frame.to_parquet(out)
    found = add(out.getvalue(), tmp_path, "t.parquet")
    assert found.layout.reading.format == "parquet"
    kinds = {name: kind_of(summary, found.rows) for name, summary in found.columns.items()}
    assert kinds == {"number": "number", "whole": "number", "text": "category", "when": "date", "flag": "category"}
    assert found.columns["number"].missing == found.columns["text"].missing == 1


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [("../../etc/passwd", "passwd"), ("C:\\data\\x.csv", "x.csv"), ("", "table"), ("a\n\u202eb.csv", "a__b.csv")],
)
def test_a_file_is_called_by_the_last_part_of_its_name(given_name: str, shown: str) -> None:
    assert file_name(given_name) == shown
    assert len(file_name("x" * 500 + ".csv")) <= limits.MAX_NAME


def test_missing_cells_are_stated_once() -> None:
    assert "" in MISSING
    assert not {"0", "no", "none "} & set(MISSING)
