"""One entry in one table is enough: for an optimizer, layers, an activation and a data set that are nowhere else."""

from __future__ import annotations

import ast
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from exported import printed, recorded

from mlp_core import data
from mlp_core.catalog import ACTIVATIONS, DATASETS, LAYERS, OPTIMIZERS, DatasetEntry, LayerEntry, OptimizerEntry
from mlp_core.catalog.by_hand import UpdateByHand
from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.parameters import Float, Int
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.export import network_code, script
from mlp_core.export.bundle import bundle
from mlp_core.export.preprocessing import preprocessing_of
from mlp_core.export.state import state_of
from mlp_core.export.weights import load, save
from mlp_core.link import decode, encode
from mlp_core.locks import refuse_locked
from mlp_core.plan import plan
from mlp_core.predict import predict
from mlp_core.problems import problems
from mlp_core.run.build import build
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec

STRIPES = DatasetEntry(
    name="stripes",
    label="Stripes",
    summary="A table with as many columns as one likes.",
    source="generated",
    loader="toys:stripes",
    facts=lambda params: DataFacts(
        task="classification",
        sample_shape=(params["columns"],),
        class_names=("below", "above"),
        samples=params["points"],
    ),
    parameters=(
        Int(name="points", label="Points", help="How many rows.", default=60, low=20, high=1000),
        Int(name="columns", label="Columns", help="How many columns.", default=3, low=1, high=100),
    ),
)
SINE = LayerEntry(
    name="Sine",
    label="Sine",
    summary="A wave.",
    family="activation",
    target="toys:Sine",
    parameters=(Float(name="frequency", label="Frequency", help="How fast it turns.", default=1.0),),
)
MIRRORED = LayerEntry(
    name="Mirrored",
    label="Mirrored",
    summary="Twice as wide.",
    family="other",
    target="toys:Mirrored",
    out_features=lambda params, features: 2 * features,
)
AVERAGED = LayerEntry(
    name="Averaged",
    label="Averaged",
    summary="Holds layers.",
    family="block",
    target="toys:Averaged",
    inside=("Linear", "Tanh"),
    keeps_width=True,
    combine="({x} + {y}) / 2",
)
RATE = Float(name="lr", label="Learning rate", help="The length of a step.", default=0.01, low=0.0, live=True)
CALLED = OptimizerEntry(
    name="SignDescent",
    label="Sign descent",
    summary="Steps of one length.",
    target="toys:SignDescent",
    state_per_parameter=0,
    parameters=(RATE,),
)
WRITTEN = OptimizerEntry(
    name="SignDescent",
    label="Sign descent",
    summary="Steps of one length.",
    target="toys:SignDescent",
    state_per_parameter=0,
    parameters=(RATE,),
    by_hand=lambda params: UpdateByHand(
        lines=("way = g.sign()", "p.add_(way, alpha=-lr)"), settings={"lr": params["lr"]}
    ),
)


@pytest.fixture(params=[CALLED, WRITTEN], ids=["called", "by hand"])
def found(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """An experiment made of the toys, each of which stands in its table alone."""
    monkeypatch.setitem(DATASETS, "stripes", STRIPES)
    monkeypatch.setitem(ACTIVATIONS, "Sine", SINE)  # type: ignore[arg-type]
    monkeypatch.setitem(LAYERS, "Mirrored", MIRRORED)
    monkeypatch.setitem(LAYERS, "Averaged", AVERAGED)
    monkeypatch.setitem(OPTIMIZERS, "SignDescent", request.param)
    return Experiment(
        data=DataSpec(dataset="stripes", params={"columns": 7}),
        layers=(
            LayerSpec(type="Linear", params={"out_features": 5}),
            LayerSpec(type="Sine", params={"frequency": 2.0}),
            LayerSpec(type="Mirrored"),
            LayerSpec(type="Averaged"),
            LayerSpec(type="Linear"),
        ),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SignDescent"),
        training=TrainingSpec(batch_size=8),
    )


def test_it_is_planned_and_loaded_with_the_shapes_that_its_parameters_decide(found: Experiment) -> None:
    assert problems(found) == []
    assert plan(found).parameters == (7 * 5 + 5) + (10 * 10 + 10) + (10 * 2 + 2)
    assert data.load(found.data).x_train.shape == (30, 7)
    wider = found.updated(data=found.data.updated(params={"columns": 9}))
    assert plan(wider).layers[0].in_features == data.load(wider.data).x_train.shape[1] == 9


def test_it_trains_on_the_fastest_engine_that_knows_it(found: Experiment) -> None:
    plain, run = (build(found, data.load(found.data)) for _ in range(2))
    engine, why = engine_for(run)
    if found.optimizer.entry.by_hand:
        assert engine.name != "eager", why
    else:
        assert "SignDescent has no fast form" in why
    assert EagerEngine().run(plain, 40).losses.tolist() == engine.run(run, 40).losses.tolist()
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, run.model.state_dict()[name])


