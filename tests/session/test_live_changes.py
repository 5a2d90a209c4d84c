"""An experiment that changes while it trains: what goes on, and what begins anew."""

from __future__ import annotations

from waiting import LIMIT, at_rest, experiment, until, until_step

from mlp_core.spec import Experiment
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot


def test_epochs_can_be_changed_while_it_runs(session: Session) -> None:
    session.apply(experiment())
    session.play()
    running = until_step(session, 100)
    session.apply(experiment(epochs=10**6))
    assert until_step(session, running.step + 500).generation == running.generation
    session.apply(experiment(epochs=3))
    finished = until(session, "finished")
    assert finished.generation == running.generation
    assert finished.epoch >= 3


def test_applying_the_same_changes_nothing(session: Session) -> None:
    session.apply(experiment())
    before = until(session, "ready")
    session.step_epoch()
    at_rest(session)
    session.apply(Experiment.from_json(experiment().to_json()))
    after = at_rest(session)
    assert (after.generation, after.step) == (before.generation, 20)


def test_learning_rate_changes_live(session: Session) -> None:
    session.apply(experiment())
    session.play()
    before = until_step(session, 20)
    session.apply(experiment(rate=0.001))
    assert session.wait(lambda s: s.learning_rate == 0.001, LIMIT)
    after = until_step(session, session.snapshot().step + 50)
    assert after.generation == before.generation
    session.pause()
    at_rest(session)
    curves = session.snapshot().curves(1000)
    assert curves is not None
    assert curves.learning_rates[:, 1].tolist()[:2] == [0.03, 0.001]


def test_a_new_experiment_goes_on_training_if_the_old_one_was(session: Session) -> None:
    session.apply(experiment())
    session.play()
    first = until_step(session, 10)
    session.apply(experiment("plane"))
    assert session.wait(lambda s: s.generation > first.generation and s.step > 10, LIMIT)
    assert session.snapshot().test_accuracy is None
    session.pause()
    at_rest(session)
    session.apply(experiment("xor"))
    third = until(session, "ready")
    assert third.step == 0, "a paused one stays paused"
    assert session.snapshot().dataset is not None
    assert session.snapshot().dataset.spec.dataset == "xor"


def test_a_rate_that_was_changed_before_the_first_step_goes_with_the_weights(session: Session) -> None:
    session.apply(experiment())
    until(session, "ready")
    session.apply(experiment(rate=0.5))
    untouched = session.weights("current", LIMIT)
    assert untouched is not None
    assert untouched.experiment == experiment(rate=0.5)
    session.step_epoch()
    snapshot = at_rest(session)
    weights, record = session.weights("current", LIMIT), session.record()
    assert weights is not None
    assert record is not None
    assert weights.experiment == record.experiment == snapshot.experiment == experiment(rate=0.5)
    assert snapshot.inexact == record.changes == ()
    session.apply(experiment(rate=0.1))
    session.step()
    at_rest(session)
    later = session.weights("current", LIMIT)
    assert later is not None
    assert later.experiment == experiment(rate=0.1)
    assert session.snapshot().inexact == ("Its learning rate was changed by hand while it was trained.",)


def test_a_snapshot_holds_one_run_whole(session: Session) -> None:
    """While another run is prepared, figures, experiment and data are still those of the run before."""
    session.request_views(["samples", "weights"])
    for name in ("two-hidden-relu", "binary-16-12-10-1", "moons", "plane", "batchnorm-block"):
        session.apply(experiment(name, epochs=None))
        session.play()
        for _ in range(3):
            snapshot = session.snapshot()
            if (dataset := snapshot.dataset) is not None:
                assert snapshot.experiment is not None
                assert dataset.spec == snapshot.experiment.data
                measured = not snapshot.computing_views  # the first point of a run comes before its views
                assert (snapshot.confusion is not None) == dataset.facts.classifies or not measured
                if snapshot.confusion is not None:
                    assert len(snapshot.confusion) == dataset.facts.classes
                if (samples := snapshot.view("samples")) is not None:
                    assert max(samples["predicted"]) < dataset.facts.classes
            session.wait(lambda s, past=snapshot.version: s.version > past, LIMIT)
        assert session.wait(lambda s, name=name: s.experiment == experiment(name, epochs=None), LIMIT)


def test_the_first_point_of_a_new_run_is_shown_before_its_views(session: Session) -> None:
    seen: list[Snapshot] = []
    session.apply(experiment("xor", epochs=None))
    session.play()
    before = until_step(session, 1).run
    session.request_views(["weights", "boundary"])
    with session.listening(lambda: seen.append(session.snapshot())):
        session.apply(experiment("spiral", epochs=None))
        assert session.wait(lambda now: now.run != before and now.view("weights") is not None, LIMIT)
    points = [snapshot for snapshot in seen if snapshot.run != before]
    assert points[0].step > 0
    assert points[0].computing_views
    assert points[0].view("weights") is None
    assert points[0].test_loss is not None
    assert not points[-1].computing_views
