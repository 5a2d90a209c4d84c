"""The workbench of a session: one run with its engine, history and views. Used by one thread at a time.

Everything here needs PyTorch, so `session` imports it only in its thread.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from torch import Tensor

from mlp_core.data.dataset import Dataset
from mlp_core.engines import ChunkResult, Engine, tune_thread, use_threads
from mlp_core.engines.choose import engine_for
from mlp_core.engines.passes import CompiledPasses
from mlp_core.processor.policy import one_thread
from mlp_core.processor.turns import SLOTS, cores
from mlp_core.processor.workers import WORKERS
from mlp_core.run.build import Run, build
from mlp_core.run.devices import available, describe
from mlp_core.run.nogil import copies
from mlp_core.spec import Experiment
from mlp_core.statistics import VIEWS
from mlp_core.training.control import State
from mlp_core.training.diagnosis import Watch
from mlp_core.training.events import Chunk, Diverged, Evaluation, Event, Events, Finished
from mlp_core.training.history import History
from mlp_core.training.loop import CHUNK_SECONDS, Progress, train
from mlp_core.training.snapshot import LookedAt, Snapshot, Status

T = TypeVar("T")

LOOKING_SHARE = 0.1
"""The share of a training thread's time that evaluation and views may take together."""
LOOKING_INTERVAL = 0.1
"""Seconds between two computations of a view at the least: nobody sees more."""
EVALUATION = "evaluation"
ROUND_SECONDS = 0.5
"""Within which everybody who shares the processor should have a turn: a page that is new every second is so then."""
CONTENDED_SECONDS = 0.004
"""From how long on between two chunks, without looking, something else is taken to keep the interpreter lock busy."""
NEVER = math.inf, 0.0
SHARED_CHUNK_SECONDS = 0.03, 0.1
"""A chunk's bounds where others wait for a turn; the fewer turns there are, the less the interpreter lock is needed."""


