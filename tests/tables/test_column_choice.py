"""Many columns chosen at once by their names, as text and on the Data page's buttons."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_core.catalog.tables import Table
from mlp_core.data.column_choice import choose_columns, match_columns
from mlp_core.data.inspection import Inspection, add_table, propose
from mlp_core.errors import DataError

NAMES = ("age", "f1", "f2", "f10", "a:b", "x_mean", "Y_mean", "with, comma")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", NAMES),
        ("  ", NAMES),
        ("age", ("age",)),
        ("f10,age", ("age", "f10")),
        ("f1:f10", ("f1", "f2", "f10")),
        ("f10 : f1", ("f1", "f2", "f10")),
        ("f1", ("f1",)),
        ("f", ("f1", "f2", "f10")),
        ("F?", ("f1", "f2")),
        ("*_MEAN", ("x_mean", "Y_mean")),
        ("a:b", ("a:b",)),
        ("f2:a:b", ("f2", "f10", "a:b")),
        ("with, comma", ("with, comma",)),
        ("mean, ,age", ("age", "x_mean", "Y_mean")),
    ],
)
def test_what_a_text_means(wanted: str, found: tuple[str, ...]) -> None:
    assert match_columns(NAMES, wanted) == found


@pytest.mark.parametrize("wanted", ["nothing", "age, z*", "f1:nowhere", "[x]*"])
def test_a_part_that_no_column_has_is_named(wanted: str) -> None:
    with pytest.raises(DataError, match="No column matches"):
        match_columns(NAMES, wanted)


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=8, unique=True), st.text(max_size=8))
def test_any_text_means_some_columns_or_is_refused(names: list[str], wanted: str) -> None:
    try:
        found = match_columns(names, wanted)
    except DataError:
        return
    assert [name for name in names if name in found] == list(found)
    for name in names:
        if name.strip() == name and "," not in name:
            assert name in match_columns(names, name)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Inspection]:
    folder = tmp_path_factory.mktemp("wide")
    names = [*(f"f{place}" for place in range(30)), "empty", "colour", "y"]
    rows = [
        [*(f"{n * place}" for place in range(1, 31)), "", ["blue", "red"][n % 2], "ab"[n % 2]] for n in range(20)
    ]
    path = Path(folder, "wide.csv")
    path.write_text("\n".join(",".join(row) for row in [names, *rows]))
    with path.open("rb") as file:
        inspection, _ = add_table(file, path.name, folder)
    return propose(inspection), inspection


def test_columns_are_used_alone_added_and_left_out(wide: tuple[Table, Inspection]) -> None:
    table, inspection = wide
    assert len(table.features) == 31
    few = choose_columns(table, inspection, "f3:f5, colour", "only")
    assert [column.name for column in few.features] == ["f3", "f4", "f5", "colour"]
    assert few.features[-1] == next(column for column in table.features if column.name == "colour")
    more = choose_columns(few, inspection, "f1", "add")
    assert [column.name for column in more.features] == ["f1", "f3", "f4", "f5", "colour"]
    fewer = choose_columns(more, inspection, "f?", "leave out")
    assert [column.name for column in fewer.features] == ["colour"]
    assert choose_columns(fewer, inspection, "", "add").features == table.features


@pytest.mark.parametrize(("wanted", "choice"), [("empty", "only"), ("", "leave out")])
def test_one_column_is_left_at_least(wide: tuple[Table, Inspection], wanted: str, choice: str) -> None:
    with pytest.raises(DataError, match="one column at least"):
        choose_columns(*wide, wanted, choice)  # type: ignore[arg-type]
