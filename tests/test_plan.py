"""Plans: shapes and sizes equal those of the built network, and what cannot run is refused before it is built."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import experiments

from mlp_core import data
from mlp_core.catalog import LAYERS, LayerEntry
from mlp_core.errors import SpecError
from mlp_core.limits import MAX_LAYERS, MAX_PARAMETERS
from mlp_core.plan import last_linear, plan, wanted_outputs
from mlp_core.presets import PRESETS, preset
from mlp_core.problems import Problem, problems, refuse
from mlp_core.run import build as build_module
from mlp_core.run.build import build, build_model, describe_model
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec


def linear(width: int | None = None) -> LayerSpec:
    return LayerSpec(type="Linear", params={"out_features": width})


def layer(name: str, **params: object) -> LayerSpec:
    return LayerSpec(type=name, params=params)


def experiment(
    *layers: LayerSpec, dataset: str = "spiral", loss: str = "CrossEntropyLoss", **training: object
) -> Experiment:
    return Experiment(
        data=DataSpec(dataset=dataset),
        layers=layers or (linear(),),
        loss=LossSpec(type=loss),
        optimizer=OptimizerSpec(type="SGD"),
        training=TrainingSpec(**training),
    )


@given(experiments(modest=True))
def test_shapes_and_counts_equal_those_of_the_built_network(drawn: Experiment) -> None:
    found = plan(drawn)
    with torch.random.fork_rng():
        model = build_model(found).eval()
    assert found.parameters == sum(p.numel() for p in model.parameters())
    planned = [entry.name for entry in found.walk()]
    parts = {"", *planned} - {entry.name for entry in found.walk() if not entry.inside}
    names = [name for name, _ in model.named_modules() if name and name.rpartition(".")[0] in parts]
    assert names == (["0", *planned] if found.flatten else planned)
    if found.flatten:
        assert isinstance(model[0], torch.nn.Flatten)
    for entry in found.walk():
        module = model.get_submodule(entry.name)
        assert type(module).__name__ == entry.spec.type == drawn.layer_at(entry.path).type
        assert entry.parameters == sum(p.numel() for p in module.parameters())
        assert entry.buffers == sum(b.numel() for b in module.buffers())
        if not entry.inside and entry.misfit is None:
            assert module(torch.zeros(3, entry.in_features)).shape == (3, entry.out_features)
    for beside in found.lists():
        assert [entry.in_features for entry in beside[1:]] == [entry.out_features for entry in beside[:-1]]
    assert found.outputs == found.layers[-1].out_features
    assert found.training_bytes >= 4 * 4 * found.parameters
    if all(entry.fits and entry.misfit is None for entry in found.walk()):
        assert model(torch.zeros(3, *found.sample_shape)).shape == (3, found.outputs)


@given(experiments(modest=True), st.integers(10, 60) | st.none())
def test_every_fix_removes_its_problem_and_makes_no_error(drawn: Experiment, train_size: int | None) -> None:
    before = problems(drawn, train_size)
    assert [p.severity for p in before] == sorted((p.severity for p in before), key=lambda s: s != "error")
    for problem in before:
        if problem.fixed is None:
            continue
        assert problem.fix_label
        after = problems(problem.fixed, train_size)
        assert problem.message not in {p.message for p in after}
        assert len(errors(problem.fixed, train_size)) <= max(1, len(errors(drawn, train_size)))


def errors(drawn: Experiment, train_size: int | None = None) -> list[Problem]:
    return [problem for problem in problems(drawn, train_size) if problem.severity == "error"]


def fix_all(drawn: Experiment, train_size: int | None = None) -> Experiment:
    """Press the first offered fix until there is none, as a user would."""
    for _ in range(100):
        fixes = [p.fixed for p in problems(drawn, train_size) if p.fixed is not None]
        if not fixes:
            return drawn
        drawn = fixes[0]
    pytest.fail("the fixes go round in a circle")


@given(experiments(modest=True), st.integers(10, 60))
def test_pressing_fixes_ends_in_an_experiment_that_can_run(drawn: Experiment, train_size: int) -> None:
    # Every error that random parts can have has a fix, so the end has none.
    train_size = drawn.data.facts.train_size or train_size  # some sets say how many samples they have
    assert errors(fix_all(drawn, train_size), train_size) == []


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_no_errors(name: str) -> None:
    found = preset(name).experiment
    assert errors(found) == []
    assert [p.message for p in problems(found)] == ([p.message for p in problems(found) if "never zeroed" in p.message])


def test_published_shapes_of_the_recipes() -> None:
    cifar = plan(preset("cifar10-classic").experiment)
    assert [entry.out_features for entry in cifar.layers] == [64, 64, 32, 32, 10]
    assert cifar.flatten
    assert cifar.parameters == 199_082  # 199 K in the published summary table
    assert plan(preset("fashion-mnist-quickstart").experiment).parameters == 669_706
    assert plan(preset("binary-16-12-10-1").experiment).outputs == 1
    block = plan(preset("batchnorm-block").experiment)
    assert (block.parameters, block.layers[-1].buffers) == (16, 5)


def test_the_text_of_the_model_is_torchs_own() -> None:
    found = plan(preset("binary-16-12-10-1").experiment)
    with torch.random.fork_rng():
        assert describe_model(found) == str(build_model(found))
    before = torch.random.get_rng_state()
    describe_model(found)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.fixture
def nothing_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a module or a stream of random numbers fails the test."""

    def made(*arguments: object, **keywords: object) -> None:
        pytest.fail("something was built")

    monkeypatch.setattr(build_module, "make_optimizer", made)
    monkeypatch.setattr(build_module, "RandomStream", made)


