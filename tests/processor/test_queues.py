"""Turns: who works at once, and in which order the others follow."""

from __future__ import annotations

import threading

import pytest

from mlp_core.processor import Priority, Turn, Turns

LIMIT = 180.0


def test_turns_are_given_in_order_and_never_more_than_there_are() -> None:
    turns = Turns(2)
    asked = [turns.ask() for _ in range(6)]

    def held() -> list[int]:
        return [number for number, turn in enumerate(asked) if turn.held]

    assert (held(), turns.waiting) == ([0, 1], 4)
    asked[1].end()
    asked[1].end()  # one that has ended has nothing to give
    assert (held(), turns.waiting) == ([0, 2], 3)
    asked[0].end()
    assert (held(), turns.waiting) == ([2, 3], 2)
    for turn in asked[2:]:
        assert turn.wait()
        turn.end()
    assert (held(), turns.waiting) == ([], 0)


def test_who_waits_in_a_thread_goes_on_when_the_turn_comes() -> None:
    turns, inside = Turns(1), threading.Event()

    def work() -> None:
        with turns.turn():
            inside.set()

    working = turns.ask()
    thread = threading.Thread(target=work)
    thread.start()
    assert not inside.is_set()
    working.end()
    thread.join(LIMIT)
    assert inside.is_set()
    assert turns.ask().held


def test_an_error_inside_a_turn_gives_the_slot_back() -> None:
    turns = Turns(1)
    for _ in range(3):
        with pytest.raises(KeyError), turns.turn():
            raise KeyError
    with turns.turn():
        assert turns.waiting == 0


def test_what_was_pressed_goes_first_and_the_background_last_each_in_its_order() -> None:
    turns = Turns(1)
    first = turns.ask(Priority.BACKGROUND)
    order = (Priority.WATCHED, Priority.BACKGROUND, Priority.PRESSED, Priority.WATCHED, Priority.PRESSED)
    line = [turns.ask(priority) for priority in order]
    assert first.held
    assert turns.waiting == 4, "background work is nobody that others wait behind"
    followed: list[Turn] = []
    working = first
    for _ in line:
        working.end()
        (working,) = (turn for turn in line if turn.held)
        followed.append(working)
    assert [line.index(turn) for turn in followed] == [2, 4, 0, 3, 1]


@pytest.mark.parametrize("priority", Priority)
def test_who_is_called_off_gets_no_turn(priority: Priority) -> None:
    turns = Turns(1)
    working, waiting = turns.ask(), turns.ask(priority)
    waiting.call_off()
    assert waiting.wait() is False
    assert turns.waiting == 0
    working.end()
    assert turns.ask().held


def test_members_count_between_their_turns_as_well() -> None:
    turns = Turns(2)
    assert turns.others() == 0
    with turns.member():
        assert turns.others() == 0
        with turns.member(), turns.member():
            assert turns.others() == 2
            with turns.turn():
                assert turns.others() == 2
    asked = [turns.ask() for _ in range(5)]
    with turns.member():
        assert turns.others() == 4
    assert all(turn.held for turn in asked[:2])


def test_background_work_is_nobody_that_others_share_with() -> None:
    turns = Turns(2)
    with turns.member(Priority.BACKGROUND), turns.turn(Priority.BACKGROUND):
        with turns.member(), turns.turn():
            assert turns.others() == 0
            assert turns.members == 1
            assert turns.others(background=True) == 1
        assert turns.others(background=True) == 0
        with turns.member(Priority.BACKGROUND):
            assert turns.others(background=True) == 1
            assert turns.others() == 0
