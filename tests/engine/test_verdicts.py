"""What trials have said: once for each structure, and not at all where all layers have passed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from mlp_core.engines.verdicts import Verdicts

LIMIT = 180


def passes() -> bool:
    return True


def never() -> bool:
    raise AssertionError("it is known")


def test_known_structures_and_layers_need_no_trial() -> None:
    verdicts = Verdicts(8, passed=True)
    assert verdicts.get("ab", ["a", "b"], passes) is True
    assert verdicts.get("c", ["c"], lambda: False) is False
    assert verdicts.get("ab", ["a", "b"], never) is True
    assert verdicts.get("bab", ["b", "a", "b"], never) is True
    assert verdicts.get("c", ["c"], never) is False
    assert verdicts.get("ac", ["a", "c"], passes) is True, "what did not pass says nothing of its layers"


def test_a_known_structure_does_not_wait_for_the_trial_of_another() -> None:
    verdicts = Verdicts(8, passed=True)
    verdicts.get("a", ["a"], passes)
    begun, end = Event(), Event()

    def trial() -> bool:
        begun.set()
        return end.wait(LIMIT)

    with ThreadPoolExecutor(2) as pool:
        tried = pool.submit(verdicts.get, "b", ["b"], trial)
        try:
            assert begun.wait(LIMIT)
            assert pool.submit(verdicts.get, "aa", ["a", "a"], never).result(LIMIT) is True
        finally:
            end.set()
        assert tried.result(LIMIT) is True
