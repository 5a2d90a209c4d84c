"""A session: what a page, a notebook or a script asks of the training of one run after the other.

Every method returns at once (those with a timeout after it at the latest). `driver` does what is asked.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Literal

from mlp_core.errors import SpecError
from mlp_core.problems import problems, refuse
from mlp_core.processor import PROCESSOR, Processor
from mlp_core.processor.policy import CLOSE_SECONDS
from mlp_core.spec import Experiment, Path
from mlp_core.surgery import Operation, operated
from mlp_core.training.driver import Driver
from mlp_core.training.keeping import Keeper
from mlp_core.training.lease import Lease
from mlp_core.training.mailbox import Goal, Mailbox, WeightEdit
from mlp_core.training.snapshot import BUSY, Snapshot, Status

if TYPE_CHECKING:
    from torch import Tensor

    from mlp_core.export.weights import Weights
    from mlp_core.run.checkpoint import Checkpoint
    from mlp_core.training.record import RunRecord
    from mlp_core.training.state import Fork

STOPPED = "The data were not read to the end: that was stopped. Press Train to read them, or choose another set."
"""What a session says that has no run, and was kept from making one."""
VIEW_SECONDS = 5.0
"""How long a view counts as on screen after a page last asked for it."""

_SESSIONS: weakref.WeakSet[Session] = weakref.WeakSet()
"""The sessions of this process, to end their threads with it."""
_KEEPERS: weakref.WeakSet[Keeper] = weakref.WeakSet()
"""Who keeps their runs, to wait for what was handed over last."""


@atexit.register
def close_all() -> None:
    """End all sessions of this process, and wait, for some seconds at most, for them and for those who keep their
    runs."""
    ends = time.monotonic() + CLOSE_SECONDS
    sessions = list(_SESSIONS)
    for session in sessions:
        session.close()
    for session in sessions:
        session.close(max(0.0, ends - time.monotonic()))
    for keeper in tuple(_KEEPERS):
        keeper.flush(max(1.0, ends - time.monotonic()))


class Session:
    """Trains one run at a time. Safe to call from any thread.

    `processor` is who computes; `lease`, where there is one, must hold for a run to go on. With `background`, the run
    gets what the others leave of the processor, and never counts as somebody that they share it with. `keeper` is
    handed every run that has trained.
    """

    def __init__(
        self,
        data_dir: FilePath | None = None,
        *,
        processor: Processor = PROCESSOR,
        lease: Lease | None = None,
        background: bool = False,
        keeper: Keeper | None = None,
    ) -> None:
        self._lease = lease
        self._mail = Mailbox(processor.turns)
        self._driver = Driver(self._mail, processor, lease, data_dir, background=background, keeper=keeper)
        if keeper is not None:
            _KEEPERS.add(keeper)
        _SESSIONS.add(self)

    @property
    def experiment(self) -> Experiment | None:
        """The experiment that was last applied; the run that is shown may still be of the one before."""
        return self._mail.orders.experiment

    @property
    def processor(self) -> Processor:
        """Who computes for it."""
        return self._driver.processor

    def apply(self, experiment: Experiment, weights: Mapping[str, Tensor] | None = None) -> None:
        """Make this the session's experiment.

        Nothing happens if it is already. What may change while a run goes on (learning rate, number of epochs, batch
        size) takes effect then; anything else starts a new run from its initial weights, which goes on training if the
        old one was. With `weights`, a state dict that fits the experiment, a new run starts from these.
        """
        mail = self._mail
        with mail.lock:
            before, mail.orders.experiment = mail.orders.experiment, experiment
            if weights is not None:
                mail.orders.goal = None
                mail.start_over(weights)
            elif before == experiment:
                return
            elif before is not None and self._goes_on_as(before, experiment):
                mail.aim()
            else:
                mail.start_over()
            self._driver.wake()

    def _goes_on_as(self, before: Experiment, experiment: Experiment) -> bool:
        """Whether the run of one experiment can go on as that of the other. Call with the mailbox's lock held."""
        if before.without_live() != experiment.without_live():
            return False
        trainer = self._mail.trainer
        if trainer is None:
            return self._mail.snapshot.status != "failed"
        if before.training.batch_size == experiment.training.batch_size:
            return True
        found = problems(experiment, trainer.run.dataset.train_size)
        return not any(problem.severity == "error" for problem in found)

    def play(self) -> None:
        """Train until paused, or until the experiment's number of epochs; pressed again after that, as many more."""
        self._set_goal("play")

    def step(self) -> None:
        """Train one mini-batch."""
        self._set_goal("batch")

    def step_epoch(self) -> None:
        """Train to the end of the epoch."""
        self._set_goal("epoch")

    def pause(self) -> None:
        """Stop after the current chunk; the run is kept."""
        mail = self._mail
        with mail.lock:
            mail.orders.goal = None
            status: Status = "pausing" if mail.snapshot.status == "running" else mail.snapshot.status
            mail.show(status=status, goes_on=False)
            mail.notify()

    def restore_best(self) -> None:
        """Pause, and take the weights of the lowest validation loss (without a validation part, test loss) again.

        Nothing happens before the first test pass.
        """
        with self._mail.lock:
            self._mail.orders.goal, self._mail.orders.restore = None, True
            self._mail.orders.shown_step = None
            self._driver.wake()

    def look_at(self, step: int | None) -> int | None:
        """Pause, and show the run as it was at its newest checkpoint at this step or before it; None for now again.

        Snapshots, views and weights are then of that moment, and nothing of the run is lost: whatever trains it goes
        on from now. Gives the step of the checkpoint, None where there is none.
        """
        mail = self._mail
        with mail.lock:
            trainer = mail.trainer
            if trainer is None or not mail.up_to_date:
                return None
            state = None if step is None or step >= trainer.position.step else trainer.timeline.at(step)
            chosen = None if state is None else state.step
            if mail.orders.goal is not None or chosen != mail.orders.shown_step:
                self.pause()
                mail.orders.shown_step = chosen
                if mail.snapshot.status not in BUSY:
                    mail.show(computing_views=True)
                self._driver.wake()
            return chosen

    def fork(self, step: int, experiment: Experiment | None = None) -> int | None:
        """Make a new run that goes on from the newest checkpoint at this step or before it, and stands still there.

        Without an experiment it does what the run at hand did next, bit for bit on the CPU; one that is given may
        differ in what may change while a run goes on, else `SpecError` is raised. Its record says which run it comes
        from, and its curves begin with that one's. Gives the step of the checkpoint, None where there is none.
        """
        mail = self._mail
        with mail.lock:
            trainer = mail.trainer
            fork = None if trainer is None or not mail.up_to_date else trainer.fork(step)
            if trainer is None or fork is None:
                return None
            before = fork.state.experiment
            chosen = experiment or before
            if chosen.without_live() != before.without_live():
                raise SpecError(
                    "The 'experiment' of a fork must be that of its run in all but the learning rate, the number of "
                    "epochs and the batch size. Train another experiment as a run of its own."
                )
            refuse(chosen, trainer.run.dataset.train_size)
            mail.orders.goal, mail.orders.experiment = None, chosen
            mail.start_over(fork)
            self._driver.wake()
            return fork.state.step

    def resume(self, fork: Fork) -> None:
        """Make a run that goes on from a state that was kept, and stands still there; its experiment is the session's
        then."""
        mail = self._mail
        with mail.lock:
            mail.orders.goal, mail.orders.experiment = None, fork.state.experiment
            mail.start_over(fork)
            self._driver.wake()

    def go_back(self, learning_rate_factor: float = 0.1) -> Experiment | None:
        """Go on, as a fork that trains, from the last checkpoint before the loss rose without end, with the learning
        rate that it has now times the factor.

        Where there are no checkpoints, the run at hand goes on like that with the weights that it has, which are those
        before its loss broke. Gives the experiment that is trained now, None where there is no run.
        """
        mail = self._mail
        with mail.lock:
            trainer, current = mail.trainer, mail.orders.experiment
            if trainer is None or current is None or not mail.up_to_date:
                return None
            optimizer = current.optimizer
            rate = float(f"{optimizer.params['lr'] * learning_rate_factor:.6g}")  # 0.3, and not 0.30000000000000004
            slower = current.updated(optimizer=optimizer.updated(params={**optimizer.params, "lr": rate}))
            good = trainer.timeline.last_good()
            if good is None:
                self.apply(slower)
            else:
                self.fork(good.step, slower)
            self.play()
            return slower

    def operate(self, operation: Operation) -> Experiment:
        """Do an operation on a layer or a neuron of the run at hand, between two chunks of steps; a run that trains
        goes on after it.

        Where the network gets wider, a new run goes on with the steps counted on, and the one before is drawn beside
        it. The snapshot's `surgeries` say what it did to the losses. While an earlier checkpoint is shown, it is done
        to a fork of that. Gives the experiment that is the session's now. Raises `SpecError` where there is no run, and
        where the operation is not possible.
        """
        mail, orders = self._mail, self._mail.orders
        with mail.lock:
            current = orders.experiment
            if current is None or mail.trainer is None or mail.snapshot.status == "failed":
                raise SpecError("There is no run yet. Press Train first.")
            if orders.shown_step is not None and mail.up_to_date:
                past = mail.trainer.timeline.at(orders.shown_step)
                current = current if past is None else past.experiment
                operated(current, operation)
                self.fork(orders.shown_step)
            changed = operated(current, operation)
            if operation.entry.changes == "frozen" and mail.up_to_date and not mail.trainer.position.step:
                self.apply(changed)  # the run begins so, as its script does
                return changed
            orders.experiment = changed
            orders.operations.append(operation)
            if orders.goal is None and mail.snapshot.status not in BUSY:
                mail.show(computing_views=True)
            self._driver.wake()
            return changed

    @property
    def before_operation(self) -> Experiment | None:
        """What `undo_operation` would go back to; None where there is nothing to undo."""
        mail, orders = self._mail, self._mail.orders
        with mail.lock:
            undo = None if mail.trainer is None or not mail.up_to_date else mail.trainer.undo
            return None if undo is None or orders.operations else undo.state.experiment

    def undo_operation(self) -> Experiment | None:
        """Go back to right before the newest operation, as a fork that stands still there.

        Gives its experiment; None where there is nothing to undo.
        """
        mail, orders = self._mail, self._mail.orders
        with mail.lock:
            undo = None if mail.trainer is None or not mail.up_to_date else mail.trainer.undo
            if undo is None or orders.operations:
                return None
            orders.goal, orders.experiment = None, undo.state.experiment
            mail.start_over(undo)
            self._driver.wake()
            return undo.state.experiment

    def reset(self) -> None:
        """Go back to the same initial weights, paused."""
        with self._mail.lock:
            self._mail.orders.goal = None
            self._mail.start_over()
            self._driver.wake()

    def download(self) -> None:
        """Fetch the experiment's data set, or read the user's own file again, then prepare the run."""
        with self._mail.lock:
            self._mail.orders.download = True
            self._mail.start_over()
            self._driver.wake()

    def cancel_download(self) -> None:
        """Give up fetching or reading the data; what was fetched is removed.

        The run at hand stays, and its experiment is the session's again; without one, the session has stopped with a
        sentence that says so. Nothing happens when no data are on their way.
        """
        mail = self._mail
        with mail.lock:
            experiment = mail.orders.experiment
            if mail.snapshot.status != "preparing" or experiment is None:
                return
            mail.orders.download = False
            if mail.trainer is None and not self._driver.has_data(experiment):
                mail.start_over()  # which says what is missing
            else:
                mail.stay(STOPPED)
            self._driver.wake()

    def set_weight(self, path: Path, index: tuple[int, ...], value: float) -> None:
        """Set a number of the layer at a path in the run at hand: with the index (neuron, input) a weight, with
        (neuron,) a bias. A run that trains goes on from there. What the layer has not is passed over.

        While an earlier checkpoint is shown, that makes a fork of it, in which the number is set."""
        mail = self._mail
        with mail.lock:
            if mail.up_to_date and mail.trainer is not None:
                if mail.orders.shown_step is not None:
                    self.fork(mail.orders.shown_step)
                mail.orders.edits.append(WeightEdit(path, index, value))
                if mail.orders.goal is None:
                    mail.show(computing_views=True)  # what is shown is not yet what it has become
                self._driver.wake()

    def set_speed(self, steps_per_second: float | None) -> None:
        """Train at most so many steps a second, to watch; None for as fast as it goes."""
        mail = self._mail
        with mail.lock:
            if steps_per_second != mail.orders.steps_per_second:
                mail.orders.steps_per_second = steps_per_second
                mail.notify()

    def request_views(self, views: Iterable[str]) -> None:
        """Say which views are on screen now; each counts as such for `VIEW_SECONDS`. Renews the lease."""
        mail = self._mail
        if self._lease is not None:
            self._lease.renew()
        with mail.lock:
            mail.orders.views = dict.fromkeys(views, time.monotonic() + VIEW_SECONDS)
            if mail.orders.goal is None and mail.needs_views():
                mail.show(computing_views=True)
                self._driver.wake()

    def close(self, timeout: float | None = None) -> bool:
        """End the thread and drop the run; with a timeout in seconds, wait, and tell whether the thread ended."""
        mail = self._mail
        with mail.lock:
            mail.orders.closed, mail.orders.goal = True, None
            mail.notify()
            thread = self._driver.thread
            if thread is None:
                mail.drop_run()
        if thread is None or thread is threading.current_thread():
            return True
        if timeout is not None:
            thread.join(timeout)
        return not thread.is_alive()

    def snapshot(self) -> Snapshot:
        """The state to show now."""
        return self._mail.snapshot

    def record(self, points: int | None = None) -> RunRecord | None:
        """The record of the run at hand, its curves in at most about so many points; None without a run."""
        trainer = self._mail.trainer
        return None if trainer is None else trainer.recorder.record(points)

    def weights(self, which: Literal["current", "best"], timeout: float) -> Weights | None:
        """A copy of the weights as they are now, or of those with the lowest validation loss (without a
        validation part, test loss) seen.

        None when there is no run, or none was had within the timeout in seconds.
        """
        from mlp_core.export.weights import Weights

        found = self._given(which, timeout)
        return found if isinstance(found, Weights) else None

    def checkpoint(self, timeout: float) -> Checkpoint | None:
        """A copy of everything that the next steps of the run at hand depend on; None as for `weights`."""
        from mlp_core.run.checkpoint import Checkpoint

        found = self._given("checkpoint", timeout)
        return found if isinstance(found, Checkpoint) else None

    def _given(self, which: Literal["current", "best", "checkpoint"], timeout: float) -> Weights | Checkpoint | None:
        """What the thread copies of the run at hand for whoever waits."""
        mail = self._mail
        with mail.lock:
            if mail.trainer is None or not mail.up_to_date:
                return None
            mail.orders.weights, mail.given = which, None
            self._driver.wake()
            mail.wait(lambda: mail.given is not None or mail.orders.weights is None, timeout)
            found, mail.given, mail.orders.weights = mail.given, None, None
            return found

    def path(self) -> list[Weights]:
        """The weights of the run at hand at its checkpoints, the oldest first; none without a run."""
        trainer = self._mail.trainer
        return [] if trainer is None else trainer.path()

    def wait(self, condition: Callable[[Snapshot], bool], timeout: float) -> bool:
        """Wait until a snapshot fulfils the condition; False if the time in seconds runs out."""
        with self._mail.lock:
            return self._mail.wait(lambda: condition(self._mail.snapshot), timeout)

    def settle(self, timeout: float) -> bool:
        """Wait until there is nothing left to do: no training, no view, and what is to be kept is handed over; False if
        the time in seconds runs out."""
        with self._mail.lock:
            return self._mail.wait(lambda: self._driver.thread is None, timeout)

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """The block in which a listener is called with every new snapshot, by whichever thread has made it.

        It must be quick, raise nothing, and wait for nobody.
        """
        listeners = self._mail.listeners  # not under the lock, for which an event loop must not wait
        listeners.add(listener)
        try:
            yield
        finally:
            listeners.discard(listener)

    def _set_goal(self, goal: Goal) -> None:
        mail, orders = self._mail, self._mail.orders
        if self._lease is not None:
            self._lease.regain()
        with mail.lock:
            if orders.goal == goal == "play":
                return
            orders.goal, orders.target, orders.shown_step = goal, 0, None
            if mail.snapshot.status == "failed" and mail.trainer is None:
                mail.start_over()
            if mail.snapshot.status == "preparing":
                mail.show(goes_on=True)
            elif mail.snapshot.status not in BUSY and mail.trainer is not None:
                mail.show(status="running", message="", computing_views=False)  # its thread takes some time to begin
            mail.aim()
            self._driver.wake()
