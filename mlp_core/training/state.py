"""The state of a run at one moment: what its views can be computed from, and what another run can go on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlp_core.export.weights import Weights
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import Checkpoint, restore, save
from mlp_core.spec import Experiment
from mlp_core.training.events import Evaluation
from mlp_core.training.history import Curves, History
from mlp_core.training.loop import LoopState
from mlp_core.training.record import RunRecord, Surgery
from mlp_core.training.recorder import Recorder

if TYPE_CHECKING:
    from mlp_core.training.operating import Intervention


@dataclass(frozen=True, eq=False, kw_only=True)
class RunState:
    """A run as it was at one moment. It shares nothing that anybody writes to."""

    checkpoint: Checkpoint
    """Weights, optimizer, random numbers, order of the samples and position."""
    experiment: Experiment
    """The experiment, with what had been changed by then."""
    loop: Mapping[str, Any]
    """What the training loop remembered; see `LoopState.memory`."""
    marks: tuple[tuple[int, int], ...]
    """Steps and epochs done when the batch size had been changed."""
    record: RunRecord
    """The record of the run up to there, without its curves."""
    best: Evaluation | None
    """The best evaluation up to there."""
    best_weights: Weights | None = None
    """The weights that it is of."""
    trained_on: bool = False
    """Whether it was trained on after it had stopped early."""

    @classmethod
    def of(
        cls, run: Run, loop: LoopState, recorder: Recorder, *, best_weights: Weights | None = None,
        trained_on: bool = False, checkpoint: Checkpoint | None = None,
    ) -> RunState:  # fmt: skip
        """The state of a run now; with a checkpoint of it that somebody has saved already, that one."""
        return cls(
            checkpoint=checkpoint or save(run),
            experiment=run.experiment,
            loop=loop.memory(),
            marks=tuple(run.batches.marks),
            record=recorder.summary(),
            best=recorder.history.best,
            best_weights=best_weights,
            trained_on=trained_on,
        )

    @property
    def step(self) -> int:
        """Mini-batches done."""
        return self.checkpoint.position.step

    @property
    def surgeries(self) -> tuple[Surgery, ...]:
        """The operations on layers and neurons up to there."""
        return tuple(change.surgery for change in self.record.changes if change.surgery is not None)

    @property
    def train_loss(self) -> float:
        """The mean loss of the epoch so far; NaN before the first step."""
        return float(self.loop["train_loss"])

    @property
    def evaluation(self) -> Evaluation | None:
        """The newest evaluation up to there."""
        found: Evaluation | None = self.loop["evaluation"]
        return found

    @cached_property
    def bytes(self) -> int:
        """What it takes of the memory, without the best weights, which several states may share."""
        order = [] if self.checkpoint.order is None else [self.checkpoint.order]
        tensors = [*self.checkpoint.tensors, *order, *self.loop["stopping"].kept]
        return sum(tensor.nbytes for tensor in tensors)

    def restore(self, run: Run) -> None:
        """Put a run of the same network to this state, all but its loop; the state can be used again."""
        run.experiment = self.experiment
        restore(run, self.checkpoint)
        run.batches.marks = list(self.marks)
        run.batches.resize(self.experiment.training.batch_size)


@dataclass(frozen=True, eq=False)
class Origin:
    """The run that a fork comes from."""

    run: str
    """Its identity."""
    step: int
    """Mini-batches that both have in common."""
    history: History
    """Its curves, to their end."""
    _curves: dict[int, Curves] = field(default_factory=dict, init=False, repr=False)

    def curves(self, points: int) -> Curves:
        """Its curves in at most about `points` points each."""
        if points not in self._curves:
            self._curves[points] = self.history.curves(points)
        return self._curves[points]


@dataclass(frozen=True, eq=False)
class Fork:
    """What a new run goes on from."""

    state: RunState
    """The state that it begins with; it may be one of another network, with that network's experiment."""
    earlier: tuple[RunState, ...]
    """Checkpoints up to that state, itself included, in order."""
    origin: Origin | None
    """The run that is drawn beside it; None for none."""
    operated: Intervention | None = None
    """The operation that made the state of that of the run before; None where there was none."""
    continued: History | None = None
    """The curves of the run itself, where the new one is the same run and goes on; None for another run."""
    writer: str = ""
    """Which training of it was saved last, where it goes on; see `Draft`."""

    def recorder(self, device: str) -> Recorder:
        """The record that the new run begins with."""
        state = self.state
        if self.operated is not None and self.operated.same is not None:
            return self.operated.same
        if self.continued is not None:
            return Recorder.resume(
                state.record, device, self.continued, now=state.experiment, last=state.evaluation, writer=self.writer
            )  # fmt: skip
        assert self.origin is not None
        history = self.origin.history.until(state.step, state.evaluation, state.best)
        return Recorder.fork(self.origin.run, state.record, device, history, now=state.experiment)
