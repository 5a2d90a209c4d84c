"""Every entry of the catalog in a small network: how fast each engine that can run it is, against the plain one.

The engines take turns, round after round; a ratio is the median of the rounds' own ratios. Whatever the catalog has is
walked, so a new entry is measured without a line here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.options import Options, Row
from benchmarks.summary import ratio_of_pairs, significant
from mlp_core import data
from mlp_core.catalog import ACTIVATIONS, LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS
from mlp_core.errors import SpecError
from mlp_core.presets import mlp
from mlp_core.problems import problems
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, SchedulerSpec, TrainingSpec

if TYPE_CHECKING:
    from mlp_core.engines import Engine
    from mlp_core.run.build import Run

TURN_SECONDS = 0.2
WARM_UP_STEPS = 20
MOST_FIXES = 8
WIDTHS, BATCH = (32, 32), 32
"""The network between the 16 features of `blobs16` and its classes, and the samples of a step."""
ENGINES = ("native", "fast", "eager")
EAGER = ENGINES[-1]
TABLE = {"classification": "blobs16", "regression": "diabetes"}
"""The data by task."""


@dataclass(frozen=True)
class Case:
    """An entry in its network."""

    kind: str
    """What it is an entry of."""
    name: str
    """Its name."""
    experiment: Experiment
    """The network that it stands in."""


def _network(**changes: Any) -> Experiment:
    found = Experiment(
        data=DataSpec(dataset=TABLE["classification"]),
        layers=mlp(WIDTHS, "ReLU"),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SGD", params={"lr": 0.01}),
        training=TrainingSpec(batch_size=BATCH),
    )
    return found.updated(**changes)


def _of_activation(name: str) -> Experiment:
    return _network(layers=mlp(WIDTHS, name))


def _of_layer(name: str) -> Experiment:
    """The layer after the first hidden one."""
    width = {"out_features": WIDTHS[0]} if "out_features" in {p.name for p in LAYERS[name].parameters} else {}
    return _network().insert_layers((2,), LayerSpec(type=name, params=width))


def _of_loss(name: str) -> Experiment:
    return _network(data=DataSpec(dataset=TABLE[LOSSES[name].tasks[0]]), loss=LossSpec(type=name))


def _of_optimizer(name: str) -> Experiment:
    return _network(optimizer=OptimizerSpec(type=name))


def _of_scheduler(name: str) -> Experiment:
    every = "step" if "step" in SCHEDULERS[name].counts else "epoch"
    return _network(scheduler=SchedulerSpec(type=name, every=every))


KINDS: dict[str, tuple[Sequence[str], Callable[[str], Experiment]]] = {
    "activation": (tuple(ACTIVATIONS), _of_activation),
    "layer": (tuple(LAYERS), _of_layer),
    "loss": (tuple(LOSSES), _of_loss),
    "optimizer": (tuple(OPTIMIZERS), _of_optimizer),
    "scheduler": (tuple(SCHEDULERS), _of_scheduler),
}
"""For each kind: its entries, and the network of one."""


def repaired(experiment: Experiment) -> Experiment:
    """The experiment with the repair of every error: a loss that takes probabilities gets its Sigmoid, and so on."""
    for _ in range(MOST_FIXES):
        errors = [problem for problem in problems(experiment) if problem.severity == "error"]
        if not errors:
            return experiment
        if errors[0].fixed is None or errors[0].fixed.loss != experiment.loss:
            if experiment.loss.entry.bounded_outputs and experiment.layers[-1].type != "Sigmoid":
                experiment = experiment.updated(layers=(*experiment.layers, LayerSpec(type="Sigmoid")))
                continue
            break
        experiment = errors[0].fixed
    raise SpecError(errors[0].message)


def rows(options: Options) -> Iterator[Row]:
    """One row per entry: microseconds of a plain step, each engine's speed over the plain one's, and why one cannot."""
    for kind, (names, network) in KINDS.items():
        for name in names:
            if options.wants(name):
                try:
                    yield _row(Case(kind, name, repaired(network(name))), options)
                except (SpecError, ValueError, RuntimeError) as error:  # an entry that does not fit keeps no other
                    yield {"kind": kind, "entry": name, "skipped": f"{error}"}


def _row(case: Case, options: Options) -> Row:
    running: dict[str, tuple[Engine, Run]] = {}
    reasons: dict[str, str] = {}
    for engine in ENGINES:
        try:
            running[engine] = _prepared(engine, case.experiment)
        except _UnsupportedError as error:
            reasons[engine] = str(error)
    speeds: dict[str, list[float]] = {engine: [] for engine in running}
    seconds = options.seconds or TURN_SECONDS
    for engine, run in running.values():
        _steps(engine, run, seconds=0.0)  # what is first used is loaded and compiled
    for _ in range(options.rounds):
        for name, (engine, run) in running.items():
            speeds[name].append(_steps(engine, run, seconds))
    row: Row = {"kind": case.kind, "entry": case.name}
    row["eager_us"] = significant(1e6 / sorted(speeds[EAGER])[len(speeds[EAGER]) // 2])
    for engine in ENGINES[:-1]:
        measured = speeds.get(engine)
        row[engine] = None if measured is None else ratio_of_pairs(zip(measured, speeds[EAGER], strict=True))
    return {**row, **({"why_not": reasons} if reasons else {})}


class _UnsupportedError(Exception):
    """An engine cannot run it; says why."""


def _prepared(name: str, experiment: Experiment) -> tuple[Engine, Run]:
    """The engine, ready to run a run of its own; raises `_UnsupportedError`."""
    from mlp_core.engines.eager import EagerEngine
    from mlp_core.engines.fast import FastEngine
    from mlp_core.engines.native.engine import NativeEngine
    from mlp_core.engines.tracing import UnsupportedError
    from mlp_core.run.build import build

    run = build(experiment, data.load(experiment.data))
    if name == EAGER:
        return EagerEngine(), run
    engine = NativeEngine(None) if name == "native" else FastEngine()
    try:
        with run.tuned():
            engine.prepare(run)
    except UnsupportedError as error:
        raise _UnsupportedError(str(error)) from None
    return engine, run


def _steps(engine: Engine, run: Run, seconds: float) -> float:
    """Steps per second over about so long."""
    from mlp_core.engines import ChunkResult

    chunk, done, spent = WARM_UP_STEPS, 0, 0.0
    with run.tuned():
        while done == 0 or spent < seconds:
            began = time.perf_counter()
            result = engine.run(run, chunk)
            took = time.perf_counter() - began
            assert isinstance(result, ChunkResult)
            done, spent = done + chunk, spent + took
            with suppress(ZeroDivisionError):
                chunk = max(1, min(2 * chunk, int((seconds - spent) / (took / chunk))))
    return done / spent


def table(measured: Sequence[Row]) -> str:
    """The rows as a Markdown table, and below it why an engine cannot run an entry."""
    lines = ["", "| | entry | eager, µs a step | native | fast |", "| --- | --- | --- | --- | --- |"]
    reasons: dict[str, list[str]] = {}
    for row in measured:
        if "skipped" in row:
            reasons.setdefault(row["skipped"], []).append(row["entry"])
            lines.append(f"| {row['kind']} | `{row['entry']}` | – | – | – |")
            continue
        ratios = ("–" if row[engine] is None else f"{row[engine]:g}×" for engine in ENGINES[:-1])
        lines.append(f"| {row['kind']} | `{row['entry']}` | {row['eager_us']:g} | {' | '.join(ratios)} |")
        for engine, reason in row.get("why_not", {}).items():
            reasons.setdefault(f"{engine}: {reason}", []).append(row["entry"])
    if reasons:
        lines += [
            "",
            *(f"- {reason}: {', '.join(f'`{name}`' for name in names)}." for reason, names in reasons.items()),
        ]
    return "\n".join(lines)
