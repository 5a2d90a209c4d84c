"""Answers for a whole part of a run's data, and the command that prints the report on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from mlp_core import data
from mlp_core.__main__ import main
from mlp_core.data.parts import PARTS
from mlp_core.evaluation import CLASS_FIGURES, finish
from mlp_core.presets import mlp, preset
from mlp_core.run.build import Run, build
from mlp_core.run.metrics import evaluate
from mlp_core.spec import DataSpec, Experiment, LossSpec
from mlp_core.views import VIEWS, Options
from mlp_core.views.answers import answers as slices
from mlp_core.views.evaluation import decisions, feature_values


def answers(run: Run, part: str = "test") -> Any:
    return finish(slices(run, part))


class Moment:
    """A run as views are drawn from it, with the answers for a part."""

    run, step, batches_per_epoch, confusion = "run", 0, 1, None

    def __init__(self, run: Run, part: str) -> None:
        self.dataset, self._part = run.dataset, part
        self._answers = answers(run, part)

    def curves(self, points: int) -> None:
        return None

    def view(self, name: str) -> Any:
        return self._answers if name == f"answers-{self._part}" else None


def regression() -> Experiment:
    return preset("spiral").experiment.updated(
        data=DataSpec(dataset="diabetes"), layers=mlp((8,), "ReLU"), loss=LossSpec(type="MSELoss")
    )


@pytest.fixture
def run() -> Run:
    experiment = preset("spiral").experiment
    return build(experiment, data.load(experiment.data))


def test_answers_for_the_test_part_are_those_of_the_test_pass(run: Run) -> None:
    found = answers(run)
    tested = evaluate(run)
    np.testing.assert_array_equal(found["report"].confusion, tested.confusion)
    assert found["report"].accuracy == pytest.approx(tested.accuracy)
    assert len(answers(run, "train")["true"]) == run.dataset.train_size
    assert answers(run, "validation") == {} or PARTS["validation"].exists(run.dataset)


@pytest.mark.parametrize("part", ["test", "train"])
def test_every_view_of_the_page_has_a_figure_and_words(run: Run, part: str) -> None:
    experiment = regression()
    for one in (run, build(experiment, data.load(experiment.data))):
        now, options = Moment(one, part), Options(part=part)
        views = [view for view in VIEWS.values() if view.page == "evaluate" and view.applies(one.dataset.facts)]
        assert len(views) >= 3
        for view in views:
            assert view.computed(options) == f"answers-{part}"
            assert view.figure(now, options) is not None, view.name
            assert len(view.alt(now, options)) > 20, view.name
            assert view.figure(now, Options(part="validation")) is None


def test_a_threshold_moves_the_decisions_and_their_figures(run: Run) -> None:
    now = Moment(run, "test")
    usual, strict = (decisions(now, Options(threshold=threshold)) for threshold in (0.5, 0.999))
    assert usual is not None
    assert strict is not None
    assert (usual.moved, strict.moved) == (False, True)
    assert (strict.predicted == 0).all()
    assert strict.classes.recall.tolist() == [1, 0]
    assert strict.confusion.sum() == usual.confusion.sum()
    wrong = usual.worst(5)
    assert all(usual.true[wrong] != usual.predicted[wrong])
    members = usual.members(0, 1, 100)
    assert len(members) == usual.confusion[0, 1]
    assert all((usual.true[members] == 0) & (usual.predicted[members] == 1))


def test_values_and_features_are_in_the_units_of_the_data() -> None:
    from sklearn.datasets import load_diabetes

    experiment = regression()
    run = build(experiment, data.load(experiment.data))
    found, table = answers(run), load_diabetes(scaled=False)
    known = set(table.target.tolist())
    assert all(min(abs(value - other) for other in known) < 1e-3 for value in found["actual"][:5, 0])
    ages = feature_values(run.dataset, "train", 0)
    assert len(ages) == run.dataset.train_size
    assert np.isfinite(ages).all()


def test_the_command_prints_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "w.safetensors"
    assert main(["train", "spiral", "--epochs", "2", "--save", str(weights)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(weights), "--part", "train"]) == 0
    found = json.loads(capsys.readouterr().out)
    wanted = {"accuracy", "per_class", "weighted", "confusion", "roc_auc", "average_precision", "log_loss", "ece",
              "intervals", "undefined"}  # fmt: skip
    assert wanted <= set(found)
    assert (found["part"], found["task"]) == ("train", "classification")
    assert set(CLASS_FIGURES) <= set(found["per_class"][0])
    experiment = preset("spiral").experiment
    whole = data.load(experiment.data)
    assert found["samples"] == whole.train_size == sum(map(sum, found["confusion"]))


def test_the_command_names_a_part_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "w.safetensors"
    assert main(["train", "spiral", "--epochs", "1", "--save", str(weights)]) == 0
    assert main(["evaluate", str(weights), "--part", "validation"]) == 2
    assert "validation part" in capsys.readouterr().err


def test_the_report_is_that_of_scikit_learn_on_the_same_answers(run: Run) -> None:
    found = answers(run, "train")
    assert found["report"].accuracy == accuracy_score(found["true"], found["predicted"])
    area = roc_auc_score(found["true"], found["probabilities"][:, 1])
    assert found["report"].ranking(found["report"].roc_auc) == pytest.approx(area)
