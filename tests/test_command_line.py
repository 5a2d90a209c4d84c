"""The playground without a browser: output for programs and for people, and one sentence for every bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlp_core.__main__ import main
from mlp_core.catalog import KINDS
from mlp_core.catalog.parameters import shorten
from mlp_core.limits import ENDLESS_EPOCHS
from mlp_core.presets import PRESETS, preset
from mlp_core.spec import Experiment
from mlp_core.views import VIEWS

ROOT = Path(__file__).resolve().parents[1]
Capture = pytest.CaptureFixture[str]
FINISHED = ["event", "reason", "epochs", "steps", "train_loss", "test_loss", "test_accuracy", "train_seconds",
            "samples_per_second"]  # fmt: skip


def records(text: str) -> list[dict[str, Any]]:
    """Every line as a JSON object, without numbers that JSON does not have."""

    def refuse(name: str) -> None:
        pytest.fail(f"{name} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


def write(folder: Path, experiment: Experiment) -> str:
    path = folder / "spec.json"
    path.write_text(experiment.to_json(2), encoding="utf-8")
    return str(path)


def refused(capsys: Capture, *arguments: str) -> str:
    """The one sentence with which bad input ends; the exit status must be 2."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert "Traceback" not in line
    assert line.rstrip(")").endswith("."), line
    return line


