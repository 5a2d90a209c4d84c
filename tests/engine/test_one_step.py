"""A step taken apart: every number is autograd's, PyTorch's optimizer's or the numeric one, for random experiments."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import torch
from comparing import experiment, make, state
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import layers, optimizers, params, width_mended

from mlp_core.catalog import LOSSES, TRAINING
from mlp_core.engines.eager import EagerEngine
from mlp_core.errors import SpecError
from mlp_core.one_step.autograd import explore
from mlp_core.one_step.forms import as_dict
from mlp_core.one_step.places import sampled, shapes
from mlp_core.one_step.records import OneStep, WeightStep
from mlp_core.one_step.step import one_step
from mlp_core.one_step.update import update_lines, written_update
from mlp_core.problems import problems
from mlp_core.run.build import Run
from mlp_core.run.objective import objective
from mlp_core.spec import Experiment, LossSpec


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
    with run.tuned():
        same = make(run.experiment)
        EagerEngine().run(same, run.position.step)
        step = one_step(run, chosen)
        as_it_was(run, same)
        gradients = plain_gradients(make_at(run))
        loss = EagerEngine().run(same, 1).losses[0]
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
    for weight in step.weights:
        same_gradient(weight)
        same_update(run, step, weight)
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


def make_at(run: Run) -> Run:
    """A fresh run at the same place."""
    made = make(run.experiment)
    EagerEngine().run(made, run.position.step)
    return made


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


def same_gradient(weight: WeightStep) -> None:
    """The chain rule gives autograd's number, up to the rounding of sums in float32."""
    if not np.isfinite(weight.gradient) or not np.isfinite(weight.chain.total):
        return
    size = np.abs(weight.chain.terms).sum() + sum(abs(value) for _, value in weight.chain.added)
    assert abs(weight.chain.total - weight.gradient) <= 1e-4 * size + 1e-30, (weight.place, weight.chain)


def same_update(run: Run, step: OneStep, weight: WeightStep) -> None:
    """The lines of the catalog end in the weight that PyTorch's optimizer gives, to the last bit unless fused."""
    written = written_update(run)
    if written is None or not step.update.done:
        assert weight.lines == ()
        return
    parameter = step.parameter(weight.place.parameter)
    lines, after = update_lines(written, parameter, weight.place.index)
    assert lines == weight.lines or not np.isfinite(weight.after)
    if run.experiment.optimizer.params.get("fused"):
        np.testing.assert_allclose(after.numpy(), parameter.after, rtol=1e-3, atol=1e-5)
    else:
        np.testing.assert_array_equal(after.numpy(), parameter.after)


@settings(max_examples=10)
@given(described=described(), steps=st.integers(0, 2))
def test_every_number_of_any_experiment(described: Experiment, steps: int) -> None:
    run = make(described)
    with run.tuned():
        EagerEngine().run(run, steps)
    checked(run)
