"""One variant in a race: its run, how far it is, and what is shown of it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlp_core.errors import UserError
from mlp_core.processor import Processor
from mlp_core.race.words import Measure, Unit
from mlp_core.spec import Experiment
from mlp_core.training.events import Evaluation
from mlp_core.training.keeping import Keeper
from mlp_core.training.snapshot import Snapshot, Status

if TYPE_CHECKING:
    from mlp_core.data.dataset import Dataset
    from mlp_core.training.events import Events
    from mlp_core.training.trainer import Trainer

LOG = logging.getLogger(__name__)

TAG = "race"
"""The tag of every run that was kept of a race."""
NEARLY = 1e-9
"""What rounding may make of an amount that is reached."""


class Watched:
    """What a page asks of a session, of something that is shown as one is: snapshots, and views that are on screen."""

    def __init__(self, asked: Callable[[], None], lock: Any) -> None:
        """`asked` is called when views are asked for; `lock` is a condition that all parts of a race share."""
        self._asked, self._changed = asked, lock
        self._snapshot = Snapshot(status="ready")
        self._listeners: set[Callable[[], None]] = set()
        self._views: dict[str, float] = {}

    @property
    def experiment(self) -> Experiment | None:
        """What it trains."""
        return self._snapshot.experiment

    def snapshot(self) -> Snapshot:
        """The state to show now."""
        return self._snapshot

    def request_views(self, views: Iterable[str]) -> None:
        """Say which views are on screen now; each counts as such for some seconds."""
        from mlp_core.training.session import VIEW_SECONDS

        self._views = dict.fromkeys(views, time.monotonic() + VIEW_SECONDS)
        self._asked()

    def wait(self, condition: Callable[[Snapshot], bool], timeout: float) -> bool:
        """Wait until a snapshot fulfils the condition; False if the time in seconds runs out."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: condition(self._snapshot), timeout))

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """The block in which a listener is called with every new snapshot, by whichever thread has made it."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    def show(self, new: Snapshot | None = None, **changes: Any) -> None:
        """Replace the snapshot, by a new one or by itself, with changes."""
        with self._changed:
            now = new or self._snapshot
            version = max(self._snapshot.version + 1, time.time_ns() // 1000)
            self._snapshot = replace(now, version=version, at=time.time(), **changes)
            self._changed.notify_all()
            for listener in tuple(self._listeners):
                listener()

    @property
    def on_screen(self) -> list[str]:
        """The views that somebody looks at."""
        now = time.monotonic()
        return [name for name, until in self._views.items() if until > now]


class Lane(Watched):
    """A variant's run. One thread at a time trains it; any thread may look."""

    def __init__(self, name: str, experiment: Experiment, asked: Callable[[], None], lock: Any) -> None:
        super().__init__(asked, lock)
        self.name = name
        self.trainer: Trainer | None = None
        self.figures: Evaluation | None = None
        """Its figures when all were last in step."""
        self.error: float | None = None
        """The root mean squared error in the same pass, where that is asked for."""
        self.out = ""
        """Why it is not in the race any more; '' while it is."""
        self.stopped = ""
        """Why it trains no further although it is in the race: its early stopping; '' while it goes on."""
        self._events: Events | None = None
        self._amounts, self._parameters = {"samples": 0.0, "seconds": 0.0}, 0
        self._unseen, self._kept = False, 0  # whether it cannot be tested; the step at which it was handed over last
        self._whole = False  # whether these end with the race
        self._started = experiment
        self.show(experiment=experiment)

    @property
    def goes_on(self) -> bool:
        """Whether it has still to train, or to be prepared."""
        return not self.out and not self.stopped

    @property
    def amounts(self) -> dict[str, float]:
        """Samples that it was trained on, and seconds that its steps took."""
        return self._amounts

    @property
    def parameters(self) -> int:
        """Numbers that it learns; 0 before its run is made."""
        return self._parameters

    def value(self, measure: Measure) -> float:
        """Its value of what decides the race; NaN before it was tested."""
        return math.nan if self.figures is None else measure.of(self.figures, self.error)

    # Work, by the race's thread

    def prepare(self, processor: Processor, load: Callable[[Experiment], Dataset]) -> None:
        """Make its run; what keeps it from that takes it out."""
        try:
            from mlp_core.training.trainer import Trainer

            self.trainer = Trainer(self._started, load(self._started), processor=processor)
            self._parameters = self.trainer.run.plan.parameters
        except Exception as error:
            self.fail(error)

    def progress(self, unit: Unit) -> float:
        """How far it has trained."""
        if self.trainer is None:
            return 0.0
        run, loop = self.trainer.run, self.trainer.loop
        if unit == "epochs":
            return run.position.epoch + run.position.batch / run.batches.per_epoch
        return float(loop.samples) if unit == "samples" else loop.seconds

    def goes_to(self, goal: float, unit: Unit) -> bool:
        """Whether it has still to train for that."""
        return self.goes_on and self._steps_to(goal, unit) > 0

    def _steps_to(self, goal: float, unit: Unit) -> int:
        """Steps that it has to do, at least one where it is not there."""
        trainer, left = self.trainer, goal - self.progress(unit)
        if trainer is None or left <= NEARLY * max(1.0, goal):
            return 0
        run, loop = trainer.run, trainer.loop
        if unit == "epochs":
            return max(0, round(left * run.batches.per_epoch))
        steps = run.position.step
        rate = steps / loop.samples if unit == "samples" and loop.samples else (
            1 / run.batches.batch_size if unit == "samples" else steps / loop.seconds if loop.seconds else 0.0
        )
        return max(1, math.ceil(left * rate - NEARLY))

    def go_on(self, goal: float, unit: Unit, last: float) -> None:
        """Train a chunk, to the goal at most; `last` is where the race ends."""
        trainer = self.trainer
        assert trainer is not None, "it is prepared"
        try:
            if self._events is None:
                self._whole = unit == "epochs" and float(last).is_integer()
                self._events = trainer.train(epochs=int(last) if self._whole else None)
            trainer.loop.chunk_steps = max(1, min(trainer.loop.chunk_steps, self._steps_to(goal, unit)))
            event = next(self._events, None)
            if event is None:
                self._events = None
            else:
                trainer.take(event)
            if trainer.diverged:
                self.out, self._events = trainer.diverged, None
            elif trainer.stopped_early:
                self.stopped, self._events = trainer.stopped_early, None
        except Exception as error:
            self.fail(error)

    def finish(self) -> None:
        """The race is over: the record of a run that did all its epochs says so."""
        if self._events is not None and self.trainer is not None and self.goes_on:
            loop_left, self._events = self._events, None
            for event in loop_left if self._whole else ():
                self.trainer.take(event)

    def look(self, *, errors: bool) -> None:
        """Make the test pass, and what is on screen, of the weights as they are now."""
        trainer = self.trainer
        if trainer is None:
            return
        try:
            wanted, began = self.on_screen, time.perf_counter()
            trainer.views.compute(wanted, 0.0, all_stale=True)
            while trainer.views.stale(wanted):
                trainer.views.compute(wanted, 0.0, all_stale=True)
            if errors:
                self.error = _root_mean_squared_error(trainer)
            trainer.pace.exclude(time.perf_counter() - began)
            self.figures = trainer.loop.evaluation
        except Exception as error:
            self._unseen = True
            self.fail(error)

    def stale(self) -> bool:
        """Whether something on screen shows an older step than the run's."""
        trainer = self.trainer
        return trainer is not None and not self._unseen and trainer.views.stale(self.on_screen)

    def keep(self, keeper: Keeper | None, *, at_rest: bool) -> None:
        """Hand its run over to be kept, if that is due."""
        trainer = self.trainer
        if keeper is None or trainer is None or trainer.run.position.step == self._kept:
            return
        if not at_rest and not keeper.due(trainer.recorder.id):
            return
        try:
            if (draft := trainer.draft()) is not None:
                self._kept = trainer.run.position.step
                keeper.keep(replace(draft, name=f"{self.name} (race)", tags=(TAG,)))
        except Exception:  # training is worth more
            LOG.exception("a run of a race could not be handed over")

    def tell(self, status: Status) -> None:
        """Show it as it stands."""
        if self.out:
            status = "diverged" if self.trainer is not None and self.trainer.diverged else "failed"
        elif self.stopped:
            status = "finished"
        if self.trainer is None:
            self.show(status=status, message=self.out)
        else:
            self._amounts = {"samples": self.progress("samples"), "seconds": self.progress("seconds")}
            self.show(self.trainer.snapshot(status, self.out or self.stopped))

    def fail(self, error: Exception) -> None:
        """Take it out for an error."""
        if isinstance(error, UserError):
            self.out = str(error)
        else:
            LOG.error("a variant of a race failed", exc_info=error)
            first_line = (str(error).splitlines() or [""])[0][:300]
            self.out = f"Training stopped by an unexpected error ({type(error).__name__}: {first_line})."
        self._events = None

    def drop(self) -> None:
        """Let go of the run; the newest snapshot stays."""
        trainer, self.trainer, self._events = self.trainer, None, None
        if trainer is not None:
            trainer.release()


def _root_mean_squared_error(trainer: Trainer) -> float:
    """Of the predicted values, in the units in which targets are trained on, over the part that decides."""
    from mlp_core.data.dataset import PartName
    from mlp_core.run.answers import predicted_values
    from mlp_core.run.metrics import passes_of

    run = trainer.run
    part: PartName = "test" if run.x_validation is None else "validation"
    inputs, targets = run.part(part)
    predicted = predicted_values(passes_of(run).outputs(inputs), run.experiment.loss)
    return float((predicted - targets.reshape(predicted.shape)).square().mean().sqrt().item())


def snapshots(lanes: Iterable[Lane]) -> Mapping[str, Snapshot]:
    """The state of each by its name."""
    return {lane.name: lane.snapshot() for lane in lanes}
