"""`train --table` and `predict` on the command line."""

from __future__ import annotations

import json
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


def test_columns_are_chosen_by_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "wide.csv"
    table.write_text("a1,a2,b,y\n" + "".join(f"{n},{n % 7},{n % 3},{n % 2}\n" for n in range(40)))
    given = ["train", "two-hidden-relu", "--epochs", "1", "--data-dir", str(tmp_path), "--table", str(table)]
    assert main([*given, "--columns", "a*"]) == 0
    assert "from 2 columns." in capsys.readouterr().err


def test_weights_of_a_table_are_evaluated_with_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, saved = tmp_path / "mine.csv", tmp_path / "mine.safetensors"
    table.write_text(MIXED)
    given = ["train", "two-hidden-relu", "--epochs", "2", "--table", str(table), "--save", str(saved), "--jsonl"]
    assert main([*given, "--data-dir", str(tmp_path / "a"), "--validation-fraction", "0.2"]) == 0
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    for folder, more in (("a", []), ("b", ["--table", str(table)])):
        assert main(["evaluate", str(saved), "--data-dir", str(tmp_path / folder), *more]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["dataset"], found["accuracy"]) == ("table", trained["test_accuracy"])
        assert [row["class"] for row in found["per_class"]] == ["no", "yes"]
    assert main(["evaluate", str(saved), "--data-dir", str(tmp_path / "a"), "--part", "validation"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == trained["validation_accuracy"]
    assert main(["evaluate", str(saved), "--data-dir", str(tmp_path / "c")]) == 2
    assert "is not on this server" in capsys.readouterr().err
    other = tmp_path / "other.csv"
    other.write_text(MIXED + "1;red;01.04.2020;y;no\n")
    assert main(["evaluate", str(saved), "--data-dir", str(tmp_path / "c"), "--table", str(other)]) == 2
    assert "its content differs" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["--target", "y"], "belong to a table"), (["--columns", "a"], "belong to a table"),
     (["--table", "TABLE", "--columns", "nothing*"], "No column matches 'nothing*'"),
     (["--table", "nowhere.csv"], "cannot be read"),
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
