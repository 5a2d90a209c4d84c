"""A run's random numbers are those of a plain script, and nobody else's."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mlp_core import data
from mlp_core.engines.eager import EagerEngine
from mlp_core.presets import preset
from mlp_core.run.batches import Batches, Position
from mlp_core.run.build import build
from mlp_core.run.devices import available, describe, resolve
from mlp_core.run.randomness import RandomStream
from mlp_core.spec import Experiment, LayerSpec
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.loop import LoopState, train
from mlp_core.views import VIEWS

CPU = torch.device("cpu")


def with_dropout(name: str = "spiral") -> Experiment:
    found = preset(name).experiment
    return found.updated(layers=(*found.layers[:-1], LayerSpec(type="Dropout", params={"p": 0.3}), found.layers[-1]))


def plain_batches(seed: int, x: torch.Tensor, batch: int, epochs: int, drop: bool) -> list[torch.Tensor]:
    """What a script sees that shuffles its training samples, drops some values, and tests after every epoch."""
    seen = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        trainer = DataLoader(TensorDataset(x), batch_size=batch, shuffle=True)
        tester = DataLoader(TensorDataset(x[:7]), batch_size=3)
        for _ in range(epochs):
            for (values,) in trainer:
                seen.append(nn.functional.dropout(values, 0.5) if drop else values)
            for _ in tester:
                pass
    return seen


def own_batches(seed: int, x: torch.Tensor, batch: int, epochs: int, *, drop: bool, chunk: int) -> list[torch.Tensor]:
    """The same through `Batches`, with the stream lent for chunks of steps as the engine lends it."""
    stream, position, seen = RandomStream(seed, CPU), Position(), []
    batches = Batches(x, x, batch, stream)
    while position.epoch < epochs:
        with stream.lend():
            for _ in range(min(chunk, epochs * batches.per_epoch - position.step)):
                values, _ = batches.get(position)
                seen.append(nn.functional.dropout(values, 0.5) if drop else values)
                batches.advance(position)
        torch.rand(5)  # what others draw is of no account
    return seen


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize(("size", "batch"), [(23, 5), (20, 5), (20, 20), (3, 1)])
@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_batches_equal_those_of_dataloaders(size: int, batch: int, drop: bool, chunk: int) -> None:
    x = torch.arange(size, dtype=torch.float32).reshape(size, 1)
    expected = plain_batches(42, x, batch, 4, drop)
    found = own_batches(42, x, batch, 4, drop=drop, chunk=chunk)
    assert len(found) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_an_epoch_in_blocks_is_the_same_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.arange(23, dtype=torch.float32).reshape(23, 1)
    expected = own_batches(1, x, 5, 2, drop=False, chunk=4)
    monkeypatch.setattr("mlp_core.run.batches.GATHER_BYTES", 40)  # two batches
    found = own_batches(1, x, 5, 2, drop=False, chunk=4)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def losses_of(experiment: Experiment, epochs: int = 2) -> np.ndarray:
    run = build(experiment, data.load(experiment.data))
    chunks = train(run, EagerEngine(), epochs=epochs)
    return np.concatenate([event.losses for event in chunks if event.name == "chunk"])


@pytest.mark.parametrize("name", ["spiral", "plane", "two-hidden-relu"])
def test_looking_changes_nothing(name: str) -> None:
    experiment = with_dropout(name)
    expected = losses_of(experiment, 1)
    loaded = data.load(experiment.data)
    run = build(experiment, loaded)
    state, engine = LoopState(DivergenceGuard(run)), EagerEngine()
    views = [name for name, view in VIEWS.items() if view.compute and view.applies(experiment.data.facts)]
    assert len(views) >= 3
    seen = []
    for step in range(1, len(expected) + 1):
        seen += [e.losses for e in train(run, engine, state, steps=step, evaluate_epochs=False) if e.name == "chunk"]
        if step % 7 == 0:
            state.evaluate(run)
            for view in views:
                VIEWS[view].arrays(run)
            assert run.model.training
    assert np.array_equal(np.concatenate(seen), expected)


def test_building_and_training_leave_the_global_generator_alone() -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    losses_of(with_dropout())
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_global_generator_has_no_influence() -> None:
    torch.manual_seed(1)
    first = losses_of(with_dropout())
    torch.manual_seed(2)
    assert np.array_equal(first, losses_of(with_dropout()))


def test_an_error_while_lent_puts_the_global_generator_back() -> None:
    stream, before = RandomStream(3, CPU), torch.random.get_rng_state()

    def fail() -> None:
        with stream.lend():
            torch.rand(3)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert torch.equal(before, torch.random.get_rng_state())
    assert stream.generator is not None
    with torch.random.fork_rng():
        torch.manual_seed(3)
        torch.rand(3)
        expected = torch.rand(2)
    assert torch.equal(torch.rand(2, generator=stream.generator), expected), "what was drawn counts"


def test_runs_taking_turns_do_not_disturb_each_other() -> None:
    first, second = with_dropout("spiral"), with_dropout("two-hidden-relu")
    expected = losses_of(first, 1), losses_of(second, 1)
    runs = [build(e, data.load(e.data)) for e in (first, second)]
    events = [train(run, EagerEngine(), epochs=1) for run in runs]
    seen: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    while any(event := [next(stream, None) for stream in events]):
        for losses, found in zip(seen, event, strict=True):
            if found is not None and found.name == "chunk":
                losses.append(found.losses)
    for losses, wanted in zip(seen, expected, strict=True):
        assert np.array_equal(np.concatenate(losses), wanted)


def test_runs_in_threads_do_not_disturb_each_other() -> None:
    experiments = [with_dropout().updated(training=with_dropout().training.updated(seed=seed)) for seed in range(4)]
    expected = [losses_of(experiment) for experiment in experiments]
    found: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda place=place, e=e: found.__setitem__(place, losses_of(e)))
        for place, e in enumerate(experiments)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [0, 1, 2, 3]
    for place, losses in found.items():
        assert np.array_equal(losses, expected[place])
    assert not np.array_equal(found[0], found[1])


def test_state_is_a_copy_to_go_back_to() -> None:
    stream = RandomStream(5, CPU)
    stream.shuffled(4)
    state = stream.state()
    first = [stream.shuffled(50) for _ in range(3)]
    stream.restore(state)
    assert all(torch.equal(a, stream.shuffled(50)) for a in first)
    stream.restore(state)
    assert torch.equal(first[0], stream.shuffled(50)), "a state can be used again"


def test_devices() -> None:
    assert available()[-1] == "cpu"
    assert resolve("cpu") == (CPU, "")
    assert describe(CPU) == "CPU"
    for name in {"cuda", "mps"} - set(available()):
        device, note = resolve(name)
        assert device == CPU
        assert "CPU" in note
        assert note.endswith(".")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_cuda_stream_leaves_the_global_one_alone() -> None:
    cuda = torch.device("cuda")
    before = torch.cuda.get_rng_state()
    stream = RandomStream(9, cuda)
    with stream.lend():
        first = torch.rand(5, device=cuda)
    assert torch.equal(before, torch.cuda.get_rng_state())
    with torch.random.fork_rng(devices=[0]):
        torch.manual_seed(9)
        expected = torch.rand(10, device=cuda)
    assert torch.equal(first, expected[:5])
