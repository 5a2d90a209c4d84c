"""`train --table` and `predict` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_training import MIXED

from mlp_core.__main__ import main


def test_a_table_is_trained_on_and_new_rows_are_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, saved = tmp_path / "mine.csv", tmp_path / "mine.safetensors"
    table.write_text(MIXED)
    given = ["train", "two-hidden-relu", "--epochs", "1", "--data-dir", str(tmp_path), "--save", str(saved)]
    assert main([*given, "--table", str(table), "--target", "y", "--validation-fraction", "0.2"]) == 0
    said = capsys.readouterr()
    assert "test accuracy" in said.out
    assert "mine.csv: 61 rows; predicts 'y' (one of 2 classes) from 4 columns." in said.err
    assert main(["predict", str(saved), str(table)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "row,prediction,no,yes"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["--target", "y"], "belong to a table"), (["--table", "nowhere.csv"], "cannot be read"),
     (["--table", "TABLE", "--target", "z"], "has no column 'z'")],
)  # fmt: skip
def test_what_is_wrong_is_said(
    arguments: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(MIXED)
    arguments = [str(table) if argument == "TABLE" else argument for argument in arguments]
    assert main(["train", "two-hidden-relu", "--data-dir", str(tmp_path), *arguments]) == 2
    assert reason in capsys.readouterr().err