class _Elsewhere:
    """An engine whose chunks another thread runs."""

    def __init__(self, engine: Engine, do: Callable[[Callable[[], ChunkResult]], ChunkResult]) -> None:
        self.name = engine.name
        self._engine, self._do = engine, do

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps, as the engine does."""
        return self._do(lambda: self._engine.run(run, steps))


class Bench:
    """A run being worked on. `history` may be read by others under the session's lock."""

    def __init__(
        self,
        experiment: Experiment,
        dataset: Dataset,
        generation: int,
        weights: Mapping[str, Tensor] | None = None,
    ) -> None:
        use_threads(1)  # those of the workers take as many as there are; more kernel threads than cores sleep
        self.run: Run = build(experiment, dataset)
        self.inexact: dict[str, None] = {}  # sentences on why a script will not repeat the run, in order
        if weights is not None:
            self.run.model.load_state_dict(dict(weights))
            self.inexact["It started from weights that were loaded, not drawn from its seed."] = None
        self.generation = generation
        self.engine: Engine
        self.engine, self._why_engine = engine_for(self.run)
        self.engine = _Elsewhere(self.engine, self._do_chunk)
        self.history = History()
        self.progress = Progress(Watch(self.run))
        self.looked: dict[str, LookedAt] = {}
        self.diverged = ""
        self._best: State | None = None
        self._looked_seconds = self._rested_seconds = 0.0
        self._cost: dict[str, float] = {}
        self._last_look: dict[str, tuple[float, float]] = {}
        self._speed = 0.0
        self._between = deque([0.0], maxlen=3)  # seconds from one chunk to the next, looking left out
        self._ended = NEVER
        self._mark = (time.monotonic(), 0)
        if self.run.device.type == "cpu":
            self.run.passes = passes = CompiledPasses(self.run, self._compute)
            passes.prepare()

    def train(self, *, epochs: int | None = None, steps: int | None = None) -> Events:
        """Events of training up to a number of epochs or steps, counted from the run's start."""
        use_threads(1)
        self._mark = (time.monotonic(), self.progress.samples)
        return train(self.run, self.engine, self.progress, epochs=epochs, steps=steps, evaluate_epochs=False)

    def _compute(self, work: Callable[[], T]) -> T:
        """Have a thread of low priority do what holds no lock, set up for this run's kernels."""

        def tuned() -> T:
            alone = not SLOTS.others
            self.progress.chunk_seconds = self._chunk_seconds()
            tune_thread(self.run, alone)
            if not alone and not one_thread(self.run.plan.parameters, self.run.batches.batch_size):
                self.inexact["Other runs shared the processor with it, so sums were rounded otherwise."] = None
            return work()

        return WORKERS.run(tuned)

    def _do_chunk(self, chunk: Callable[[], T]) -> T:
        """Have a chunk of steps done, and note how long after the one before it began."""

        def noted() -> T:
            ended, looked = self._ended
            self._between.append(time.monotonic() - ended - (self._looked_seconds - looked))
            try:
                return chunk()
            finally:
                self._ended = time.monotonic(), self._looked_seconds

        return self._compute(noted)

    def _chunk_seconds(self) -> float:
        """How long a chunk should last: longer where the lock is dear that is needed between two."""
        shortest, longest = SHARED_CHUNK_SECONDS
        if SLOTS.waiting:
            return min(longest, max(shortest, ROUND_SECONDS * cores() / max(1, SLOTS.members)))
        return CHUNK_SECONDS if min(self._between) < CONTENDED_SECONDS else longest

    def set_learning_rate(self, value: float) -> None:
        """Go on with another learning rate, which a schedule then starts from."""
        if value != self.run.base_learning_rate:
            self.run.base_learning_rate = value
            if self.run.position.step:
                self.inexact["Its learning rate was changed by hand while it was trained."] = None

    def rested(self, seconds: float) -> None:
        """Count time in which the run waited to be slow enough: looking may take its share of that too.

        Where many share the cores, each counts its part of them, or all their looking would take more than there is.
        """
        self._rested_seconds += seconds * min(1.0, cores() / max(1, SLOTS.members))
        self._ended = NEVER  # what lies between these two chunks says nothing about the lock

    def state(self, *, best: bool) -> State:
        """A copy of the weights as they are, or as they were at the lowest test loss that was seen."""
        if best and self._best is not None:
            return self._best
        tensors = self.run.model.state_dict()
        evaluation, position = self.progress.evaluation, self.run.position
        current = evaluation is not None and evaluation.step == position.step
        return State(
            experiment=self.run.experiment,
            tensors=dict(zip(tensors, copies(list(tensors.values())), strict=True)),
            step=position.step,
            epoch=position.epoch,
            test_loss=evaluation.test_loss if evaluation is not None and current else None,
            test_accuracy=evaluation.test_accuracy if evaluation is not None and current else None,
        )

    def _add_evaluation(self, evaluation: Evaluation) -> None:
        best = self.history.best
        self.history.add_evaluation(evaluation)
        if self.history.best != best and evaluation.step == self.run.position.step:
            self._best = self.state(best=False)

    def record(self, event: Event) -> None:
        """Take an event into the history."""
        if isinstance(event, Chunk):
            self.history.add_chunk(event)
            self._measure_speed()
        elif isinstance(event, Evaluation):
            self._add_evaluation(event)
        elif isinstance(event, Diverged):
            self.diverged = event.message
        elif isinstance(event, Finished) and self.progress.evaluation is not None:
            self._add_evaluation(self.progress.evaluation)

    def _measure_speed(self) -> None:
        """Samples per second of the wall clock, looking and waiting included, as a short moving average."""
        now, samples = time.monotonic(), self.progress.samples
        seconds = now - self._mark[0]
        if seconds < 0.25 and self._speed:
            return
        speed = (samples - self._mark[1]) / max(seconds, 1e-9)
        self._speed = 0.5 * (self._speed + speed) if self._speed else speed
        self._mark = (now, samples)

    def look(self, watched: Iterable[str], record: Callable[[Event], None], *, all_stale: bool) -> None:
        """Evaluate, and compute the watched views that are due; with `all_stale`, all that show an older step.

        A view is due when the run has worked so long since it was last computed that all of them together cost no
        more than `LOOKING_SHARE`; time spent in line for a turn does not count. How often each is computed falls with
        the root of its cost, which makes the sum of their ages as small as that share allows.
        """
        use_threads(1)
        names = [EVALUATION, *(name for name in VIEWS if name in watched and self._applies(name))]
        for name in names:
            if self._is_stale(name) and (all_stale or self._is_due(name, names)):
                began = time.perf_counter()
                if name == EVALUATION:
                    record(self.progress.evaluate(self.run))
                else:
                    self.looked[name] = LookedAt(self.run.position.step, VIEWS[name](self.run))
                self._cost[name] = time.perf_counter() - began
                self._looked_seconds += self._cost[name]
                self._last_look[name] = time.monotonic(), self._worked

    def stale(self, watched: Iterable[str]) -> bool:
        """Whether a watched view shows an older step than the run's."""
        return any(self._is_stale(name) for name in (EVALUATION, *watched) if self._applies(name))

    def _applies(self, name: str) -> bool:
        facts = self.run.experiment.data.facts
        if name == "boundary":
            return facts.plane
        if name == "samples":
            return facts.classifies
        if name == "regression":
            return not facts.classifies
        return name in VIEWS or name == EVALUATION

    def _is_stale(self, name: str) -> bool:
        if name == EVALUATION:
            return self.progress.evaluation is None or self.progress.evaluation.step != self.run.position.step
        return name not in self.looked or self.looked[name].step != self.run.position.step

    @property
    def _worked(self) -> float:
        return self.progress.seconds + self._looked_seconds + self._rested_seconds

    def _is_due(self, name: str, names: Iterable[str]) -> bool:
        if name not in self._last_look:
            return True
        moment, worked = self._last_look[name]
        at_epoch_end = 0.5 if name == EVALUATION and self.run.position.batch == 0 else 1.0
        roots = sum(math.sqrt(self._cost.get(other, 0.0)) for other in names)
        return (
            time.monotonic() - moment >= at_epoch_end * LOOKING_INTERVAL
            and self._worked - worked >= at_epoch_end * math.sqrt(self._cost[name]) * roots / LOOKING_SHARE
        )

    def snapshot(self, status: Status, message: str) -> Snapshot:
        """The run as it stands."""
        position, evaluation, best = self.run.position, self.progress.evaluation, self.history.best
        return Snapshot(
            status=status,
            message=message,
            generation=self.generation,
            step=position.step,
            epoch=position.epoch,
            batch=position.batch,
            batches_per_epoch=self.run.batches.per_epoch,
            train_loss=None if position.step == 0 else self.progress.train_loss,
            test_loss=None if evaluation is None else evaluation.test_loss,
            test_accuracy=None if evaluation is None else evaluation.test_accuracy,
            best_test_loss=None if best is None else best[0],
            best_step=0 if best is None else best[1],
            confusion=None if evaluation is None else evaluation.confusion,
            learning_rate=self.run.learning_rate,
            samples_per_second=self._speed,
            device=describe(self.run.device),
            devices=available(),
            engine=self.engine.name,
            notes=(*self.run.notes, *((self._why_engine,) if self._why_engine else ())),
            views=dict(self.looked),
            inexact=tuple(self.inexact),
            at=time.time(),
        )
