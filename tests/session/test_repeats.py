"""A session's numbers are the loop's, and come again after a reset."""

from __future__ import annotations

import numpy as np
from waiting import LIMIT, experiment, losses, until

from mlp_core import data
from mlp_core.training.session import Session


def test_reset_goes_back_to_the_same_weights(session: Session) -> None:
    session.apply(experiment(epochs=3))
    session.play()
    first = until(session, "finished")
    expected = losses(session)
    session.reset()
    assert session.snapshot().status == "preparing"
    reset = until(session, "ready")
    assert reset.step == 0
    assert reset.generation > first.generation
    assert len(losses(session)) == 0
    session.play()
    second = until(session, "finished")
    assert np.array_equal(losses(session), expected)
    assert (second.test_loss, second.train_loss) == (first.test_loss, first.train_loss)


def test_another_seed_gives_new_weights(session: Session) -> None:
    results = []
    for seed in (1, 2, 1):
        session.apply(experiment(epochs=1, seed=seed))
        session.play()
        assert session.wait(lambda s: s.status == "finished" and s.epoch == 1, LIMIT)
        results.append(losses(session))
        session.reset()
    assert np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[1])


def test_a_session_gives_the_numbers_of_the_loop(session: Session) -> None:
    from mlp_core.engines.eager import EagerEngine
    from mlp_core.run.build import build
    from mlp_core.training.events import Chunk
    from mlp_core.training.loop import train

    drawn = experiment("moons", epochs=4)
    events = list(train(build(drawn, data.load(drawn.data)), EagerEngine(), epochs=4))
    session.request_views(["weights", "gradients", "boundary", "samples"])
    session.apply(drawn)
    session.play()
    snapshot = until(session, "finished")
    expected = np.concatenate([e.losses for e in events if isinstance(e, Chunk)])
    assert np.array_equal(losses(session), expected)
    assert snapshot.test_loss == events[-1].test_loss
    assert snapshot.test_accuracy == events[-1].test_accuracy
