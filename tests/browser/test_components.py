"""The components in a browser: what no server-side test can see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlp_core import figures
from tests.browser.chromium import LIMIT_MS, serve, wait_idle
from tests.test_figures import EACH

pytestmark = pytest.mark.browser

DEMO = Path(__file__).with_name("component_demo.py")
CHARTS = 11
BUDGET = 50_000
"""bytes of one live tick, all components together"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(DEMO) as url:
        yield url


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    opened = chromium.new_page(viewport={"width": 1440, "height": 1600})
    opened.set_default_timeout(LIMIT_MS)
    yield opened
    opened.close()


def open_demo(page: Any, url: str) -> None:
    page.goto(url)
    page.wait_for_function(f"document.querySelectorAll('.mlp-plot[data-drawn]').length === {CHARTS}")


def wait_for_updates(page: Any, key: str, count: int) -> None:
    """Waits until the chart has been redrawn `count` times from now on."""
    page.wait_for_function(
        """([selector, count]) => {
            const frame = document.querySelector(selector)
            frame.until ??= Number(frame.dataset.drawn) + count
            if (Number(frame.dataset.drawn) < frame.until) return false
            delete frame.until
            return true
        }""",
        arg=[f".st-key-{key} .mlp-plot", count],
    )


def take_over(page: Any, key: str) -> None:
    """Points at a chart, so that Plotly draws it."""
    page.locator(f".st-key-{key} .mlp-plot").hover()
    page.wait_for_selector(f".st-key-{key} .js-plotly-plot")


def graph(page: Any, key: str, expression: str) -> Any:
    """The value of a JavaScript expression in which `gd` is the graph."""
    return page.evaluate(
        f"(key) => {{ const gd = document.querySelector(`.st-key-${{key}} .js-plotly-plot`); return {expression} }}",
        key,
    )


def drag_over_the_plot(page: Any, key: str) -> None:
    """Zooms with the mouse, as a person does."""
    take_over(page, key)
    box = page.locator(f".st-key-{key} .nsewdrag").first.bounding_box()
    x, y, width, height = box["x"], box["y"], box["width"], box["height"]
    page.mouse.move(x + 0.3 * width, y + 0.3 * height)
    page.mouse.down()
    page.mouse.move(x + 0.5 * width, y + 0.5 * height, steps=4)
    page.mouse.move(x + 0.7 * width, y + 0.7 * height, steps=4)
    page.mouse.up()


def test_the_canvas_draws_as_plotly_does(page: Any, address: str) -> None:
    """Ranges, ticks and their words, and where everything is, against Plotly's own, on figures of every kind."""
    open_demo(page, address + "/?run=0")
    compare = (Path(__file__).parent / "quick_chart.js").read_text()
    drawn = set()
    for name, figure in {**{name: make("light") for name, make in EACH.items()}, **spans()}.items():
        found = page.evaluate(compare, [figure, 420, 300])
        if found is None:
            continue
        drawn.add(name)
        plotly, quick = found["plotly"], found["quick"]
        assert not quick["empty"], name
        near = 4.0 if name == "confusion" else 1.6  # long names, turned: pixels
        assert quick["area"] == pytest.approx(plotly["area"], abs=near), name
        assert quick["axes"].keys() == plotly["axes"].keys(), name
        for axis, truth in plotly["axes"].items():
            ours, where = quick["axes"][axis], f"{name}, {axis}"
            low, high = truth["range"]
            assert ours["range"] == pytest.approx(truth["range"], abs=0.003 * abs(high - low)), where
            assert ours["ends"] == pytest.approx(truth["ends"], abs=near), where
            ticks, true_ticks = sorted(ours["ticks"]), sorted(truth["ticks"])
            assert [text for _, text in ticks] == [text for _, text in true_ticks], where
            assert [at for at, _ in ticks] == pytest.approx([at for at, _ in true_ticks], abs=near), where
    assert drawn >= {"loss", "accuracy", "learning rate", "boundary", "surface", "confusion", "histograms", "empty"}
    assert drawn >= spans().keys()


