"""Runs in the background get what the others leave, and change nothing for them."""

from __future__ import annotations

from pathlib import Path

from waiting import LIMIT, at_rest, experiment, until, until_step

from mlp_core.processor import Priority, Processor
from mlp_core.training.session import Session


def test_two_runs_of_one_browser_one_of_them_in_the_background(tmp_path: Path) -> None:
    processor = Processor(2)
    shown, other = (Session(tmp_path, processor=processor, background=background) for background in (False, True))
    for session in (shown, other):
        session.apply(experiment())
        session.play()
    for session in (shown, other):
        until_step(session, 500)
    assert shown.snapshot().others == 0, "the background is nobody that it shares with"
    assert shown.snapshot().run != other.snapshot().run
    for session in (shown, other):
        assert session.close(LIMIT)


def test_the_background_waits_while_all_turns_are_taken(tmp_path: Path) -> None:
    processor = Processor(1)
    background = Session(tmp_path, processor=processor, background=True)
    background.apply(experiment())
    until(background, "ready")
    at_rest(background)
    first, second = processor.turns.ask(), processor.turns.ask()
    background.play()
    assert background.wait(lambda snapshot: snapshot.waiting_since is not None, LIMIT)
    assert background.snapshot().step == 0
    first.end()
    assert second.held, "who is looked at goes first, whoever came first"
    second.end()
    until_step(background, 1)
    assert background.close(LIMIT)


def test_a_large_run_stays_exact_beside_the_background(tmp_path: Path) -> None:
    """Its kernels take all cores as in a script, so that its sums are rounded alike."""
    processor = Processor(2)
    large = experiment(batch_size=None)
    wide = large.layers[0].updated(params={"out_features": 400})
    layers = (wide, large.layers[1], wide, *large.layers[3:])
    session = Session(tmp_path, processor=processor)
    session.apply(large.updated(layers=layers))
    with processor.turns.member(Priority.BACKGROUND), processor.turns.turn(Priority.BACKGROUND):
        session.step()
        until_step(session, 1)
        assert at_rest(session).inexact == ()
    with processor.turns.member(), processor.turns.turn():
        session.step()
        until_step(session, 2)
        assert "shared the processor" in " ".join(at_rest(session).inexact)
    assert session.close(LIMIT)
