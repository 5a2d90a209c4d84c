"""Sweeps on a Ray cluster of several nodes: the trials and figures of this machine, whatever happens to a node."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import psutil
import pytest

from mlp_core.__main__ import main
from mlp_core.cluster import cluster as module
from mlp_core.cluster.cluster import Cluster, ClusterError
from mlp_core.presets import preset
from mlp_core.processor import Processor
from mlp_core.store.keeper import files_of
from mlp_core.sweep.elsewhere import difference
from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.space import space_of
from mlp_core.sweep.spec import SweepSpec
from mlp_core.sweep.sweep import Sweep
from mlp_core.training.keeping import Draft

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
utils = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed: pip install -r requirements-cluster.txt")

WAIT = 240
NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
SPACE = {
    "optimizer.lr": {"low": 1e-3, "high": 1.0, "log": True},
    "hidden.width": {"low": 2, "high": 4},
    "data.noise": {"choices": [0.0, 0.2]},
    "training.batch_size": {"choices": [10, 20, 40, 500_000]},  # of which the last fails
}
LONG = {"optimizer.lr": SPACE["optimizer.lr"], "hidden.width": SPACE["hidden.width"]}


@pytest.fixture(scope="module")
def machines() -> Iterator[Any]:
    """A head and two nodes, each a Ray of its own with one core."""
    found = utils.Cluster(initialize_head=True, head_node_args=NODE)
    try:
        for _ in range(2):
            found.add_node(**NODE)
        yield found
    finally:
        found.shutdown()


@pytest.fixture(scope="module")
def cluster(machines: Any) -> Iterator[Cluster]:
    found = Cluster(machines.address)
    yield found
    found.close()


def spec(space: dict[str, Any] = SPACE, **options: Any) -> SweepSpec:
    made = space_of(space, preset("spiral").experiment)
    return SweepSpec(space=made, **{"trials": 10, "epochs": 4, "seed": 3, "at_once": 3, **options})


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    ends = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < ends
        threading.Event().wait(0.02)


def works(node: Any) -> bool:
    """Whether a process of a node does some work now: Ray gives it a title."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return any(title.startswith("ray::do") for child in raylet.children() for title in child.cmdline()[:1])


class Kept:
    """What a sweep hands over."""

    def __init__(self) -> None:
        self.drafts: dict[int, Draft] = {}

    def __call__(self, result: TrialResult, draft: Draft | None) -> None:
        if draft is not None:
            self.drafts[result.number] = draft


def trained(asked: SweepSpec, cluster: Cluster | None) -> tuple[list[TrialResult], dict[int, Draft]]:
    kept = Kept()
    sweep = Sweep(asked, processor=Processor(2), cluster=cluster, keep=kept)
    sweep.start()
    assert sweep.wait(WAIT)
    assert sweep.progress.status == "finished", sweep.progress.message
    return figures(sweep), kept.drafts


def figures(sweep: Sweep) -> list[TrialResult]:
    """The results, without what no two runs have in common."""
    return [replace(result, run="", seconds=0.0) for result in sweep.results]


@pytest.mark.parametrize("options", [{}, {"pruner": "halving", "epochs": 16, "sampler": "random"}], ids=str)
def test_trials_are_those_of_this_machine(cluster: Cluster, options: dict[str, Any]) -> None:
    asked = spec(**options)
    here, drafts_here = trained(asked, None)
    there, drafts_there = trained(asked, cluster)
    assert there == here
    states = {result.state for result in there}
    assert {"finished", "failed"} <= states
    assert ("pruned" in states) == (asked.pruner != "none")
    assert drafts_there.keys() == drafts_here.keys()
    for number, draft in drafts_there.items():
        ours = drafts_here[number]
        assert draft.dataset is ours.dataset
        assert draft.record.experiment == ours.record.experiment
        found, expected = files_of(draft), files_of(ours)
        assert found.keys() == expected.keys() == {"best", "last", "state"}
        assert {which: found[which] for which in ("best", "last")} == {w: expected[w] for w in ("best", "last")}


