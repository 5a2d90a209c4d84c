"""The one thread of a session: it prepares a run, trains it, brings views up to date, and ends.

It lives only while there is something to do. Orders are looked at between chunks of steps, nowhere else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlp_core import data
from mlp_core.errors import UserError
from mlp_core.processor import Priority, Processor, Turns
from mlp_core.processor.policy import LATE_SECONDS
from mlp_core.training.keeping import Keeper
from mlp_core.training.lease import Lease
from mlp_core.training.mailbox import Goal, Mailbox
from mlp_core.training.snapshot import BUSY, Status

if TYPE_CHECKING:
    from mlp_core.data.dataset import Dataset
    from mlp_core.spec import Experiment
    from mlp_core.training.events import Events
    from mlp_core.training.state import Fork
    from mlp_core.training.trainer import Trainer

LOG = logging.getLogger(__name__)


class Driver:
    """Does what a mailbox asks for, in a thread of its own that starts and ends by itself."""

    def __init__(
        self, mail: Mailbox, processor: Processor, lease: Lease | None, data_dir: Path | None, *, background: bool,
        keeper: Keeper | None = None,
    ) -> None:  # fmt: skip
        self._mail, self.processor, self._lease, self._data_dir = mail, processor, lease, data_dir
        self._background, self._keeper = background, keeper
        self._unkept: Trainer | None = None  # a run at rest that is still to be handed over
        self._priority = Priority.BACKGROUND if background else Priority.WATCHED
        self.thread: threading.Thread | None = None

    def wake(self) -> None:
        """Make sure that the thread sees what is wanted. Call with the mailbox's lock held."""
        orders = self._mail.orders
        if self.thread is None and not orders.closed and orders.experiment is not None:
            self.thread = threading.Thread(target=self._work, name="mlp-training", daemon=True)
            self.thread.start()
        self._mail.notify()

    def _work(self) -> None:
        try:
            while (job := self._next_job()) is not None:
                try:
                    job()
                except Exception as error:
                    self._fail(error)
        finally:
            with self._mail.lock:
                if self.thread is threading.current_thread():  # an error while telling of an error
                    self.thread = None

    def _next_job(self) -> Callable[[], None] | None:
        """What to do next; None ends the thread, decided under the lock so that no request falls in between."""
        mail, orders = self._mail, self._mail.orders
        with mail.lock:
            if not orders.closed and not mail.up_to_date:
                return self._prepare
            if not orders.closed and mail.trainer is not None:
                if (change := self._next_change(mail.trainer)) is not None:
                    return change
                if orders.goal is not None and self._leased():
                    return self._train_as_member
            orders.goal, orders.weights, orders.restore = None, None, False
            if mail.snapshot.status in BUSY:
                mail.publish("ready")
            if self._unkept is not None:
                return self._keep_at_rest
            if not orders.closed and mail.needs_views():
                return self._compute_views
            if orders.closed:
                mail.drop_run()
            self.thread = None
            mail.notify()
            return None

    def _next_change(self, trainer: Trainer) -> Callable[[], None] | None:
        """What somebody waits for besides training."""
        orders = self._mail.orders
        if orders.shown_step != trainer.shown_step:
            return self._look_at
        if orders.weights is not None:
            return self._give_weights
        if orders.operations:
            return self._operate
        if orders.goal is None and (orders.edits or orders.restore):
            return self._edit_weights if orders.edits else self._restore_best
        return None

    def has_data(self, experiment: Experiment) -> bool:
        """Whether the experiment's data need no download, and no upload."""
        return data.is_present(experiment.data, self._data_dir)

    def _leased(self) -> bool:
        return self._lease is None or self._lease.holds

    # Preparing

    def _prepare(self) -> None:
        mail, orders = self._mail, self._mail.orders
        if (before := self._unkept) is not None:  # somebody waits for the new run
            self._unkept = None
            self.processor.record(lambda: self._keep(before, at_rest=True))
        with mail.lock:
            generation, experiment, download = orders.generation, orders.experiment, orders.download
            start, orders.download = orders.start, False
        assert experiment is not None
        dataset: Dataset | None = None

        def wanted() -> bool:
            return orders.generation == generation and not orders.closed

        try:
            dataset = data.load(
                experiment.data,
                self._data_dir,
                progress=lambda news: self._show_progress(generation, news),
                cancelled=lambda: not wanted(),
                download=download,
            )
            from mlp_core.training.trainer import Trainer

            trainer: Trainer | None = None
            with self._in_turn(wanted, self.processor.preparations, pressed=True) as begun:
                if begun:
                    trainer = Trainer(
                        experiment,
                        dataset,
                        processor=self.processor,
                        generation=generation,
                        start=start,
                        background=self._background,
                    )
            if trainer is not None and orders.goal is None:  # a run that goes on is shown with its first steps
                with self._in_turn(wanted, pressed=True) as begun:
                    if begun:
                        trainer.compute_views(mail.views_on_screen(), all_stale=True)
        except data.DataMissing as error:
            self._give_up(generation, "needs download", str(error))
            return
        except Exception:
            self._give_up(generation, "preparing", "", dataset)
            if orders.generation != generation:
                return  # it was given up for another one, which has no fault
            raise
        with mail.lock:
            if trainer is None:
                return
            if orders.generation != generation:
                trainer.release()
                return
            mail.take_trainer(trainer)
            mail.prepared, orders.start = generation, None
            if orders.experiment is not None and not orders.operations:
                trainer.follow(orders.experiment)
            mail.aim()
            mail.notify()
            if orders.goal is None:
                mail.publish("ready")

    def _give_up(self, generation: int, status: Status, message: str, unfit: Dataset | None = None) -> None:
        """There will be no run; `unfit` are its data, where those are there and the experiment does not fit them."""
        mail = self._mail
        with mail.lock:
            if mail.orders.generation == generation:
                mail.take_trainer(None)
                mail.prepared, mail.orders.goal = generation, None
                mail.publish(status, message)
                mail.show(unfit=unfit)

    def _show_progress(self, generation: int, progress: data.Progress) -> None:
        share = progress.done_bytes / progress.total_bytes if progress.total_bytes else None
        with self._mail.lock:
            if self._mail.orders.generation == generation:
                self._mail.show(progress=(progress.what, share))

    # Training

    def _train_as_member(self) -> None:
        with self.processor.turns.member(self._priority):
            self._train()

    def _train(self) -> None:
        mail, orders = self._mail, self._mail.orders
        with mail.lock:
            trainer, goal, target = mail.trainer, orders.goal, orders.target
        assert trainer is not None
        if goal is None:
            return  # paused a moment ago
        if mail.snapshot.generation == trainer.generation:
            mail.publish("running")
        by_epoch = goal != "batch"
        events = trainer.train(epochs=(target or None) if by_epoch else None, steps=None if by_epoch else target)
        finished, trainer.pace.starts, due = False, True, time.monotonic()
        while not finished and self._goes_on(trainer, goal, target):
            began, steps_before = max(due, time.monotonic() - LATE_SECONDS), trainer.run.position.step
            with self._in_turn(lambda: self._goes_on(trainer, goal, target), pressed=trainer.pace.starts) as begun:
                if not begun:
                    break
                self._follow(trainer)
                finished = self._do_chunks(trainer, events, lambda: self._goes_on(trainer, goal, target))
                if finished or self._goes_on(trainer, goal, target):
                    if not finished and mail.snapshot.generation != trainer.generation:
                        # Somebody waits for the first point of a new run: with its test pass, as all are shown.
                        trainer.test()
                        mail.publish("running", views_follow=True)
                    whole = finished  # after the last step, all views are brought up to date
                    trainer.compute_views(
                        mail.views_on_screen(),
                        all_stale=whole,
                        goes_on=lambda whole=whole: whole or self._goes_on(trainer, goal, target),  # type: ignore[misc]
                    )
                    if not finished:
                        mail.publish("running")
                        self._keep(trainer)
            trainer.pace.starts = False
            if orders.weights is not None:
                self._give_weights()
            due = self._throttle(began, trainer.run.position.step - steps_before, trainer, goal)
        if trainer.generation == orders.generation:
            trainer.save_checkpoint(at_rest=True)
        self._unkept = trainer
        if finished or trainer.diverged:
            self._reached(trainer, goal)

    def _do_chunks(self, trainer: Trainer, events: Events, goes_on: Callable[[], bool]) -> bool:
        """Train for a turn, which is one chunk once a run's chunks have grown; whether that was the end."""
        ends = time.monotonic() + trainer.pace.chunk_seconds() / 2
        while (event := next(events, None)) is not None:
            trainer.take(event)
            if self._mail.orders.steps_per_second or time.monotonic() > ends or not goes_on():
                return False
        return True

    @contextmanager
    def _in_turn(
        self, wanted: Callable[[], bool], turns: Turns | None = None, *, pressed: bool = False
    ) -> Iterator[bool]:
        """A turn in which to work; False if, while it waited for one, it was not wanted any more."""
        mail = self._mail
        priority = Priority.PRESSED if pressed and not self._background else self._priority
        while True:
            with mail.lock:
                if not wanted():
                    break
                turn = (turns or self.processor.turns).ask(priority)
                mail.await_turn(turn, wanted)
            if not turn.held:
                self._tell_waiting()
            try:
                if turn.wait():
                    yield True
                    return
            finally:
                turn.end()
                with mail.lock:
                    mail.await_turn(None)
        yield False

    def _tell_waiting(self) -> None:
        with self._mail.lock:
            if self._mail.snapshot.waiting_since is None:
                self._mail.show(waiting_since=time.monotonic(), others=self.processor.turns.others())

    def _follow(self, trainer: Trainer) -> None:
        """Let the run take what was changed since, which needs no new one."""
        orders = self._mail.orders
        with self._mail.lock:
            experiment = None if orders.operations else orders.experiment  # theirs is that after what is to be done
        if experiment is not None and orders.generation == trainer.generation:
            trainer.follow(experiment)
            self._set_weights(trainer)

    def _goes_on(self, trainer: Trainer, goal: Goal | None, target: int) -> bool:
        orders = self._mail.orders
        with self._mail.lock:
            return (
                not orders.closed
                and orders.generation == trainer.generation
                and (orders.goal, orders.target) == (goal, target)
                and not orders.operations
                and self._leased()
            )

    def _throttle(self, began: float, steps: int, trainer: Trainer, goal: Goal | None) -> float:
        """Rest after steps that were due at `began`, so that they are not too fast; when the next ones are due."""
        mail, orders = self._mail, self._mail.orders
        due = time.monotonic()
        with mail.lock:
            while orders.steps_per_second and orders.goal == goal and orders.generation == trainer.generation:
                chunk = trainer.pace.slow_chunk(orders.steps_per_second)
                trainer.loop.chunk_steps = min(trainer.loop.chunk_steps, chunk)
                # A chunk that was begun at a higher speed is longer: it is not waited for in full.
                due = began + min(steps, chunk) / orders.steps_per_second
                rests = time.monotonic()
                if due <= rests or orders.closed:
                    break
                mail.rest(due - rests)
                trainer.pace.rest(time.monotonic() - rests)
        return due

    def _reached(self, trainer: Trainer, goal: Goal | None) -> None:
        mail, orders = self._mail, self._mail.orders
        with mail.lock:
            if orders.generation == trainer.generation and orders.goal == goal:
                orders.goal = None
        if trainer.diverged:
            mail.publish("diverged", trainer.diverged)
            trainer.diverged = ""
        elif trainer.stopped_early:
            mail.publish("finished", f"{trainer.stopped_early} Press Train to go on.")
            trainer.stopped_early = ""
        elif goal == "play":
            mail.publish("finished", f"Finished {trainer.run.position.epoch:,} epochs. Press Train for as many more.")
        else:
            mail.publish("ready")

    def _keep(self, trainer: Trainer, *, at_rest: bool = False) -> None:
        """Hand over what is to be kept of the run: whenever it comes to rest, and now and then while it goes on."""
        if self._keeper is None or not (at_rest or self._keeper.due(trainer.recorder.id)):
            return
        began = time.perf_counter()
        try:
            if (draft := trainer.draft()) is not None:
                self._keeper.keep(draft)
        except Exception:  # training is worth more
            LOG.exception("a run could not be handed over")
        trainer.pace.exclude(time.perf_counter() - began)

    def _keep_at_rest(self) -> None:
        """Hand over a run that has come to rest, once the page knows that it has."""
        trainer, self._unkept = self._unkept, None
        assert trainer is not None
        self._keep(trainer, at_rest=True)

    # Everything else

    def _give_weights(self) -> None:
        mail, orders = self._mail, self._mail.orders
        with mail.lock:
            if orders.weights is not None and mail.trainer is not None and mail.up_to_date:
                self._follow(mail.trainer)
                if orders.weights == "checkpoint":
                    mail.given = mail.trainer.checkpoint()
                else:
                    mail.given = mail.trainer.weights(best=orders.weights == "best")
            orders.weights = None
            mail.notify()

    def _set_weights(self, trainer: Trainer) -> None:
        """Set the numbers that somebody has set by hand since."""
        with self._mail.lock:
            edits, self._mail.orders.edits = self._mail.orders.edits, []
        for edit in edits:
            trainer.set_weight(edit.path, edit.index, edit.value)

    def _edit_weights(self) -> None:
        """Set them in a run that stands still, and show what that has changed."""
        with self._turn_at_rest() as trainer:
            if trainer is not None:
                self._set_weights(trainer)
                self._keep(trainer, at_rest=True)
                trainer.compute_views(self._mail.views_on_screen(), all_stale=True)
        self._publish_again()

    def _operate(self) -> None:
        """Do an operation on a layer or a neuron. A run that trains goes on after it."""
        mail, orders = self._mail, self._mail.orders
        fork: Fork | None = None
        with self._turn_at_rest() as trainer:
            if trainer is not None:
                with mail.lock:
                    if not orders.operations:
                        return
                    operation = orders.operations.pop(0)
                fork = trainer.operate(operation)
                if fork is None and orders.goal is None:
                    self._keep(trainer, at_rest=True)
                    trainer.compute_views(mail.views_on_screen(), all_stale=True)
        with mail.lock:
            if fork is not None and trainer is not None and self._is_wanted(trainer):
                mail.go_on(fork)
            elif trainer is not None and orders.goal is None:
                self._publish_again()

    def _look_at(self) -> None:
        """Show another moment of the run: a checkpoint, or now."""
        mail, orders = self._mail, self._mail.orders
        with mail.lock:
            step = orders.shown_step

        def wanted() -> bool:
            return orders.shown_step == step

        with self._turn_at_rest(wanted) as trainer:
            if trainer is not None:
                trainer.look_at(step)
                if orders.goal is None:
                    trainer.compute_views(mail.views_on_screen(), all_stale=True)
        with mail.lock:
            if trainer is not None and self._is_wanted(trainer) and wanted():
                orders.shown_step = trainer.shown_step  # the checkpoint may have been one before that step
            if orders.goal is None:
                self._publish_again()

    def _publish_again(self) -> None:
        """Show the run as it stands; what is said of it is the same."""
        shown = self._mail.snapshot
        self._mail.publish(*(("ready", "") if shown.status in BUSY else (shown.status, shown.message)))

    def _restore_best(self) -> None:
        with self._mail.lock:
            self._mail.orders.restore = False
        said = ""
        with self._turn_at_rest() as trainer:
            if trainer is not None:
                said = trainer.restore_best()
                self._keep(trainer, at_rest=True)
        if said:
            self._mail.publish("ready", said)

    def _compute_views(self) -> None:
        mail, orders = self._mail, self._mail.orders
        new = True
        with self._turn_at_rest(lambda: not orders.goal, pressed=False) as trainer:
            if trainer is not None:
                new = trainer.compute_views(
                    mail.views_on_screen(), all_stale=True, goes_on=lambda: not (orders.goal or orders.closed)
                )
        with mail.lock:
            if new and mail.snapshot.status not in BUSY:
                mail.publish(mail.snapshot.status, mail.snapshot.message)

    @contextmanager
    def _turn_at_rest(
        self, wanted: Callable[[], bool] = lambda: True, *, pressed: bool = True
    ) -> Iterator[Trainer | None]:
        """A turn of the run at hand; None if, while it waited for one, it was not wanted any more."""
        with self._mail.lock:
            trainer = self._mail.trainer
        assert trainer is not None
        with self._in_turn(lambda: self._is_wanted(trainer) and wanted(), pressed=pressed) as begun:
            yield trainer if begun else None

    def _is_wanted(self, trainer: Trainer) -> bool:
        """Whether a run is still the one that is asked for."""
        orders = self._mail.orders
        return trainer.generation == orders.generation and not orders.closed

    def _fail(self, error: Exception) -> None:
        mail = self._mail
        with mail.lock:
            if not mail.up_to_date:
                return  # it belongs to a run that was given up
            mail.orders.goal = None
            if isinstance(error, UserError):
                mail.publish("failed", str(error))
                return
            LOG.exception("training failed", exc_info=error)
            if mail.trainer is not None:
                mail.trainer.recorder.end("failed")
                self._keep(mail.trainer, at_rest=True)
            first_line = (str(error).splitlines() or [""])[0][:300]
            mail.publish(
                "failed",
                f"Training stopped by an unexpected error ({type(error).__name__}: {first_line}). "
                "Your settings are kept: press Reset to start again, or change them.",
            )
