"""What exported code looks like, what is refused, and that new catalog entries need no new exporter."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from blocks import NETWORKS
from exported import expressible, figures, printed, recorded, run
from hypothesis import given
from hypothesis import strategies as st
from test_same_numbers import RUNNABLE, assert_same, layer, small

from mlp_core.__main__ import main
from mlp_core.catalog import ALL_LAYERS, FEATURES, LOSSES, OPTIMIZERS, STYLES
from mlp_core.catalog.losses import LossEntry
from mlp_core.catalog.optimizers import OptimizerEntry
from mlp_core.catalog.parameters import Float
from mlp_core.errors import SpecError
from mlp_core.export import exactness, file_name, network_code, notebook, refuses, script
from mlp_core.export.program import MODULES, OTHERS
from mlp_core.export.python import Group, call, flat, layout, literal, one_per_line
from mlp_core.presets import PRESETS, preset
from mlp_core.spec import DataSpec, Experiment, LossSpec, OptimizerSpec, SchedulerSpec

Capture = pytest.CaptureFixture[str]
WIDE = {"bias": False, "out_features": 123_456}


def shapes() -> dict[str, Experiment]:
    """Experiments whose code takes many forms: long and short lines, every part that can be there or not."""
    odd = DataSpec(dataset="moons", params={"points": 40, "features": ["x1", "x2", "x1^2", "x1*x2", "sin(5*x1)"]})
    every = DataSpec(dataset="moons", params={"points": 40, "features": ["x2"]})
    long = OptimizerSpec(type="AdamW", params={"lr": 1 / 3, "betas": (1 / 7, 1 / 3), "eps": 1e-12, "amsgrad": True,
                                               "weight_decay": 0.123456789})  # fmt: skip
    many = tuple(layer(name, **({"out_features": 4} if name == "Linear" else {})) for name in ALL_LAYERS)
    leaky = layer("LeakyReLU", negative_slope=0.12345678901)
    training = small().training
    return {
        **{name: found.experiment for name, found in PRESETS.items()},
        "odd": small(data=odd, optimizer=long, scheduler=SchedulerSpec(type="StepLR"),
                     training=training.updated(max_grad_norm=1.0, batch_size=None)),
        "one": small(data=every, layers=(layer("Linear"),), training=training.updated(report_every=None, seed=1)),
        "many": small(layers=(*many, layer("Linear", out_features=3), leaky, layer("Linear", out_features=4), leaky,
                              layer("Linear", bias=False)),
                      scheduler=SchedulerSpec(type="LinearLR", every="step"),
                      optimizer=OptimizerSpec(type="SGD", params={"momentum": 0.9, "nesterov": True})),
        **{f"blocks {number}": small(layers=layers) for number, layers in enumerate(NETWORKS.values())},
        "deep": small(layers=(*(layer("Linear", out_features=2) for _ in range(30)), layer("Linear"))),
        "regression": small(data=DataSpec(dataset="diabetes", test_fraction=1 / 3), loss=LossSpec(type="L1Loss")),
        "cuda": small(training=training.updated(device="cuda")),
        "images": small(data=DataSpec(dataset="CIFAR10", params={"train_samples": 100}), loss=LossSpec(type="MSELoss")),
    }  # fmt: skip


def test_code_is_formatted_and_sound_by_ruffs_own_rules(tmp_path: Path) -> None:
    written = 0
    for name, found in shapes().items():
        for style in expressible(found):
            place = tmp_path / f"{name}_{style}"
            place.with_suffix(".py").write_text(script(found, style), encoding="utf-8")
            place.with_suffix(".ipynb").write_text(notebook(found, style), encoding="utf-8")
            loaded = script(found, style, weights="weights.safetensors", test_loss=1 / 3, accuracy=1.0)
            (tmp_path / f"{name}_{style}_weights.py").write_text(loaded, encoding="utf-8")
            written += 3
    assert written > 3 * 100
    for command in (["check"], ["check", "--select", "I"], ["format", "--check"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[:3000] + done.stderr[:1000]


@pytest.mark.parametrize("style", STYLES)
def test_code_stands_alone_in_lines_that_fit(style: str) -> None:
    for name, found in shapes().items():
        if refuses(found, style):
            continue
        code = script(found, style)
        assert "mlp_core" not in code
        assert [line for line in code.splitlines() if len(line) > 88] == [], name
        assert code.isascii() or "encoding" not in code
        assert code.count('"""') >= 2
        assert ast.get_docstring(ast.parse(code))


def test_every_style_has_a_writer() -> None:
    assert set(STYLES) == {*MODULES, *OTHERS}


def test_the_classic_script_is_the_textbook_one() -> None:
    code = script(preset("cifar10-classic").experiment, "sequential")
    for line in (
        "train_data = datasets.CIFAR10(root, train=True, download=True, transform=to_tensor)",
        "train_loader = DataLoader(train_data, batch_size=10, shuffle=True)",
        "    nn.Flatten(),",
        "    nn.Linear(3072, 64),",
        "loss_fn = nn.CrossEntropyLoss()",
        "optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)",
        "for epoch in range(1, 6):",
        "        optimizer.zero_grad()",
        "        loss.backward()",
        "        optimizer.step()",
        "        if batch % 500 == 0:  # the mean of the last 500 mini-batches",
    ):
        assert line in code.splitlines()
    assert len(code.splitlines()) < 80


