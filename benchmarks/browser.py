"""What somebody with a real browser waits for: from a press to what is seen, other pages, the first page, drawing.

Chromium runs on the machine of the server. Moments are taken inside the page (`browser.js`), at the animation frame
that shows what was waited for; from an event's own time stamp, or from the beginning of the page's load.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cases import PAGE
from benchmarks.chromium import NoBrowserError, chromium
from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile, ratio_of_pairs, significant
from benchmarks.worker import Worker, worker
from mlp_core.link import url
from mlp_core.presets import DEFAULT, PRESETS, mlp

SCRIPT = Path(__file__).with_suffix(".js")
TIMES = 10
"""How often each thing is done."""
SERVERS = 3
"""Fresh servers, and turns of the page and the engine alone."""
SECONDS = 4.0
"""How long drawing is watched, and one turn of training."""
WINDOW = {"width": 1440, "height": 900}
"""Network, output, curve and figures are on this screen at once, and charts of a tab begin below."""
PATIENCE_MS = 60_000
STARTED_SECONDS = 10.0
"""How long a server has had to load what it needs, before it counts as started."""
QUIET_MS = 1500
"""After the first page is there: what it still loads counts as its own."""
WIDE = (16,) * 8
"""The hidden layers of the network whose diagram is weighed."""
SETTLED_STEPS = 1000
"""A run that an edit ends must have gone so far, that the first point of the next one be told from it."""
ACTIVATIONS = ("ReLU", "Tanh")
RATES = ("0.02", "0.05")
SETS = ("Circle", "Spiral")
TABS = {
    "Confusion matrix": "confusion",
    "Weights": "weights",
    "Gradients": "gradients",
    "Curves": "curves-loss",
    "Overview": "overview-confusion",
}
"""Each tab with the key of a chart in it."""
PAGES = {
    "Playground": ".st-key-main_action",
    "Data": ".st-key-set-cards",
    "Evaluate": ".st-key-evaluate-confusion",
    "Inspect": ".st-key-inspect_tab",
    "One step": ".st-key-one_step_tab",
    "Landscape": ".st-key-landscape-compute",
    "Activations": ".st-key-activations_tab",
    "Runs": ".st-key-runs-controls",
    "Glossary": ".st-key-glossary",
    "Export": ".st-key-export_tab",
}
"""The main pages, each with an element of its own."""
MB, KB = 1e6, 1e3


@dataclass(frozen=True)
class Measure:
    """Something that is measured, and what it should be."""

    what: str
    """Its name."""
    unit: str
    """Of limit and figures."""
    limit: float | None = None
    """The highest median that is good enough; None where nothing was asked for."""
    least: bool = False
    """Whether the limit is the lowest instead."""

    def row(self, values: Iterable[float | None]) -> Row:
        """Its figures, of the values that are known; the median counts."""
        known = [value for value in values if value is not None]
        middle = significant(median(known)) if known else None
        met = None if self.limit is None or middle is None else self.holds(middle)
        found = {"median": middle, "p95": percentile(known, 5 if self.least else 95), "count": len(known)}
        bound = None if self.limit is None else f"{'≥' if self.least else '≤'} {self.limit:g}"
        return {"what": self.what, "unit": self.unit, "limit": bound, **found, "met": met}

    def holds(self, value: float) -> bool:
        """Whether a figure is within the limit."""
        assert self.limit is not None, "nothing was asked for"
        return value >= self.limit if self.least else value <= self.limit


TRAIN = Measure("Train pressed, Pause shown", "ms", 100)
PAUSE = Measure("Pause pressed, Train shown", "ms", 100)
SHIFT = Measure("layout shift while it trains", "", 0)
ACTIVATION = Measure("activation on the diagram, changed there", "ms", 100)
ACTIVATION_POINT = Measure("activation on the diagram, first point", "ms", 250)
WIDTH = Measure("width on the diagram, changed there", "ms", 100)
WIDTH_POINT = Measure("width on the diagram, first point", "ms", 250)
RATE = Measure("learning rate while it trains, shown", "ms")
SET = Measure("data set, its page shown", "ms")
SET_POINT = Measure("data set, first point", "ms")
TAB = Measure("tab while it trains, its chart drawn", "ms", 150)
ANOTHER = Measure("another page, every pair", "ms", 400)
AT_ONCE = Measure("first page of a server that has just begun, Train can be pressed", "ms")
AT_ONCE_DRAWN = Measure("first page of a server that has just begun, charts drawn", "ms")
FIRST = Measure("first page of a started server, Train can be pressed", "ms", 1500)
FIRST_DRAWN = Measure("first page of a started server, charts drawn", "ms")
FIRST_BYTES = Measure("first page, transferred", "MB", 1.5)
SECOND = Measure("second visit, Train can be pressed", "ms")
SECOND_DRAWN = Measure("second visit, charts drawn", "ms")
SECOND_BYTES = Measure("second visit, transferred", "kB", 50)
MESSAGES = Measure("messages of a visit over the websocket", "kB")
UPDATE_BYTES = Measure("diagram of 8 layers of 16, an update", "kB", 30)
DRAWING = Measure("diagram of 8 layers of 16, drawing", "ms", 8)
UPDATES = Measure("diagram of 8 layers of 16, drawn", "1/s", 10, least=True)
BOUNDARY = Measure("boundary while it trains, drawn", "1/s", 10, least=True)
EDITS = {
    "activation": (ACTIVATION, ACTIVATION_POINT),
    "width": (WIDTH, WIDTH_POINT),
    "rate": (RATE,),
    "set": (SET, SET_POINT),
}
"""What is measured of each kind of edit."""
SHARE = Measure("training with everything on screen, of the engine alone", "", 0.9, least=True)


def rows(options: Options) -> Iterator[Row]:
    """One row per measure; where there is no browser, a single one that says so."""
    times = min(options.actions, TIMES)
    parts = {
        "first page": lambda browser: first_pages(browser, min(options.rounds, SERVERS)),
        "train": lambda browser: presses(browser, times, options.seconds or SECONDS),
        "edits": lambda browser: edits(browser, times),
        "tabs": lambda browser: tabs(browser, times),
        "pages": lambda browser: pages(browser, times),
        "diagram": lambda browser: diagram(browser, options.seconds or SECONDS),
        "speed": lambda browser: speed(browser, min(options.rounds, SERVERS), options.seconds or SECONDS),
    }
    try:
        with chromium() as browser:
            for name, part in parts.items():
                if options.wants(name):
                    yield from part(browser)
    except NoBrowserError as error:
        yield {"what": "everything", "skipped": str(error)}


# The pages that are measured


def opened(browser: Any, running: Server, query: str = f"?preset={DEFAULT}") -> Any:
    """A page of a browser of its own, at once; `measure` what it does."""
    context = browser.new_context(viewport=WINDOW)
    context.add_init_script(path=SCRIPT)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"http://127.0.0.1:{running.port}/{query}", wait_until="commit")
    return page


@contextmanager
def playground(browser: Any, query: str = f"?preset={DEFAULT}") -> Iterator[Any]:
    """The Playground on a server of its own, ready to train, with all charts drawn."""
    with server() as running:
        page = opened(browser, running, query)
        page.wait_for_function(" && ".join(READY + DRAWN))
        page.get_by_text("ready", exact=True).wait_for()
        yield page
        page.context.close()


READY = ["bench.find('.st-key-train button:enabled')", "bench.inside('network-picture', '.mlp-network-tile')"]
DRAWN = ["bench.drawn('output')", "bench.drawn('curve')"]


def measured(page: Any, kind: str, conditions: Sequence[str], act: Callable[[], None]) -> list[float | None]:
    """Milliseconds from the first event of this kind, which `act` causes, until each condition holds; None for one that
    does not come to hold."""
    page.evaluate("([kind, conditions]) => bench.arm(kind, conditions)", [kind, list(conditions)])
    act()
    return list(page.evaluate("bench.moments"))


def trained(page: Any, steps: int = SETTLED_STEPS) -> None:
    """Have the run go on, and wait until it has gone so far."""
    if page.locator(".st-key-train button").count():
        page.locator(".st-key-train button").first.click()
    page.wait_for_function(f"bench.steps() > {steps}")


# What is measured


def first_pages(browser: Any, times: int) -> Iterator[Row]:
    """Fresh servers: one whose browser comes as soon as it answers, one whose browser comes later, and then again."""
    found: dict[Measure, list[float | None]] = {
        one: []
        for one in (
            AT_ONCE, AT_ONCE_DRAWN, FIRST, FIRST_DRAWN, FIRST_BYTES, SECOND, SECOND_DRAWN, SECOND_BYTES, MESSAGES
        )
    }  # fmt: skip
    for _ in range(times):
        with server() as running:
            context = browser.new_context(viewport=WINDOW)
            context.add_init_script(path=SCRIPT)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"http://127.0.0.1:{running.port}/?preset={DEFAULT}", wait_until="commit")
            moments = page.evaluate("conditions => bench.since(0, conditions)", [READY[0], " && ".join(DRAWN)])
            for one, value in zip((AT_ONCE, AT_ONCE_DRAWN), moments, strict=True):
                found[one].append(value)
            context.close()
        with server() as running:
            time.sleep(STARTED_SECONDS)
            context = browser.new_context(viewport=WINDOW)
            context.add_init_script(path=SCRIPT)
            address = f"http://127.0.0.1:{running.port}/?preset={DEFAULT}"
            for ready, drawn, size, scale in (
                (FIRST, FIRST_DRAWN, FIRST_BYTES, MB),
                (SECOND, SECOND_DRAWN, SECOND_BYTES, KB),
            ):
                page = context.new_page()
                page.set_default_timeout(PATIENCE_MS)
                loaded, messages = Loaded(page), size is SECOND_BYTES
                page.goto(address, wait_until="commit")
                moments = page.evaluate("conditions => bench.since(0, conditions)", [READY[0], " && ".join(DRAWN)])
                page.wait_for_timeout(QUIET_MS)
                for one, value in zip((ready, drawn, size), (*moments, loaded.bytes / scale), strict=True):
                    found[one].append(value)
                if messages:
                    found[MESSAGES].append(loaded.messages / KB)
                page.close()
            context.close()
    yield from (one.row(values) for one, values in found.items())


class Loaded:
    """Bytes that come to a page from now on, headers included, as they are packed."""

    def __init__(self, page: Any) -> None:
        self.bytes = self.messages = 0.0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._add)
        session.on("Network.webSocketFrameReceived", self._add_message)

    def _add(self, event: dict[str, Any]) -> None:
        self.bytes += event["encodedDataLength"]

    def _add_message(self, event: dict[str, Any]) -> None:
        self.messages += 3 / 4 * len(event["response"]["payloadData"])  # base64


def presses(browser: Any, times: int, seconds: float) -> Iterator[Row]:
    """Train and Pause; then what moves while it trains."""
    with playground(browser) as page:
        train: list[float | None] = []
        pause: list[float | None] = []
        for _ in range(times):
            press = page.locator(".st-key-train button").first
            train += measured(page, "click", ["bench.find('.st-key-pause button')"], press.click)
            page.wait_for_function("bench.steps() > 0")
            press = page.locator(".st-key-pause button").first
            pause += measured(page, "click", ["bench.find('.st-key-train button')"], press.click)
            page.get_by_text("ready", exact=True).wait_for()
        yield TRAIN.row(train)
        yield PAUSE.row(pause)
        trained(page)
        page.evaluate("bench.shifts = 0")
        watched = page.evaluate("time => bench.watch(time, ['output'])", 1000 * seconds)
        yield SHIFT.row([round(page.evaluate("bench.shifts"), 3)])  # a digit more in a figure is 0.00001
        yield BOUNDARY.row(watched["rates"])


def edits(browser: Any, times: int) -> Iterator[Row]:
    """Changes of the experiment while it trains, each once in every round."""
    found: dict[str, list[list[float | None]]] = {name: [] for name in EDITS}
    with playground(browser) as page:
        for turn in range(times):
            other = turn % 2
            trained(page)
            page.locator("[data-key='title 1']").click()
            kind = page.locator(".mlp-network-tip select").nth(1)
            changed = _changed(page, "bench.title(1)")
            found["activation"].append(
                measured(page, "input", changed, lambda kind=kind, name=ACTIVATIONS[other]: kind.select_option(name))
            )
            page.keyboard.press("Escape")
            trained(page)
            button = page.locator(f"[data-key='{'fewer' if other else 'more'} 1']")
            found["width"].append(measured(page, "click", _changed(page, "bench.title(1)"), button.click))
            trained(page)
            field = page.locator("[class*='st-key-lr--'] input").first
            field.fill(RATES[other])
            shown = [f"bench.text('strip', 'dl').includes('rate {RATES[other]}')"]
            found["rate"].append(measured(page, "keydown", shown, lambda field=field: field.press("Enter")))
            trained(page)
            field = page.locator("[class*='st-key-dataset--'] input").first
            field.click()
            page.get_by_role("option").first.wait_for()
            page.keyboard.type(SETS[other])
            said = "document.querySelector('.st-key-data [data-testid=stCaptionContainer]').textContent"
            found["set"].append(
                measured(page, "keydown", _changed(page, said), lambda field=field: field.press("Enter"))
            )
    for name, measures in EDITS.items():
        for one, values in zip(measures, zip(*found[name], strict=True), strict=True):
            yield one.row(values)


def _changed(page: Any, expression: str) -> list[str]:
    """The conditions that an expression is another than now, and that a point of another run is there."""
    before, steps = page.evaluate(f"[{expression}, bench.steps()]")
    return [f"{expression} !== {before!r}", f"bench.steps() > 0 && bench.steps() < {steps}"]


def tabs(browser: Any, times: int) -> Iterator[Row]:
    """The tabs below, in turns, while it trains."""
    found: list[float | None] = []
    with playground(browser) as page:
        trained(page)
        page.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, main.scrollHeight)")
        page.wait_for_function(f"bench.drawn('{TABS['Overview']}')")
        for name, key in (list(TABS.items()) * times)[:times]:
            tab = page.get_by_role("tab", name=name, exact=True)
            found += measured(page, "click", [f"bench.find('.st-key-{key} .mlp-plot[data-drawn]')"], tab.click)
            page.wait_for_function("bench.rests()")
    yield TAB.row(found)


def pages(browser: Any, times: int) -> Iterator[Row]:
    """Every main page from every other one."""
    found: dict[str, list[float | None]] = {name: [] for name in PAGES}
    with playground(browser) as page:
        way = tour(len(PAGES))
        for number in way[1 : 1 + times * len(PAGES)]:
            name = list(PAGES)[number]
            link = page.locator("[data-testid=stTopNavLink]").nth(number)
            there = [f"bench.find('{PAGES[name]}') && bench.rests()"]
            found[name] += measured(page, "click", there, link.click)
            page.wait_for_timeout(100)
    yield ANOTHER.row([value for values in found.values() for value in values])
    for name, values in found.items():
        if values:
            yield Measure(f"to {name}", "ms", ANOTHER.limit).row(values)


def tour(count: int) -> list[int]:
    """A way from 0 back to 0 that goes from every number below `count` to every other one, once."""
    left = {at: [other for other in range(count) if other != at] for at in range(count)}
    way, stack = [], [0]
    while stack:  # Hierholzer's way around all edges
        here = stack[-1]
        if left[here]:
            stack.append(left[here].pop())
        else:
            way.append(stack.pop())
    return way[::-1]


def diagram(browser: Any, seconds: float) -> Iterator[Row]:
    """The diagram of a large network while it trains."""
    experiment = PRESETS[DEFAULT].experiment.updated(layers=mlp(WIDE, "Tanh"))
    with playground(browser, url("", experiment, (), ())) as page:
        page.evaluate("bench.weigh('network-picture')")
        trained(page, 1)
        page.wait_for_function("bench.sizes.length > 3")
        watched = page.evaluate("time => bench.watch(time, ['network-picture'])", 1000 * seconds)
        yield UPDATE_BYTES.row([size / KB for size in page.evaluate("bench.sizes")])
        yield DRAWING.row(watched["times"])
        yield UPDATES.row(watched["rates"])


def speed(browser: Any, times: int, seconds: float) -> Iterator[Row]:
    """The page at full speed, with its first screen, in turns with the engine alone."""
    with worker("headless", PAGE) as headless, playground(browser) as page:
        headless.build()
        page.locator(".st-key-more button").first.click()
        field = page.locator("[class*='st-key-speed-'] input").first
        field.click()
        page.get_by_role("option", name="full speed", exact=True).click()
        page.keyboard.press("Escape")
        page.wait_for_function("bench.rests()")
        _turn(page, headless, seconds)
        pairs = [_turn(page, headless, seconds) for _ in range(times)]
        shares = [shown / alone for shown, alone in pairs]
        yield {**SHARE.row(shares), "median": ratio_of_pairs(pairs)}


def _turn(page: Any, headless: Worker, seconds: float) -> tuple[float, float]:
    """Steps per second of the page, and of the engine alone while the page is paused."""
    trained(page, 0)
    steps, began = page.evaluate("bench.steps()"), time.monotonic()
    page.wait_for_timeout(1000 * seconds)
    shown = (page.evaluate("bench.steps()") - steps) / (time.monotonic() - began)
    page.locator(".st-key-pause button").first.click()
    page.get_by_text("ready", exact=True).wait_for()
    done, spent = headless.train(seconds)
    return shown, done / spent


def table(found: Sequence[Row]) -> str:
    """The rows as a table."""
    lines = ["| what | limit | median | p95 | met |", "| --- | --- | --- | --- | --- |"]
    for row in found:
        if "skipped" in row:
            lines.append(f"| {row['what']} | | {row['skipped']} | | |")
            continue
        unit = f" {row['unit']}" if row["unit"] else ""
        met = {True: "yes", False: "no", None: ""}[row["met"]]
        limit = "" if row["limit"] is None else f"{row['limit']}{unit}"
        lines.append(f"| {row['what']} | {limit} | {row['median']}{unit} | {row['p95']}{unit} | {met} |")
    return "\n".join(lines)
