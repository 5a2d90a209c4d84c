"""A step taken apart: every number is autograd's, PyTorch's optimizer's or the numeric one, for random experiments."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
import torch
from blocks import NETWORKS
from comparing import experiment, layer, make, state
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import layers, optimizers, params, width_mended

from mlp_core.__main__ import main
from mlp_core.catalog import ALL_LAYERS, LOSSES, OPTIMIZERS, TRAINING
from mlp_core.engines.eager import EagerEngine
from mlp_core.errors import SpecError
from mlp_core.limits import STEP_SAMPLES_SMALL
from mlp_core.one_step.autograd import explore
from mlp_core.one_step.forms import as_dict
from mlp_core.one_step.places import WeightPlace, read_place, sampled, shapes
from mlp_core.one_step.records import OneStep, WeightStep
from mlp_core.one_step.source import run_at
from mlp_core.one_step.step import one_step
from mlp_core.one_step.update import update_lines, written_update
from mlp_core.problems import problems
from mlp_core.run.build import Run
from mlp_core.run.objective import objective
from mlp_core.spec import Experiment, LayerSpec, LossSpec, OptimizerSpec
from mlp_core.training.session import Session

LIMIT = 120
"""Seconds; the first run of a process imports PyTorch."""


def usable(described: Experiment) -> Experiment | None:
    """The experiment with the first fix that is offered for each thing that keeps it from running; None without one."""
    for _ in range(12):
        errors = [problem for problem in problems(described, 25) if problem.severity == "error"]
        if not errors:
            return described
        if errors[0].fixed is None:
            return None
        described = errors[0].fixed
    return None


@st.composite
def described(draw: st.DrawFn) -> Experiment:
    """Any layers, loss, optimizer and settings of training, on a small set."""
    loss = LOSSES[draw(st.sampled_from(list(LOSSES)))]
    chosen = {**draw(params(TRAINING, modest=True)), "batch_size": draw(st.integers(2, 9)), "device": "cpu"}
    chosen |= {name: min(chosen.get(name) or 0.0, 10.0) for name in ("l1_penalty", "l2_penalty")}
    found = experiment(
        draw(layers(modest=True)),
        dataset="xor" if "classification" in loss.tasks else "plane",
        optimizer=draw(optimizers()),
        **chosen,
    ).updated(loss=LossSpec(type=loss.name, params=draw(params(loss))))
    with contextlib.suppress(SpecError):
        found = usable(width_mended(found))
        assume(found is not None)
        return found
    assume(False)
    raise AssertionError


def checked(run: Run, places: int = 3) -> OneStep:
    """A step of the run, compared with the run's own; what is compared stays finite or is not a number in both."""
    known = shapes(run.model)
    chosen = list(sampled(known, places))
    same, plain = make(run.experiment), make(run.experiment)
    for other in (same, plain):
        EagerEngine().run(other, run.position.step)
    step = one_step(run, chosen)
    as_it_was(run, same)
    gradients = plain_gradients(plain)
    loss = EagerEngine().run(same, 1).losses[0]
    for weight in step.weights:
        same_gradient(step, weight)
        same_update(run, step, weight)
    np.testing.assert_equal(step.loss.value, float(loss))
    np.testing.assert_allclose(step.loss.mean, step.loss.value, rtol=1e-4, atol=1e-6)
    for parameter in step.parameters:
        now = same.model.get_parameter(parameter.name)
        np.testing.assert_array_equal(parameter.gradient, gradients[parameter.name])
        np.testing.assert_array_equal(parameter.after, now.detach().numpy(), err_msg=parameter.name)
        if not run.experiment.optimizer.entry.closure:  # which ends with the gradient of its last evaluation
            held = np.zeros_like(parameter.used) if now.grad is None else now.grad.numpy()
            np.testing.assert_array_equal(parameter.used, held)
        for name, value in parameter.state_after.items():
            kept = same.optimizer.state[now].get(name)
            if kept is not None and np.shape(kept) == np.shape(value):
                np.testing.assert_array_equal(value, kept)
    json.dumps(as_dict(step, explore(run) if known else None, full=True), allow_nan=False)
    return step