def test_the_network_alone_tells_the_styles_apart() -> None:
    classic = preset("cifar10-classic").experiment
    codes = {style: network_code(classic, style) for style in expressible(classic)}
    assert len(codes) == len(STYLES)
    assert len(set(codes.values())) == len(STYLES)
    assert "DataLoader" not in "".join(codes.values())


def test_default_arguments_are_left_out_but_for_the_learning_rate() -> None:
    code = script(small(optimizer=OptimizerSpec(type="SGD", params={"lr": 0.001})), "sequential")
    assert "torch.optim.SGD(model.parameters(), lr=1e-3)" in code
    code = script(small(layers=(layer("Linear"), layer("Dropout", p=0.2))), "sequential")
    assert "nn.Linear(2, 2)," in code
    assert "nn.Dropout(p=0.2)," in code
    assert "nn.Dropout()," in script(small(layers=(layer("Linear"), layer("Dropout"))), "sequential")


def test_epochs() -> None:
    assert "range(1, 4)" in script(small(), "sequential", epochs=3)
    assert "range(1, 8)" in script(small(training=small().training.updated(epochs=7)), "sequential")
    assert "range(1, 101)" in script(small(), "sequential")
    with pytest.raises(SpecError, match="'epochs'"):
        script(small(), "sequential", epochs=0)


def test_small_steps_are_made_by_one_thread_and_large_ones_by_all() -> None:
    assert "torch.set_num_threads(1)" in script(small(), "sequential")
    assert "set_num_threads" not in script(preset("fashion-mnist-quickstart").experiment, "sequential")


def test_a_graphics_card_is_used_where_there_is_one() -> None:
    import torch

    found = shapes()["cuda"]
    assert "cuda" in exactness(found)
    for style in (style for style in expressible(found) if style in RUNNABLE and style != "lightning-module"):
        code = script(found, style, epochs=1)
        assert 'device = "cuda" if torch.cuda.is_available() else "cpu"' in code
        if not torch.cuda.is_available():
            assert printed(code) == recorded(small(), 1)[0], style


def test_exactness() -> None:
    assert exactness(small()) == ""
    assert [style for style in STYLES if exactness(small(), style)] == ["layers-clamp"]


def test_file_names_are_no_module_that_a_script_imports() -> None:
    for style in STYLES:
        name = file_name(small(), style)
        assert name.endswith(".py")
        assert find_spec(name.removesuffix(".py")) is None


@pytest.mark.parametrize(
    ("style", "layers", "words"),
    [
        ("module-shared", ["Linear"], "no activation"),
        ("module-shared", ["Linear", "ReLU", "Linear", "Tanh", "Linear"], "ReLU and Tanh"),
        ("layers-clamp", ["Linear", "Tanh", "Linear"], "Tanh"),
        ("layers-clamp", ["Linear"], "followed by an activation"),
        ("layers-functional", ["ReLU", "Linear"], "followed by an activation"),
    ],
)
def test_a_style_says_why_it_cannot_express_a_network(style: str, layers: list[str], words: str) -> None:
    found = small(layers=tuple(layer(n, **({"out_features": 2} if n == "Linear" else {})) for n in layers))
    reason = refuses(found, style)
    assert words in reason
    assert reason.endswith(".")


def test_shared_activations_of_one_kind_with_other_parameters() -> None:
    layers = (
        layer("Linear", out_features=3),
        layer("LeakyReLU"),
        layer("Linear"),
        layer("LeakyReLU", negative_slope=0.5),
    )
    assert "different parameters" in refuses(small(layers=layers), "module-shared")


def test_what_cannot_run_is_not_exported() -> None:
    with pytest.raises(SpecError, match="needs 2"):
        script(small(layers=(layer("Linear", out_features=7),)), "sequential")
    with pytest.raises(SpecError, match="no style named"):
        refuses(small(), "sequentail")


def _float(name: str, default: float) -> Float:
    return Float(name=name, label=name, help="", default=default)


def test_functions_are_called_by_their_names() -> None:
    for name, params, wanted in (
        ("Softplus", {"beta": 2.0}, "F.softplus(self.fc1(x), beta=2.0)"),
        ("LogSigmoid", {}, "F.logsigmoid(self.fc1(x))"),
        ("Threshold", {"threshold": 0.1}, "F.threshold(self.fc1(x), 0.1, 0.0)"),
        ("RReLU", {}, "F.rrelu(self.fc1(x), training=self.training)"),
        ("LogSoftmax", {}, "F.log_softmax(self.fc1(x), dim=1)"),
        ("Softmin", {}, "F.softmin(self.fc1(x), dim=1)"),
    ):
        found = small(layers=(layer("Linear", out_features=3), layer(name, **params), layer("Linear")))
        assert wanted in network_code(found, "module-functional")


