"""A loss that breaks stops the run at that step, with a sentence that helps and weights that are sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from blocks import NETWORKS

from mlp_core import data
from mlp_core.catalog import LOSSES
from mlp_core.engines import ChunkResult
from mlp_core.engines.eager import EagerEngine
from mlp_core.presets import mlp, preset
from mlp_core.run.build import Run, build
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec
from mlp_core.training import loop
from mlp_core.training.diagnosis import EXPLODED, DivergenceGuard
from mlp_core.training.events import Chunk, Diverged, Event, Finished
from mlp_core.training.loop import LoopState, train


def with_rate(name: str, rate: float, **training: Any) -> Experiment:
    found = preset(name).experiment
    if name == "spiral":
        training = {"batch_size": 10} | training  # steps here are counted in epochs of 20
    return found.updated(
        optimizer=found.optimizer.updated(params={**found.optimizer.params, "lr": rate}),
        training=found.training.updated(**training),
    )


def make(experiment: Experiment) -> Run:
    return build(experiment, data.load(experiment.data))


def step_by_step(experiment: Experiment, most: int = 400) -> tuple[list[float], list[dict[str, torch.Tensor]]]:
    """Losses and the states before each step, without anybody watching, up to the first that is not sound."""
    run, losses, states = make(experiment), [], []
    while len(losses) < most:
        states.append({name: value.clone() for name, value in run.model.state_dict().items()})
        losses.append(float(EagerEngine().run(run, 1).losses[0]))
        if not losses[-1] < EXPLODED * max(1.0, losses[0]):
            return losses, states
    pytest.fail("this run does not break")


@pytest.fixture(autouse=True)
def fixed_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_pace", lambda *arguments: None)


def events_until_the_end(run: Run, chunk: int, state: LoopState | None = None) -> tuple[list[Event], LoopState]:
    state = state or LoopState(DivergenceGuard(run), chunk_steps=chunk)
    return list(train(run, EagerEngine(), state, epochs=200)), state


RUNS = [("spiral", 1e10), ("circle", 1e10), ("xor", 1e10), ("moons", 1e10), ("two-hidden-relu", 1e10),
        ("batchnorm-block", 1e10), ("plane", 1e10), ("plane", 1e12), ("plane", 3.0)]  # fmt: skip


@pytest.mark.parametrize("chunk", [1, 2, 3, 8, 500])
@pytest.mark.parametrize(("name", "rate"), RUNS, ids=[f"{n}-{r:g}" for n, r in RUNS])
def test_stops_at_the_step_with_the_last_sound_weights(name: str, rate: float, chunk: int) -> None:
    experiment = with_rate(name, rate)
    losses, states = step_by_step(experiment)
    bad = len(losses)  # counted from 1
    run = make(experiment)
    events, _ = events_until_the_end(run, chunk)

    (diverged,) = [event for event in events if isinstance(event, Diverged)]
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.reason == "diverged"
    assert f"Training stopped at step {bad:,}:" in diverged.message
    assert f"The weights of step {max(0, bad - 2):,} are kept." in diverged.message
    assert run.position.step == diverged.step == end.steps == max(0, bad - 2)

    for key, value in run.model.state_dict().items():
        assert torch.isfinite(value).all()
        assert torch.equal(value, states[max(0, bad - 2)][key])
    assert np.isfinite(end.test_loss)
    assert float(EagerEngine().run(run, 1).losses[0]) == losses[max(0, bad - 2)], "the loss of the last sound step"
    told = [loss for event in events if isinstance(event, Chunk) for loss in event.losses.tolist()]
    assert told == losses[: len(told)]
    assert bad - 2 <= len(told) <= bad - 1, "no sound loss is kept from the curve, no broken one shown"


def test_a_loss_that_grows_without_nan_is_a_fault() -> None:
    losses, _ = step_by_step(with_rate("spiral", 1e10))
    assert np.isfinite(losses).all()
    events, _ = events_until_the_end(make(with_rate("spiral", 1e10)), 8)
    message = next(e.message for e in events if isinstance(e, Diverged))
    assert "the loss grew to 2." in message
    assert "The learning rate of 1e+10 is far above 0.001" in message
    assert "set a smaller one, then press Reset" in message
    assert "(Linear)" in message


class Faulty(EagerEngine):
    """Multiplies weights by a number after a given step, once or whenever it comes by."""

    def __init__(self, after: int, factor: float, layer: str) -> None:
        self.after, self.factor, self.layer = after, factor, layer

    def run(self, run: Run, steps: int) -> ChunkResult:
        results = []
        for _ in range(steps):
            results.append(super().run(run, 1))
            if run.position.step == self.after:
                with torch.no_grad():
                    run.model.get_submodule(self.layer).weight.mul_(self.factor)
        return ChunkResult(
            np.concatenate([r.losses for r in results]),
            sum(r.samples for r in results),
            np.concatenate([r.learning_rates for r in results]),
        )


@pytest.mark.parametrize(("factor", "words"), [(float("nan"), "the loss became NaN"), (1e38, "the loss")])
@pytest.mark.parametrize("after", [1, 2, 7, 8, 9, 15, 16, 20, 21, 22, 24, 41])
def test_the_layer_and_the_step_are_named_wherever_it_happens(after: int, factor: float, words: str) -> None:
    # Chunks are 8 steps and epochs 20: the fault lies inside the first chunk, at its end, at its beginning, ...
    experiment = with_rate("spiral", 0.03)
    experiment = experiment.updated(layers=(*experiment.layers[:-1], LayerSpec(type="ReLU"), experiment.layers[-1]))
    run = make(experiment)
    events = list(train(run, Faulty(after, factor, "4"), LoopState(DivergenceGuard(run), chunk_steps=8), epochs=3))
    if np.isnan(factor):
        diverged = next(e for e in events if isinstance(e, Diverged))
        assert words in diverged.message
        assert f"at step {after + 1}:" in diverged.message
        assert "first seen in layer 5 (Linear)" in diverged.message
        assert run.position.step == after - 1
    assert all(torch.isfinite(p).all() for p in run.model.parameters())


@pytest.mark.parametrize(("broken", "named"), [
    ("1.2.0", "layer 2.3.1 (Linear)"), ("1.2.2", "layer 2.3.3 (Linear)"), ("3", "layer 4 (Linear)"),
])  # fmt: skip
def test_a_layer_inside_others_is_named(broken: str, named: str) -> None:
    experiment = with_rate("spiral", 0.03).updated(layers=NETWORKS["nested"])
    run = make(experiment)
    events = list(train(run, Faulty(9, float("nan"), broken), LoopState(DivergenceGuard(run), chunk_steps=8), epochs=1))
    diverged = next(e for e in events if isinstance(e, Diverged))
    assert f"first seen in {named}." in diverged.message
    assert all(torch.isfinite(p).all() for p in run.model.parameters())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_broken_from_the_first_step(value: float) -> None:
    run = make(with_rate("plane", 0.03))
    with torch.no_grad():
        run.model[0].weight.fill_(value)
    watch = DivergenceGuard(run)
    events = list(train(run, EagerEngine(), LoopState(watch), epochs=1))
    if np.isfinite(value) and isinstance(events[0], Chunk):
        return  # a loss that starts high is compared with itself
    assert isinstance(events[0], Diverged)
    assert "at step 1:" in events[0].message
    assert events[-1].steps == 0
    assert json_safe(events[-1])


def json_safe(event: Event) -> bool:
    import json

    json.dumps(event.as_record(), allow_nan=False)
    return True


@pytest.mark.parametrize("chunk", [1, 2, 4, 8])
def test_pressing_train_again_never_loses_the_sound_weights(chunk: int) -> None:
    experiment = with_rate("plane", 3.0)
    losses, states = step_by_step(experiment)
    run = make(experiment)
    _, state = events_until_the_end(run, chunk)
    for _ in range(4):
        events, _ = events_until_the_end(run, chunk, state)
        assert any(isinstance(event, Diverged) for event in events)
        step = run.position.step
        assert step <= len(losses) - 2
        assert all(torch.equal(value, states[step][key]) for key, value in run.model.state_dict().items())
    run.learning_rate = 0.03
    events = list(train(run, EagerEngine(), state, epochs=30))
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.reason == "epochs"
    assert end.epochs == 30
    assert end.test_loss < 0.1


def test_a_rate_that_was_raised_live_is_the_cause_that_is_named() -> None:
    run = make(with_rate("plane", 0.03))
    state = LoopState(DivergenceGuard(run), chunk_steps=4)
    list(train(run, EagerEngine(), state, steps=12))
    run.learning_rate = 1e8
    events, _ = events_until_the_end(run, 4, state)
    diverged = next(e for e in events if isinstance(e, Diverged))
    assert "learning rate of 1e+08" in diverged.message
    assert run.position.step == 12
    assert run.learning_rate == 1e8


@pytest.mark.parametrize(
    ("name", "rate", "zero_grad", "words"),
    [
        ("plane", 1e4, True, "far above"),
        ("plane", 0.01, False, "never zeroed"),
        ("plane", 0.01, True, "squared error"),
        ("spiral", 0.001, True, "BatchNorm1d"),
    ],
)
def test_cause_and_remedy(name: str, rate: float, zero_grad: bool, words: str) -> None:
    from mlp_core.training.diagnosis import explain

    run = make(with_rate(name, rate, zero_grad=zero_grad))
    for loss, how in ((float("nan"), "became NaN"), (float("inf"), "became infinite"), (3e9, "grew to 3.0e+09")):
        said = explain(run, loss, 1234, "layer 0 (Linear)", rate)
        assert said.startswith(f"Training stopped at step 1,234: the loss {how}, first seen in layer 0 (Linear).")
        assert words in said
        assert "then press Reset." in said
        assert said.endswith("The weights of step 0 are kept.")


def test_the_cause_speaks_of_the_loss_that_was_chosen() -> None:
    from mlp_core.training.diagnosis import explain

    for name, entry in LOSSES.items():
        dataset = "plane" if "regression" in entry.tasks else "xor"
        layers = mlp((4,), "Tanh", *(["Sigmoid"] if entry.bounded_outputs else []))
        described = with_rate("plane", 0.001).updated(
            data=DataSpec(dataset=dataset), loss=LossSpec(type=name), layers=layers
        )
        said = explain(make(described), float("nan"), 5, "layer 1 (Linear)", 0.001)
        assert f"{entry.divergence}: set a smaller learning rate" in said
        assert ("squared error" in said) == (name == "MSELoss")
        assert ("absolute error" in said) == (name in {"L1Loss", "SmoothL1Loss", "HuberLoss"})


def test_a_sound_run_is_left_alone() -> None:
    run = make(preset("spiral").experiment)
    events = list(train(run, EagerEngine(), epochs=20))
    assert not any(isinstance(event, Diverged) for event in events)
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "epochs"