def spans() -> dict[str, figures.Figure]:
    """Curves over spans of many sizes: what the ticks are, and how they are written."""
    found = {}
    for log_y, ends in (
        (False, [(0, 0.0007), (-3e-9, 1e-9), (0.2, 0.9), (3, 8), (-40, 75), (0, 990), (9_000, 61_000), (-2e6, 3e7)]),
        (True, [(1e-7, 3.0), (0.02, 0.5), (0.3, 0.4), (1, 90), (5_000, 2e8)]),
    ):
        for low, high in ends:
            curve = figures.Curve.of([0, high * 10, high * 20], [low, high, high])
            figure = figures.learning_rate_curve(curve, steps_per_epoch=10, log_y=log_y)
            if not log_y:
                del figure["layout"]["yaxis"]["rangemode"]
            found[f"{low} to {high}{', log' if log_y else ''}"] = figure
    return found


def test_zoom_legend_and_element_survive_updates(page: Any, address: str) -> None:
    open_demo(page, address)
    take_over(page, "loss")
    page.evaluate("document.querySelector('.st-key-loss .js-plotly-plot').mark = 'same element'")
    before = graph(page, "loss", "gd.layout.xaxis.range")

    drag_over_the_plot(page, "loss")
    page.wait_for_function(
        "before => document.querySelector('.st-key-loss .js-plotly-plot').layout.xaxis.range[0] > before + 1",
        arg=before[0],
    )
    zoomed = graph(page, "loss", "[...gd.layout.xaxis.range, ...gd.layout.yaxis.range]")
    page.locator(".st-key-loss .legendtoggle").last.click()
    hidden = "gd._fullData.filter(trace => trace.visible === 'legendonly').map(trace => trace.name)"
    page.wait_for_function(
        "document.querySelector('.st-key-loss .js-plotly-plot')._fullData.at(-1).visible === 'legendonly'"
    )
    points = graph(page, "loss", "gd._fullData[0].y.length")

    page.mouse.move(5, 5)  # whoever has changed a chart finds it so
    wait_for_updates(page, "loss", 6)

    assert graph(page, "loss", "[...gd.layout.xaxis.range, ...gd.layout.yaxis.range]") == zoomed
    assert graph(page, "loss", hidden) == ["test"]
    assert graph(page, "loss", "gd.mark") == "same element"
    assert graph(page, "loss", "gd._fullData[0].y.length") != points, "the data did not change"
    assert page.locator(".st-key-loss .js-plotly-plot").count() == 1


def test_another_uirevision_resets_the_view(page: Any, address: str) -> None:
    open_demo(page, address)
    drag_over_the_plot(page, "loss")
    loss = "document.querySelector('.st-key-loss .js-plotly-plot')"
    page.wait_for_function(f"{loss}.layout.xaxis.range[0] > 1")
    wait_for_updates(page, "loss", 1)
    assert graph(page, "loss", "gd.layout.xaxis.range[0]") > 1
    page.get_by_role("button", name="Reset view").click()
    page.wait_for_selector(".st-key-loss .js-plotly-plot", state="detached")
    assert page.locator(".st-key-loss canvas").is_visible()


def test_the_keyboard_comes_to_the_tools_of_a_chart_and_leaves_them(page: Any, address: str) -> None:
    open_demo(page, address)
    page.locator(".st-key-accuracy").get_by_role("button", name="Chart tools").focus()
    page.wait_for_function("document.activeElement.matches('.st-key-accuracy .modebar-btn')")
    page.get_by_role("button", name="Reset view").focus()
    page.wait_for_selector(".st-key-accuracy .js-plotly-plot", state="detached")


def test_a_finger_switches_a_line_off(chromium: Any, address: str) -> None:
    phone = chromium.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.set_default_timeout(LIMIT_MS)
    phone.goto(address)
    phone.wait_for_selector(".st-key-loss .mlp-plot[data-drawn]")
    box = phone.locator(".st-key-loss .mlp-plot").bounding_box()
    phone.touchscreen.tap(box["x"] + 70, box["y"] + 26)  # the first entry of the legend
    phone.wait_for_function(
        "document.querySelector('.st-key-loss .js-plotly-plot')?._fullData.some(one => one.visible === 'legendonly')"
    )
    phone.close()


def test_a_tick_stays_within_its_budget(page: Any, address: str) -> None:
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    ticks: list[int] = []
    current = [0]

    def received(payload: bytes | str) -> None:
        raw = payload if isinstance(payload, bytes) else payload.encode()
        current[0] += len(raw)
        if ForwardMsg.FromString(raw).WhichOneof("type") == "script_finished":
            ticks.append(current[0])
            current[0] = 0

    page.on("websocket", lambda socket: socket.on("framereceived", received))
    open_demo(page, address)
    wait_for_updates(page, "loss", 6)
    # The first run sends the whole page, with the images; each later one is a tick.
    assert len(ticks) > 4
    assert max(ticks[1:]) < BUDGET, ticks
    assert min(ticks[1:]) > 1000, "no tick was seen"


