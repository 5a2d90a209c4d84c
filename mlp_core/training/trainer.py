"""One run being trained: the run and its engine, its record, its views and its pace. Used by one thread at a time.

Everything here needs PyTorch, so `driver` imports it only in its thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from operator import lt
from typing import TypeVar

from torch import Tensor

from mlp_core.data.dataset import Dataset
from mlp_core.engines import ChunkResult, Engine
from mlp_core.engines.choose import engine_for
from mlp_core.engines.passes import CompiledPasses
from mlp_core.export.weights import Weights
from mlp_core.health.autopsy import Autopsy
from mlp_core.limits import MAX_KEPT_STATE_BYTES
from mlp_core.problems import refuse
from mlp_core.processor import Processor
from mlp_core.processor.policy import use_threads
from mlp_core.run.batches import Position
from mlp_core.run.build import Run, build
from mlp_core.run.checkpoint import Checkpoint, restore, save
from mlp_core.run.devices import available, describe
from mlp_core.run.nogil import assign, copies
from mlp_core.spec import Experiment, Path
from mlp_core.surgery import Operation
from mlp_core.training.arrival import examine
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Chunk, Diverged, EarlyStop, Evaluation, Event, Events, Finished
from mlp_core.training.keeping import Draft
from mlp_core.training.layer_history import LayerHistory
from mlp_core.training.loop import LoopState, train
from mlp_core.training.operating import Intervention, Scores, after_operation, change_of, effect_of, measure
from mlp_core.training.pace import Pace
from mlp_core.training.record import told
from mlp_core.training.recorder import RESTORED, TRAINED_ON, Recorder
from mlp_core.training.snapshot import Snapshot, Status
from mlp_core.training.state import Fork, Origin, RunState
from mlp_core.training.timeline import Timeline
from mlp_core.training.views import ViewSchedule

T = TypeVar("T")

STEPPING = 0.6
"""How long a second of steps counts for views: who trains at full speed wants the steps first."""
STATE_COPIES = 4
"""Copies of the weights that the state of a run takes: themselves, their gradients, and two averages of Adam's."""