def as_it_was(run: Run, same: Run) -> None:
    """The run is in the state of another one."""
    one, other = state(run), state(same)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            np.testing.assert_array_equal(value.numpy(), other[name].numpy(), err_msg=name)
        else:
            assert repr(value) == repr(other[name]), name


def plain_gradients(run: Run) -> dict[str, Any]:
    """The gradients of the next mini-batch as a script computes them."""
    x, y = run.batches.get(run.position)
    run.model.zero_grad()
    with run.stream.lend():
        outcome = run.model(run.scaled(x))
    objective(run.loss(outcome, y), run.model.parameters(), run.experiment.training).backward()
    return {
        name: torch.zeros_like(p).numpy() if p.grad is None else p.grad.numpy()
        for name, p in run.model.named_parameters()
    }


def same_gradient(step: OneStep, weight: WeightStep) -> None:
    """The chain rule gives autograd's number, up to the rounding of sums in float32."""
    if not np.isfinite(weight.gradient) or not np.isfinite(weight.chain.total):
        return
    size = np.abs(weight.chain.terms).sum() + sum(abs(value) for _, value in weight.chain.added)
    largest = np.abs(step.parameter(weight.place.parameter).gradient).max()  # numbers beside it may cancel out
    assert abs(weight.chain.total - weight.gradient) <= 1e-4 * size + 1e-6 * largest + 1e-9, weight


def same_update(run: Run, step: OneStep, weight: WeightStep) -> None:
    """The lines of the catalog end in what PyTorch's optimizer gives, to the last bit where it is not fused."""
    parameter = step.parameter(weight.place.parameter)
    written = written_update(run, parameter.before.shape)
    if not step.update.done:
        assert weight.lines == ()
        return
    ends = [dict(line.results)["p"] for line in weight.lines if "p" in dict(line.results)]
    if not run.experiment.optimizer.params.get("fused"):
        np.testing.assert_array_equal(ends[-1] if ends else weight.before, weight.after)
    if written is None:
        assert run.experiment.optimizer.entry.closure
        return
    lines, after = update_lines(written, parameter, weight.place.index)
    assert lines == weight.lines or not np.isfinite(weight.after)
    if run.experiment.optimizer.params.get("fused"):
        np.testing.assert_allclose(after.numpy(), parameter.after, rtol=1e-3, atol=1e-5)
    else:
        np.testing.assert_array_equal(after.numpy(), parameter.after)


def as_by_differences(weight: WeightStep) -> bool:
    """Whether the finite difference is autograd's gradient, up to what rounding and curvature do to it."""
    check = weight.numeric
    size = abs(check.autograd) + 1e-9 * (1 + abs(check.loss_above)) / check.step
    return abs(check.difference - check.autograd) <= 1e-4 * size


@settings(max_examples=10)
@given(described=described(), steps=st.integers(0, 2))
def test_every_number_of_any_experiment(described: Experiment, steps: int) -> None:
    run = make(described)
    EagerEngine().run(run, steps)
    step = checked(run)
    layers = [described.layer_at(path) for path, _ in described.walk()]
    smooth = all(layer.entry.facts is None or not (found := layer.entry.facts(layer.params)).kinks + found.jumps
                 for layer in layers)  # fmt: skip
    finite = all(np.isfinite([w.numeric.difference, w.numeric.autograd]).all() for w in step.weights)
    if smooth and finite and not described.training.penalized and described.loss.type in SMOOTH_LOSSES:
        assert all(map(as_by_differences, step.weights)), [weight.numeric for weight in step.weights]