def test_nothing_is_loaded_twice_and_modules_have_their_type(page: Any, address: str) -> None:
    answers: dict[str, list[str]] = {}

    def note(response: Any) -> None:
        if "/app/static/" in response.url:
            name = response.url.split("/app/static/")[1]
            answers.setdefault(name, []).append(response.headers["content-type"])

    page.on("response", note)
    open_demo(page, address)
    wait_for_updates(page, "loss", 2)
    names = {name.split("?")[0] for name in answers}
    assert names >= {"quick_chart.js", "live_plot.js", "state_strip.js"}
    assert "plotly.min.js" not in names, "half of a first visit, for what nobody has asked for"
    take_over(page, "accuracy")
    take_over(page, "loss")
    assert all(len(types) == 1 for types in answers.values()), answers
    scripts = [types[0] for name, types in answers.items() if ".js" in name]
    assert all(kind.split(";")[0] in {"text/javascript", "application/javascript"} for kind in scripts)


def test_charts_follow_a_change_of_theme(page: Any, address: str) -> None:
    page.emulate_media(color_scheme="light")
    open_demo(page, address + "/?run=0")
    found = """([key, colour]) => {
        const canvas = document.querySelector(`.st-key-${key} canvas`)
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
        return data.some((_, at) => at % 4 === 0 && colour.every((part, place) => data[at + place] === part))
    }"""
    light, dark = [15, 118, 110, 255], [45, 212, 191, 255]
    assert page.evaluate(found, ["accuracy", light])
    take_over(page, "loss")
    text = graph(page, "loss", "gd._fullLayout.font.color")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(found, arg=["accuracy", dark])
    page.wait_for_function(
        "text => document.querySelector('.st-key-loss .js-plotly-plot')._fullLayout.font.color !== text", arg=text
    )


def test_names_from_data_are_text(page: Any, address: str) -> None:
    open_demo(page, address + "/?run=0")
    take_over(page, "classes")
    shown = page.locator(".st-key-classes .legendtext").all_text_contents()
    assert shown[:3] == ["<b>cat</b>", "dog & fox", "a{x}$y$"]
    assert page.locator(".st-key-classes .legendtext b, .st-key-classes .legendtext a").count() == 0
    assert page.locator(".st-key-grid b").count() == 0
    assert "<b>cat</b>" in page.locator(".st-key-grid .name").all_inner_texts()


def test_descriptions_and_the_strip(page: Any, address: str) -> None:
    open_demo(page, address + "/?run=0")
    assert page.get_by_role("img", name="Loss over training", exact=False).count() == 1
    assert page.get_by_role("img", name="Image 1: predicted", exact=False).count() == 1
    strip = page.locator(".st-key-strip .strip")
    assert strip.get_attribute("aria-live") is None, "what is worth saying is said elsewhere"
    assert strip.locator(".value").all_inner_texts()[4] == "331,000"
    cell = strip.locator(".explained").first
    cell.focus()
    tip = page.locator(".st-key-strip [role=tooltip]")
    tip.wait_for(state="visible")
    assert tip.inner_text() == "Passes over the data."
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")


def test_images_are_drawn_once_and_stay(page: Any, address: str) -> None:
    open_demo(page, address)
    drawn = """() => {
        const canvases = document.querySelector('.st-key-grid [data-testid=stBidiComponentIsolated], .st-key-grid')
        const roots = [...canvases.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean)
        const canvas = (roots[0] ?? canvases).querySelector('canvas')
        const pixels = canvas?.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
        return pixels?.some((value, index) => index % 4 < 3 && value > 0)
    }"""
    page.wait_for_function(drawn)
    wait_for_updates(page, "loss", 2)
    assert page.evaluate(drawn)


def test_a_part_keeps_the_newest_of_what_it_was_mounted_with_and_what_the_feed_brought(page: Any, address: str) -> None:
    open_demo(page, address)
    shown = page.evaluate(
        """async () => {
            const { deliver, receive } = await import(new URL("app/static/shared.js", location.href))
            const shown = []
            const show = data => shown.push(data.name)
            deliver({ late: { version: 2, name: "before it was there" } })
            receive({ slot: "late", version: 1, name: "older" }, show)
            deliver({ late: { version: 2, name: "same" } })
            deliver({ late: { version: 1, name: "overtaken" } })
            receive({ slot: "late", version: 1, name: "mounted again, overtaken" }, show)
            receive({ slot: "late", version: 3, name: "mounted again" }, show)()
            deliver({ late: { version: 4, name: "to nobody" } })
            return shown
        }"""
    )
    assert shown == ["before it was there", "same", "same", "mounted again"]


