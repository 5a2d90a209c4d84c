"""What a page is shown: snapshots in their order, and the views that it watches."""

from __future__ import annotations

from pathlib import Path

from waiting import LIMIT, at_rest, experiment, until, until_step

from mlp_core.training.session import Session


def test_every_snapshot_has_a_higher_version(session: Session, tmp_path: Path) -> None:
    """A page keeps what has the highest, also if the server begins anew with another session."""
    seen = [session.snapshot()]
    session.apply(experiment())
    seen.append(until(session, "ready"))
    session.play()
    seen.append(until_step(session, 5))
    session.pause()
    seen.append(until(session, "ready"))
    session.reset()
    seen.append(session.snapshot())
    seen.append(until(session, "ready"))
    versions = [snapshot.version for snapshot in seen]
    assert versions == sorted(set(versions))
    following = Session(tmp_path)
    following.apply(experiment())
    assert until(following, "ready").version > session.snapshot().version
    assert following.close(LIMIT)


def test_watched_views_are_computed_and_others_are_not(session: Session) -> None:
    session.apply(experiment())
    assert not until(session, "ready").views
    session.request_views(["weights", "regression", "no such view"])
    assert session.wait(lambda s: "weights" in s.views, LIMIT)
    at_rest(session)
    assert set(session.snapshot().views) == {"weights"}, "a classification has no regression view"
    session.request_views(["boundary"])
    assert session.wait(lambda s: "boundary" in s.views, LIMIT)
    session.request_views(["boundary"])
    session.step_epoch()
    snapshot = at_rest(session)
    assert snapshot.views["boundary"].step == snapshot.step == 20
    assert snapshot.views["weights"].step == 0, "what is not looked at is not computed"
