"""The benchmarks run and give complete rows; what they measure is nobody's test."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import __main__ as command
from benchmarks import (
    beside,
    browsers,
    classroom,
    classroom_edits,
    classroom_mixed,
    contention,
    editing,
    growth,
    page,
    startup,
    table,
    throughput,
    users,
)
from benchmarks import browser as real_browser
from benchmarks.cases import CASES
from benchmarks.chromium import NoBrowserError
from benchmarks.machine import processor, versions
from benchmarks.network import LayerList, network
from benchmarks.options import LAYER_LIST, Options, Row
from benchmarks.peers import OURS, PEERS
from benchmarks.server import Server, server
from benchmarks.summary import percentile, ratio_of_pairs, significant
from benchmarks.websocket import FULL_SPEED, browser
from benchmarks.worker import PeerError
from mlp_core.presets import PRESETS
from tests.browser.chromium import LIMIT_MS, chromium_path

POSITIVE = st.floats(0.001, 1e6)


class FakeWorker:
    """A peer whose speed is known: twice a random speed of the round for ours, that speed for any other."""

    round_speed = 1.0

    def __init__(self, peer: str) -> None:
        self._factor = 2.0 if peer == OURS else 1.0

    def build(self) -> float:
        return 0.25

    def train(self, seconds: float) -> tuple[int, float]:
        if self._factor == 2.0:  # ours comes first in every round
            FakeWorker.round_speed = random.uniform(1e4, 1e6)
        return round(self._factor * FakeWorker.round_speed * seconds), seconds

    def train_beside(self, seconds: float, busy_threads: int) -> tuple[int, float]:
        return round(1e6 / (1 + busy_threads) * seconds), seconds


@contextmanager
def fake(peer: str, case: str) -> Iterator[FakeWorker]:
    if peer == "lightning":
        raise PeerError("lightning is not installed")
    yield FakeWorker(peer)


@pytest.fixture
def fake_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (throughput, contention, page):
        monkeypatch.setattr(module, "worker", fake)


@pytest.mark.usefixtures("fake_workers")
def test_throughput_compares_round_by_round() -> None:
    rows = list(throughput.rows(Options(rounds=5)))
    steady = {(row["network"], row["peer"]): row for row in rows if row["measure"] == "steady"}
    assert set(steady) == {(case, peer) for case in CASES for peer in PEERS}
    for (_, peer), row in steady.items():
        if peer == "lightning":
            assert row["skipped"] == "lightning is not installed"
        else:
            assert row["session_over_peer"] == (1 if peer == OURS else 2)  # though the rounds differ a hundredfold
    first = [row for row in rows if row["measure"] == "first 10 s"]
    assert {row["network"] for row in first} == set(CASES)
    assert {row["peer"] for row in first} == {OURS, "jax"}


@pytest.mark.usefixtures("fake_workers")
def test_contention_has_a_row_for_every_number_of_busy_threads() -> None:
    rows = list(contention.rows(Options(rounds=2, only=("cifar",))))
    assert {row["network"] for row in rows} == {"cifar10-classic"}
    assert [row["of_undisturbed"] for row in rows] == [1, 0.5, 0.2] * 3


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with server(app=classroom_edits.APP) as running:
        yield running


@pytest.fixture
def one_server(running_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting a server takes seconds, so all get the same."""
    for module in (beside, classroom, classroom_edits, classroom_mixed, editing, growth, page, startup, real_browser):
        monkeypatch.setattr(module, "server", lambda **_: nullcontext(running_server))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits longer than a measurement needs to have anything in it."""
    monkeypatch.setattr(browsers, "WARM_UP_SECONDS", 0.2)
    monkeypatch.setattr(browsers, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(browsers, "STEADY_LOOKS", 1)
    monkeypatch.setattr(browsers, "LEFTOVER_SECONDS", 1.0)
    monkeypatch.setattr(users, "LONE_PRESS_SECONDS", 0.3)
    monkeypatch.setattr(users, "PAUSED_SECONDS", 0.1)
    for module in (classroom, classroom_edits, classroom_mixed):
        monkeypatch.setattr(module, "SETTLE_SECONDS", 0.2)


def measured(complete: Callable[[Row], bool], **options: Any) -> list[Row]:
    """The rows of the shortest measurement that has something in it: on a busy machine that takes longer."""
    for seconds in (1.0, 4.0, 16.0):
        rows = list(classroom.rows(Options(seconds=seconds, **options)))
        if all(map(complete, rows)):
            break
    return rows


def has_figures(row: Row) -> bool:
    """Whether at least one page has advanced, was updated, and had a button pressed."""
    return row["advanced"] >= 1 and None not in (row["tick_p50"], row["press_p50"])


def test_classroom_gives_the_figures_of_all_sessions(short: None, one_server: None) -> None:
    row, by_ticks = measured(has_figures, sessions=(2,), ticks=True)
    assert (row["updates_by"], by_ticks["updates_by"]) == ("stream", "ticks")
    assert by_ticks["advanced"] >= 1
    assert 1 <= row["advanced"] <= row["sessions"] == 2
    assert row["steps_per_second"] >= row["slowest_session"] >= 0
    assert 0 < row["tick_p50"] <= row["tick_p95"]
    assert 0 < row["press_p50"] <= row["press_p95"]
    assert row["age_p95"] > 0
    assert row["server_mb"] > 50
    assert {"stop_p95", "mb_per_session", "threads_left", "client_cores", "tick_kb"} <= set(row)


def shows_what_was_done(row: Row) -> bool:
    """Whether the pages show no more steps than were done; what they show a little late weighs in a short time."""
    return row["done_per_second"] > 0.8 * row["steps_per_second"] > 0 and (row["edits"] == 0 or row["edits"] >= 2)


def test_a_class_that_edits_is_compared_with_itself(
    monkeypatch: pytest.MonkeyPatch, short: None, one_server: None
) -> None:
    monkeypatch.setattr(classroom_edits, "LONE_EDIT_SECONDS", 0.2)
    monkeypatch.setattr(classroom_edits, "FEWEST_EDITS", 10)
    alone, edited = measured(shows_what_was_done, sessions=(2,), edits=True)
    assert alone["sessions"] == edited["sessions"] == 2
    assert (alone["edits"], alone["first_point_p95"]) == (0, None)
    assert edited["edits"] >= 2
    assert 0 < edited["edit_p50"] <= edited["edit_p95"]
    assert 0 < edited["first_point_p50"] <= edited["first_point_p95"]
    assert edited["of_no_edits"] > 0
    for row in (alone, edited):
        assert row["done_per_second"] > 0.8 * row["steps_per_second"] > 0, "what pages show was done"
        assert {"age_p95", "press_p95", "tick_p95", "advanced"} <= set(row)


def test_turns_with_edits_are_compared_with_those_before_and_after() -> None:
    assert classroom_edits.of_no_edits([10, 20, 30], [12, 50]) == 1.4
    assert classroom_edits.of_no_edits([0, 0], [1]) is None


def test_a_mixed_class_tells_its_kinds_apart(monkeypatch: pytest.MonkeyPatch, short: None, one_server: None) -> None:
    monkeypatch.setattr(classroom_mixed.data, "is_present", lambda spec: True)
    kinds = {"two_features": ("xor",), "tables": ("two-hidden-relu",), "images": ("digits",)}
    monkeypatch.setattr(classroom_mixed, "KINDS", kinds)
    (row,) = measured(has_figures, sessions=(3,), mixed=True)
    assert row["kinds"] == "mixed"
    assert sum(row[f"{kind}_steps_per_second"] for kind in kinds) == pytest.approx(row["steps_per_second"], abs=2)
    assert 1 <= row["advanced"] <= 3
    assert 0 < row["tick_p50"] <= row["tick_p95"]
    assert 0 < row["press_p50"] <= row["press_p95"]


def test_a_preset_of_a_mixed_class_trains_on_after_its_epochs(running_server: Server) -> None:
    experiment = PRESETS["two-hidden-relu"].experiment
    epochs, samples = experiment.training.epochs, experiment.data.facts.samples
    assert epochs is not None
    assert samples is not None
    steps = epochs * math.ceil(samples / experiment.training.batch_size)

    async def scenario() -> int:
        async with browser(running_server.port) as client, browsers.updated([client]):
            await classroom_mixed.begin(client, "two-hidden-relu", FULL_SPEED)
            await client.press("Train")
            await client.until(lambda one: one.sight.steps > steps)
            return client.sight.steps

    assert asyncio.run(scenario()) > steps


def test_an_edit_of_the_network_leaves_the_rest_of_the_page_alone(running_server: Server) -> None:
    """Also the one that makes of a preset a changed experiment; another data set is everybody's matter."""

    async def other_set() -> int:
        async with browser(running_server.port) as client, browsers.updated([client]):
            await browsers.ready(client)
            await client.until(lambda one: not one.timers)  # it rests: nothing else makes it run
            await client.choose("Data set", "Circle · generated")
            return len(client.fragments)

    async def edits() -> list[int]:
        async with browser(running_server.port) as client, browsers.updated([client]):
            await browsers.ready(client)
            await client.press("Train")
            await client.until(lambda one: one.sight.steps > 0)
            seen = client.sights  # the page may be drawn once more when the run has begun
            await client.until(lambda one: one.sights > seen + 3 and one.feed is not None and bool(one.feed.stream))
            ran = []
            for change in ("change_width", "change_activation", "add", "remove"):
                await getattr(network(client.elements), change)()(client)
                ran.append(len(client.fragments))
            return ran

    first, *more = asyncio.run(edits())
    assert first == 3, "the network, the preset, what was changed"
    assert all(1 <= ran <= 2 for ran in more), "the network and what was changed: the stream brings the run's news"
    assert asyncio.run(other_set()) == 0


