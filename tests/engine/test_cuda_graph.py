"""The CUDA engine: the plain engine's numbers to a tolerance, and the plain engine wherever it cannot record.

What is recorded needs a CUDA device. All that stands around it (fixed tensors, the learning rate in a tensor, shared
optimizer state, checkpoints, fall-backs) runs on any device, with steps that are done again instead of replayed.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from comparing import FAST_OPTIMIZERS, experiment, layer, make

from mlp_core.catalog import ACTIVATIONS, LAYERS
from mlp_core.engines import choose
from mlp_core.engines.choose import engine_for
from mlp_core.engines.cuda_graph import TOLERANCE, CudaGraphEngine, Step, capture
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save
from mlp_core.spec import Experiment, OptimizerSpec, SchedulerSpec

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device on this machine")
each_device = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])

CHUNKS = (1, 60, 139)


def again(step: Step) -> Step:
    """In place of a capture: the step itself, after as many steps as a capture does first."""
    for _ in range(3):
        step()
    return step


def engine_on(device: str) -> CudaGraphEngine:
    return CudaGraphEngine(capture if device == "cuda" else again)


def described(*layers: Any, **options: Any) -> Experiment:
    middle = layers or (layer("Tanh"),)
    return experiment([layer("Linear", out_features=6), *middle, layer("Linear")], **options)


def close(first: torch.Tensor, second: torch.Tensor) -> None:
    torch.testing.assert_close(first, second, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def compare(wanted: Experiment, chunks: tuple[int, ...] = CHUNKS) -> None:
    """Both engines for the same steps: losses, learning rates, weights, buffers, gradients and places."""
    plain, run = make(wanted), make(wanted)
    engine = engine_on(wanted.training.device)
    expected = EagerEngine().run(plain, sum(chunks))
    found = [engine.run(run, steps) for steps in chunks]
    close(torch.tensor(expected.losses), torch.cat([torch.tensor(result.losses) for result in found]))
    assert expected.learning_rates.tolist() == [rate for result in found for rate in result.learning_rates.tolist()]
    assert expected.samples == sum(result.samples for result in found)
    assert plain.position == run.position
    assert torch.equal(plain.stream.state()[0], run.stream.state()[0])
    for name, value in plain.model.state_dict().items():
        close(value, run.model.state_dict()[name])
    for one, other in zip(plain.model.parameters(), run.model.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        close(one.grad, other.grad)


@each_device
@pytest.mark.parametrize("name", FAST_OPTIMIZERS)
@pytest.mark.parametrize("zero_grad", [True, False])
def test_every_optimizer(name: str, zero_grad: bool, device: str) -> None:
    params = {"lr": 0.01} if zero_grad else {"lr": 1e-4}
    compare(described(optimizer=OptimizerSpec(type=name, params=params), zero_grad=zero_grad, device=device))


@each_device
def test_momentum_begins_with_the_first_gradient(device: str) -> None:
    params = {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
    compare(described(optimizer=OptimizerSpec(type="SGD", params=params), device=device))


@each_device
@pytest.mark.parametrize("name", [name for name in (*LAYERS, *ACTIVATIONS) if name != "Linear"])
def test_every_layer(name: str, device: str) -> None:
    compare(described(layer(name), batch_size=10, device=device), (1, 20, 39))


@each_device
@pytest.mark.parametrize("every", ["epoch", "step"])
def test_schedule_and_clipping(every: str, device: str) -> None:
    schedule = SchedulerSpec(type="CosineAnnealingLR", params={"T_max": 30}, every=every)
    compare(described(scheduler=schedule, max_grad_norm=0.3, device=device))


@each_device
def test_checkpoints_changed_rates_and_swapped_engines(device: str) -> None:
    # A bias right before BatchNorm has no gradient but rounding errors, which Adam would blow up: hence the Tanh.
    layers = [layer("Tanh"), layer("BatchNorm1d"), layer("Dropout")]
    wanted = described(*layers, optimizer=OptimizerSpec(type="Adam"), batch_size=10, device=device)
    plain, run = make(wanted), make(wanted)
    for each, engine in ((plain, EagerEngine()), (run, engine_on(device))):
        engine.run(each, 30)
        kept = save(each)
        engine.run(each, 17)
        each.learning_rate = 0.05
        engine.run(each, 20)
        restore(each, kept)
        engine.run(each, 33)
        EagerEngine().run(each, 3)
        each.optimizer.param_groups[0]["weight_decay"] = 0.3
        engine.run(each, 5)
    assert plain.position == run.position
    for name, value in plain.model.state_dict().items():
        close(value, run.model.state_dict()[name])


@each_device
def test_recording_changes_nothing(device: str) -> None:
    wanted = described(layer("BatchNorm1d"), layer("Dropout"), batch_size=10, device=device)
    run, untouched = make(wanted), make(wanted)
    engine_on(device).prepare(run)
    assert run.position == untouched.position
    assert torch.equal(run.stream.state()[0], untouched.stream.state()[0])
    assert not run.optimizer.state
    assert all(parameter.grad is None for parameter in run.model.parameters())
    for name, value in untouched.model.state_dict().items():
        assert torch.equal(value, run.model.state_dict()[name])


def _refuses(step: Step) -> Step:
    raise RuntimeError("operation not permitted when stream is capturing\nmore of it")


def _lbfgs(run: Run) -> None:
    run.optimizer = torch.optim.LBFGS(run.model.parameters())


def _dampened(run: Run) -> None:
    run.optimizer = torch.optim.SGD(run.model.parameters(), momentum=0.9, dampening=0.5)


def test_what_cannot_be_recorded_is_said_and_changes_nothing() -> None:
    run, untouched = make(described()), make(described())
    with pytest.raises(UnsupportedError, match=r"as a CUDA graph \(RuntimeError: operation not permitted.*\)$"):
        CudaGraphEngine(_refuses).prepare(run)
    assert all(parameter.grad is None for parameter in run.model.parameters())
    for name, value in untouched.model.state_dict().items():
        assert torch.equal(value, run.model.state_dict()[name])


@pytest.mark.parametrize(("change", "words"), [(_lbfgs, "LBFGS"), (_dampened, "dampening")])
def test_optimizers_without_a_graph_are_named(change: Any, words: str) -> None:
    run = make(described())
    change(run)
    with pytest.raises(UnsupportedError, match=words):
        CudaGraphEngine(again).prepare(run)


def test_a_failed_recording_falls_back_to_the_plain_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "CudaGraphEngine", lambda: CudaGraphEngine(_refuses))
    monkeypatch.setitem(choose.ENGINES, "cpu", choose.ENGINES["cuda"])
    engine, why = engine_for(make(described()))
    assert engine.name == "eager"
    assert why.startswith("The plain engine runs this experiment, because its step could not be recorded")
    monkeypatch.setattr(choose, "CudaGraphEngine", lambda: CudaGraphEngine(again))
    engine, why = engine_for(make(described()))
    assert (engine.name, why) == ("cuda graph", "")


@needs_cuda
def test_a_cuda_device_gets_the_recorded_step() -> None:
    engine, why = engine_for(make(described(device="cuda")))
    assert (engine.name, why) == ("cuda graph", "")
