"""The one answer to 'may this run?', for buttons and areas, and the one way to give a session the experiment."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as replace_field
from pathlib import Path

import streamlit as st

from mlp_core.data import Dataset, load
from mlp_core.errors import UserError
from mlp_core.problems import Problem, problems
from mlp_core.spec import DataSpec, Experiment
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.live.runs import BrowserRuns
from pages.shared.editor import experiment, replace
from pages.shared.link import locked

PLAYGROUND_PAGE = Path(__file__).parents[1] / "playground" / "page.py"
RACE_PAGE = Path(__file__).parents[1] / "race" / "page.py"
TUNE_PAGE = Path(__file__).parents[1] / "tune" / "page.py"
DATA_PAGE = Path(__file__).parents[1] / "data" / "page.py"


@dataclass(frozen=True)
class Permits:
    """What may be asked of a run now."""

    trains: bool
    """Whether it trains, so that it may be paused."""
    train: bool
    """Whether it may be trained."""
    step: bool
    """Whether it may do a single step or epoch."""
    reset: bool
    """Whether it may go back to its initial weights."""
    new_weights: bool
    """Whether it may get other initial weights."""
    download: bool
    """Whether its data may be downloaded."""


@dataclass(frozen=True)
class Verdict:
    """What speaks against a run of the experiment."""

    problems: tuple[Problem, ...]
    """What is wrong with the experiment or unwise, errors first."""
    step_locked: bool
    """Whether the link fixes single steps."""
    seed_locked: bool
    """Whether the link fixes the seed."""

    @property
    def error(self) -> str:
        """Why the experiment cannot run at all; '' if it can."""
        return next((problem.message for problem in self.problems if problem.severity == "error"), "")

    def permits(self, snapshot: Snapshot) -> Permits:
        """What may be asked of the run that the snapshot is of. Asks nothing of Streamlit."""
        sound, missing = not self.error, snapshot.status == "needs download"
        train = sound and not missing
        failed = snapshot.status == "failed" and snapshot.dataset is None and snapshot.unfit is None
        downloaded = snapshot.experiment is not None and snapshot.experiment.data.entry.source == "downloaded"
        return Permits(
            trains=snapshot.trains,
            train=train,
            step=train and not snapshot.trains and not self.step_locked,
            reset=sound,
            new_weights=sound and not self.seed_locked,
            download=downloaded and (missing or failed),
        )


def apply_experiment(session: Session, patience: float = 0.0) -> Verdict:
    """Make the browser's experiment the session's, unless it has an error: then the run is kept as it is, paused.

    Waits so many seconds at most for the new run, so that a small one is drawn at once.
    """
    current, snapshot = experiment(), session.snapshot()
    dataset = snapshot.dataset or snapshot.unfit
    known = dataset if dataset is not None and dataset.spec == current.data else _drawing(current.data)
    found = problems(current) if known is None else problems_with(current, known)
    verdict = Verdict(tuple(found), locked("step"), locked("seed"))
    if verdict.error:
        session.pause()
    else:
        session.apply(current)
        session.wait(lambda snapshot: snapshot.status != "preparing", patience)
    return verdict


def problems_with(current: Experiment, data: Dataset) -> list[Problem]:
    """Everything that is wrong or unwise in an experiment on data that is loaded."""
    targets = data.unscaled_range if current.loss.entry.counts else data.target_range
    return problems(current, data.train_size, data.unvalidated_classes, targets, data.class_counts)


def _drawing(data: DataSpec) -> Dataset | None:
    """The set of drawn points, which are too few for many a batch and are split in no time; None for other sets."""
    if data.entry.source != "drawn":
        return None
    try:
        return load(data)
    except UserError:
        return None  # the session says what is wrong with them


def measured_problems(session: Session) -> list[Problem]:
    """What was measured on the session's run, where that is a run of the browser's experiment."""
    snapshot, current = session.snapshot(), experiment()
    shown = snapshot.experiment
    if shown is None or shown.without_live() != current.without_live():
        return []
    # What was changed while it ran stays as it is.
    return [
        problem
        if problem.fixed is None
        else replace_field(problem, fixed=current.updated(layers=problem.fixed.layers, loss=problem.fixed.loss))
        for problem in snapshot.problems
    ]


def show_error(message: str) -> None:
    """Say on another page why the experiment cannot run, with the way to where it is mended."""
    st.error(message, icon=":material/error:")
    st.page_link(str(PLAYGROUND_PAGE), label="Mend it in the Playground", icon=":material/arrow_back:")


def show_run(runs: BrowserRuns, name: str) -> None:
    """Make the Playground show another run of the browser, with the experiment of that run in its controls."""
    runs.current = name
    if (chosen := runs.session.experiment) is not None:
        replace(chosen)
