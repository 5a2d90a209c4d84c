"""Exported code prints the digits that a run records: the whole catalog, random experiments, real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from blocks import NETWORKS, residual
from exported import expressible, figures, printed, recorded, run
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from strategies import MODEST, experiments

from mlp_core.catalog import ALL_LAYERS, DATASETS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULERS, STYLES
from mlp_core.data import load
from mlp_core.errors import DataError, SpecError
from mlp_core.export import notebook, refuses, script
from mlp_core.limits import MAX_LAYERS
from mlp_core.plan import plan
from mlp_core.presets import PRESETS, preset
from mlp_core.problems import problems
from mlp_core.spec import (
    DataSpec,
    Experiment,
    InitSpec,
    LayerSpec,
    LossSpec,
    OptimizerSpec,
    SchedulerSpec,
    TrainingSpec,
)

ROOT = Path(__file__).resolve().parents[2]
LIGHTNING = find_spec("lightning") is not None
RUNNABLE = [style for style in STYLES if LIGHTNING or style != "lightning-module"]
needs_lightning = pytest.mark.skipif(not LIGHTNING, reason="Lightning is not installed (requirements-dev.txt)")


def layer(name: str, **params: Any) -> LayerSpec:
    return LayerSpec(type=name, params=params)


def small(**changes: Any) -> Experiment:
    """Two hidden layers on forty points."""
    base = Experiment(
        data=DataSpec(dataset="xor", params={"points": 40}),
        layers=(layer("Linear", out_features=5), layer("ReLU"), layer("Linear", out_features=4), layer("ReLU"),
                layer("Linear")),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SGD", params={"lr": 0.1}),
        training=TrainingSpec(batch_size=6, report_every=2),
    )  # fmt: skip
    return base.updated(**changes)


def assert_same(experiment: Experiment, styles: list[str] | None = None, epochs: int = 2) -> None:
    """Every style that can express the experiment prints what a run records."""
    wanted, diverged = recorded(experiment, epochs)
    for style in styles or [style for style in expressible(experiment) if style in RUNNABLE]:
        found = printed(script(experiment, style, epochs=epochs))
        # A run that breaks stops there, and goes back; a script goes on with what is not a number.
        assert (found[: len(wanted)] if diverged else found) == wanted, style


def non_default(entry: Any) -> dict[str, Any]:
    """Other values than the defaults where a parameter has such values near by."""
    found: dict[str, Any] = {}
    for parameter in entry.parameters:
        default = parameter.default
        if isinstance(default, bool):
            found[parameter.name] = not default
        elif isinstance(default, float):
            found[parameter.name] = next(
                (v for v in (default / 2 + 0.01, default / 2, default + 1) if parameter.accepts(v) and v != default),
                default,
            )
        elif hasattr(parameter, "choices") and isinstance(default, str):
            found[parameter.name] = next(choice for choice in parameter.choices if choice != default)
    return found


@pytest.mark.parametrize("name", [name for name, found in PRESETS.items() if found.experiment.data.entry.files == ()])
def test_presets(name: str) -> None:
    assert_same(preset(name).experiment, epochs=1)


@pytest.mark.parametrize("name", ALL_LAYERS)
def test_every_layer(name: str) -> None:
    entry = ALL_LAYERS[name]
    wide = {"out_features": 6} if "out_features" in [parameter.name for parameter in entry.parameters] else {}
    for params in ({}, non_default(entry)):
        made = layer(name, **params, **wide)
        width = layer("Linear", out_features=6)
        found = small(layers=(width, made, width, made, layer("Linear")))
        if not [problem for problem in problems(found, 20) if problem.severity == "error"]:
            assert_same(found, epochs=1)
        else:
            pytest.fail(f"{name} cannot stand between two Linear layers")


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_inside_others(name: str) -> None:
    found = small(layers=NETWORKS[name])
    assert_same(found, epochs=2)
    assert {"sequential", "module-functional", "bare-tensors"} <= set(expressible(found))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name: str) -> None:
    entry = OPTIMIZERS[name]
    if entry.closure:
        params = {"max_iter": 4, "line_search_fn": "strong_wolfe", "history_size": 3}
        for chosen, options in ((params, {}), ({"lr": 0.1}, {"l2_penalty": 0.01, "max_grad_norm": 1.0})):
            training = TrainingSpec(**{"batch_size": 6, "report_every": 2, **options})
            found = small(optimizer=OptimizerSpec(type=name, params=chosen), training=training)
            assert_same(found, [s for s in ("mixed", "bare-tensors", "lightning-module") if s in RUNNABLE])
        return
    momentum = {"momentum": 0.5} if "momentum" in entry._by_name else {}
    changed = {**non_default(entry), **momentum}
    switches = {key for key, value in changed.items() if value is True}
    variants = [changed]
    if entry.conflict(entry.fill(changed), name):  # the switches apart from the numbers
        apart = [{k: v for k, v in changed.items() if (k in switches) == on} for on in (True, False)]
        variants = [{**part, **momentum} for part in apart]
    for params in ({}, *variants):
        found = small(optimizer=OptimizerSpec(type=name, params=params))
        assert_same(found, [style for style in ("sequential", "bare-tensors", "lightning-module") if style in RUNNABLE])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dataset", ["xor", "iris", "bumps", "diabetes", "ones"])
def test_every_loss(name: str, dataset: str) -> None:
    params = {"points": 30} if DATASETS[dataset].source == "generated" else {}
    data = DataSpec(dataset=dataset, params=params)
    end = (layer("Sigmoid"),) if LOSSES[name].bounded_outputs else ()
    if data.facts.task not in LOSSES[name].tasks:
        return
    widths = {None} | ({2} if dataset == "xor" and LOSSES[name].target_form == "dense" else set())
    for width in widths:
        layers = (layer("Linear", out_features=4), layer("Tanh"), layer("Linear", out_features=width), *end)
        found = small(data=data, layers=layers, loss=LossSpec(type=name))
        assert_same(found, [style for style in ("mixed", "bare-tensors", "lightning-module") if style in RUNNABLE])


def initialised(init: InitSpec, bias_init: InitSpec) -> Experiment:
    """Layers with initialisers, inside of others too."""
    wide = layer("Linear", out_features=5).updated(init=init, bias_init=bias_init)
    plain = layer("Linear", bias=False).updated(init=init, bias_init=bias_init)
    return small(layers=(wide, layer("ReLU"), residual(plain, layer("ReLU")), plain))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initialiser(name: str) -> None:
    matrix = InitSpec(type=name, params=non_default(INITIALIZERS[name]))
    found = initialised(matrix, InitSpec(type="normal_"))
    # Weights that are exactly 0 or 1 make sums that are exactly 0, of which `exactness` speaks for clamp.
    styles = [style for style in expressible(found) if style in RUNNABLE and style != "layers-clamp"]
    assert_same(found, styles, epochs=1)
    assert f"nn.init.{name}(" in script(found, "lightning-module", epochs=1)


QUICK: dict[str, list[dict[str, Any]]] = {
    "MultiStepLR": [{"milestones": [1, 2]}],
    "OneCycleLR": [{}, {"total_steps": 2}, {"total_steps": 7, "anneal_strategy": "linear", "three_phase": True}],
    "CyclicLR": [{"step_size_up": 2, "mode": mode, "gamma": 0.8} for mode in ("triangular2", "exp_range")],
    "ReduceLROnPlateau": [{"patience": 0, "threshold": 0.5}],
}
"""Parameters with which a schedule does something in three epochs."""
SCHEDULES = [
    (name, every, chosen)
    for name, entry in SCHEDULERS.items()
    for every in entry.counts
    for chosen in ({}, *QUICK.get(name, []))
]


@pytest.mark.parametrize(("name", "every", "chosen"), SCHEDULES)
def test_every_schedule(name: str, every: str, chosen: dict[str, Any]) -> None:
    found = small(
        scheduler=SchedulerSpec(type=name, every=every, params=chosen),
        training=TrainingSpec(batch_size=6, report_every=2, epochs=3 if chosen else None),
    )
    assert_same(found, [s for s in ("sequential", "bare-tensors", "lightning-module") if s in RUNNABLE], epochs=3)


OPTIONS: dict[str, dict[str, Any]] = {
    "norm": {"max_grad_norm": 0.1},
    "value": {"max_grad_value": 0.01},
    "accumulated": {"accumulate_grad_batches": 3},
    "accumulated and never zeroed": {"accumulate_grad_batches": 3, "zero_grad": False},
    "accumulated and clipped": {"accumulate_grad_batches": 2, "max_grad_value": 0.01, "report_every": None},
    "l1": {"l1_penalty": 0.01},
    "l2": {"l2_penalty": 0.1, "zero_grad": False},
    "both": {"l1_penalty": 0.01, "l2_penalty": 0.1, "accumulate_grad_batches": 2},
}


@pytest.mark.parametrize("scheduled", [False, True], ids=["", "scheduled"])
@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_training(name: str, scheduled: bool) -> None:
    """In every style: three batches of six and one of two in an epoch."""
    schedule = SchedulerSpec(type="StepLR", params={"step_size": 2}, every="step") if scheduled else None
    training = TrainingSpec(**{"batch_size": 6, "report_every": 2, **OPTIONS[name]})
    found = small(scheduler=schedule, training=training)
    in_all = name in ("accumulated", "both") and not scheduled
    few = [style for style in ("mixed", "bare-tensors", "lightning-module") if style in RUNNABLE]
    assert_same(found, None if in_all else few)
    assert recorded(found, 2) != recorded(small(scheduler=schedule), 2)


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.source in ("generated", "bundled")])
def test_every_set(name: str) -> None:
    entry = DATASETS[name]
    params = {"points": 50} if entry.source == "generated" else {}
    layers = (layer("Linear", out_features=4), layer("Tanh"), layer("Linear"))
    for seed, share in ((0, 0.5), (7, 0.23)):
        data = DataSpec(dataset=name, params=params, seed=seed, test_fraction=share)
        loss = "CrossEntropyLoss" if data.facts.classifies else "MSELoss"
        assert_same(small(data=data, layers=layers, loss=LossSpec(type=loss)), ["sequential"], epochs=1)


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.source == "downloaded"])
@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "MSELoss"])
def test_every_downloaded_set(name: str, loss: str, images: Path) -> None:
    layers = (layer("Linear", out_features=8), layer("ReLU"), layer("Linear"))
    if DataSpec(dataset=name).facts.official_split:
        data = DataSpec(dataset=name, params={"train_samples": 30, "test_samples": 15})
    else:
        data, loss = DataSpec(dataset=name, test_fraction=0.3), "MSELoss"
    found = small(data=data, layers=layers, loss=LossSpec(type=loss))
    assert_same(found, ["named-sequential", "bare-tensors"])


def test_input_features_are_made_as_in_the_playground() -> None:
    features = list(DATASETS["spiral"].parameter("features").choices)  # type: ignore[attr-defined]
    for chosen in (features, ["x2"], ["x1", "sin(5*x2)"]):
        data = DataSpec(dataset="spiral", params={"points": 40, "features": chosen})
        assert_same(small(data=data), ["sequential"], epochs=1)


@pytest.mark.parametrize("changes", [
    {"zero_grad": False}, {"max_grad_norm": 0.01}, {"batch_size": None}, {"seed": 0}, {"report_every": 7},
    {"report_every": None}, {"batch_size": 20, "zero_grad": False, "max_grad_norm": 0.5},
])  # fmt: skip
def test_every_way_to_train(changes: dict[str, Any]) -> None:
    found = small(training=small().training.updated(**changes))
    assert_same(found, [s for s in ("sequential", "bare-tensors", "lightning-module") if s in RUNNABLE], epochs=3)


def tiny(value: Any) -> bool:
    """Whether there is a number in it below 1e-38: to a run such numbers are zero, and to a script they are not."""
    if isinstance(value, dict):
        return any(map(tiny, value.values()))
    if isinstance(value, list | tuple):
        return any(map(tiny, value))
    return isinstance(value, float) and 0 < abs(value) < 1e-38


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(experiments(modest=True), st.sets(st.sampled_from(RUNNABLE), min_size=3, max_size=3))
def test_any_experiment(found: Experiment, styles: set[str]) -> None:
    """In bare tensors, which take the most code of their own, and in three styles at random, since every layer has a
    test of its own in all of them."""
    assume(found.data.entry.source == "generated")
    data = found.data.updated(params={**found.data.params, "points": max(20, min(MODEST, found.data.params["points"]))})
    training = found.training.updated(device="cpu", epochs=None)
    loss = "MSELoss" if data.facts.task == "regression" else "CrossEntropyLoss"
    end = (layer("Linear"),)
    layers = tuple(
        one.updated(params={**one.params, "out_features": 5}) if one.params.get("out_features", 0) is None else one
        for one in found.layers
    )
    found = found.updated(data=data, training=training, layers=(*layers, *end), loss=LossSpec(type=loss))
    try:
        size = load(found.data).train_size
    except DataError:  # too few samples for the parts that are asked for
        reject()
    if (training.batch_size or 0) > size:
        found = found.updated(training=training.updated(batch_size=size))
    for _ in range(MAX_LAYERS):
        errors = [problem for problem in problems(found, size) if problem.severity == "error"]
        if not errors or errors[0].fixed is None:
            break
        found = errors[0].fixed
    assume(not errors)
    assume(plan(found).parameters > 0)
    assume(not tiny(found.model_dump()))
    drawn = styles | {"bare-tensors"}
    assert_same(found, [style for style in expressible(found) if style in drawn] or ["sequential"], epochs=2)


@pytest.mark.parametrize("style", ["sequential", "module-functional", "bare-tensors"])
@pytest.mark.parametrize("layers", [small().layers, NETWORKS["nested"]], ids=["flat", "nested"])
def test_a_notebooks_cells_in_order_give_the_same(style: str, layers: tuple[LayerSpec, ...]) -> None:
    found = small(layers=layers)
    book = json.loads(notebook(found, style, epochs=2))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    assert {cell["cell_type"] for cell in book["cells"]} == {"markdown", "code"}
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    assert figures(run(*cells)) == recorded(found, 2)[0]


FLAT = (layer("Linear", out_features=5), layer("ReLU"), layer("BatchNorm1d"), layer("Linear"))
INSIDE = (layer("Linear"), layer("ReLU"), layer("BatchNorm1d"))
BLOCK = (layer("Linear", out_features=5), residual(*INSIDE), layer("Linear"))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("layers", [FLAT, BLOCK], ids=["flat", "residual"])
def test_trained_weights_give_the_figures_that_were_shown(
    style: str, layers: tuple[LayerSpec, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if style not in RUNNABLE:
        pytest.skip("Lightning is not installed (requirements-dev.txt)")
    from mlp_core.engines.eager import EagerEngine
    from mlp_core.export.weights import save
    from mlp_core.run.build import build
    from mlp_core.run.metrics import evaluate
    from mlp_core.training.loop import train

    found = small(layers=layers)
    trained = build(found, load(found.data))
    list(train(trained, EagerEngine(), epochs=3))
    result = evaluate(trained)
    (tmp_path / "w.safetensors").write_bytes(save(found, trained.model.state_dict()))
    monkeypatch.chdir(tmp_path)
    shown = {"test_loss": result.loss, "accuracy": result.accuracy}
    wanted = [f"{result.loss:.6f}", f"{result.accuracy:.6f}"]
    assert printed(script(found, style, weights="w.safetensors", **shown)) == wanted  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        run(script(found, style, weights="w.safetensors", test_loss=result.loss + 0.001))


@pytest.mark.parametrize("style", ["sequential", pytest.param("lightning-module", marks=needs_lightning)])
def test_in_a_process_of_its_own(style: str, small_sets: Path, site: Path, tmp_path: Path) -> None:
    """The whole way: command line, file, clean environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(site), "MLP_DATA_DIR": str(small_sets), "OMP_NUM_THREADS": "1"}

    def call(*arguments: str, folder: Path) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True,
                              encoding="utf-8", check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    file = tmp_path / "exported.py"
    classic = preset("cifar10-classic").experiment
    spec = tmp_path / "spec.json"
    # So few images have no 500 mini-batches.
    spec.write_text(classic.updated(training=classic.training.updated(report_every=5)).to_json(), encoding="utf-8")
    call("-m", "mlp_core", "export", str(spec), "--style", style, "--epochs", "2", "-o", str(file), folder=ROOT)
    trained = call("-m", "mlp_core", "train", str(spec), "--epochs", "2", "--jsonl", folder=ROOT)
    wanted = []
    for event in map(json.loads, trained.splitlines()):
        if event["event"] == "report":
            wanted.append(f"{event['loss']:.6f}")
        elif event["event"] == "evaluation":
            wanted += [f"{event[name]:.6f}" for name in ("train_loss", "test_loss", "test_accuracy")]
    assert len(wanted) == 10
    assert figures(call(str(file), folder=tmp_path)) == wanted


def test_what_a_style_cannot_express_is_not_written() -> None:
    shared = small(layers=(layer("Linear", out_features=3), layer("Tanh"), layer("Linear"), layer("Sigmoid")),
                   loss=LossSpec(type="BCELoss"))  # fmt: skip
    for style in ("module-shared", "layers-clamp"):
        reason = refuses(shared, style)
        assert reason.endswith(".")
        with pytest.raises(SpecError) as caught:
            script(shared, style)
        assert str(caught.value) == reason