def test_a_page_that_rests_shows_the_run_that_an_edit_has_begun(running_server: Server) -> None:
    """When nothing goes on, the page asks no more; an area that runs alone has to begin that again."""

    async def scenario() -> tuple[str, str, str]:
        async with browser(running_server.port) as client, browsers.updated([client]):
            await browsers.ready(client)
            await client.until(lambda one: not one.timers)
            before = client.sight.run
            await network(client.elements).change_width()(client)
            await client.until(lambda one: one.sight.run != before and one.sight.stopped)
            return before, client.sight.run, client.sight.status

    before, after, status = asyncio.run(scenario())
    assert before != after
    assert status == "ready"


def test_a_removed_layer_leaves_no_row_when_a_tick_follows_at_once(running_server: Server) -> None:
    """Streamlit then never tells the browser to drop what was not drawn again."""

    async def scenario() -> list[tuple[int, int]]:
        rows = []
        async with browser(running_server.port, form=LAYER_LIST) as client, browsers.updated([client]):
            await browsers.ready(client)
            await client.press("Train")
            await client.until(lambda one: bool(one.timers) and one.sight.steps > 0)
            for moment, change in itertools.product((0.01, 0.02, 0.03, 0.04), (LayerList.add, LayerList.remove)):
                await client.until(lambda one: one.feed is not None)
                feed, before = client.feed, len(LayerList(client.elements).rows)
                wanted = before + 2 if change is LayerList.add else before - 1
                edit = asyncio.create_task(change(LayerList(client.elements))(client))
                await asyncio.sleep(moment)  # the tick is to come while the area is being drawn, at some moment of it
                await client.run(feed.fragment, timer=True)
                await edit
                await client.until(lambda one, wanted=wanted: len(LayerList(one.elements).rows) == wanted, 5.0)
                rows.append((len(LayerList(client.elements).rows), wanted))
        return rows

    assert all(shown == wanted for shown, wanted in asyncio.run(scenario()))


