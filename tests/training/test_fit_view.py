"""The curve of a network with one input: the network itself, the formula, and the samples, in the data's own units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from small_runs import layer

from mlp_core.commands.figures import snapshot_of
from mlp_core.data import load
from mlp_core.errors import DataError
from mlp_core.export.preprocessing import preprocessing_of
from mlp_core.figures.encode import decode
from mlp_core.predict import inputs_of
from mlp_core.run.build import Run, build
from mlp_core.spec import DataSpec, Experiment, LossSpec, OptimizerSpec
from mlp_core.training.history import History
from mlp_core.views import VIEWS, Options, draw


def run_of(**params: Any) -> Run:
    found = Experiment(
        data=DataSpec(dataset="formula", params=params),
        layers=(layer("Linear", out_features=3), layer("Tanh"), layer("Linear")),
        loss=LossSpec(type="MSELoss"),
        optimizer=OptimizerSpec(type="SGD"),
    )
    return build(found, load(found.data))


def test_the_curve_is_the_network_in_units_of_the_data() -> None:
    run = run_of(formula="100x + 500", interval=(10.0, 20.0), noise=0.0)
    found = VIEWS["fit"].arrays(run)
    made_by = preprocessing_of(run.experiment, run.dataset)
    with torch.inference_mode():
        outputs = run.model(torch.from_numpy(inputs_of(found["x"][:, None], made_by))).numpy()[:, 0]
    np.testing.assert_allclose(found["predicted"], outputs * made_by.target_std[0] + made_by.target_mean[0], rtol=1e-3)
    np.testing.assert_allclose(found["true"], 100 * found["x"] + 500, rtol=1e-5)
    assert (found["x"][0], found["x"][-1]) == (pytest.approx(9, abs=0.2), pytest.approx(21, abs=0.2))


def test_the_figure_shows_samples_formula_and_network() -> None:
    run = run_of(formula="log(x)", interval=(0.5, 2.0))
    for source in (snapshot_of(run, History(), None),):
        drawing = draw(VIEWS["fit"], source, Options())
        traces = {trace["uid"]: trace for trace in drawing.data["data"]}
        assert set(traces) == {"train", "test", "true", "fit"}
        x, y = (decode(traces["train"][axis]) for axis in "xy")
        assert np.abs(y - np.log(x)).max() < 0.5
        assert np.isfinite(decode(traces["true"]["y"])).any()
        assert "network's curve lies between" in drawing.alt
        assert "from the formula on average" in drawing.alt
        assert "100 training points and 100 test points shown." in drawing.alt


def test_a_formula_without_a_value_beyond_the_samples_leaves_a_gap() -> None:
    run = run_of(formula="sqrt(x)", interval=(0.0, 1.0))
    true = VIEWS["fit"].arrays(run)["true"]
    assert np.isnan(true[0])
    assert np.isfinite(true[-1])


def test_other_sets_have_no_such_view() -> None:
    assert not VIEWS["fit"].applies(DataSpec(dataset="bumps", params={"features": ["x1"]}).facts)
    assert not VIEWS["fit"].applies(DataSpec(dataset="diabetes").facts)
    assert VIEWS["fit"].applies(DataSpec(dataset="formula").facts)


def test_the_boundary_shows_the_formula_between_the_classes() -> None:
    found = Experiment(
        data=DataSpec(dataset="formula_classes", params={"formula": "log(x + 0.5)"}),
        layers=(layer("Linear"),),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SGD"),
    )
    with pytest.raises(DataError, match="gives no number at x"):
        load(found.data)
    found = found.updated(data=found.data.updated(params={"formula": "x^2 - 0.5"}))
    run = build(found, load(found.data))
    drawing = draw(VIEWS["boundary"], snapshot_of(run, History(), None), Options())
    (curve,) = (trace for trace in drawing.data["data"] if trace["uid"] == "truth")
    assert np.allclose(decode(curve["y"]), decode(curve["x"]) ** 2 - 0.5, atol=1e-5)