class _OnProcessor:
    """An engine whose chunks are computed by the processor's threads."""

    def __init__(self, engine: Engine, compute: Callable[[Callable[[], ChunkResult]], ChunkResult]) -> None:
        self._engine, self._compute = engine, compute

    @property
    def name(self) -> str:
        """The engine's own name."""
        return self._engine.name

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps, as the engine does."""
        return self._compute(lambda: self._engine.run(run, steps))


class Trainer:
    """Trains one run. Its record and its history may be read by other threads."""

    def __init__(
        self,
        experiment: Experiment,
        dataset: Dataset,
        *,
        processor: Processor,
        generation: int = 0,
        start: Mapping[str, Tensor] | Fork | None = None,
        background: bool = False,
    ) -> None:
        use_threads(1)  # the processor's threads take as many as there are; more kernel threads than cores sleep
        self._processor, self._background = processor, background
        self.generation = generation
        fork, weights = (start, None) if isinstance(start, Fork) else (None, start)
        self.run: Run = build(experiment if fork is None else fork.state.experiment, dataset)
        device = describe(self.run.device)
        if fork is not None:
            fork.state.restore(self.run)
            self.recorder = fork.recorder(device)
        else:
            if weights is not None:
                self.run.model.load_state_dict(dict(weights))
            self.recorder = Recorder(experiment, device, from_weights=weights is not None)
        engine, self._why_engine = engine_for(self.run, processor=processor, build_later=processor.later)
        self._engine = _OnProcessor(engine, self._compute_chunk)
        self.loop = LoopState(guard := DivergenceGuard(self.run))
        self.pace = Pace(processor, background=background)
        self.views = ViewSchedule(self.run, self._evaluate, self._evaluated_step)
        self.layers = LayerHistory(self.run)
        self.diverged = self.stopped_early = ""  # what there is to say of the end that was just reached
        self._autopsy: Autopsy | None = None
        self._after_early_stop = False
        self._best: Weights | None = None
        self._shown: RunState | None = None  # the checkpoint that is shown instead of the run as it is now
        self._now: RunState | None = None  # what the run is then, to go back to
        self._origin = None if fork is None else fork.origin
        self.timeline = Timeline() if fork is None else Timeline(fork.earlier)
        if fork is None:
            self.timeline.add(RunState.of(self.run, self.loop, self.recorder, checkpoint=guard.newest))
        else:
            self.loop.recall(fork.state.loop)
            self._best, self._after_early_stop = fork.state.best_weights, fork.state.trained_on
        self.undo: Fork | None = None  # the run as it was before the newest operation
        self._problems = examine(self.run)
        if self.run.device.type == "cpu":
            self.run.passes = passes = CompiledPasses(self.run, self._compute, processor.later)
            passes.prepare()
        if fork is not None and fork.operated is not None:
            self._begin_operated(fork, fork.operated)

    # Steps

    def train(self, *, epochs: int | None = None, steps: int | None = None) -> Events:
        """Events of training up to a number of epochs or steps, counted from the run's start."""
        use_threads(1)
        self.pace.start_measuring(self.loop.samples)
        return train(self.run, self._engine, self.loop, epochs=epochs, steps=steps, evaluate_epochs=False)

    def take(self, event: Event) -> None:
        """Take an event of `train` into the record."""
        if isinstance(event, Chunk):
            self.recorder.add_chunk(event, self._engine.name)
            if self._after_early_stop:
                self.recorder.note_inexact(TRAINED_ON)
            self.pace.measure(self.loop.samples)
            self.save_checkpoint()
        elif isinstance(event, Diverged):
            self.diverged, self._autopsy = event.message, event.autopsy
            self.timeline.cut(event.step + 1)  # their weights are those that broke the loss
            self.recorder.end("diverged")
        elif isinstance(event, Evaluation):
            self.pace.exclude(self.loop.evaluation_seconds)
            self._add_evaluation(event)
        elif isinstance(event, EarlyStop):
            self.stopped_early, self._after_early_stop = event.message, True
            self.recorder.end("early stopping")
            if event.restored:
                self._weights_changed()
        elif isinstance(event, Finished):
            if event.reason == "epochs":
                self.recorder.end("epochs")
            if self.loop.evaluation is not None:
                self._add_evaluation(self.loop.evaluation)

    def follow(self, experiment: Experiment) -> None:
        """Go on with what may change while a run goes on: learning rate, number of epochs, batch size."""
        if experiment == self.run.experiment or self.shown_step is not None:
            return
        if experiment.training.batch_size != self.run.experiment.training.batch_size:
            refuse(experiment, self.run.dataset.train_size)
        self.recorder.change(experiment, self.run.position.step)
        self.run.experiment = experiment
        self.run.base_learning_rate = experiment.optimizer.params["lr"]
        self.run.batches.resize(experiment.training.batch_size)
        self.run.batches.settle(self.run.position)

    def set_weight(self, path: Path, index: tuple[int, ...], value: float) -> None:
        """Set a weight (neuron, input) or a bias (neuron,) of a layer by hand; one that the layer has not is passed
        over. The optimizer keeps its state."""
        layer = next((layer for layer in self.run.plan.walk() if layer.path == path), None)
        name = "weight" if len(index) > 1 else "bias"
        tensor = None if layer is None else getattr(self.run.model.get_submodule(layer.name), name, None)
        inside = tensor is not None and len(index) == tensor.dim() and all(map(lt, index, tensor.shape))
        if layer is None or tensor is None or not inside:
            return
        place = tensor.detach()[index]
        before = place.item()
        assign([(place, value)])
        self.recorder.set_weight(f"{layer.name}.{name}[{']['.join(map(str, index))}]", before, place.item())
        self.loop.evaluation = None
        self._weights_changed()

    # Operations

    def operate(self, operation: Operation) -> Fork | None:
        """Do an operation and measure what it does to the figures.

        Gives what a new trainer goes on from where the experiment changes; None where it was done to the run at hand.
        Raises `SpecError` where it is not possible.
        """
        before = self._state()
        after = after_operation(before, operation)
        measured = measure(self.run, self.loop)
        undo = Fork(before, self._up_to(before), Origin(self.recorder.id, before.step, self.recorder.history))
        if operation.entry.changes:
            same = self.recorder if operation.entry.changes == "frozen" else None
            origin = undo.origin if same is None else self._origin
            earlier = () if same is None else undo.earlier
            return Fork(after, earlier, origin, Intervention(operation, measured, undo, same))
        restore(self.run, after.checkpoint)
        self.loop.recall(after.loop)
        self.loop.guard.start_over(self.run)
        self._weights_changed()
        self._note_operation(operation, before, after, measured)
        self.undo = undo
        return None

    def _begin_operated(self, fork: Fork, operated: Intervention) -> None:
        """Measure what the operation did from which this run goes on, and save its first checkpoint."""
        self._note_operation(operated.operation, operated.undo.state, fork.state, operated.before)
        self.undo = operated.undo
        self.timeline.add(self._state())

    def _note_operation(self, operation: Operation, before: RunState, after: RunState, measured: Scores) -> None:
        effect = effect_of(measured, measure(self.run, self.loop))
        change = change_of(before.step, operation, before, after, effect)
        self.recorder.operate(change, after.experiment, operation.entry.note)

    def _weights_changed(self) -> None:
        """They were changed otherwise than by a step: what was seen and saved of them at this step is out of date."""
        self.views.forget()
        self.timeline.cut(self.run.position.step)
        self.layers.forget_from(self.run.position.step)

    # Checkpoints

    @property
    def position(self) -> Position:
        """Where the run stands, whatever is shown of it."""
        return self.run.position if self._now is None else self._now.checkpoint.position

    @property
    def shown_step(self) -> int | None:
        """The checkpoint that is shown; None for the run as it is now."""
        return None if self._shown is None else self._shown.step

    @property
    def _worked(self) -> float:
        """Seconds that the run has trained, and its part of those in which it rested."""
        return self.loop.seconds + self.pace.rested

    @property
    def _viewed(self) -> float:
        """The same, as it counts for views: less while steps are done, more in a rest."""
        return STEPPING * self.loop.seconds + self.pace.spare

    def save_checkpoint(self, *, at_rest: bool = False) -> None:
        """Save the run as it stands, if that is due."""
        if self.shown_step is None and self.timeline.due(self.run.position.step, self._worked, at_rest=at_rest):
            began = time.perf_counter()
            state = self._state()
            seconds = time.perf_counter() - began
            self.timeline.add(state, seconds, self._worked)
            self.pace.exclude(seconds)

    def _state(self) -> RunState:
        return RunState.of(
            self.run, self.loop, self.recorder, best_weights=self._best, trained_on=self._after_early_stop
        )

    def look_at(self, step: int | None) -> None:
        """Put the run to its newest checkpoint at this step or before it, to compute views of it; None for now again,
        which comes before anything else."""
        state = None if step is None else self.timeline.at(step)
        if state is not None:
            self._now = self._now or self._state()
        elif self._now is None:
            return
        shown = state or self._now
        shown.restore(self.run)
        self.loop.recall(shown.loop)
        self.views.forget()
        self._shown = state
        if state is None:
            self._now = None

    def path(self) -> list[Weights]:
        """The weights at every checkpoint, in order."""
        return [self._weights_of(state) for state in self.timeline.states]

    def fork(self, step: int) -> Fork | None:
        """What a new run needs to go on from the newest checkpoint at this step or before it."""
        state = self.timeline.at(step)
        if state is None:
            return None
        return Fork(state, self._up_to(state), Origin(self.recorder.id, state.step, self.recorder.history))

    def _up_to(self, state: RunState) -> tuple[RunState, ...]:
        """The checkpoints that another run of this one's network has as well if it goes on from a state."""
        return tuple(each for each in self.timeline.states if each.step <= state.step)

    def release(self) -> None:
        """Let go of what refers back to the run: its memory is free at once, not when garbage is collected.

        Only its record may be read afterwards, and what is to be kept of it.
        """
        self.run.passes = None
        del self._engine, self.views, self.layers

    def _compute(self, work: Callable[[], T]) -> T:
        """Have a thread of low priority do what holds no GIL, set up for this run's kernels."""

        def tuned() -> T:
            alone = not self._processor.turns.others(background=self._background)
            self.loop.chunk_seconds = self.pace.chunk_seconds()
            self.run.tune_thread(alone=alone)
            if not alone and not self.run.one_thread:
                self.recorder.note_inexact("Other runs shared the processor with it, so sums were rounded otherwise.")
            return work()

        return self._processor.compute(tuned, background=self._background)

    def _compute_chunk(self, chunk: Callable[[], ChunkResult]) -> ChunkResult:
        def measured() -> ChunkResult:
            self.pace.begin_chunk()
            try:
                return chunk()
            finally:
                self.pace.end_chunk()

        return self._compute(measured)

    def draft(self) -> Draft | None:
        """What is to be kept of the run; None where it has not trained, or an earlier moment of it is shown."""
        if not self.recorder.trained or self.shown_step is not None:
            return None
        size = sum(tensor.nbytes for tensor in self.run.model.state_dict().values())
        state = self._state() if STATE_COPIES * size <= MAX_KEPT_STATE_BYTES else None
        evaluation = self.loop.evaluation
        last: Weights | None = None
        if state is not None:
            last = self._weights_of(state)
        elif size <= MAX_KEPT_STATE_BYTES:
            last = self.weights()
        return Draft(
            record=self.recorder.summary(),
            history=self.recorder.history.memory(),
            dataset=self.run.dataset,
            last=last,
            best=None if last is None else self._best,
            state=state,
            confusion=None if evaluation is None else evaluation.confusion,
            writer=self.recorder.writer,
            before=self.recorder.before,
        )

    def _weights_of(self, state: RunState) -> Weights:
        model = self.run.model
        names = [name for name, _ in (*model.named_parameters(), *model.named_buffers())]
        return Weights(state.experiment, dict(zip(names, state.checkpoint.tensors, strict=False)), state.step)

    # Views and test passes

    def test(self) -> None:
        """Make the test pass that every snapshot shows, where the run has none yet."""
        before = self.views.seconds
        self.views.compute((), self._viewed, all_stale=False)
        self.pace.exclude(self.views.seconds - before)

    def compute_views(
        self, wanted: Iterable[str], *, all_stale: bool, goes_on: Callable[[], bool] = lambda: True
    ) -> bool:
        """Evaluate, and compute the wanted views that are due; with `all_stale`, all that show an older step.

        Gives whether there is something to show; see `ViewSchedule.compute`.
        """
        use_threads(1)
        before, began = self.views.seconds, time.perf_counter()
        if self.shown_step is None:
            self.layers.look(self._worked, now=all_stale, crowded=self.pace.crowded)
        looked = time.perf_counter() - began
        new = self.views.compute(wanted, self._viewed, all_stale=all_stale, goes_on=goes_on)
        self.pace.exclude(self.views.seconds - before + looked)
        return new

    def _evaluate(self) -> None:
        evaluation = self.loop.evaluate(self.run)
        if self.shown_step is None:
            self._add_evaluation(evaluation)

    def _evaluated_step(self) -> int | None:
        return None if self.loop.evaluation is None else self.loop.evaluation.step

    def _add_evaluation(self, evaluation: Evaluation) -> None:
        if self.recorder.add_evaluation(evaluation) and evaluation.step == self.run.position.step:
            self._best = self.weights()

    def restore_best(self) -> str:
        """Take the best weights again; what there is to say of it, '' where there are none yet."""
        best = self._best
        if best is None:
            return ""
        tensors = self.run.model.state_dict()
        assign([(tensor.detach(), best.tensors[name]) for name, tensor in tensors.items()])
        self.loop.guard.start_over(self.run)
        self.loop.evaluate(self.run)
        self._weights_changed()
        self.recorder.note_inexact(RESTORED)
        of = "validation" if best.validation_loss is not None else "test"
        return f"The weights of step {best.step:,}, with the lowest {of} loss, are restored. Press Train to go on."

    # What others get

    def weights(self, *, best: bool = False) -> Weights:
        """A copy of the weights as they are, or as they were at the lowest validation loss (without such, test loss)
        that was seen."""
        if best and self._best is not None:
            return self._best
        tensors = self.run.model.state_dict()
        evaluation, position = self.loop.evaluation, self.run.position
        current = evaluation if evaluation is not None and evaluation.step == position.step else None
        return Weights(
            experiment=self.run.experiment,
            tensors=dict(zip(tensors, copies(list(tensors.values())), strict=True)),
            step=position.step,
            epoch=position.epoch,
            test_loss=None if current is None else current.test_loss,
            test_accuracy=None if current is None else current.test_accuracy,
            validation_loss=None if current is None else current.validation_loss,
            operations=told(self.recorder.surgeries),
        )

    def checkpoint(self) -> Checkpoint:
        """A copy of everything that the next steps depend on."""
        return save(self.run)

    def snapshot(self, status: Status, message: str) -> Snapshot:
        """The run as it stands."""
        position, evaluation = self.run.position, self.loop.evaluation
        best = self.recorder.history.best if self._shown is None else self._shown.best
        return Snapshot(
            status=status,
            message=message,
            autopsy=self._autopsy if status == "diverged" else None,
            run=self.recorder.id,
            generation=self.generation,
            experiment=self.run.experiment,
            dataset=self.run.dataset,
            history=self.recorder.history,
            step=position.step,
            run_step=self.position.step,
            checkpoints=self.timeline.steps,
            no_checkpoints=self.timeline.note,
            origin=self._origin,
            epoch=position.epoch,
            batch=position.batch,
            batches_per_epoch=self.run.batches.per_epoch,
            epoch_marks=tuple(self.run.batches.marks),
            train_loss=None if position.step == 0 else self.loop.train_loss,
            test_loss=None if evaluation is None else evaluation.test_loss,
            test_accuracy=None if evaluation is None else evaluation.test_accuracy,
            validation_loss=None if evaluation is None else evaluation.validation_loss,
            validation_accuracy=None if evaluation is None else evaluation.validation_accuracy,
            best_test_loss=None if best is None else best.test_loss,
            best_validation_loss=None if best is None else best.validation_loss,
            best_step=0 if best is None else best.step,
            confusion=None if evaluation is None else evaluation.confusion,
            learning_rate=self.run.learning_rate,
            samples_per_second=self.pace.samples_per_second,
            device=describe(self.run.device),
            devices=available(),
            engine=self._engine.name,
            notes=(*self.run.notes, *((self._why_engine,) if self._why_engine else ())),
            problems=self._problems,
            views=dict(self.views.results),
            moments=self.layers.moments,
            surgeries=self.recorder.surgeries if self._shown is None else self._shown.surgeries,
            can_undo=self.undo is not None and self._shown is None,
            inexact=self.recorder.inexact,
            at=time.time(),
        )
