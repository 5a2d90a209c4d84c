"""Every peer trains the network that it is said to train, and a missing one says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from multiprocessing import Pipe
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import peers, worker
from benchmarks.cases import CASES, Case, made_up
from benchmarks.peers import ENGINES, PEERS, pytorch, trainer

LIBRARIES = {"lightning": "lightning", "jax": "jax"}
SMALL = "2-4-2-2"


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def ready(peer: str, case: Case = CASES[SMALL]) -> Any:
    if peer in LIBRARIES and find_spec(LIBRARIES[peer]) is None:
        pytest.skip(f"{LIBRARIES[peer]} is not installed")
    made = trainer(peer, case)
    made.build()
    return made


def test_the_networks_are_those_of_the_comparison() -> None:
    assert {name: (case.widths, case.batch) for name, case in CASES.items()} == {
        "2-4-2-2": ((2, 4, 2, 2), 10),
        "2-8-8-8-2": ((2, 8, 8, 8, 2), 10),
        "cifar10-classic": ((3072, 64, 32, 10), 10),
        "fashion-mnist-quickstart": ((784, 512, 512, 10), 64),
        "784-512-512-10 batch 256": ((784, 512, 512, 10), 256),
    }
    assert CASES["2-4-2-2"].dataset().train_size == 250
    assert [case.large for case in CASES.values()] == [False, False, False, True, True]


def test_made_up_images_have_the_shape_of_the_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.cases.MADE_UP_SIZES", {"CIFAR10": (20, 10)})
    dataset = made_up("CIFAR10")
    assert (dataset.x_train.shape, dataset.x_test.shape) == ((20, 3, 32, 32), (10, 3, 32, 32))
    assert dataset.x_train.dtype == np.uint8
    assert dataset.x_train.max() > 200
    assert set(dataset.y_train) <= set(range(10))


@pytest.mark.parametrize("peer", [name for name in {**PEERS, **ENGINES} if name != "classic, 1 worker"])
def test_a_peer_counts_its_steps(peer: str) -> None:
    made = ready(peer)
    steps, seconds = made.train(0.02)
    assert steps > 0
    assert seconds > 0


@pytest.mark.parametrize("peer", ["eager", "classic", "lightning"])
def test_a_pytorch_peer_learns(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ready(peer)
    network = made._module.network if peer == "lightning" else made._model
    before = [weight.clone() for weight in network.parameters()]
    made.train(0.05)
    assert all(not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))


@pytest.mark.parametrize("case", [SMALL, "2-8-8-8-2", "cifar10-classic"])
def test_jax_steps_as_pytorch_does(case: str) -> None:
    """Same weights, same gradients: same weights after some steps of each optimizer."""
    jax = pytest.importorskip("jax")
    from benchmarks.peers.jax import Trainer

    update = Trainer.__new__(Trainer)
    update._jax, update._case = jax, CASES[case]
    chance = np.random.default_rng(1)
    start = chance.normal(size=(3, 2)).astype(np.float32)
    weight = torch.nn.Parameter(torch.tensor(start))
    theirs = getattr(torch.optim, CASES[case].optimizer.type)([weight], **CASES[case].optimizer.params)
    tree = [jax.numpy.asarray(start)]
    state = (tree, [tree[0] * 0], [tree[0] * 0], jax.numpy.float32(0))
    for _ in range(20):
        gradient = chance.normal(size=(3, 2)).astype(np.float32)
        weight.grad = torch.tensor(gradient)
        theirs.step()
        step = update._adam if CASES[case].optimizer.type == "Adam" else update._sgd
        state = step(state, [jax.numpy.asarray(gradient)])
    assert np.abs(start - weight.detach().numpy()).max() > 1e-4
    np.testing.assert_allclose(np.asarray(state[0][0]), weight.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_orders_go_through_every_sample_once_an_epoch() -> None:
    from benchmarks.peers.jax import _orders

    orders = _orders(25, 5, 3)
    rows = np.concatenate([next(orders) for _ in range(5)]).reshape(-1)
    assert all(sorted(epoch) == list(range(25)) for epoch in rows.reshape(3, 25))


def test_scikit_learn_counts_its_own_mini_batches() -> None:
    made = ready("scikit-learn")
    steps, _ = made.train(0.02)
    assert steps == made._model.t_ // CASES[SMALL].batch
    assert [weight.shape for weight in made._model.coefs_] == [(2, 4), (4, 2), (2, 1)]


def test_images_go_through_pictures_in_the_classic_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.cases.MADE_UP_SIZES", {"CIFAR10": (20, 10)})
    dataset = made_up("CIFAR10")
    monkeypatch.setattr(Case, "dataset", lambda self: dataset)
    from benchmarks.peers.classic import _samples

    image, label = _samples(CASES["cifar10-classic"])[7]
    torch.testing.assert_close(image, torch.tensor(dataset.x_train[7]).float() / 255)
    assert label == dataset.y_train[7]
    x, _ = pytorch.tensors(CASES["cifar10-classic"])
    torch.testing.assert_close(x[7], image)


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEERS, "jax", "no_such_library")
    ours, theirs = Pipe()
    thread = Thread(target=worker.serve, args=("jax", SMALL, theirs))
    thread.start()
    with pytest.raises(worker.PeerError, match=r"no_such_library is not installed: pip install -r requirements-bench"):
        worker.Worker(ours).answer()
    thread.join()


def test_a_failing_peer_is_said_and_others_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("no such luck")

    monkeypatch.setattr(worker, "trainer", broken)
    ours, theirs = Pipe()
    worker.serve("eager", SMALL, theirs)
    with pytest.raises(worker.PeerError, match=f"eager on {SMALL}: ValueError: no such luck"):
        worker.Worker(ours).answer()


def test_a_peer_trains_in_a_process_of_its_own() -> None:
    before = dict(os.environ)
    with worker.worker("scikit-learn", SMALL) as process:
        assert process.build() > 0
        assert process.train(0.02)[0] > 0
        assert process.train_beside(0.02, 1)[0] > 0
        assert dict(os.environ) == before


def test_every_peer_is_there() -> None:
    assert peers.OURS in PEERS
    assert {"eager", "classic", "classic, 1 worker", "lightning", "scikit-learn", "jax"} <= set(PEERS)
