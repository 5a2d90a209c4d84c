"""Turns: who works at once, and in which order the others follow."""

from __future__ import annotations

import threading

import pytest

from mlp_core.processor.turns import Slots, Turn, cores

LIMIT = 30.0


def test_turns_are_given_in_order_and_never_more_than_there_are() -> None:
    slots = Slots(2)
    turns = [slots.ask() for _ in range(6)]

    def held() -> list[int]:
        return [number for number, turn in enumerate(turns) if turn.held]

    assert (held(), slots.waiting) == ([0, 1], 4)
    turns[1].end()
    turns[1].end()  # one that has ended has nothing to give
    assert (held(), slots.waiting) == ([0, 2], 3)
    turns[0].end()
    assert (held(), slots.waiting) == ([2, 3], 2)
    for turn in turns[2:]:
        assert turn.wait()
        turn.end()
    assert (held(), slots.waiting) == ([], 0)
    assert cores() >= 1


def test_who_waits_in_a_thread_goes_on_when_the_turn_comes() -> None:
    slots, inside = Slots(1), threading.Event()

    def work() -> None:
        with slots.turn():
            inside.set()

    working = slots.ask()
    thread = threading.Thread(target=work)
    thread.start()
    assert not inside.is_set()
    working.end()
    thread.join(LIMIT)
    assert inside.is_set()
    assert slots.ask().held


def test_an_error_inside_a_turn_gives_the_slot_back() -> None:
    slots = Slots(1)
    for _ in range(3):
        with pytest.raises(KeyError), slots.turn():
            raise KeyError
    with slots.turn():
        assert slots.waiting == 0


def test_the_urgent_come_before_the_others_and_both_in_their_order() -> None:
    slots = Slots(1)
    first = slots.ask()
    line = [slots.ask(urgent=urgent) for urgent in (False, True, False, True)]
    assert first.held
    assert slots.waiting == 4
    followed: list[Turn] = []
    working = first
    for _ in line:
        working.end()
        (working,) = (turn for turn in line if turn.held)
        followed.append(working)
    assert [line.index(turn) for turn in followed] == [1, 3, 0, 2]


@pytest.mark.parametrize("urgent", [False, True])
def test_who_is_called_off_gets_no_turn(urgent: bool) -> None:
    slots = Slots(1)
    working, waiting = slots.ask(), slots.ask(urgent=urgent)
    waiting.call_off()
    assert waiting.wait() is False
    assert slots.waiting == 0
    working.end()
    assert slots.ask().held


def test_members_count_between_their_turns_as_well() -> None:
    slots = Slots(2)
    assert slots.others == 0
    with slots.member():
        assert slots.others == 0
        with slots.member(), slots.member():
            assert slots.others == 2
            with slots.turn():
                assert slots.others == 2
    turns = [slots.ask() for _ in range(5)]
    with slots.member():
        assert slots.others == 4
    assert all(turn.held for turn in turns[:2])