SMOOTH_LOSSES = ("CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "BCELoss", "SoftMarginLoss", "MSELoss")
"""Losses without a kink, whatever their parameters."""


def network(name: str, **given: Any) -> list[LayerSpec]:
    return [layer("Linear", out_features=6), layer(name, **given), layer("Linear")]


def one_of_each(described: Experiment, places: int = 5) -> OneStep:
    """The second step of an experiment, compared in every number; differences of nearly all weights are right."""
    mended = usable(described)
    assert mended is not None
    run = make(mended)
    EagerEngine().run(run, 1)
    step = checked(run, places)
    wrong = [weight for weight in step.weights if not as_by_differences(weight)]
    assert len(wrong) <= 1, wrong  # a kink may lie within reach of one
    return step


@pytest.mark.parametrize("name", ALL_LAYERS)
def test_every_layer(name: str) -> None:
    one_of_each(experiment(network(name, **({"out_features": 4} if name == "Linear" else {}))))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name: str) -> None:
    step = one_of_each(experiment(network("Tanh"), optimizer=OptimizerSpec(type=name), max_grad_norm=0.3), 3)
    assert step.update.type == name
    assert all(weight.state_after for weight in step.weights) or name == "SGD"
    assert (step.update.evaluations > 1) == OPTIMIZERS[name].closure
    assert all(weight.lines for weight in step.weights)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("LBFGS", {"line_search_fn": "strong_wolfe", "history_size": 2}),
        ("LBFGS", {"max_iter": 3, "max_eval": 2}),
        ("Rprop", {"etas": (0.3, 1.1), "maximize": True}),
        ("ASGD", {"t0": 0.0, "lambd": 0.1, "weight_decay": 0.1}),
        ("Adafactor", {"weight_decay": 0.1, "maximize": True}),
        ("Muon", {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}),
    ],
)
def test_what_an_optimizer_does_later_and_set_otherwise(name: str, given: dict[str, Any]) -> None:
    described = experiment(network("LayerNorm"), optimizer=OptimizerSpec(type=name, params=given))
    run = make(described)
    EagerEngine().run(run, 4)
    assert all(weight.lines for weight in checked(run, 6).weights)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name: str) -> None:
    entry = LOSSES[name]
    end = [layer("Sigmoid")] if entry.bounded_outputs else []
    dataset = "xor" if "classification" in entry.tasks else "plane"
    one_of_each(experiment([*network("Tanh"), *end], loss=name, dataset=dataset), 3)


def test_weights_of_classes_divide_the_loss() -> None:
    weighted = LossSpec(type="CrossEntropyLoss", params={"weight": (3.0, 0.5), "label_smoothing": 0.2})
    step = one_of_each(experiment(network("Tanh")).updated(loss=weighted), 2)
    assert step.loss.divisor == pytest.approx(np.array([3.0, 0.5])[step.loss.targets].sum())


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_inside_others(name: str) -> None:
    one_of_each(experiment(NETWORKS[name]))


def test_gradients_that_are_held_penalties_and_clipping() -> None:
    described = experiment(network("Tanh"), l1_penalty=0.01, l2_penalty=0.1, accumulate_grad_batches=2,
                           max_grad_value=0.01)  # fmt: skip
    first, second = make(described), make(described)
    EagerEngine().run(second, 1)
    waiting, done = checked(first), checked(second)
    assert not waiting.update.done
    assert all(np.array_equal(p.before, p.after) for p in waiting.parameters)
    assert done.update.done
    assert all(np.abs(p.used).max() <= 0.01 and p.held is not None for p in done.parameters)
    weight = done.weights[0]
    assert [name.split()[0] for name, _ in weight.chain.added] == ["L1", "L2"]
    assert done.loss.objective == pytest.approx((done.loss.value + done.loss.penalty) / 2)


def test_what_the_factors_of_a_weight_are() -> None:
    layers = [layer("Linear", out_features=4), layer("Tanh"), layer("Dropout"), layer("Linear")]
    run = make(experiment(layers))
    step = one_step(run, [WeightPlace("0.weight", (3, 1))])
    first, tanh, dropout, _ = step.layers
    factors = step.weights[0].chain.factors
    assert [factor.head for factor in factors] == ["dL/da", "m / (1 − p)", "f′(z)", "x"]
    np.testing.assert_array_equal(factors[0].values, dropout.gradient[:, 3].astype(np.float64))
    assert set(np.unique(factors[1].values)) <= {0.0, 2.0}
    np.testing.assert_allclose(factors[2].values, 1 - tanh.outputs[:, 3].astype(np.float64) ** 2, atol=1e-6)
    np.testing.assert_array_equal(factors[3].values, first.inputs[:, 1].astype(np.float64))


def test_attention_says_that_its_terms_are_vector_jacobian_products() -> None:
    run = make(experiment(network("FeatureAttention")))
    step = one_step(run, [read_place("1.attention.in_proj_weight[2][3]", shapes(run.model))])
    assert "vector–Jacobian product" in step.weights[0].chain.explained