def test_presets_are_listed_name_first(capsys: Capture) -> None:
    assert main(["presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(PRESETS)
    assert all(PRESETS[line.split()[0]].summary in line for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_catalog_lists_entries_and_parameters(capsys: Capture, kind: str) -> None:
    assert main(["catalog", kind]) == 0
    out = capsys.readouterr().out
    names = [line.split()[0] for line in out.splitlines() if not line.startswith(" ")]
    assert names == list(KINDS[kind])
    for entry in KINDS[kind].values():
        for parameter in entry.parameters:
            assert f"{parameter.name} = {shorten(parameter.default)}: {parameter.rule()}" in out


def test_unknown_kind(capsys: Capture) -> None:
    said = refused(capsys, "catalog", "optimisers")
    assert "'optimisers'" in said
    assert "optimizers" in said


@pytest.mark.parametrize("name", ["plane", "two-hidden-relu", "batchnorm-block"])
def test_jsonl_is_one_record_per_event_and_ends_with_finished(capsys: Capture, name: str) -> None:
    assert main(["train", name, "--epochs", "3", "--jsonl"]) == 0
    found = capsys.readouterr()
    assert all(line.endswith(".") for line in found.err.splitlines()), "notes for people"
    events = records(found.out)
    assert all("event" in event for event in events)
    last = events[-1]
    assert [key for key in FINISHED if key not in last] == []
    # What else is there says the same in the words of the other events.
    assert set(last) - set(FINISHED) <= {"step", "epoch"}
    assert last.get("step", last["steps"]) == last["steps"]
    assert last.get("epoch", last["epochs"]) == last["epochs"]
    assert (last["event"], last["reason"], last["epochs"]) == ("finished", "epochs", 3)
    evaluations = [event for event in events if event["event"] == "evaluation"]
    assert [event["epoch"] for event in evaluations] == [1, 2, 3]
    assert last["test_loss"] == evaluations[-1]["test_loss"]
    chunks = [event for event in events if event["event"] == "chunk"]
    assert sum(len(event["losses"]) for event in chunks) == last["steps"]
    assert [event["event"] for event in events].count("finished") == 1


def test_it_validates_and_stops_early(capsys: Capture, tmp_path: Path) -> None:
    saved = tmp_path / "best.safetensors"
    options = ("--validation-fraction", "0.25", "--patience", "3", "--restore-best-weights")
    assert main(["train", "two-hidden-relu", "--epochs", "500", *options, "--jsonl", "--save", str(saved)]) == 0
    found = capsys.readouterr()
    assert "early stopping looks" not in found.err
    *events, stop, last = records(found.out)
    losses = [event["validation_loss"] for event in events if event["event"] == "evaluation"]
    assert (stop["event"], stop["best_epoch"], stop["best_loss"]) == ("early_stop", len(losses) - 3, min(losses))
    assert (last["reason"], last["epochs"], last["validation_loss"]) == ("early stopping", len(losses), min(losses))

    from mlp_core.export import weights

    kept = weights.load(saved)
    assert kept.test_loss == last["test_loss"]
    assert kept.experiment.data.validation_fraction == 0.25
    assert main(["train", "xor", "--epochs", "300", "--patience", "1"]) == 0
    found = capsys.readouterr()
    assert "test samples then help to choose" in found.err
    assert "Stopped early at epoch" in found.out
    assert "'patience'" in refused(capsys, "train", "xor", "--patience", "0")
    assert "'validation_fraction'" in refused(capsys, "train", "xor", "--validation-fraction", "2")


def test_a_file_trains_as_its_preset_does(capsys: Capture, tmp_path: Path) -> None:
    path = write(tmp_path, preset("xor").experiment)
    results = []
    for name in ("xor", path):
        assert main(["train", name, "--epochs", "2", "--jsonl"]) == 0
        last = records(capsys.readouterr().out)[-1]
        results.append({key: last[key] for key in ("steps", "train_loss", "test_loss", "test_accuracy")})
    assert results[0] == results[1]


def test_the_experiments_own_epochs_count(capsys: Capture, tmp_path: Path) -> None:
    xor = preset("xor").experiment
    own = write(tmp_path, xor.updated(training=xor.training.updated(epochs=2)))
    assert main(["train", own, "--jsonl"]) == 0
    assert records(capsys.readouterr().out)[-1]["epochs"] == 2


def test_an_endless_experiment_ends(capsys: Capture, tmp_path: Path) -> None:
    block = preset("batchnorm-block").experiment
    endless = write(tmp_path, block.updated(training=block.training.updated(epochs=None)))
    assert main(["train", endless, "--jsonl"]) == 0
    assert records(capsys.readouterr().out)[-1]["epochs"] == ENDLESS_EPOCHS


def test_reports_are_printed(capsys: Capture, tmp_path: Path) -> None:
    xor = preset("xor").experiment
    path = write(tmp_path, xor.updated(training=xor.training.updated(report_every=5)))
    assert main(["train", path, "--epochs", "1", "--jsonl"]) == 0
    reports = [event for event in records(capsys.readouterr().out) if event["event"] == "report"]
    assert [event["batch"] for event in reports] == [5, 10, 15, 20]


def test_a_run_that_diverges_says_so_in_valid_json(capsys: Capture, tmp_path: Path) -> None:
    plane = preset("plane").experiment
    path = write(tmp_path, plane.updated(optimizer=plane.optimizer.updated(params={"lr": 1e10})))
    assert main(["train", path, "--epochs", "2", "--jsonl"]) == 0
    events = records(capsys.readouterr().out)
    assert [event["event"] for event in events][-2:] == ["diverged", "finished"]
    assert "Training stopped at step 2" in events[-2]["message"]
    assert events[-1]["reason"] == "diverged"
    assert main(["train", path, "--epochs", "2"]) == 0
    assert "Training stopped at step 2" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["spiral", "plane"])
def test_progress_for_people(capsys: Capture, name: str) -> None:
    assert main(["train", name, "--epochs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("epoch 1/2  train loss ")
    assert ("test accuracy" in lines[0]) == (name == "spiral")
    assert "steps in" in lines[2]


def test_progress_on_a_terminal_moves(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    assert main(["train", "plane", "--epochs", "1"]) == 0
    out = capsys.readouterr().out
    assert "\repoch 1/1  " in out
    assert "/20 batches" in out


def test_a_device_that_is_not_there(capsys: Capture) -> None:
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("this machine has MPS")
    assert main(["train", "plane", "--epochs", "1", "--device", "mps", "--jsonl"]) == 0
    found = capsys.readouterr()
    assert found.err == "This machine has no MPS device, so the run is on the CPU.\n"
    assert records(found.out)[-1]["epochs"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["spirall"], ["'spirall'", "did you mean 'spiral'"]),
        (["x" * 5000], ["cannot be read"]),
        (["nul\0byte"], ["preset"]),
        (["missing.json"], ["missing.json", "No such file"]),
        (["spiral", "--epochs", "0"], ["'epochs'", "[1, 1000000]", "Got 0"]),
        (["spiral", "--epochs", "-3"], ["'epochs'", "Got -3"]),
        (["spiral", "--device", "tpu"], ["'device'", "'tpu'", "'cuda'"]),
        (["fashion-mnist-quickstart", "--data-dir", "/nonexistent"], ["Fashion-MNIST", "/nonexistent"]),
    ],
    ids=lambda value: value[-1][:12] if isinstance(value, list) else None,
)
def test_bad_input_is_one_sentence(capsys: Capture, arguments: list[str], words: list[str]) -> None:
    said = refused(capsys, "train", *arguments)
    assert [word for word in words if word not in said] == [], said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["not valid JSON"]),
        (b"{", ["not valid JSON", "line 1"]),
        (b"[]", ["JSON object"]),
        (b"\xff\xfe\x00", ["UTF-8"]),
        (b"[" * 100_000, ["deep"]),
        (b"1" * 300_000, ["characters"]),
        (b'{"layers": [], "loss": {"type": "MSELoss"}, "optimizer": {"type": "SGD"}}', ["1 to 64 layers"]),
        (b'{"layers": [{"type": "Linear"}], "loss": {"type": "MSELoss"}}', ["'optimizer'"]),
        (b'{"layers": [{"type": "Linear"}], "loss": {"type": "BCELoss"}, "optimizer": {"type": "SGD"}}', ["Sigmoid"]),
    ],
)
def test_bad_file_is_one_sentence(capsys: Capture, tmp_path: Path, content: bytes, words: list[str]) -> None:
    path = tmp_path / "spec.json"
    path.write_bytes(content)
    said = refused(capsys, "train", str(path), "--jsonl")
    assert [word for word in words if word not in said] == [], said