def test_a_missing_library_is_said_where_it_is_needed(page: Any, address: str) -> None:
    page.route("**/plotly.min.js*", lambda route: route.abort())
    open_demo(page, address)
    with page.expect_request("**/plotly.min.js*"):
        page.locator(".st-key-loss .mlp-plot").hover()
    wait_for_updates(page, "loss", 3)
    assert page.locator(".mlp-plot-problem").count() == 0, "it moves on without"
    page.evaluate(
        """async () => {
            const { default: render } = await import(new URL("app/static/live_plot.js", location.href))
            const parentElement = document.createElement("div")
            parentElement.style.cssText = "position: fixed; inset: 0 auto auto 0; width: 300px"
            document.body.append(parentElement)
            const figure = { data: [{ type: "pie", values: [1, 2] }], layout: {} }
            const data = { slot: "pie", version: 1, figure, alt: "A pie.", height: 200 }
            render({ parentElement, data, setTriggerValue: () => {} })
        }"""
    )
    problem = page.locator(".mlp-plot-problem")
    problem.wait_for()
    assert "did not load" in problem.inner_text()


def test_charts_fit_a_phone(page: Any, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address + "/?run=0")
    page.wait_for_selector(".st-key-loss .mlp-plot[data-drawn]")
    wait_idle(page)
    below = "document.querySelector('.st-key-parity .mlp-plot')"
    drawn_before = page.evaluate(f"{below}.dataset.drawn")  # while the page was put together it may have been in sight
    page.set_viewport_size({"width": 360, "height": 800})
    fits = "f => f.dataset.drawn && f.clientWidth < 360 && f.querySelector('canvas').clientWidth === f.clientWidth"
    in_sight = "[...document.querySelectorAll('.mlp-plot')].filter(f => f.getBoundingClientRect().top < innerHeight)"
    page.wait_for_function(f"{in_sight}.length && {in_sight}.every({fits})")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # What is far below is drawn when it comes near, and not before.
    assert page.evaluate(f"{below}.dataset.drawn") == drawn_before
    page.locator(".st-key-parity .mlp-plot").scroll_into_view_if_needed()
    page.wait_for_function(f"[{below}].every({fits})")


def test_base_path(page: Any) -> None:
    with serve(DEMO, "--server.baseUrlPath", "teach/mlp") as url:
        open_demo(page, url + "/teach/mlp/?run=0")
        wait_idle(page)


def test_a_table_sorts_shows_names_as_text_and_tells_which_row_is_pressed(page: Any, address: str) -> None:
    page.goto(address + "?run=0")
    table = page.locator(".st-key-table")
    table.locator("tbody th").first.wait_for()
    names = lambda: table.locator("tbody th .value").all_text_contents()  # noqa: E731
    assert names()[0] == "<b>cat</b>"
    table.get_by_role("button", name="recall").click()
    assert [name[:3] for name in names()] == ["sna", "<b>", "a{x", "dog"], "highest first, undefined last"
    table.get_by_role("button", name="recall").press("Enter")
    assert [name[:3] for name in names()] == ["a{x", "<b>", "sna", "dog"]
    assert table.locator("th[aria-sort=ascending]").count() == 1
    assert table.locator("tfoot th").text_content() == "mean"
    table.locator("tbody tr").nth(0).click()
    page.get_by_text("pressed: a", exact=True).wait_for()


def test_a_square_is_drawn_on_by_keyboard_and_by_pointer(page: Any, address: str) -> None:
    page.goto(address + "?run=0")
    canvas = page.locator(".st-key-sketch canvas")
    canvas.scroll_into_view_if_needed()
    canvas.focus()
    for key in ("ArrowLeft", " ", "ArrowUp", "ArrowUp", " "):
        page.keyboard.press(key)
    page.get_by_text("strokes: 1, first point: [0.4643, 0.5]").wait_for()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60, steps=4)
    page.mouse.up()
    page.get_by_text("strokes: 2").wait_for()
    page.locator(".st-key-sketch").get_by_role("button", name="Undo").click()
    page.get_by_text("strokes: 1, ").wait_for()