def imported(text: str) -> set[str]:
    """What a script imports from the module of the toys."""
    statements = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom) and node.module == "toys"]
    return {alias.name for node in statements for alias in node.names}


@pytest.mark.parametrize("style", ["sequential", "module-functional", "layers-functional", "bare-tensors"])
def test_its_scripts_print_its_digits(found: Experiment, style: str) -> None:
    if style == "bare-tensors":  # there are no formulas of the layers that hold none for it
        found = found.updated(layers=(found.layers[0], LayerSpec(type="Tanh"), *found.layers[3:]))
    text = script(found, style, epochs=2)
    assert printed(text) == recorded(found, 2)[0]
    by_hand = style == "bare-tensors" and found.optimizer.entry.by_hand is not None
    in_full = {"Sine", "Mirrored"} if style != "bare-tensors" else set()
    holder = {"Averaged"} if style in ("sequential", "layers-functional") else set()
    assert imported(text) == in_full | holder | (set() if by_hand else {"SignDescent"})
    assert ("Sine(frequency=2.0)" in network_code(found, style)) == (style != "bare-tensors")
    assert ("(skip + x) / 2" in text) == (not holder)


def test_links_weights_and_bundles_hold_it(found: Experiment, tmp_path: Path) -> None:
    assert decode(encode(found)) == Experiment.from_json(found.to_json()) == found
    run = build(found, data.load(found.data))
    made_by = preprocessing_of(found, run.dataset)
    weights = load(save(found, state_of(run), preprocessing=made_by))
    rows = run.dataset.x_test[:5]
    assert predict(weights, rows).classes is not None
    content = bundle(found, state_of(run), made_by)
    archive = tmp_path / "sine.zip"
    archive.write_bytes(content)
    space: dict[str, Any] = {"__name__": "bundled", "__file__": str(tmp_path / "model.py")}
    zipfile.ZipFile(archive).extractall(tmp_path)
    exec(compile((tmp_path / "model.py").read_text(encoding="utf-8"), "model.py", "exec"), space)
    with torch.inference_mode():
        outputs = space["load_model"]()(space["to_inputs"](rows))
    assert torch.equal(outputs, torch.from_numpy(predict(weights, rows).outputs))


def test_live_changes_and_locks_follow_from_it(found: Experiment) -> None:
    faster = found.updated(optimizer=found.optimizer.updated(params={"lr": 0.5}))
    assert faster.without_live() == found.without_live()
    slower = found.layers[1].updated(params={"frequency": 0.5})
    changed = found.replace_layer((1,), slower)
    assert changed.without_live() != found.without_live()
    for control in ("network", "activation"):
        with pytest.raises(ValueError, match="locks"):
            refuse_locked(found, changed, {control})
    refuse_locked(found, changed, {"optimizer", "data", "regularisation"})
    more = found.updated(data=found.data.updated(params={"columns": 8}))
    with pytest.raises(ValueError, match="locks 'Data'"):
        refuse_locked(found, more, {"data"})
    refuse_locked(found, more, {"dataset", "features"})