def test_a_folder_is_no_file(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "spec.json").mkdir()
    assert "directory" in refused(capsys, "train", str(tmp_path / "spec.json"))
    assert "no preset named" in refused(capsys, "train", str(tmp_path))


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["train"], ["train", "spiral", "--epochs", "two"], ["presets", "x"]]
)
def test_usage_errors_have_status_2(capsys: Capture, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_ctrl_c_stops_without_a_traceback(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlp_core.training import loop

    def interrupt(*arguments: Any, **keywords: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "train", interrupt)
    assert main(["train", "plane"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_as_a_command() -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mlp_core", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    good = run("train", "plane", "--epochs", "1", "--jsonl")
    assert (good.returncode, good.stderr) == (0, "")
    assert records(good.stdout)[-1]["event"] == "finished"
    bad = run("train", "plane", "--epochs", "0")
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert len(bad.stderr.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_fault() -> None:
    command = [sys.executable, "-m", "mlp_core", "train", "plane", "--epochs", "1000", "--jsonl"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


@pytest.fixture
def real_data() -> Path:
    """The folder of real image sets, which not every machine has."""
    folder = Path(os.environ.get("MLP_TEST_DATA") or ROOT / "../shared/data")
    if not (folder / "FashionMNIST/raw").is_dir():
        pytest.skip(f"no real image sets in {folder} (set MLP_TEST_DATA)")
    return folder


def test_fashion_mnist_on_a_few_real_images(capsys: Capture, tmp_path: Path, real_data: Path) -> None:
    found = preset("fashion-mnist-quickstart").experiment
    few = found.updated(
        data=found.data.updated(params={"train_samples": 640, "test_samples": 100}),
        training=found.training.updated(report_every=5),
    )
    path = write(tmp_path, few)
    assert main(["train", path, "--epochs", "2", "--data-dir", str(real_data), "--jsonl"]) == 0
    events = records(capsys.readouterr().out)
    assert (events[-1]["epochs"], events[-1]["steps"]) == (2, 20)
    assert len([event for event in events if event["event"] == "report"]) == 4
    evaluations = [event for event in events if event["event"] == "evaluation"]
    assert evaluations[1]["test_loss"] < evaluations[0]["test_loss"] < 2.4
    assert sum(map(sum, evaluations[0]["confusion"])) == 100


def test_training_leaves_the_callers_thread_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    threads = torch.get_num_threads()
    assert main(["train", "xor", "--epochs", "1"]) == 0
    assert torch.get_num_threads() == threads
    assert torch.tensor([1e-40]) * 1 > 0, "numbers below 1e-38 must count again"


OF_CLASSES = {"confusion", "roc", "precision_recall", "calibration", "confidence"}
OF_NUMBERS = {"values", "residuals", "feature_residuals"}
OF_LAYERS = {name for name, view in VIEWS.items() if view.page == "inspect" and view.kind == "plot"} - {"weight_images"}


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("spiral", {"accuracy", "confusion", "boundary", *(f"evaluation_{view}" for view in OF_CLASSES)}),
        ("plane", {"boundary", *(f"evaluation_{view}" for view in OF_NUMBERS)}),
    ],
)
def test_figures_of_a_run_are_pages_with_words(tmp_path: Path, name: str, own: set[str]) -> None:
    folder = tmp_path / "figures"
    assert main(["train", name, "--epochs", "2", "--figures", str(folder)]) == 0
    pages = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}
    assert set(pages) == {"loss", "progress", "learning_rate", "weights", "gradients"} | OF_LAYERS | own
    assert (folder / "plotly.min.js").stat().st_size > 1_000_000
    for view, page in pages.items():
        assert f"<title>{VIEWS[view].label}</title>" in page
        assert "Plotly.newPlot" in page
        assert 'src="plotly.min.js"' in page
    assert "x₁" in pages["boundary"].split("<p>")[1], "the words name the axes"


def test_every_layer_is_inspected(capsys: Capture) -> None:
    assert main(["inspect", "moons", "--epochs", "1", "--json"]) == 0
    (found,) = [json.loads(capsys.readouterr().out, parse_constant=pytest.fail)]
    assert (found["epoch"], found["parameters"], found["flops"]) == (1, 114, 2 * (2 * 8 + 8 * 8 + 8 * 2))
    first, second, *_ = found["layers"]
    assert (first["path"], first["name"], first["input_shape"], first["output_shape"]) == ([0], "0", [2], [8])
    assert first["weights"]["std"] > 0
    assert first["gradients"]["norm"] > 0
    assert second["weights"] is None
    assert 0 <= second["dead_share"] <= 1
    assert found["findings"] == []
    assert main(["inspect", "moons"]) == 0
    said = capsys.readouterr().out
    assert "114 parameters, 192 FLOPs per sample, after 0 steps" in said
    assert refused(capsys, "inspect", "moons", "--epochs", "-1").startswith("The number of epochs must be 0 or more.")