def test_a_batch_drawn_by_seed_and_one_that_is_too_large() -> None:
    run = make(experiment(network("Tanh"), points=1000, batch_size=None))
    step = one_step(run)
    assert len(step.inputs) == STEP_SAMPLES_SMALL
    assert "500 samples" in step.notes[0]
    drawn = make(experiment(network("Tanh")))
    np.testing.assert_array_equal(one_step(drawn, seed=3).inputs, one_step(drawn, seed=3).inputs)
    assert not np.array_equal(one_step(drawn, seed=3).inputs, one_step(drawn).inputs)


def test_what_is_too_large_or_missing_is_refused() -> None:
    with pytest.raises(SpecError, match="1,000,000 parameters"):
        one_step(make(experiment([layer("Linear", out_features=300_000), layer("Linear")])))
    slow = OptimizerSpec(type="LBFGS", params={"max_iter": 500})
    with pytest.raises(SpecError, match="max_iter"):
        one_step(make(experiment(network("Tanh"), optimizer=slow)))
    known = {"0.weight": (6, 2), "0.bias": (6,)}
    assert str(read_place("0[5]", known)) == "0.bias[5]"
    for wrong in ("0.weight", "0.weight[6][0]", "1.weight[0][0]", "0.weight[-1][0]", "", "0.bias[99999999]", "x" * 500):
        with pytest.raises(SpecError):
            read_place(wrong, known)


def test_autograd_on_the_network() -> None:
    run = make(experiment(network("Dropout", p=0.3), l2_penalty=0.1))
    before, found = state(run), explore(run)
    assert repr(before) == repr(state(run))
    names = {name for name, _ in run.model.named_parameters()}
    assert {leaf.leaf for leaf in found.graph.leaves} == names
    assert found.graph.complete
    assert {end for _, end in found.graph.edges} == set(range(1, len(found.graph.nodes)))
    added, no_grad, detached, frozen = found.demonstrations
    for row in added.rows:
        first, second, third, zeroed = row.norms
        assert (second, third, zeroed) == (pytest.approx(2 * first), pytest.approx(3 * first), None)
    assert all(row.norms == (None,) for row in no_grad.rows)
    assert "does not require grad" in no_grad.found
    assert [row.norms[1] is None for row in detached.rows] == [True, True, False, False]
    assert [row.norms[1] is None for row in frozen.rows] == [True, True, False, False]
    assert all(row.norms[0] == row.norms[1] for shown in (detached, frozen) for row in shown.rows[2:])


def test_a_session_gives_the_state_of_its_run() -> None:
    described = experiment(network("Dropout"), optimizer=OptimizerSpec(type="Adam"))
    session = Session()
    try:
        session.apply(described)
        session.step()
        assert session.wait(lambda snapshot: snapshot.step == 1 and not snapshot.busy, LIMIT)
        checkpoint, dataset = session.checkpoint(LIMIT), session.snapshot().dataset
        assert checkpoint is not None
        assert dataset is not None
        step = one_step(run_at(described, dataset, checkpoint))
        session.step()
        assert session.wait(lambda snapshot: snapshot.step == 2 and not snapshot.busy, LIMIT)
        weights = session.weights("current", LIMIT)
        assert weights is not None
        for parameter in step.parameters:
            np.testing.assert_array_equal(parameter.after, weights.tensors[parameter.name].numpy())
    finally:
        assert session.close(LIMIT)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["one-step", "spiral", "--json", "--weight", "2.weight[1][0]", "--after", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["step"] == 2
    (weight,) = found["weights"]
    assert weight["finite_difference"]["value"] == pytest.approx(weight["autograd"], rel=1e-4)
    assert weight["chain_rule"]["total"] == pytest.approx(weight["autograd"], rel=1e-4)
    assert weight["update"][-1]["p"] == weight["after"]
    assert main(["one-step", "xor"]) == 0
    assert "finite difference" in capsys.readouterr().out
    for wrong in (["--weight", "9[0]"], ["--after", "-1"], ["--batch-seed", "-1"]):
        assert main(["one-step", "xor", *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