def test_a_mixed_class_without_images_is_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    (row,) = classroom.rows(Options(sessions=(3,), mixed=True))
    assert row["sessions"] == 3
    assert row["skipped"].startswith("Fashion-MNIST is not in")
    assert str(tmp_path) in row["skipped"]


def test_one_person_changes_one_thing_after_the_other(short: None, one_server: None) -> None:
    rows = {row["change"]: row for row in editing.rows(Options(actions=1))}
    assert set(rows) == {*editing.CHANGES, editing.LEAVE, editing.RETURN} - {editing.SPARE}
    assert {row["count"] for row in rows.values()} == {1}
    assert all(row["answer_p50"] > 0 for row in rows.values())
    assert all(row["first_point_p50"] > 0 for name, row in rows.items() if name != editing.LEAVE)


def test_growth_and_the_start_see_a_real_run(monkeypatch: pytest.MonkeyPatch, one_server: None) -> None:
    monkeypatch.setattr(startup, "READING_SECONDS", 0.1)
    monkeypatch.setattr(growth, "TICKS", 2)
    rows = list(growth.rows(Options(steps=(2000, 1000))))
    assert [row["steps"] for row in rows] == [1000, 2000]
    assert rows[0]["tick_kb_ratio"] == 1
    assert rows[1]["tick_kb"] > 1
    starts = {row["start"]: row for row in startup.rows(Options(rounds=1))}
    assert set(starts) == {"cold", "warm"}
    assert all(row["page_s"] > 0 and row["train_to_first_point_s"] > 0 for row in starts.values())
    assert starts["cold"]["train_after_reading_s"] > 0


@pytest.mark.usefixtures("fake_workers")
def test_a_page_is_compared_with_the_engine_alone(monkeypatch: pytest.MonkeyPatch, one_server: None) -> None:
    monkeypatch.setattr(page, "TAB_SECONDS", 0.05)
    rows = list(page.rows(Options(rounds=1, seconds=0.4, every_view=True)))
    assert tuple(row["screen"] for row in rows) == page.SCREENS
    for row in rows:
        assert row["page_steps_per_second"] > 0
        assert row["updates_per_second"] > 0


def test_a_playground_is_measured_beside_a_sweep(
    monkeypatch: pytest.MonkeyPatch, short: None, one_server: None
) -> None:
    monkeypatch.setattr(beside, "LONE_PRESS_SECONDS", 0.3)
    [row] = beside.rows(Options(rounds=1, seconds=1.0))
    assert row["of_speed_alone"] > 0
    assert min(row["beside_press_p95"], row["beside_tick_p95"]) > 0


