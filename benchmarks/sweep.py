"""A sweep against the script that people write: Optuna's `study.optimize` with `n_jobs`, around a loop by hand.

Both search the same space with TPE, train the same network on the same tensors for as many epochs, and test it at each
epoch's end. They take turns in one process, round after round; what both load and compile once is done before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from benchmarks.cases import Case, made_up
from benchmarks.machine import cores
from benchmarks.options import Options, Row
from benchmarks.summary import ratio_of_pairs, significant
from mlp_core.data.dataset import Dataset
from mlp_core.presets import PRESETS
from mlp_core.spec import Experiment
from mlp_core.sweep.space import space_of
from mlp_core.sweep.spec import SweepSpec
from mlp_core.sweep.sweep import Sweep

IMAGES = 5_000


@dataclass(frozen=True)
class Search:
    """What is searched."""

    name: str
    preset: str
    trials: int
    epochs: int
    space: dict[str, Any]

    @property
    def experiment(self) -> Experiment:
        """The preset's experiment."""
        return PRESETS[self.preset].experiment

    @cached_property
    def dataset(self) -> Dataset:
        """The data; of images, the first few, made up in their shape."""
        from mlp_core import data

        if self.experiment.data.entry.source != "downloaded":
            return data.load(self.experiment.data)
        whole = made_up(self.experiment.data.entry.name)
        return Dataset(spec=whole.spec, x_train=whole.x_train[:IMAGES], y_train=whole.y_train[:IMAGES],
                       x_test=whole.x_test[: IMAGES // 5], y_test=whole.y_test[: IMAGES // 5])  # fmt: skip


LOG = {"low": 1e-3, "high": 0.3, "log": True}
SEARCHES = (
    Search("spiral", "spiral", 64, 200, {"optimizer.lr": LOG, "optimizer.momentum": {"low": 0.0, "high": 0.95}}),
    Search("cifar10-classic, 5,000 images", "cifar10-classic", 8, 1, {"optimizer.lr": {**LOG, "low": 1e-5}}),
)


def rows(options: Options) -> Iterator[Row]:
    """A row per search: seconds of both, and how many times faster ours is."""
    for search in SEARCHES:
        if not options.wants(search.name):
            continue
        ours(search, trials=4, seed=99)
        by_hand(search, trials=2, seed=99)
        spent: list[tuple[float, float]] = []
        for seed in range(options.rounds):
            spent.append((by_hand(search, search.trials, seed), ours(search, search.trials, seed)))
        yield {
            "search": search.name, "trials": search.trials, "epochs": search.epochs,
            "script_s": significant(median(one for one, _ in spent)),
            "ours_s": significant(median(other for _, other in spent)), "speedup": ratio_of_pairs(spent),
        }  # fmt: skip


def ours(search: Search, trials: int, seed: int) -> float:
    """Seconds of a sweep."""
    space = space_of(search.space, search.experiment)
    sweep = Sweep(SweepSpec(space=space, trials=trials, epochs=search.epochs, seed=seed),
                  load=lambda spec: search.dataset)  # fmt: skip
    began = time.perf_counter()
    sweep.start()
    sweep.wait()
    spent = time.perf_counter() - began
    assert all(result.state in ("finished", "diverged") for result in sweep.results), "the trials train"
    return spent


def by_hand(search: Search, trials: int, seed: int) -> float:
    """Seconds of the script."""
    import optuna
    import torch
    from torch import nn

    from benchmarks.peers.pytorch import TensorBatches, network

    case, data = Case(search.name, search.experiment), search.dataset
    torch.set_num_threads(1)
    x, x_test = (torch.tensor(part).float().div_(data.divisor) if part.dtype == "uint8" else torch.tensor(part)
                 for part in (data.x_train, data.x_test))  # fmt: skip
    y, y_test = torch.tensor(data.y_train), torch.tensor(data.y_test)

    def objective(trial: Any) -> float:
        chosen = {path.removeprefix("optimizer."): trial.suggest_float(path, **form)
                  for path, form in search.space.items()}  # fmt: skip
        model, loss_of = network(case), nn.CrossEntropyLoss()
        optimizer = getattr(torch.optim, case.optimizer.type)(model.parameters(), **{**case.optimizer.params, **chosen})
        best = float("inf")
        for _ in range(search.epochs):
            for inputs, targets in TensorBatches(x, y, case.batch):
                optimizer.zero_grad()
                loss = loss_of(model(inputs), targets)
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                best = min(best, loss_of(model(x_test), y_test).item())
        return best

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    began = time.perf_counter()
    study.optimize(objective, n_trials=trials, n_jobs=cores())
    return time.perf_counter() - began
