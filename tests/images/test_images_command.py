"""`train --images`, `evaluate` and `predict` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from picture_zip import digit_files, packed

from mlp_core.__main__ import main


def test_images_are_trained_on_and_new_ones_are_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, saved, new = tmp_path / "mine.zip", tmp_path / "mine.safetensors", tmp_path / "new.png"
    files = {**digit_files("split"), "set/test/3/bad.png": b"no"}
    archive.write_bytes(packed(files))
    new.write_bytes(files["set/test/0/0000.png"])
    here = ["--data-dir", str(tmp_path)]
    given = ["train", "two-hidden-relu", "--epochs", "1", "--save", str(saved), *here]
    assert main([*given, "--images", str(archive), "--image-size", "6x5", "--colours", "colour"]) == 0
    said = capsys.readouterr()
    assert "test accuracy" in said.out
    assert (
        "mine.zip: 120 images of 10 classes, 24 of them for testing by its folders; as colour images of 6×5" in said.err
    )
    assert "Left out: 'set/test/3/bad.png': it is no PNG or JPEG file." in said.err
    assert main(["evaluate", str(saved), *here]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["dataset"], report["samples"]) == ("images", 24)
    assert main(["predict", str(saved), str(new)]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header == "file,prediction,0,1,2,3,4,5,6,7,8,9"
    assert row.startswith(str(new))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--colours", "grey"], "belong to images"),
        (["--images", "nowhere.zip"], "cannot be read"),
        (["--images", "ZIP", "--image-size", "big"], "must be HEIGHTxWIDTH"),
        (["--images", "ZIP", "--image-size", "9999x3"], "'height' parameter"),
        (["--images", "ZIP", "--target", "y"], "belong to a table"),
        (["--images", "BAD"], "no zip archive"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"ZIP": tmp_path / "mine.zip", "BAD": tmp_path / "bad.zip"}
    places["ZIP"].write_bytes(packed(digit_files("folders", 40)))
    places["BAD"].write_bytes(b"no zip")
    arguments = [str(places.get(argument, argument)) for argument in arguments]
    assert main(["train", "two-hidden-relu", "--data-dir", str(tmp_path), *arguments]) == 2
    assert reason in capsys.readouterr().err
