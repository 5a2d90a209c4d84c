"""Blank and repeated names of columns: each column gets a name of its own, the same in a run, a script and a bundle."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_training import spec_of

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))

from exported import printed, recorded

from mlp_core import data, predict
from mlp_core.__main__ import main
from mlp_core.catalog.tables import table_of
from mlp_core.data.inspection import add_table
from mlp_core.data.names import renamings, unique_names
from mlp_core.errors import DataError
from mlp_core.export import script
from mlp_core.export.preprocessing import preprocessing_of
from mlp_core.presets import preset
from mlp_core.problems import with_data

NAMES = st.lists(st.sampled_from(["", "a", "b", "a.1", "a.2", "column 1", "column 2", "é"]), min_size=2, max_size=9)
ROWS = "".join(f"{n},{n % 5},{n / 7},{'no' if n % 3 else 'yes'}\n" for n in range(40))
TWICE = f",size, size ,\n{ROWS}"
"""An index without a name as pandas writes it, a repeated name, and a target without one."""


@given(NAMES)
def test_every_column_gets_a_name_of_its_own(names: list[str]) -> None:
    found = unique_names(names)
    assert len(set(found)) == len(found) == len(names)
    assert all(found)
    assert unique_names(found) == found
    kept = [name for place, name in enumerate(names) if name and name not in names[:place]]
    assert [new for new in found if new in kept] == kept
    assert bool(renamings(names, found)) == (names != found)


@given(NAMES.map(lambda names: [name for name in names if name]).filter(lambda names: len(names) > 1))
def test_repeated_names_become_what_pandas_makes_of_them(names: list[str]) -> None:
    frame = pd.read_csv(io.StringIO(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n"))
    assert list(frame.columns) == unique_names(names)


def test_what_was_renamed_is_said(tmp_path: Path) -> None:
    found = add_table(io.BytesIO(TWICE.encode()), "t.csv", tmp_path)[0]
    assert found.layout.names == ("column 1", "size", "size.1", "column 4")
    assert found.layout.renamed == (
        "2 columns have no name and are called by their place: 'column 1', 'column 4'.",
        "Column 3 is named 'size' like another one and is called 'size.1'.",
    )
    plain = add_table(io.BytesIO(b"a,b\n1,2\n3,4\n"), "t.csv", tmp_path)[0]
    assert plain.layout.renamed == ()


def test_a_script_and_new_rows_know_the_columns_by_the_same_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TWICE)
    spec = spec_of(TWICE, tmp_path)
    experiment = with_data(preset("spiral").experiment, spec)
    table = table_of(spec.params)
    assert table is not None
    assert [column.name for column in table.features] == ["column 1", "size", "size.1"]
    assert printed(script(experiment, "sequential", epochs=1)) == recorded(experiment, 1, tmp_path)[0]
    preprocessing = preprocessing_of(experiment, data.load(spec, tmp_path))
    samples, _ = predict.read_files([tmp_path / "t.csv"], preprocessing)
    assert samples[8].tolist() == [8, 3, pytest.approx(8 / 7)]
    (tmp_path / "other.csv").write_text("size,b\n1,2\n")
    with pytest.raises(DataError, match="lacks the column 'column 1'"):
        predict.read_files([tmp_path / "other.csv"], preprocessing)


def test_the_command_line_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, saved = tmp_path / "t.csv", tmp_path / "t.safetensors"
    table.write_text(TWICE)
    given = ["train", "two-hidden-relu", "--epochs", "1", "--data-dir", str(tmp_path), "--save", str(saved)]
    assert main([*given, "--table", str(table), "--target", "column 4"]) == 0
    assert "Column 3 is named 'size' like another one and is called 'size.1'." in capsys.readouterr().err
    assert main(["predict", str(saved), str(table)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "row,prediction,no,yes"


def test_a_parquet_file_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pa.table([[1, 2], [3, 4]], names=["a", "a"]), out)
    with pytest.raises(DataError, match="more than one column 'a'"):
        add_table(io.BytesIO(out.getvalue()), "t.parquet", tmp_path)
    frame = pd.DataFrame({"a": [1, 2], " a": [3, 4]})
    frame.to_parquet(out := io.BytesIO())
    assert add_table(io.BytesIO(out.getvalue()), "t.parquet", tmp_path)[0].layout.names == ("a", "a.1")
