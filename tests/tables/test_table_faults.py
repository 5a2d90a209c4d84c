"""What is amiss with a table is named with column and count, and every way to put it right does so."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlp_core import data, limits
from mlp_core.catalog.tables import Table
from mlp_core.data import inspection as inspection_module
from mlp_core.data.faults import Fault, find_faults, target_fixes, without_drops
from mlp_core.data.inspection import Inspection, add_table, propose, with_kind
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def inspected(rows: list[str], folder: Path) -> Inspection:
    return add_table(io.BytesIO("\n".join(rows).encode()), "t.csv", folder)[0]


def loaded(table: Table, folder: Path, **fields: float) -> data.Dataset:
    return data.load(DataSpec(dataset="table", params={"table": table.values()}, **fields), folder)  # type: ignore[arg-type]


def fault(found: tuple[Fault, ...], words: str) -> Fault:
    return next(fault for fault in found if words in fault.message)


def fixed(found: Fault, label: str) -> Table:
    return next(fix.table for fix in found.fixes if fix.label == label)


def messy(folder: Path) -> tuple[Inspection, Table]:
    """Forty rows with everything that a table of real life has."""
    rows = ["number,size,full,one,when,city,name,y"]
    for n in range(40):
        size = {3: "abc", 5: "inf", 7: "1e999", 9: ""}.get(n, f"{n}.5")
        when = "soon" if n == 2 else f"2020-01-{n % 28 + 1:02d}"
        rows.append(f"{n + 1},{size},{n % 7},1,{when},{'' if n % 10 == 0 else 'xy'[n % 2]},n{n}," +
                    ("rare" if n == 20 else "" if n == 21 else "ab"[n % 2]))  # fmt: skip
    extra = [f"{n + 1},{n}.5,{n % 7},1,2020-02-01,x,n{n},a" for n in range(40, 120)]
    inspection = inspected([*rows, *extra], folder)
    return inspection, propose(inspection)


def test_column_and_count_are_named_and_what_stands_for_bad_cells(tmp_path: Path) -> None:
    inspection, table = messy(tmp_path)
    found = find_faults(inspection, table)
    assert [fault.message for fault in found] == [
        "Column 'size': 1 cell is text and 2 cells are infinite (the first is 'abc' in row 4). They count as missing: "
        "the mean stands for them.",
        "Column 'when': 1 cell is no date (the first is 'soon' in row 3). They count as missing: the mean stands for "
        "them.",
        "4 cells are missing in column 'city'. What stands for one is learned from the training part: the most "
        "frequent value of a category.",
        "Column 'one' has one value throughout: constant columns carry no information.",
        "Column 'number' seems to count the rows, which says nothing about new ones.",
        "Class 'rare' of 'y' has a single row, and 2 are needed for one in each part. A test cannot say how well such "
        "a class is learned.",
        "1 row has no value of the target 'y' and is left out.",
        "Column 'name' is ignored, as nearly every row has a text of its own.",
    ]
    assert [fault.decided for fault in found] == [False] * 6 + [True] * 2


def test_one_press_puts_each_right(tmp_path: Path) -> None:
    inspection, table = messy(tmp_path)
    for _ in range(6):
        waiting = [fault for fault in find_faults(inspection, table) if not fault.decided]
        assert waiting[0].fixes
        table = waiting[0].fixes[0].table
    assert not [fault for fault in find_faults(inspection, table) if not fault.decided]
    assert [column.name for column in table.features] == ["size", "full", "when", "city"]
    assert table.classes == ("a", "b")
    dataset = loaded(table, tmp_path)
    assert dataset.train_size + dataset.test_size == 118
    left_out = fault(find_faults(inspection, table), "left out for the class: 'rare'")
    assert fixed(left_out, "Take all classes").classes == ("a", "b", "rare")


def test_cells_that_are_no_numbers_have_four_remedies(tmp_path: Path) -> None:
    inspection, table = messy(tmp_path)
    size = fault(find_faults(inspection, table), "Column 'size'")
    assert [fix.label for fix in size.fixes] == [
        "Fill with the mean", "Fill with the median", "Leave the rows out", "Ignore the column",
    ]  # fmt: skip
    dropped = fixed(size, "Leave the rows out")
    dataset = loaded(dropped, tmp_path)
    assert dataset.train_size + dataset.test_size == 120 - 1 - 4
    assert without_drops(dropped) == table
    assert "size" not in [column.name for column in fixed(size, "Ignore the column").features]
    small = inspected(["grade,y", *(["1,a", "2,b"] * 30), "A,a", "B,b"], tmp_path)
    grade = fault(find_faults(small, propose(small)), "'grade': 2 cells are text")
    assert fixed(grade, "Take it as a category").features[0].categories == ("1", "2", "A", "B")


def test_a_class_needs_a_row_for_each_part(tmp_path: Path) -> None:
    inspection = inspected(["x,y", *(f"{n * n},{'ab'[n % 2]}" for n in range(30)), "5,c", "7,c"], tmp_path)
    table = propose(inspection)
    assert find_faults(inspection, table) == ()
    rare = fault(find_faults(inspection, table, validated=True), "Class 'c' of 'y' has 2 rows, and 3 are needed")
    dataset = loaded(fixed(rare, "Leave its rows out"), tmp_path, validation_fraction=0.2)
    assert dataset.unvalidated_classes == ()
    assert dataset.facts.class_names == ("a", "b")


def test_a_target_that_cannot_be_learned_is_replaced_or_has_other_ways(tmp_path: Path) -> None:
    rows = [f"{n / 3},{'ab'[n % 2]},{n},x" for n in range(limits.MAX_CLASSES + 5)]
    inspection = inspected(["x,y,id,one", *rows], tmp_path)
    table = propose(inspection)
    assert (table.target, table.task) == ("id", "regression")
    said = fault(find_faults(inspection, table), "one class")
    assert said.message == "The target 'one' has one class, 'x', so that 'id' is predicted instead."
    with pytest.raises(DataError, match="1,005 classes"):
        propose(inspection, "id", "classification")
    fixes = target_fixes(inspection, table, "id", "classification")
    assert [(fix.label, fix.table.target, fix.table.task) for fix in fixes] == [
        ("Predict 'id' as a number", "id", "regression"), ("Predict 'y' instead", "y", "classification"),
    ]  # fmt: skip
    assert [fix.label for fix in target_fixes(inspection, table, "one")] == ["Predict 'id' instead"]


def test_more_classes_than_are_told_apart_are_counted_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection_module, "COUNTED", 50)
    monkeypatch.setattr(inspection_module, "MAX_CLASSES", 50)  # a target may have so many
    inspection = inspected(["x,y", *(f"{n % 9},name{n}" for n in range(200))], tmp_path)
    assert not inspection.columns["y"].texts
    with pytest.raises(DataError, match="'y' has more than 50 classes; the limit is 50"):
        propose(inspection, "y")
    with pytest.raises(DataError, match=r"no column to learn .* from"):
        propose(inspection)


def test_a_regression_with_text_in_its_target_offers_its_class(tmp_path: Path) -> None:
    inspection = inspected(["x,y", *(f"{n},{n}.5" for n in range(40)), "1,many", "2,"], tmp_path)
    table = propose(inspection)
    found = find_faults(inspection, table)
    said = fault(found, "The target 'y' is no finite number in 1 row (the first is 'many' in row 41), left out")
    assert [fix.label for fix in said.fixes] == ["Predict it as a class", "Predict 'x' instead"]
    assert fixed(said, "Predict it as a class").task == "classification"
    assert fault(found, "1 row has no value of the target 'y'").fixes


@SAME_FOLDER
@given(
    st.lists(
        st.tuples(*[st.sampled_from(["", "1", "2", "2.5", "inf", "x", "2020-01-01", "NA", "<b>"]) for _ in range(3)]),
        min_size=2, max_size=12,
    ),
    st.booleans(),
)  # fmt: skip
def test_every_fix_gives_a_table_that_can_be_described_and_loaded(
    tmp_path: Path, rows: list[tuple[str, ...]], validated: bool
) -> None:
    inspection = inspected(["a,b,y", *map(",".join, rows)], tmp_path)
    try:
        table = propose(inspection)
    except DataError:
        return
    for found in find_faults(inspection, table, validated):
        assert "\n" not in found.message
        for fix in found.fixes:
            assert fix.table != table or fix.label == "Keep them filled"
            try:
                loaded(fix.table, tmp_path)
            except DataError as error:
                assert "\n" not in str(error)  # noqa: PT017 - too few rows are left, which is said


def test_an_ignored_column_is_not_taken_for_a_fault(tmp_path: Path) -> None:
    inspection = inspected(["a,b,y", *(f"{n % 5},{n % 3}.5,{'ab'[n % 2]}" for n in range(20))], tmp_path)
    table = with_kind(propose(inspection), inspection, "a", "ignored")
    assert find_faults(inspection, table) == ()
