"""Whether healthy runs are left in peace, and what looking after a run costs it.

For each preset whose data need no download: one run for each round, each with another seed, looked at so often as a
reader would see it change. Then the same network in a session, in turns with the view of its health on screen and
without it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from benchmarks.options import Options, Row
from benchmarks.summary import significant
from mlp_core import data
from mlp_core.engines.choose import engine_for
from mlp_core.presets import PRESETS
from mlp_core.run.build import build
from mlp_core.spec import Experiment
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Chunk, Evaluation
from mlp_core.training.history import History
from mlp_core.training.loop import LoopState, train
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from mlp_core.training.views import ViewResult
from mlp_core.views import VIEWS
from mlp_core.views.health import HEALTH, found

MOMENTS = (0, 1, 2, 5, 10, 20, 50)
"""Epochs after which a run is looked at; a preset with fewer is looked at up to its own."""
SECONDS = 3.0
"""Length of one turn of a session."""
PREPARED = 60.0
"""Seconds that a session may take until it can train."""


def rows(options: Options) -> Iterator[Row]:
    """One row per preset."""
    for name, preset in PRESETS.items():
        experiment = preset.experiment
        if experiment.data.entry.source == "downloaded" or not options.wants(name):
            continue
        looks, raised, seconds = 0, [], []
        for seed in range(options.rounds):
            seeded = experiment.updated(training=experiment.training.updated(seed=seed))
            for names, took in looked_at(seeded):
                looks, raised = looks + 1, raised + names
                seconds.append(took)
        speeds = {"closed": [], "open": []}
        for _ in range(options.rounds):
            for state, views in (("closed", []), ("open", [HEALTH])):
                speeds[state].append(steps_per_second(experiment, views, options.seconds or SECONDS))
        ratios = [watched / alone for watched, alone in zip(speeds["open"], speeds["closed"], strict=True)]
        yield {
            "preset": name,
            "runs": options.rounds,
            "looks": looks,
            "findings": sorted(set(raised)),
            "look_ms": significant(1e3 * median(seconds)),
            "steps_per_s": significant(median(speeds["closed"])),
            "steps_per_s_open": significant(median(speeds["open"])),
            "ratio": significant(median(ratios)),
        }


def looked_at(experiment: Experiment) -> Iterator[tuple[list[str], float]]:
    """What is found wrong in a run, again and again, and how many seconds it took to measure the layers."""
    run = build(experiment, data.load(experiment.data))
    engine, _ = engine_for(run)
    history, state = History(), LoopState(DivergenceGuard(run))
    for epochs in MOMENTS:
        if epochs > (experiment.training.epochs or max(MOMENTS)):
            return
        for event in train(run, engine, state, epochs=epochs):
            if isinstance(event, Chunk):
                history.add_chunk(event)
            elif isinstance(event, Evaluation):
                history.add_evaluation(event)
        began = time.perf_counter()
        view = ViewResult(run.position.step, VIEWS[HEALTH].arrays(run))
        took = time.perf_counter() - began
        now = Snapshot(
            experiment=experiment, dataset=run.dataset, history=history, step=run.position.step,
            batches_per_epoch=run.batches.per_epoch, views={HEALTH: view},
        )  # fmt: skip
        yield [finding.name for finding in found(now) or ()], took


def steps_per_second(experiment: Experiment, views: list[str], seconds: float) -> float:
    """Steps per second of a session that shows these views, measured from its first second on."""
    endless = experiment.updated(training=experiment.training.updated(epochs=None))
    session = Session()
    try:
        session.apply(endless)
        session.wait(lambda now: now.status == "ready", PREPARED)
        session.play()
        _watch(session, views, 1.0)
        steps, began = session.snapshot().step, time.perf_counter()
        _watch(session, views, seconds)
        session.wait(lambda now: now.step > steps, PREPARED)
        return (session.snapshot().step - steps) / (time.perf_counter() - began)
    finally:
        session.close(PREPARED)


def _watch(session: Session, views: list[str], seconds: float) -> None:
    """Ask for the views as an open page does."""
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        session.request_views(views)
        time.sleep(0.25)