def refusal(drawn: Experiment) -> str:
    loaded = data.load(preset("spiral").experiment.data)
    with pytest.raises(SpecError) as caught:
        build(drawn, loaded)
    return str(caught.value)


@pytest.mark.usefixtures("nothing_built")
def test_too_many_parameters_are_refused_with_the_estimate() -> None:
    said = refusal(experiment(linear(65_536), layer("ReLU"), linear(65_536), layer("ReLU"), linear()))
    assert "4,295,360,514 parameters" in said
    assert "about 112.0 GiB" in said
    assert f"the limit is {MAX_PARAMETERS:,} parameters" in said
    assert said.endswith("Make the widest layers narrower.")


@pytest.mark.usefixtures("nothing_built")
def test_too_much_memory_for_activations_is_refused_with_the_estimate() -> None:
    said = refusal(experiment(linear(60_000), layer("Tanh"), layer("Tanh"), linear(), batch_size=1_000_000))
    assert "GiB" in said
    assert "the limit is 2.0 GiB" in said
    assert "batch smaller" in said


@pytest.mark.parametrize("dataset", ["FashionMNIST", "CIFAR10"])
def test_the_whole_of_an_image_set_as_one_batch_counts(dataset: str) -> None:
    whole = experiment(linear(6000), layer("ReLU"), linear(), dataset=dataset, batch_size=None)
    with pytest.raises(SpecError, match="GiB"):
        plan(whole)
    part = whole.updated(data=DataSpec(dataset=dataset, params={"train_samples": 1000}))
    plan(part)
    assert plan(part).training_bytes < plan(part.updated(training=TrainingSpec(batch_size=5000))).training_bytes