@pytest.mark.browser
def test_a_real_browser_is_measured(monkeypatch: pytest.MonkeyPatch, one_server: None) -> None:
    chromium_path()  # without a browser the test is skipped, but not where one is promised
    monkeypatch.setattr(real_browser, "PATIENCE_MS", LIMIT_MS)
    rows = {row["what"]: row for row in real_browser.rows(Options(actions=1, seconds=0.5, only=("train", "edits")))}
    measured = [real_browser.TRAIN, real_browser.PAUSE, *itertools.chain(*real_browser.EDITS.values())]
    assert {one.what for one in (*measured, real_browser.SHIFT, real_browser.BOUNDARY)} == set(rows)
    for one in measured:
        assert rows[one.what]["count"] == 1
        assert rows[one.what]["median"] > 0
        assert rows[one.what]["met"] == (None if one.limit is None else rows[one.what]["median"] <= one.limit)
    assert real_browser.table(list(rows.values())).count("\n") == len(rows) + 1


def test_without_a_browser_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def absent() -> Iterator[None]:
        raise NoBrowserError("no chromium")
        yield

    monkeypatch.setattr(real_browser, "chromium", absent)
    (row,) = real_browser.rows(Options())
    assert row["skipped"] == "no chromium"
    assert "no chromium" in real_browser.table([row])


def test_a_tour_goes_from_every_page_to_every_other_once() -> None:
    way = real_browser.tour(5)
    assert way[0] == way[-1] == 0
    assert sorted(itertools.pairwise(way)) == sorted(itertools.permutations(range(5), 2))


def test_a_limit_is_met_by_the_median() -> None:
    most, least = real_browser.Measure("a", "ms", 100), real_browser.Measure("b", "1/s", 10, least=True)
    assert most.row([90, 100, 500]) == {
        "what": "a", "unit": "ms", "limit": "≤ 100", "median": 100, "p95": 500, "count": 3, "met": True,
    }  # fmt: skip
    assert most.row([101.0, None])["met"] is False
    assert (least.row([12, 9, 11])["met"], least.row([9])["met"], least.row([])["met"]) == (True, False, None)
    assert real_browser.Measure("c", "ms").row([1.0])["met"] is None


def test_history_is_counted_with_its_arrays() -> None:
    array = np.zeros(1000)
    assert 8000 < growth.size({"a": array, "b": array[:10]}) < 8000 + 1000
    small, large = growth.history_bytes((10_000, 200_000))
    assert large < 1.2 * small


@given(st.lists(POSITIVE, min_size=1), st.integers(0, 100))
def test_a_percentile_is_one_of_the_values(values: list[float], share: int) -> None:
    found = percentile(values, share)
    assert found in {significant(value) for value in values}
    assert sum(value <= found * 1.01 for value in values) >= share / 100 * len(values)


@given(POSITIVE, st.lists(POSITIVE, min_size=1))
def test_a_ratio_does_not_depend_on_how_slow_a_round_was(ratio: float, rounds: list[float]) -> None:
    found = ratio_of_pairs((ratio * slow, slow) for slow in rounds)
    assert found == pytest.approx(ratio, rel=0.01)


def test_nothing_measured_is_none() -> None:
    assert percentile([], 95) is None
    assert ratio_of_pairs([(1.0, 0.0)]) is None


def test_the_command_prints_the_machine_and_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(growth, "rows", lambda options: iter([{"steps": options.steps[0]}]))
    command.main(["growth", "--jsonl", "--steps", "7"])
    machine, row = map(json.loads, capsys.readouterr().out.splitlines())
    assert machine["cores"] >= 1
    assert machine["torch"]
    assert row == {"benchmark": "growth", "steps": 7}


@pytest.mark.parametrize("wrong", [["growht"], ["--rounds", "0"], ["--seconds", "-1"], ["--sessions", "1,x"]])
def test_a_wrong_option_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(wrong)
    assert wrong[-1] in capsys.readouterr().err


def test_every_benchmark_has_rows() -> None:
    for name in command.BENCHMARKS:
        assert callable(import_module(f"benchmarks.{name}").rows)


def test_the_large_table_has_the_columns_that_its_bytes_are_counted_for(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    table.write_table(path, 50)
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 50
    assert 4 * 50 * len(header.split(",")) == table.number_bytes(50)
    assert {line.rsplit(",", 1)[1] for line in lines} == {"yes", "no"}


def test_the_machine_is_named(tmp_path: Path) -> None:
    information = tmp_path / "cpuinfo"
    information.write_text("processor: 0\nmodel name\t: Abacus 3000\n", encoding="utf-8")
    assert processor(information) == "Abacus 3000"
    assert versions(["torch", "no-such-package"])["no-such-package"] == "absent"