def test_pause_and_cancel_reach_the_nodes(cluster: Cluster) -> None:
    asked = spec(space=LONG, epochs=10**6, trials=3)
    sweep = Sweep(asked, cluster=cluster)
    sweep.start()
    until(lambda: cluster.working == 3)
    sweep.pause()
    assert sweep.wait(WAIT)
    assert (sweep.progress.status, sweep.progress.done) == ("paused", 0)
    sweep.start()
    assert "3 nodes with 3 cores" in sweep.progress.place
    until(lambda: cluster.working == 3)
    sweep.cancel()
    assert sweep.wait(WAIT)
    small = spec(trials=3)
    assert trained(small, cluster) == (trained(small, None)[0], ANY), "the cores are free again"


def test_a_node_that_dies_costs_its_trials_a_retry(machines: Any, cluster: Cluster) -> None:
    asked = spec(space=LONG, trials=6, epochs=1000, pruner="median")
    notes: list[str] = []
    sweep = Sweep(asked, cluster=cluster, note=notes.append)
    node = next(iter(machines.worker_nodes))
    sweep.start()
    until(lambda: works(node))
    machines.remove_node(node, allow_graceful=False)
    assert sweep.wait(WAIT)
    assert sweep.progress.status == "finished", sweep.progress.message
    assert figures(sweep) == trained(asked, None)[0]
    assert len(notes) >= 1
    assert all(re.fullmatch(r"Trial \d begins again: its node was lost\.", note) for note in notes)
    assert sweep.progress.notes == tuple(notes)


def test_the_command_says_where_trials_train(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "cluster_at", lambda address: cluster)  # whose processes have begun
    (tmp_path / "space.json").write_text(json.dumps(LONG), encoding="utf-8")
    arguments = ["sweep", "circle", str(tmp_path / "space.json"), "--trials", "3", "--epochs", "2", "--jsonl"]
    assert main(arguments) == 0
    here = capsys.readouterr().out
    assert main([*arguments, "--ray", cluster.address]) == 0
    told = capsys.readouterr()
    assert [json.loads(line) | {"seconds": 0} for line in told.out.splitlines()] == [
        json.loads(line) | {"seconds": 0} for line in here.splitlines()
    ]
    assert f"of the Ray cluster at {cluster.address}." in told.err


def test_a_connection_that_breaks_pauses_the_sweep(cluster: Cluster) -> None:
    asked = spec(space=LONG, trials=3, epochs=10**6)
    sweep = Sweep(asked, cluster=cluster)
    sweep.start()
    until(lambda: cluster.working == 3)
    assert cluster._relay is not None
    cluster._relay._process.kill()
    assert sweep.wait(WAIT)
    assert (sweep.progress.status, sweep.progress.done) == ("paused", 0)
    assert "broke" in sweep.progress.message
    sweep.start()
    assert not sweep.progress.message
    sweep.cancel()
    assert sweep.wait(WAIT)


def test_what_does_not_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as silent:
        closed.bind(("127.0.0.1", 0))
        for port in (closed.getsockname()[1], silent.getsockname()[1]):
            sweep = Sweep(spec(), cluster=Cluster(f"127.0.0.1:{port}", connect_seconds=4))
            sweep.start()
            assert sweep.wait(WAIT)
            assert sweep.progress.status == "paused"
            said = rf"The Ray cluster at '127.0.0.1:{port}' does not answer \(.+\)\. Check"
            assert re.match(said, sweep.progress.message)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ClusterError, match=r"pip install -r requirements-cluster\.txt"):
        Cluster("auto").connect()


def test_a_node_with_other_packages_is_named() -> None:
    here = {"python": "3.11.7", "torch": "2.13.0+cpu", "numpy": "2.3.0"}
    assert difference(here, here | {"torch": "2.13.0+cu130", "python": "3.11.9"}) == ""
    assert "has torch 2.12.1, and here it is 2.13.0" in difference(here, here | {"torch": "2.12.1"})