@pytest.mark.usefixtures("nothing_built")
def test_a_batch_larger_than_the_data_is_refused() -> None:
    said = refusal(experiment(batch_size=201))
    assert "'batch_size'" in said
    assert "200" in said
    assert "Got 201" in said
    with pytest.raises(SpecError):
        refuse(experiment(batch_size=11), 10)
    refuse(experiment(batch_size=10), 10)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: linear(10**10), ["out_features", "1000000000]", "10000000000", "usual"]),
        (lambda: layer("Dropout", p=1.5), ["'p'", "[0, 1)", "1.5"]),
        (lambda: TrainingSpec(batch_size=0), ["batch_size", "0"]),
        (lambda: OptimizerSpec(type="Adam", params={"lr": -1.0}), ["'lr'", "-1.0"]),
        (lambda: experiment(*[layer("ReLU")] * 10_000), ["64", "10,000", "Remove"]),
    ],
    ids=["width", "dropout", "batch 0", "negative rate", "ten thousand layers"],
)
def test_values_outside_their_range_are_refused_when_written(make: object, words: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        make()  # type: ignore[operator]
    assert [word for word in words if word not in str(caught.value)] == []


def only_error(drawn: Experiment, train_size: int | None = None) -> Problem:
    found = errors(drawn, train_size)
    assert len(found) == 1, found
    with pytest.raises(SpecError, match="^" + re.escape(found[0].message)):
        refuse(drawn, train_size)
    return found[0]


@pytest.mark.parametrize(
    ("dataset", "loss", "better"),
    [
        ("plane", "CrossEntropyLoss", "MSELoss"),
        ("plane", "BCELoss", "MSELoss"),
        ("diabetes", "BCEWithLogitsLoss", "MSELoss"),
    ],
)
def test_a_loss_for_another_task_is_refused_with_a_better_one(dataset: str, loss: str, better: str) -> None:
    problem = only_error(experiment(dataset=dataset, loss=loss))
    assert loss in problem.message
    assert problem.fixed is not None
    assert problem.fixed.loss.type == better
    assert errors(problem.fixed) == []


@pytest.mark.parametrize("dataset", ["circle", "iris"])
def test_bce_without_sigmoid_is_refused(dataset: str) -> None:
    problem = only_error(experiment(dataset=dataset, loss="BCELoss"))
    assert "Sigmoid" in problem.message
    assert problem.fixed is not None
    assert problem.fixed.loss.type == "BCEWithLogitsLoss"
    assert errors(problem.fixed) == []
    assert errors(experiment(linear(), layer("Sigmoid"), dataset=dataset, loss="BCELoss")) == []


@pytest.mark.parametrize(
    ("dataset", "loss", "width", "wanted"),
    [
        ("iris", "CrossEntropyLoss", 4, 3),
        ("spiral", "CrossEntropyLoss", 1, 2),
        ("iris", "MSELoss", 1, 3),
        ("plane", "MSELoss", 2, 1),
        ("ones", "L1Loss", 1, 2),
        ("circle", "BCEWithLogitsLoss", 3, 1),
    ],
)
def test_wrong_number_of_outputs(dataset: str, loss: str, width: int, wanted: int) -> None:
    problem = only_error(experiment(linear(width), dataset=dataset, loss=loss))
    assert f"{width} output" in problem.message
    assert f"needs {wanted}" in problem.message
    assert problem.fixed is not None
    assert plan(problem.fixed).outputs == wanted == wanted_outputs(problem.fixed)


def test_two_classes_may_have_one_output_or_two() -> None:
    for loss in ("BCEWithLogitsLoss", "MSELoss"):
        for width in (1, 2, None):
            assert errors(experiment(linear(width), dataset="circle", loss=loss)) == []


def test_a_network_without_linear_gets_one() -> None:
    problem = only_error(experiment(layer("ReLU"), layer("Sigmoid"), dataset="iris", loss="BCELoss"))
    assert problem.fixed is not None
    assert [entry.type for entry in problem.fixed.layers] == ["ReLU", "Linear", "Sigmoid"]


def test_only_the_last_linear_may_leave_its_width_to_the_data() -> None:
    said = only_error(experiment(linear(), layer("ReLU"), linear())).message
    assert "Layer 1 (Linear) has no width" in said
    assert last_linear((linear(3), layer("ReLU"))) == 0
    assert last_linear((layer("ReLU"),)) is None


def test_a_full_list_of_layers_is_described_although_no_layer_can_be_added() -> None:
    full = problems(experiment(*[linear(2)] * MAX_LAYERS))
    assert len(full) == MAX_LAYERS - 1
    assert all("both Linear" in p.message and p.fixed is None for p in full)
    assert only_error(experiment(*[layer("ReLU")] * MAX_LAYERS, dataset="iris")).fixed is None


@pytest.mark.parametrize(
    ("batch", "train_size", "fine"),
    [(1, None, False), (1, 200, False), (199, 200, False), (3, 100, False), (9, 10, False), (2, 7, False),
     (2, 13, False), (10, 200, True),
     (200, 200, True), (None, 200, True), (2, None, True)],
)  # fmt: skip
def test_batchnorm_needs_two_samples_in_every_batch(batch: int | None, train_size: int | None, fine: bool) -> None:
    normed = experiment(linear(4), layer("BatchNorm1d"), linear(), batch_size=batch)
    if fine:
        assert errors(normed, train_size) == []
        return
    problem = only_error(normed, train_size)
    assert "BatchNorm1d needs at least two samples" in problem.message
    assert problem.fixed is not None
    fixed = problem.fixed.training.batch_size
    assert fixed is not None
    assert fixed > 1
    assert train_size is None or (fixed <= train_size and train_size % fixed != 1)
    without = experiment(linear(4), layer("ReLU"), linear(), batch_size=batch)
    assert errors(without, train_size) == []


def test_batchnorm_with_a_last_batch_of_one_would_really_fail() -> None:
    normed = torch.nn.BatchNorm1d(4).train()
    with pytest.raises(ValueError, match="more than 1 value"):
        normed(torch.zeros(1, 4))


def test_hints() -> None:
    def hints(drawn: Experiment) -> list[Problem]:
        assert errors(drawn) == []
        return problems(drawn)

    (stacked,) = hints(experiment(linear(4), linear()))
    assert "Layers 1 and 2 are both Linear" in stacked.message
    assert stacked.fixed is not None
    assert [entry.type for entry in stacked.fixed.layers] == ["Linear", "ReLU", "Linear"]
    (squashed,) = hints(experiment(linear(), layer("Sigmoid")))
    assert "squashes twice" in squashed.message
    assert squashed.fixed is not None
    (summed,) = hints(experiment(zero_grad=False))
    assert "never zeroed" in summed.message
    assert summed.fixed is not None
    assert hints(experiment(linear(4), layer("ReLU"), linear())) == []


# Layers inside of others


def block(*inside: LayerSpec) -> LayerSpec:
    return LayerSpec(type="Residual", inside=inside)


def test_every_layer_has_its_path_its_name_and_its_number() -> None:
    nested = experiment(
        linear(4), block(linear(6), layer("Tanh"), block(linear(3), linear())), linear(), dataset="MNIST"
    )
    assert [(entry.path, entry.name, entry.number) for entry in plan(nested).walk()] == [
        ((0,), "1", "1"),
        ((1,), "2", "2"),
        ((1, 0), "2.0", "2.1"),
        ((1, 1), "2.1", "2.2"),
        ((1, 2), "2.2", "2.3"),
        ((1, 2, 0), "2.2.0", "2.3.1"),
        ((1, 2, 1), "2.2.1", "2.3.2"),
        ((2,), "3", "3"),
    ]
    assert [path for path, _ in nested.walk()] == [entry.path for entry in plan(nested).walk()]
    assert all(nested.layer_at(entry.path).type == entry.spec.type for entry in plan(nested).walk())


def test_an_empty_width_inside_a_block_is_the_blocks_own() -> None:
    found = plan(experiment(linear(5), block(linear(), layer("Tanh"), block(linear(7), linear())), linear()))
    assert [entry.out_features for entry in found.walk()] == [5, 5, 5, 5, 5, 7, 5, 2]
    assert [entry.spec.params["out_features"] for entry in found.walk() if entry.spec.type == "Linear"] == [
        5,
        5,
        7,
        5,
        2,
    ]
    (_, outer, _) = found.layers
    assert outer.spec.inside[2].inside == (linear(7), linear(5)), "a layer's spec holds the widths of its inside too"
    assert outer.parameters == (5 * 5 + 5) + (7 * 5 + 7) + (5 * 7 + 5)


@pytest.mark.parametrize(
    ("inside", "widths"),
    [
        ((linear(3),), [4]),
        ((linear(3), layer("ReLU")), [4, 4]),
        ((linear(9), layer("Tanh"), linear(3)), [9, 9, 4]),
        ((linear(3), block(linear(), layer("Tanh"))), [4, 4, 4, 4]),
        ((layer("Tanh"), block(linear(3))), [4, 4, 4]),
    ],
    ids=str,
)
def test_a_block_of_another_width_is_an_error_with_a_fix(inside: tuple[LayerSpec, ...], widths: list[int]) -> None:
    problem = only_error(experiment(linear(4), layer("Tanh"), block(*inside), linear()))
    assert "inside of layer 3" in problem.message
    assert "as many values as come in, 4. Got 3 instead" in problem.message
    assert problem.fixed is not None
    assert errors(problem.fixed) == []
    fixed = plan(problem.fixed).layers[2]
    assert [entry.out_features for entry in fixed.walk()][1:] == widths


def test_a_block_that_no_linear_inside_can_mend_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    halved = LayerEntry(name="GLU", label="GLU", summary="", family="test", out_features=lambda params, n: n // 2)
    monkeypatch.setitem(LAYERS, "GLU", halved)
    problem = only_error(experiment(linear(4), block(layer("GLU")), linear()))
    assert problem.fixed is not None
    assert problem.fixed.layer_at((1,)) == block(layer("GLU"), linear())
    after = only_error(experiment(linear(4), block(linear(6), layer("GLU")), linear()))
    assert after.fixed is not None
    assert after.fixed.layer_at((1,)) == block(linear(6), layer("GLU"), linear())
    full = [layer("ReLU")] * (MAX_LAYERS - 4)
    assert only_error(experiment(linear(4), block(layer("GLU")), *full, linear())).fixed is None


def test_what_is_said_of_layers_is_said_of_those_inside_too() -> None:
    normed = experiment(linear(4), block(linear(), layer("BatchNorm1d")), linear(), batch_size=1)
    assert "BatchNorm1d needs at least two samples" in only_error(normed).message
    (hint,) = problems(experiment(linear(4), block(linear(3), linear()), linear()))
    assert "Layers 2.1 and 2.2 are both Linear" in hint.message
    assert hint.fixed is not None
    assert hint.fixed.layer_at((1,)) == block(linear(3), layer("ReLU"), linear())


def test_a_layer_that_holds_others_of_any_width_needs_every_width(monkeypatch: pytest.MonkeyPatch) -> None:
    row = LayerEntry(name="Sequential", label="Row", summary="", family="test", inside=("Tanh",))
    monkeypatch.setitem(LAYERS, "Sequential", row)
    free = experiment(linear(4), LayerSpec(type="Sequential", inside=(linear(3), layer("Tanh"))), linear())
    assert errors(free) == []
    assert [entry.out_features for entry in plan(free).layers] == [4, 3, 2]
    empty = free.replace_layer((1, 0), linear())
    assert "Layer 2.1 (Linear) has no width. Inside of Sequential every width must be set." in only_error(empty).message


def test_sample_shapes() -> None:
    assert experiment(dataset="MNIST").data.facts.sample_shape == (1, 28, 28)
    three = DataSpec(dataset="xor", params={"features": ["x1", "x2", "x1*x2"]})
    assert three.facts.sample_shape == (3,)


def test_removing_the_sigmoid_removes_all_that_end_the_network() -> None:
    (hint,) = problems(experiment(linear(), layer("Sigmoid"), layer("Sigmoid")))
    assert hint.fixed is not None
    assert [entry.type for entry in hint.fixed.layers] == ["Linear"]
    _, hint = problems(experiment(layer("Sigmoid"), layer("Sigmoid")))  # there are no weights, either
    assert "squashes twice" in hint.message
    assert hint.fixed is None


def test_a_single_training_sample_is_no_batch_for_batch_norm() -> None:
    experiment = Experiment(
        data=DataSpec(dataset="plane", params={"points": 20}, test_fraction=0.95),
        layers=(LayerSpec(type="BatchNorm1d"), LayerSpec(type="Linear")),
        loss=LossSpec(type="MSELoss"),
        optimizer=OptimizerSpec(type="SGD"),
        training=TrainingSpec(batch_size=1),
    )
    (problem,) = problems(experiment, train_size=1)
    assert "only one training sample" in problem.message
    assert problem.severity == "error"
    assert problem.fixed is None


@pytest.mark.parametrize(
    ("end", "loss", "words", "fixed"),
    [
        (["Softmax"], "CrossEntropyLoss", "the Softmax before it squashes twice", []),
        (["LogSoftmax"], "CrossEntropyLoss", "the LogSoftmax before it changes nothing", []),
        (["Softmin", "Sigmoid"], "MultiMarginLoss", "squashes twice", []),
        ([], "NLLLoss", "the network puts out raw numbers", ["LogSoftmax"]),
        (["Softmax"], "NLLLoss", "the network ends in Softmax", ["LogSoftmax"]),
        (["Softmax"], "BCELoss", "asks a yes/no question of every output", ["Sigmoid"]),
        (["Sigmoid"], "SoftMarginLoss", "squashes twice", []),
    ],
)
def test_an_end_that_the_loss_is_not_made_for_is_mended(
    end: list[str], loss: str, words: str, fixed: list[str]
) -> None:
    found = experiment(linear(4), layer("Tanh"), linear(), *map(layer, end), loss=loss)
    (hint,) = problems(found)
    assert hint.severity == "hint"
    assert words in hint.message
    assert hint.fixed is not None
    assert [each.type for each in hint.fixed.layers[3:]] == fixed
    assert problems(hint.fixed) == []


def test_log_softmax_before_nll_is_right() -> None:
    assert problems(experiment(linear(4), layer("Tanh"), linear(), layer("LogSoftmax"), loss="NLLLoss")) == []


def test_widths_that_a_layer_cannot_take_are_errors_with_a_fix() -> None:
    odd = only_error(experiment(linear(5), layer("GLU"), linear()))
    assert "must be even. Got 5 instead. Give the layer before it 6 neurons." in odd.message
    assert odd.fixed is not None
    assert odd.fixed.layers[0].params["out_features"] == 6
    first = only_error(experiment(layer("GLU"), linear(), dataset="diabetes", loss="MSELoss").updated(
        data=DataSpec(dataset="xor", params={"features": ["x1"]}), loss=LossSpec(type="CrossEntropyLoss")))  # fmt: skip
    assert first.fixed is not None
    assert [each.type for each in first.fixed.layers] == ["Linear", "GLU", "Linear"]
    slopes = only_error(experiment(linear(5), layer("PReLU", num_parameters=3), linear()))
    assert "must be 1, or 5 as the values that come in. Got 3 instead." in slopes.message
    assert slopes.fixed is not None
    assert slopes.fixed.layers[1].params["num_parameters"] == 5
    ended = only_error(experiment(linear(6), layer("GLU"), layer("ReLU")))
    assert ended.fixed is not None
    assert [each.type for each in ended.fixed.layers] == ["Linear", "GLU", "ReLU", "Linear"]
    for problem in (odd, first, slopes, ended):
        assert problem.fixed is not None
        assert errors(problem.fixed) == []


def test_attention_over_many_features_is_too_large() -> None:
    assert "GiB" in only_error(experiment(layer("FeatureAttention"), linear(), dataset="MNIST")).message
