"""`sweep` on the command line: a record for each trial, the best one last, a sentence for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlp_core.__main__ import BAD_INPUT, main

SPACE = {"optimizer.lr": {"low": 0.01, "high": 1, "log": True}, "training.batch_size": {"choices": [10, None]}}


def test_one_record_a_trial_and_the_best_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = tmp_path / "space.json"
    space.write_text(json.dumps(SPACE), encoding="utf-8")
    arguments = ["sweep", "circle", str(space), "--trials", "4", "--epochs", "2", "--seed", "7"]
    assert main([*arguments, "--jsonl"]) == 0
    told = capsys.readouterr()
    *trials, last = map(json.loads, told.out.splitlines())
    assert [trial["trial"] for trial in trials] == [0, 1, 2, 3]
    assert all(trial["params"].keys() == SPACE.keys() for trial in trials)
    top = min(trials, key=lambda trial: trial["value"])
    assert last == {"event": "finished", "trials": 4,
                    "best": {"trial": top["trial"], "params": top["params"], "value": top["value"]}}  # fmt: skip
    assert "no validation part" in told.err
    assert main(arguments) == 0
    assert "Best of 4" in capsys.readouterr().out


def test_bad_input_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = tmp_path / "space.json"
    space.write_bytes(b"\xff\xfe")
    for name in (str(space), str(tmp_path / "none.json")):
        assert main(["sweep", "circle", name]) == BAD_INPUT
    space.write_text('{"optimizer.lr": {"low": 0, "high": 1, "log": true}}', encoding="utf-8")
    assert main(["sweep", "circle", str(space)]) == BAD_INPUT
    assert capsys.readouterr().err.splitlines()[-1].startswith("The range of 'optimizer.lr' on a log scale")
