"""The moment of the run that is taken apart: a copy of its state, and the steps that were computed from it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from mlp_core.spec import Experiment
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.shared.editor import experiment
from pages.shared.layout import as_text
from pages.shared.loading import loading
from pages.shared.verdict import PLAYGROUND_PAGE, apply_experiment, show_error

if TYPE_CHECKING:
    from mlp_core.one_step.autograd import Autograd
    from mlp_core.one_step.places import WeightPlace
    from mlp_core.one_step.records import OneStep
    from mlp_core.run.build import Run

IMPORT_SECONDS = 20
"""How long the page waits for a server's first session, which imports PyTorch in its own thread."""
COPY_SECONDS = 5
"""How long it waits for a copy of the run's state, which comes between two chunks of steps."""
KEPT = 8
"""Steps that are kept, so that going back and forth computes nothing."""
_MOMENT = "one_step_moment"


@dataclass(eq=False)
class Moment:
    """A run of the page's own, at the place where the session's run was when it was copied."""

    run: Run
    """It never moves: whatever is computed puts it back."""
    experiment: Experiment
    """What is trained."""
    source: tuple[str, int]
    """The session's run and the version of its state that this is a copy of."""
    trained: bool
    """Whether the session's run has done a step by then."""
    found: dict[Any, Any] = field(default_factory=dict)
    """What was computed from it, by what was asked; the newest last."""

    @property
    def step(self) -> int:
        """Mini-batches done."""
        return self.run.position.step


def moment(session: Session) -> Moment | None:
    """The moment that the page shows; None where there is no run, which is explained then."""
    verdict = apply_experiment(session)
    if verdict.error:
        show_error(verdict.error)
        return None
    if "torch" not in sys.modules or session.snapshot().status == "preparing":
        with st.spinner("Preparing the run…"):
            session.wait(lambda snapshot: snapshot.status != "preparing", IMPORT_SECONDS)
    snapshot = session.snapshot()
    if snapshot.dataset is None or not snapshot.run or snapshot.status == "preparing":
        _say_why(session, snapshot)
        return None
    kept: Moment | None = st.session_state.get(_MOMENT)
    if kept is None or _is_old(kept, snapshot):
        kept = _copy(session, snapshot)
        st.session_state[_MOMENT] = kept
    if kept is None:
        st.info("The run is busy. Open this page again in a moment.", icon=":material/hourglass:")
    return kept


def renew() -> None:
    """Take the run as it stands when the page is drawn next."""
    st.session_state.pop(_MOMENT, None)


def _say_why(session: Session, snapshot: Snapshot) -> None:
    if snapshot.status == "preparing":
        loading(session, snapshot, redraws=True)
        return
    st.info(as_text(snapshot.message or "There is no run yet."), icon=":material/hourglass:")
    st.page_link(str(PLAYGROUND_PAGE), label="Go to the Playground", icon=":material/arrow_back:")


def _is_old(kept: Moment, snapshot: Snapshot) -> bool:
    """Whether there is a newer state that should be shown; while a run trains, only when it is asked for."""
    if kept.source[0] != snapshot.run or kept.experiment != experiment():
        return True
    return not snapshot.trains and (kept.source[1] != snapshot.version)


def _copy(session: Session, snapshot: Snapshot) -> Moment | None:
    from mlp_core.one_step.source import run_at

    checkpoint = session.checkpoint(COPY_SECONDS)
    if checkpoint is None or snapshot.dataset is None or session.snapshot().run != snapshot.run:
        return None
    current = experiment()
    run = run_at(current, snapshot.dataset, checkpoint)
    return Moment(run, current, (snapshot.run, snapshot.version), trained=checkpoint.position.step > 0)


def same_step(now: Moment, seed: int | None, place: WeightPlace | None) -> OneStep:
    """The step from this moment, with the chain rule for a weight; raises `SpecError` where it cannot be computed."""
    from mlp_core.one_step.step import one_step

    places = () if place is None else (place,)
    found: OneStep = _kept(now, ("step", seed, place), lambda: one_step(now.run, places, seed))
    return found


def same_autograd(now: Moment, seed: int | None) -> Autograd:
    """Autograd at this moment; raises `SpecError` where it cannot be computed."""
    from mlp_core.one_step.autograd import explore

    found: Autograd = _kept(now, ("autograd", seed), lambda: explore(now.run, seed))
    return found


def _kept(now: Moment, asked: Any, compute: Any) -> Any:
    if asked not in now.found:
        with now.run.tuned():
            now.found[asked] = compute()
        while len(now.found) > KEPT:
            now.found.pop(next(iter(now.found)))
    return now.found[asked]
