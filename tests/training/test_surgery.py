"""Operations on a network in the middle of a run: what they keep, what they change, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from mlp_core import data
from mlp_core.catalog import ACTIVATIONS, OPTIMIZERS
from mlp_core.catalog.surgery import SURGERY
from mlp_core.engines import Engine
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.errors import SpecError
from mlp_core.one_step.autograd import explore
from mlp_core.one_step.step import one_step
from mlp_core.plan import plan
from mlp_core.presets import preset
from mlp_core.problems import problems
from mlp_core.run.build import Run, build
from mlp_core.run.checkpoint import restore, save
from mlp_core.run.layer_statistics import layer_statistics
from mlp_core.spec import DataSpec, Experiment, LayerSpec, OptimizerSpec
from mlp_core.surgery import Operation, operated, possible, refusal
from mlp_core.surgery.weights import operate
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.loop import LoopState
from mlp_core.training.operating import change_of
from mlp_core.training.record import Effect
from mlp_core.training.recorder import Recorder
from mlp_core.training.state import RunState

DATA = DataSpec(params={"points": 60})
DATASET = data.load(DATA)


def layer(type: str, *inside: LayerSpec, frozen: bool = False, **params: Any) -> LayerSpec:
    more = {"inside": inside} if inside else {}
    return LayerSpec(type=type, params=params, frozen=frozen, **more)


def experiment(*layers: LayerSpec, optimizer: str = "SGD", **params: Any) -> Experiment:
    chosen = OptimizerSpec(type=optimizer, params={"lr": 0.05, **params})
    base = preset("spiral").experiment
    return base.updated(data=DATA, layers=layers, optimizer=chosen, training=base.training.updated(batch_size=20))


def trained(chosen: Experiment, steps: int = 7) -> Run:
    run = build(chosen, DATASET)
    EagerEngine().run(run, steps)
    return run


def outputs(run: Run) -> torch.Tensor:
    run.model.eval()
    with torch.no_grad():
        found: torch.Tensor = run.model(run.x_test)
    run.model.train()
    return found


def after(run: Run, operation: Operation) -> Run:
    """Another run that goes on after the operation."""
    checkpoint, chosen = operate(save(run), run.experiment, operation)
    made = build(chosen, DATASET)
    restore(made, checkpoint)
    return made


def state(run: Run) -> RunState:
    return RunState.of(run, LoopState(DivergenceGuard(run)), Recorder(run.experiment, "CPU"))


ELEMENTWISE = [name for name, entry in ACTIVATIONS.items() if entry.keeps_features_apart(entry.fill({}))]
"""Activations that leave neurons apart."""


@st.composite
def networks(draw: st.DrawFn) -> tuple[tuple[LayerSpec, ...], tuple[int, ...], int]:
    """Layers in which neurons can be split, the path of one with such neurons, and their number."""
    width = draw(st.integers(1, 5))

    def between(features: int) -> list[LayerSpec]:
        choices = [
            layer(draw(st.sampled_from(ELEMENTWISE))),
            layer("BatchNorm1d"),
            layer("Dropout", p=0.3),
            layer("PReLU", num_parameters=features),
            layer("Residual", layer("Linear", out_features=3), layer("Tanh"), layer("Linear"), layer("BatchNorm1d")),
            layer("Residual", layer("ReLU"), layer("Linear", out_features=features),
                  layer("Residual", layer("Linear"))),
        ]  # fmt: skip
        return draw(st.lists(st.sampled_from(choices), max_size=3))

    first, rest = between(width), between(2)
    layers = (layer("Linear", out_features=width), *first, layer("Linear", out_features=2), *rest, layer("Linear"))
    paths = [((0,), width), ((len(first) + 1,), 2)]
    blocks = [at for at, found in enumerate(layers) if found.inside and found.inside[0].type == "Linear"]
    paths += [((at, 0), 3) for at in blocks]
    path, neurons = draw(st.sampled_from(paths))
    return layers, path, neurons


@settings(max_examples=10, deadline=None)
@given(network=networks(), neuron=st.integers(0, 4), split=st.booleans(),
       optimizer=st.sampled_from(["SGD", "Adam", "Adagrad", "NAdam", "Rprop", "LBFGS"]))  # fmt: skip
def test_a_split_and_an_added_neuron_change_no_output(
    network: tuple[tuple[LayerSpec, ...], tuple[int, ...], int], neuron: int, split: bool, optimizer: str
) -> None:
    layers, path, width = network
    neuron %= width
    chosen = experiment(*layers, optimizer=optimizer)
    assume(not any(problem.severity == "error" for problem in problems(chosen)))
    run = trained(chosen, 3)
    operation = Operation("split", path, neuron) if split else Operation("add_neuron", path)
    other = after(run, operation)
    before, now = outputs(run), outputs(other)
    assert plan(other.experiment).parameters > plan(chosen).parameters
    assert torch.isfinite(before).all()
    assert torch.allclose(now, before, atol=1e-6 * max(1.0, float(before.abs().max())), rtol=0)
    EagerEngine().run(other, 3)
    assert torch.isfinite(outputs(other)).all()


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_the_two_copies_part_ways_and_the_optimizer_keeps_what_it_knew(optimizer: str) -> None:
    momentum = {"momentum": 0.9} if optimizer == "SGD" else {}
    layers = layer("Linear", out_features=3), layer("Tanh"), layer("Linear")
    chosen = experiment(*layers, optimizer=optimizer, **momentum)
    run = trained(chosen)
    other = after(run, Operation("split", (0,), 1))
    # By hand: rows of the first layer are copied, columns of the last one divided.
    old, new = run.model.state_dict(), other.model.state_dict()
    assert torch.equal(new["0.weight"], old["0.weight"][[0, 1, 2, 1]])
    assert torch.equal(new["0.bias"], old["0.bias"][[0, 1, 2, 1]])
    assert torch.equal(new["2.weight"][:, [0, 2]], old["2.weight"][:, [0, 2]])
    assert torch.allclose(new["2.weight"][:, 1] + new["2.weight"][:, 3], old["2.weight"][:, 1])
    assert (new["2.weight"][:, 1] - new["2.weight"][:, 3]).abs().min() > 0.1 * old["2.weight"][:, 1].abs().min()
    powers = {"momentum_buffer": 1} if optimizer == "SGD" else {"exp_avg": 1, "exp_avg_sq": 2}
    for key, power in powers.items():
        states = [[r.optimizer.state[p][key] for p in r.model.parameters()] for r in (run, other)]
        rows = states[0][0][[0, 1, 2, 1]].clone()
        rows[[1, 3]] *= 0.5**power
        assert torch.equal(states[1][0], rows)
        assert torch.equal(states[1][2], states[0][2][:, [0, 1, 2, 1]])
    EagerEngine().run(other, 30)
    weight = other.model[0].weight
    assert (weight[1] - weight[3]).abs().max() > 1e-4


def test_a_script_with_the_same_state_goes_on_alike() -> None:
    layers = layer("Linear", out_features=3), layer("ReLU"), layer("Linear")
    chosen = experiment(*layers, momentum=0.9, weight_decay=0.01)
    run = trained(chosen)
    other = after(run, Operation("add_neuron", (0,)))
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    model.load_state_dict(other.model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    for mine, parameter in zip(run.model.parameters(), model.parameters(), strict=True):
        kept = run.optimizer.state[mine]["momentum_buffer"]
        velocity = torch.zeros_like(parameter)
        velocity[tuple(slice(size) for size in kept.shape)] = kept
        optimizer.state[parameter]["momentum_buffer"] = velocity
    position = other.position
    x, y = other.batches.get(position)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
    EagerEngine().run(other, 1)
    assert all(map(torch.equal, model.parameters(), other.model.parameters()))


BLOCKS = (
    layer("Linear", out_features=4), layer("BatchNorm1d"), layer("Tanh"),
    layer("Residual", layer("Linear", out_features=3), layer("ReLU"), layer("Linear")), layer("Linear"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("type", "path", "neuron", "optimizer"),
    [("split", (0,), 2, "Adam"), ("add_neuron", (3, 0), None, "SGD"), ("ablate", (0,), 1, "SGD"),
     ("reset_layer", (1,), None, "Adam"), ("freeze", (0,), None, "Adam"), ("freeze", (3, 2), None, "SGD")],
)  # fmt: skip
def test_every_engine_goes_on_with_the_same_bits(
    type: str, path: tuple[int, ...], neuron: int | None, optimizer: str
) -> None:
    params = {"momentum": 0.9, "weight_decay": 0.01} if optimizer == "SGD" else {"weight_decay": 0.01}
    run = trained(experiment(*BLOCKS, optimizer=optimizer, **params))
    found = []
    engines: list[Engine] = [EagerEngine(), FastEngine(), NativeEngine()]
    for engine in engines:
        other = after(run, Operation(type, path, neuron))
        if type == "freeze" and engine.name == "native":
            with pytest.raises(UnsupportedError, match="trained"):
                engine.run(other, 1)
            assert engine_for(other)[0].name == "fast"
            continue
        losses = engine.run(other, 9).losses
        found.append([torch.from_numpy(losses), *save(other).tensors])
    for tensors in found[1:]:
        assert len(tensors) == len(found[0])
        assert all(map(torch.equal, tensors, found[0]))


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "LBFGS", "Muon"])
def test_a_frozen_layer_does_not_move_and_can_move_again(optimizer: str) -> None:
    params = {"SGD": {"momentum": 0.9, "weight_decay": 0.1}, "Adam": {"weight_decay": 0.1}}.get(optimizer, {})
    run = trained(experiment(*BLOCKS, optimizer=optimizer, **params))
    frozen = after(run, Operation("freeze", (0,)))
    before = frozen.model[0].weight.clone()
    own = {id(p) for p in frozen.model[0].parameters()}
    assert not own & {id(p) for p in frozen.optimizer.param_groups[0]["params"]}
    EagerEngine().run(frozen, 5)
    assert torch.equal(frozen.model[0].weight, before)
    assert torch.equal(before, run.model[0].weight)
    assert frozen.model[0].weight.grad is None
    again = after(frozen, Operation("unfreeze", (0,)))
    assert again.experiment == run.experiment
    EagerEngine().run(again, 1)
    assert not torch.equal(again.model[0].weight, before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_an_optimizer_keeps_is_carried_over_or_its_entry_says_that_it_is_not(optimizer: str) -> None:
    params = {"momentum": 0.9} if optimizer == "SGD" else {}
    run = trained(experiment(layer("Linear", out_features=3), layer("Linear"), optimizer=optimizer, **params), 2)
    assert run.optimizer.state_dict()["state"]
    for operation in (Operation("split", (0,), 1), Operation("ablate", (0,), 1)):
        other = after(run, operation)
        assert bool(other.optimizer.state_dict()["state"]) == OPTIMIZERS[optimizer].survives_surgery
        effect = Effect((1.0, 1.0), (1.0, 1.0), (None, None), (None, None))
        done = change_of(2, operation, state(run), state(other), effect).surgery
        assert done is not None
        assert ("started afresh" in done.sentence) != OPTIMIZERS[optimizer].survives_surgery


def test_an_ablated_neuron_is_not_heard_and_others_are() -> None:
    run = trained(experiment(layer("Linear", out_features=3), layer("Sigmoid"), layer("Linear")))
    other = after(run, Operation("ablate", (0,), 1))
    assert not other.model[2].weight[:, 1].any()
    assert torch.equal(other.model[0].weight, run.model[0].weight)
    with torch.no_grad():
        hidden = torch.sigmoid(run.model[0](run.x_test))
        hidden[:, 1] = 0
        assert torch.allclose(outputs(other), run.model[2](hidden), atol=1e-6)


def test_what_is_drawn_anew_is_drawn_as_before_the_first_step_and_always_alike() -> None:
    run = trained(experiment(layer("Linear", out_features=3), layer("BatchNorm1d"), layer("ReLU"), layer("Linear")))
    first, second = (after(run, Operation("reset_neuron", (0,), 1)) for _ in range(2))
    assert torch.equal(first.model[0].weight, second.model[0].weight)
    assert torch.equal(first.model[0].weight[[0, 2]], run.model[0].weight[[0, 2]])
    assert not torch.equal(first.model[0].weight[1], run.model[0].weight[1])
    assert first.model[0].weight[1].abs().max() <= 2**-0.5
    norm = after(run, Operation("reset_layer", (1,))).model[1]
    assert norm.running_mean.abs().max() == 0
    assert torch.equal(norm.weight, torch.ones(3))
    assert norm.num_batches_tracked == 0


WIDE, LAST = layer("Linear", out_features=4), layer("Linear")


@pytest.mark.parametrize(
    ("layers", "operation", "sentence"),
    [
        ([WIDE, layer("LayerNorm"), LAST], Operation("split", (0,), 0),
         r"Layer 2 \(LayerNorm\) makes each of its values from several neurons of layer 1, so its outputs would"),
        ([WIDE, layer("RMSNorm"), LAST], Operation("add_neuron", (0,)), "RMSNorm"),
        ([WIDE, layer("GLU"), LAST], Operation("split", (0,), 0), "GLU"),
        ([WIDE, layer("Softmax"), LAST], Operation("ablate", (0,), 0), "so no weights lead out of one alone"),
        ([WIDE, layer("FeatureAttention"), LAST], Operation("split", (0,), 0), "Self-attention"),
        ([WIDE, layer("Residual", layer("LayerNorm"), LAST), LAST], Operation("split", (0,), 0), r"Layer 2\.1"),
        ([WIDE, layer("Residual", LAST), LAST], Operation("split", (1, 0), 0), "block around layer 2.1"),
        ([WIDE, LAST], Operation("split", (1,), 0), "network's outputs"),
        ([WIDE, LAST], Operation("ablate", (1,), 1), "network's outputs"),
        ([WIDE, LAST], Operation("split", (0,), 4), "one of the 4 of layer 1"),
        ([WIDE, LAST], Operation("split", (0,)), "Got none"),
        ([WIDE, LAST], Operation("add_neuron", (0,), 2), "must be empty"),
        ([WIDE, LAST], Operation("split", (7,), 0), "no layer 8"),
        ([WIDE, layer("ReLU"), LAST], Operation("freeze", (1,)), "no weights"),
        ([layer("Linear", out_features=4, frozen=True), LAST], Operation("freeze", (1,)), "nothing to train"),
        ([WIDE, LAST], Operation("melt", (0,)), "no operation named 'melt'"),
    ],
)  # fmt: skip
def test_what_is_not_possible_is_refused_in_a_sentence(
    layers: list[LayerSpec], operation: Operation, sentence: str
) -> None:
    chosen = experiment(*layers)
    with pytest.raises(SpecError, match=sentence):
        operated(chosen, operation)
    assert refusal(chosen, operation)


def test_what_is_offered_is_of_the_catalog() -> None:
    chosen = experiment(*BLOCKS)
    assert [entry.name for entry in possible(chosen, (0,), neuron=True)] == ["ablate", "reset_neuron", "split"]
    assert [entry.name for entry in possible(chosen, (0,), neuron=False)] == ["add_neuron", "reset_layer", "freeze"]
    assert [entry.name for entry in possible(chosen, (1,), neuron=False)] == ["reset_layer", "freeze"]
    assert possible(chosen, (2,), neuron=False) == ()
    assert {entry.changes for entry in SURGERY.values()} == {"", "width", "frozen"}


def test_a_frozen_layer_is_a_setting_like_any_other() -> None:
    chosen = experiment(layer("Linear", out_features=4, frozen=True), layer("Linear"))
    assert Experiment.from_json(chosen.to_json()) == chosen
    assert "frozen" not in experiment(layer("Linear")).to_json()
    with pytest.raises(SpecError, match="'frozen' of layer ReLU must be false"):
        layer("ReLU", frozen=True)
    both = experiment(layer("Linear", out_features=4, frozen=True), layer("Linear", frozen=True))
    (found,) = (problem for problem in problems(both) if problem.severity == "error")
    assert found.fixed is not None
    assert not problems(found.fixed)[0:1] or all(p.severity == "hint" for p in problems(found.fixed))


def test_views_of_a_step_know_frozen_layers() -> None:
    run = trained(experiment(layer("Linear", out_features=4, frozen=True), layer("Tanh"), layer("Linear"),
                             weight_decay=0.1))  # fmt: skip
    assert run.trains == (False, False, True, True)
    assert explore(run).demonstrations
    statistics = layer_statistics(run)
    assert len(statistics) == 3
    step = one_step(run)
    weight = next(parameter for parameter in step.parameters if parameter.name == "0.weight")
    assert (weight.before == weight.after).all()
    assert weight.gradient.any()
    assert run.trains == (False, False, True, True)
