"""Runs as one file: what was written is read, and what is broken is a sentence."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_run_store import ME, OTHER, record

from mlp_core.__main__ import main
from mlp_core.errors import SpecError, UserError
from mlp_core.export.weights import save
from mlp_core.presets import preset
from mlp_core.store.archive import keep, read_runs, write_runs
from mlp_core.store.opening import open_store, store_url
from mlp_core.store.runs import RunStore

SPIRAL = preset("spiral").experiment


@pytest.fixture(scope="module")
def weights() -> bytes:
    from mlp_core.data import load
    from mlp_core.run.build import build

    run = build(SPIRAL, load(SPIRAL.data))
    return save(SPIRAL, run.model.state_dict(), step=3)


@pytest.fixture
def kept(tmp_path: object) -> RunStore:
    return RunStore(open_store(f"sqlite:///{tmp_path}/runs.sqlite"))


def test_what_was_written_is_read_again(kept: RunStore, weights: bytes) -> None:
    runs = [record(), record()]
    confusion = np.array([[3, 1], [0, 4]])
    for run in runs:
        kept.save(ME, run, {"best": (3, weights), "state": (3, b"a state")}, confusion=confusion)
    kept.describe(ME, runs[0].id, name="<i>one</i>", tags=["a"], note="x", starred=True)
    content = write_runs(kept, ME, [run.id for run in runs])
    assert set(keep(kept, OTHER, read_runs(content))) == {run.id for run in runs}
    found = kept.find(OTHER, runs[0].id)
    assert (found.name, found.tags, found.note, found.starred) == ("<i>one</i>", ("a",), "x", True)
    again, answers = kept.answers(OTHER, runs[0].id)
    assert again.to_json() == runs[0].to_json()
    assert answers is not None
    assert answers.tolist() == confusion.tolist()
    assert kept.file(OTHER, runs[0].id, "best") == weights
    assert kept.file(OTHER, runs[0].id, "state") is None, "a state from elsewhere is not trusted"
    assert kept.file(OTHER, runs[0].id, "given") == b"a state"
    assert b"a state" in write_runs(kept, OTHER, [runs[0].id])
    kept.engine.dispose()


def changed(content: bytes, name: str, data: bytes) -> bytes:
    """The archive with another member of that name."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(made, "w") as after:
        for entry in before.infolist():
            after.writestr(entry.filename, data if entry.filename.endswith(name) else before.read(entry))
    return made.getvalue()


def test_what_is_broken_is_a_sentence(kept: RunStore, weights: bytes) -> None:
    run = record()
    kept.save(ME, run, {"best": (3, weights)})
    good = write_runs(kept, ME, [run.id])
    broken = [
        b"", b"no archive", good[:200], good[: len(good) // 2], changed(good, "run.json", b"{}"),
        changed(good, "run.json", b"\xff\xfe"), changed(good, "about.json", b"[]"),
        changed(good, "about.json", json.dumps({"format": 1, "tags": [1]}).encode()),
        changed(good, "about.json", json.dumps({"format": 99}).encode()),
        changed(good, "about.json", json.dumps({"format": 1, "confusion": [[1, 2]]}).encode()),
        changed(good, "best.safetensors", b"pickle"), changed(good, "best.safetensors", weights[:-4]),
    ]  # fmt: skip
    for content in broken:
        with pytest.raises(UserError) as refused:
            read_runs(content)
        assert "\n" not in str(refused.value)
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("../../evil.txt", "x")
    with pytest.raises(SpecError, match="must hold"):
        read_runs(empty.getvalue())
    kept.engine.dispose()


def test_the_command_line_lists_shows_compares_and_passes_runs_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, weights: bytes
) -> None:
    monkeypatch.delenv("MLP_STORE_URL", raising=False)

    def run(*words: str, folder: str = "one") -> str:
        assert main(["runs", *words, "--data-dir", str(tmp_path / folder)]) == 0
        return capsys.readouterr().out

    assert "There are no runs in" in run("list")
    assert not (tmp_path / "one").exists(), "looking makes no store"
    store = RunStore(open_store(store_url(tmp_path / "one")))
    first, second = record(), record(started=2.0)
    store.save(ME, first, {"best": (3, weights)})
    store.save(OTHER, second, {})
    store.engine.dispose()
    lines = run("list").splitlines()
    assert [line[:12] for line in lines] == [second.id[:12], first.id[:12]]
    assert run("list", "--where", "step>1000") == "No run fits.\n"
    assert json.loads(run("list", "--limit", "1", "--jsonl"))["run"] == second.id
    assert "Best test accuracy              0.9" in run("show", first.id[:10])
    compared = [json.loads(line) for line in run("compare", first.id, second.id, "--jsonl").splitlines()]
    assert [line["run"] for line in compared] == [first.id, second.id]
    out = str(tmp_path / "runs.zip")
    assert "1 runs" in run("export", first.id[:8], "--out", out)
    assert first.id[:12] in run("import", out, folder="two")
    assert first.id[:12] in run("list", folder="two")
    for words in (["show", "nobody"], ["list", "--where", "lr>x"], ["list", "--limit", "0"], ["import", "nowhere"]):
        assert main(["runs", *words, "--data-dir", str(tmp_path / "one")]) == 2
        assert capsys.readouterr().err.count("\n") == 1
