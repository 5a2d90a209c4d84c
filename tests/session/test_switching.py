"""Experiments and data sets changed at random moments while a session trains: every snapshot is of one run alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import LIMIT

from mlp_core.catalog import DATASETS
from mlp_core.presets import PRESETS
from mlp_core.spec import DataSpec, Experiment
from mlp_core.training.mailbox import Mailbox
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Options, draw

HERE = [name for name, entry in DATASETS.items() if entry.source in ("generated", "bundled")]
"""Data sets that need no download."""
EXPERIMENTS = [preset.experiment for preset in PRESETS.values() if preset.experiment.data.dataset in HERE]
MOST_SNAPSHOTS = 4
"""As many new snapshots at most go by between two actions."""

Action = Callable[[Session], None]


def on_data(name: str) -> Action:
    """Choose another data set for the experiment at hand, whether its network and loss fit or not."""

    def act(session: Session) -> None:
        current = session.experiment
        assert current is not None
        session.apply(current.updated(data=DataSpec(dataset=name)))

    return act


def of(experiment: Experiment) -> Action:
    return lambda session: session.apply(experiment)


PRESSES: list[Action] = [Session.play, Session.play, Session.pause, Session.step, Session.reset]
ACTIONS = st.one_of(st.sampled_from(EXPERIMENTS).map(of), st.sampled_from(HERE).map(on_data), st.sampled_from(PRESSES))


@dataclass
class Seen:
    """Every snapshot that a session has shown, and what each run had to be."""

    snapshots: list[Snapshot] = field(default_factory=list)
    """All of them, in their order."""
    runs: dict[str, tuple[int, object, Experiment]] = field(default_factory=dict)
    """The generation, data and experiment of each run."""

    def check(self) -> None:
        """Whether each snapshot is made of one run."""
        drawn: set[tuple[str, str]] = set()
        for snapshot in self.snapshots:
            if snapshot.dataset is None:
                assert not snapshot.views
                assert snapshot.confusion is None
                assert snapshot.history is None
                continue
            assert snapshot.experiment is not None
            identity = snapshot.generation, snapshot.dataset, snapshot.experiment.without_live()
            assert self.runs.setdefault(snapshot.run, identity) == identity, "a run keeps its data and experiment"
            fits_its_data(snapshot)
            if (snapshot.run, snapshot.status) not in drawn:
                drawn.add((snapshot.run, snapshot.status))
                for view in VIEWS.values():
                    draw(view, snapshot, Options())
        assert len({generation for generation, *_ in self.runs.values()}) == len(self.runs), "a new run, a new name"


def fits_its_data(snapshot: Snapshot) -> None:
    """Whether the figures and views of a snapshot can be of its data and its network."""
    dataset, experiment = snapshot.dataset, snapshot.experiment
    assert dataset is not None
    assert experiment is not None
    facts = dataset.facts
    assert dataset.spec == experiment.data
    if snapshot.confusion is not None:
        assert snapshot.confusion.shape == (facts.classes, facts.classes)
        assert snapshot.confusion.sum() == dataset.test_size
    for name, result in snapshot.views.items():
        assert VIEWS[name].applies(facts), name
        assert result.step <= snapshot.step
        match name:
            case "samples" | "rows":
                assert np.array_equal(result.data["true"], dataset.y_test[: len(result.data["true"])])
                assert set(result.data["predicted"]) <= set(range(facts.classes))
            case "boundary" if "confidence" in result.data:
                assert facts.classes > 2
                assert set(result.data["grid"].ravel()) <= set(range(facts.classes))
            case "boundary":
                assert facts.classes in (0, 2)
            case "regression":
                assert len(result.data["train"][0]) == min(dataset.train_size, 400)
            case "weights":
                types = [layer.type for layer in experiment.layers]
                assert all(types[int(place) - 1] == kind for place, kind in map(str.split, result.data["names"]))


@settings(max_examples=8)
@given(st.lists(st.tuples(ACTIONS, st.integers(0, MOST_SNAPSHOTS)), min_size=3, max_size=8))
def test_whatever_is_applied_while_it_trains_every_snapshot_is_of_one_run(actions: list[tuple[Action, int]]) -> None:
    seen, session = Seen(), Session()
    show = Mailbox.show

    def note(mail: Mailbox, *arguments: Snapshot, **changes: object) -> None:
        with mail.lock:
            show(mail, *arguments, **changes)
            seen.snapshots.append(mail.snapshot)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Mailbox, "show", note)
        try:
            session.apply(PRESETS["spiral"].experiment)
            session.play()
            for act, snapshots in actions:
                session.request_views(VIEWS)
                act(session)
                until = len(seen.snapshots) + snapshots
                assert session.wait(lambda now, until=until: len(seen.snapshots) >= until or not now.busy, LIMIT)
            session.pause()
            assert session.wait(lambda now: not now.busy, LIMIT)
            last = session.snapshot()
        finally:
            assert session.close(LIMIT)
    seen.check()
    assert last.dataset is None or last.dataset.spec == session.experiment.data, "the last one applied is shown"
    assert (last.dataset is None) == (last.status == "failed")
