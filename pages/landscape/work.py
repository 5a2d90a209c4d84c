"""The landscape that a browser is having computed, and the one that it was shown last."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.processor import BackgroundWork, policy
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.live.runs import BrowserRuns

if TYPE_CHECKING:
    from mlp_core.landscape import Landscape

_HELD = "landscape_held"
WEIGHTS_SECONDS = 10.0
"""How long a press waits for the weights of a run, which it gives between two chunks of steps."""
NOT_READY = "The weights of the run could not be had. Wait until the network is built, then press Compute again."


@dataclass
class Held:
    """What there is of landscapes in this browser."""

    work: BackgroundWork[Landscape] | None = None
    """What is being computed, or was last."""
    run: str = ""
    """The run that it is of."""
    shown: Landscape | None = None
    """The newest one that came to its end."""
    shown_run: str = ""
    """The run that this is of."""
    error: str = ""
    """Why there is none of the last press; '' where there is."""

    @property
    def running(self) -> bool:
        """Whether one is being computed."""
        return self.work is not None and self.work.running

    def take(self) -> None:
        """Take what the work has found, or why it found nothing, once it is at its end."""
        if self.work is None or self.work.running:
            return
        work, self.work = self.work, None
        if work.result is not None:
            self.shown, self.shown_run = work.result, self.run
        elif isinstance(work.error, UserError):
            self.error = str(work.error)
        elif work.error is not None:
            self.error = f"The landscape could not be computed ({type(work.error).__name__}: {str(work.error)[:200]})."


def held() -> Held:
    """That of this browser, up to date."""
    found: Held = st.session_state.setdefault(_HELD, Held())
    found.take()
    return found


def compute(session: Session, runs: BrowserRuns, parameters: dict, parts: tuple[str, ...]) -> None:
    """Begin a landscape around the weights as they are; one that is being computed is called off."""
    from mlp_core.landscape import LandscapeSpec, landscape_of

    mine = held()
    if mine.work is not None:
        mine.work.cancel()
    snapshot, mine.error = session.snapshot(), ""
    weights = session.weights("current", WEIGHTS_SECONDS)
    dataset, processor = snapshot.dataset, session.processor
    if weights is None or dataset is None or session.snapshot().run != snapshot.run:
        mine.error = NOT_READY
        return
    # The processor alone: a graphics card may just be recording the steps of a run.
    training = weights.experiment.training.updated(device="cpu")
    weights = replace(weights, experiment=weights.experiment.updated(training=training))
    path = tuple(session.path()) if parameters["directions"] == "path" else ()
    spec = LandscapeSpec(parts=parts, **parameters)
    size = _parameters(snapshot)

    def tune() -> None:
        policy.tune_thread(size, spec.samples, alone=not processor.turns.others(background=True))

    mine.run = snapshot.run
    mine.work = BackgroundWork(
        processor, lambda: landscape_of(weights, dataset, spec, path), tune=tune, wanted=lambda: runs.lease.holds
    )


def cancel() -> None:
    """Call off what is being computed."""
    if (work := held().work) is not None:
        work.cancel()
        work.wait(1.0)


def remaining(work: BackgroundWork) -> str:
    """How long it may take, in words; '' while nobody knows."""
    took = time.monotonic() - work.began
    if work.progress < 0.03 or took < 1.0:
        return ""
    seconds = took * (1 - work.progress) / work.progress
    return f", about {seconds:.0f} s left" if seconds < 90 else f", about {seconds / 60:.0f} min left"


def _parameters(snapshot: Snapshot) -> int:
    from mlp_core.plan import plan

    assert snapshot.experiment is not None, "there is a run"
    return plan(snapshot.experiment).parameters
