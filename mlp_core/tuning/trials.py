"""Several trials in the background: so many at once at most, with their figures as they come; they can be called off.

Each holds an attendant of the processor for one trial only, so that those of several browsers take turns.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from mlp_core import data
from mlp_core.data.dataset import Dataset
from mlp_core.errors import UserError
from mlp_core.processor import Processor
from mlp_core.spec import Experiment
from mlp_core.training.keeping import Draft

if TYPE_CHECKING:
    from mlp_core.training.events import Evaluation
    from mlp_core.training.trial import TrialEnd

LOG = logging.getLogger(__name__)

Status = Literal["waiting", "training", "ended", "failed", "cancelled"]


@dataclass(eq=False, kw_only=True)
class Member:
    """One of the trials. Its own thread writes; any thread may read."""

    name: str
    """What it is called among the others."""
    experiment: Experiment
    """What is trained."""
    status: Status = "waiting"
    """How far it is."""
    evaluations: tuple[Evaluation, ...] = ()
    """Its figures along the way, the newest last."""
    end: TrialEnd | None = None
    """Why it ended."""
    message: str = ""
    """What there is to say of an early end, a divergence or a failure."""
    run: str = ""
    """The identity under which the run is kept."""
    seconds: float = 0.0
    """Processor time that its steps took, in seconds: other runs beside it do not change that."""
    samples: int = 0
    """Training samples that it took."""
    parameters: int = 0
    """Numbers that it learned."""

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in ("ended", "failed", "cancelled")

    @property
    def diverged(self) -> bool:
        """Whether its loss diverged."""
        return self.end == "diverged"

    def final(self, measure: str) -> float | None:
        """A figure where it ended, such as 'test_loss'; None where it has not come to its end, or has no such."""
        if self.status != "ended" or self.diverged or not self.evaluations:
            return None
        found: float | None = getattr(self.evaluations[-1], measure)
        return found

    @property
    def samples_per_second(self) -> float:
        """Training samples in a second of its steps; 0 before its end."""
        return self.samples / self.seconds if self.seconds > 0 else 0.0


@dataclass(eq=False)
class Trials:
    """Members that are trained in their order, `at_once` of them at the same time. Safe to ask from any thread."""

    processor: Processor
    """Who computes."""
    members: Sequence[Member]
    """What is trained, in this order."""
    epochs: int
    """Epochs of each."""
    at_once: int
    """How many train beside one another."""
    keep: Callable[[Draft], None] | None = None
    """Who keeps what has trained; None for nobody."""
    tags: tuple[str, ...] = ()
    """Tags of kept runs."""
    wanted: Callable[[], bool] = lambda: True
    """Whether somebody still waits for them; once not, all of them are called off."""
    datasets: Mapping[object, Dataset] = field(default_factory=dict)
    """Data that are loaded already, by their specs; others are loaded."""
    version: int = 0
    """Grows with everything new."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)
    _cancelled: bool = False

    def start(self) -> None:
        """Begin; returns at once."""
        for _ in range(min(self.at_once, self.processor.cores, len(self.members))):
            self.processor.attend(self._work)

    @property
    def running(self) -> bool:
        """Whether some are still to come to their end."""
        return not self._ended.is_set()

    @property
    def progress(self) -> float:
        """The share that is done, from 0 to 1."""
        return sum(map(self._share, self.members)) / len(self.members)

    def cancel(self) -> None:
        """Call off those that have not come to their end; what has trained is kept."""
        self._cancelled = True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of all; whether it came within so many seconds."""
        return self._ended.wait(timeout)

    def _share(self, member: Member) -> float:
        if member.over:
            return 1.0
        return member.evaluations[-1].epoch / self.epochs if member.evaluations else 0.0

    def _goes_on(self) -> bool:
        if not self._cancelled and not self.wanted():
            self._cancelled = True
        return not self._cancelled

    def _work(self) -> None:
        """Train the next one, and see to it that somebody trains those after it."""
        goes_on = self._goes_on()
        with self._lock:
            waiting = [member for member in self.members if member.status == "waiting"]
            if not goes_on:
                for member in waiting:
                    member.status = "cancelled"
                waiting = []
            chosen = waiting[0] if waiting else None
            if chosen is not None:
                chosen.status = "training"
            self.version += 1
        if chosen is not None:
            self._train(chosen)
            self.version += 1
            if len(waiting) > 1:
                self.processor.attend(self._work)
        if all(each.over for each in self.members):
            self._ended.set()

    def _train(self, member: Member) -> None:
        """Train it; whatever happens, it is over then."""
        try:
            self._try(member)
        except UserError as error:
            member.message, member.status = str(error), "failed"
        except Exception as error:
            LOG.exception("a trial failed")
            member.message, member.status = f"It could not be trained ({type(error).__name__}).", "failed"

    def _try(self, member: Member) -> None:
        from mlp_core.training.trial import run_trial

        def report(evaluation: Evaluation) -> bool:
            member.evaluations = (*member.evaluations, replace(evaluation, confusion=None))
            self.version += 1
            return True

        spec = member.experiment.data
        dataset = self.datasets.get(spec)
        trial = run_trial(
            member.experiment, data.load(spec) if dataset is None else dataset, self.processor, epochs=self.epochs,
            report=report, wanted=self._goes_on,
        )  # fmt: skip
        last = replace(trial.evaluation, confusion=None)
        if not member.evaluations or member.evaluations[-1].step != last.step:
            member.evaluations = (*member.evaluations, last)
        member.end, member.message = trial.end, trial.message
        member.seconds, member.samples = trial.processor_seconds, trial.record.samples
        member.parameters = trial.parameters
        if self.keep is not None and trial.draft is not None:
            self.keep(replace(trial.draft, tags=self.tags))
            member.run = trial.record.id
        member.status = "cancelled" if trial.end == "cancelled" else "ended"