def test_a_new_optimizer_and_a_new_loss_need_no_new_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NAdam", "Adagrad", "Rprop"):
        entry = OptimizerEntry(name=name, label="", summary="", state_per_parameter=2, parameters=(_float("lr", 0.01),))
        monkeypatch.setitem(OPTIMIZERS, name, entry)
        assert_same(small(optimizer=OptimizerSpec(type=name)), ["mixed", "bare-tensors"])
    loss = LossEntry(name="HuberLoss", label="", summary="", target_form="dense", link="identity",
                     tasks=("regression", "classification"), parameters=(_float("delta", 0.3),))  # fmt: skip
    monkeypatch.setitem(LOSSES, "HuberLoss", loss)
    found = small(loss=LossSpec(type="HuberLoss"), layers=(layer("Linear", out_features=3), layer("Linear")))
    assert "loss_fn = nn.HuberLoss(delta=0.3)" in script(found, "sequential")
    assert_same(found, ["sequential", "bare-tensors"])


def test_a_fused_update_is_left_to_the_class_and_other_switches_are_written_out() -> None:
    fused = small(optimizer=OptimizerSpec(type="Adam", params={"fused": True}))
    text = script(fused, "bare-tensors")
    assert "torch.optim.Adam(" in text
    assert "fused=True" in text
    assert_same(fused, ["sequential", "bare-tensors"])
    up = small(optimizer=OptimizerSpec(type="SGD", params={"maximize": True}))
    assert "maximize=True)" in script(up, "sequential")
    assert "g = g.neg()" in script(up, "bare-tensors")


def test_command(capsys: Capture, tmp_path: Path) -> None:
    assert main(["catalog", "styles"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(STYLES)
    assert main(["export", "xor", "--epochs", "1"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out == script(preset("xor").experiment, "sequential", epochs=1)
    file = tmp_path / "xor.ipynb"
    assert main(["export", "xor", "--style", "mixed", "--notebook", "-o", str(file)]) == 0
    assert json.loads(file.read_text(encoding="utf-8"))["nbformat"] == 4
    assert main(["export", "xor", "--style", "layers-clamp"]) == 0
    assert capsys.readouterr().err == exactness(preset("xor").experiment, "layers-clamp") + "\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["xorr"], "'xorr'"),
        (["xor", "--style", "sequentiel"], "did you mean 'sequential'"),
        (["xor", "--epochs", "0"], "'epochs'"),
        (["spiral", "--style", "layers-clamp"], "Tanh"),
        (["xor", "-o", "/nonexistent/x.py"], "/nonexistent/x.py"),
        (["xor", "-o", "nul\0byte.py"], "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(capsys: Capture, arguments: list[str], words: str) -> None:
    assert main(["export", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert len(said.err.splitlines()) == 1


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.booleans(), st.none(), st.text(),
                 st.tuples(st.floats(0, 1), st.integers())))  # fmt: skip
def test_a_literal_is_the_value(value: Any) -> None:
    found = ast.literal_eval(literal(value))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-4, "1e-4"), (0.001, "1e-3"), (0.01, "0.01"), (3e-4, "3e-4"), (1e12, "1e12"), (0.9, "0.9"), (100.0, "100.0"),
     ("none", '"none"'), ((0.9, 0.999), "(0.9, 0.999)"), (1 / 3, "0.3333333333333333")],
)  # fmt: skip
def test_numbers_are_written_as_people_write_them(value: Any, text: str) -> None:
    assert literal(value) == text


expressions = st.recursive(
    st.text("abcxyz", min_size=1, max_size=30),
    lambda inner: st.builds(
        lambda name, items, shape, explode: (one_per_line if explode and items else lambda group: group)(
            call(name, *items) if shape else Group("[", tuple(items), "]")
        ),
        st.text("fgh", min_size=1, max_size=20), st.lists(inner, max_size=5), st.booleans(), st.booleans(),
    ),
    max_leaves=25,
)  # fmt: skip


def test_layout_is_that_of_ruff(tmp_path: Path) -> None:
    seen: list[str] = []

    @given(expressions, st.sampled_from(["a = ", "self.something_long_enough = "]))
    def collect(expression: Any, before: str) -> None:
        lines = layout(expression, before)
        assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(ast.parse(before + flat(expression)))
        seen.append("\n".join(lines))

    collect()
    # What already is in its final form is left alone.
    path = tmp_path / "layouts.py"
    path.write_text("\n".join(text for text in seen) + "\n", encoding="utf-8")
    arguments = [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--diff", str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:3000]


def test_every_input_feature_has_its_formula() -> None:
    for name, entry in FEATURES.items():
        found = small(data=DataSpec(dataset="xor", params={"points": 20, "features": sorted({name, "x1*x2"})}))
        (line,) = [line for line in script(found, "sequential").splitlines() if line.startswith("columns = ")]
        columns = ast.parse(line).body[0].value.elts  # type: ignore[attr-defined]
        assert entry.code in [ast.unparse(column) for column in columns]


def test_running_leaves_nothing_behind() -> None:
    import torch

    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    assert figures(run(script(small(), "sequential", epochs=1)))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)
