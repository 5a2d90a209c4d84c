"""The main job in a real browser: open, train, watch, zoom, change everything, go wrong and come back."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from mlp_core.processor.policy import cores
from tests.browser.chromium import LIMIT_MS, ROOT, serve, wait_idle

pytestmark = pytest.mark.browser

REOPEN_MS = 10_000
"""After so long a menu that was opened counts as closed again: a run of the page, asked for before, does that."""

STEPS = re.compile(r"^[1-9][\d,]* steps$")


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fashion-MNIST in its official format, of random pixels and few images."""
    folder = tmp_path_factory.mktemp("data")
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for part, size in (("train", 640), ("t10k", 100)):
        images = generator.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, size, 28, 28) + images.tobytes())
        labels = np.arange(size, dtype=np.uint8) % 10
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, size) + labels.tobytes())
    return folder


@pytest.fixture(scope="module")
def address(data_folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLP_DATA_DIR", str(data_folder))
        patch.setenv("MLP_LEASE_SECONDS", "1")
        with serve(ROOT / "app.py", "--server.disconnectedSessionTTL", "1") as url:
            yield url


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(LIMIT_MS)
    opened.goto(address)
    ready(opened)
    yield opened
    context.close()


def ready(page: Any) -> None:
    page.get_by_text("ready", exact=True).wait_for()
    wait_idle(page)


def press(page: Any, key: str) -> None:
    page.locator(f".st-key-{key} button").first.click()


def steps(page: Any) -> int:
    text = page.get_by_text(re.compile(r"^[\d,]+ steps$")).inner_text()
    return int(text.removesuffix(" steps").replace(",", ""))


def field_of(key: str) -> str:
    """The input of a part of the experiment; its key ends in the revision that it was drawn in."""
    return f"[class*='st-key-{key}--'] input"


def choose(page: Any, key: str, option: str) -> None:
    page.locator(f"[class*='st-key-{key}-'] input").first.click()
    page.get_by_role("option", name=option, exact=True).click()
    wait_idle(page)


def menu(page: Any, key: str, action: str) -> None:
    """Choose from a menu that changes the layers, and wait until they are drawn anew: then they have other keys."""
    api = pytest.importorskip("playwright.sync_api")
    place = page.locator(f"[class*='st-key-{key}--']").first
    before = re.search(rf"st-key-{key}--[\d-]+", place.get_attribute("class"))
    assert before is not None
    item = page.get_by_role("menuitem", name=action, exact=True)
    place.locator("button").first.click()
    try:
        item.click(timeout=REOPEN_MS)
    except api.TimeoutError:
        place.locator("button").first.click()
        item.click()
    page.locator(f".{before[0]}").wait_for(state="detached")
    wait_idle(page)


def show_list(page: Any) -> None:
    """Show the network as its list of layers."""
    page.locator(".st-key-network_form button", has_text="List").click()
    page.locator("[class*=st-key-layer-0-type]").wait_for()


def fill(page: Any, key: str, value: str) -> None:
    field = page.locator(field_of(key))
    field.fill(value)
    field.press("Enter")
    wait_idle(page)


def chart(page: Any, key: str, expression: str) -> Any:
    """The value of a JavaScript expression in which `figure` is what the chart shows, and `gd` Plotly's graph."""
    return page.evaluate(
        "([key, expression]) => { const { figure } = document.querySelector(`.st-key-${key} .mlp-plot`);"
        " const gd = document.querySelector(`.st-key-${key} .js-plotly-plot`); return eval(expression) }",
        [key, expression],
    )


def drawn_again(page: Any, key: str, times: int) -> None:
    """Wait until a chart was redrawn so many times from now on."""
    frame = f"document.querySelector('.st-key-{key} .mlp-plot')"
    before = page.evaluate(f"Number({frame}.dataset.drawn)")
    page.wait_for_function(f"Number({frame}.dataset.drawn) >= {before + times}")


def test_train_moves_curve_and_boundary_and_the_zoom_stays(page: Any) -> None:
    flat = chart(page, "output-view", "JSON.stringify(figure.data[0].z)")
    press(page, "train")
    page.get_by_text(STEPS).wait_for()
    drawn_again(page, "overview-loss", 2)
    page.wait_for_function(
        "flat => JSON.stringify(document.querySelector('.st-key-output-view .mlp-plot').figure.data[0].z) != flat",
        arg=flat,
    )
    page.locator(".st-key-overview-loss .mlp-plot").hover()  # Plotly takes over
    box = page.locator(".st-key-overview-loss .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    page.mouse.up()
    page.wait_for_function(
        "document.querySelector('.st-key-overview-loss .js-plotly-plot').layout.xaxis.autorange === false"
    )
    zoomed = chart(page, "overview-loss", "JSON.stringify(gd.layout.xaxis.range)")
    data = chart(page, "overview-loss", "JSON.stringify(gd.data)")
    drawn_again(page, "overview-loss", 4)
    assert chart(page, "overview-loss", "JSON.stringify(gd.layout.xaxis.range)") == zoomed
    assert chart(page, "overview-loss", "JSON.stringify(gd.data)") != data, "the curve must go on"


def test_pause_step_epoch_and_reset(page: Any) -> None:
    press(page, "train")
    page.get_by_text(STEPS).wait_for()
    press(page, "pause")
    ready(page)
    paused = steps(page)
    assert paused > 0
    press(page, "step")
    page.get_by_text(f"{paused + 1:,} steps", exact=True).wait_for()
    press(page, "epoch")
    page.get_by_text(f"{(paused + 1) // 10 * 10 + 10:,} steps", exact=True).wait_for()
    press(page, "reset")
    page.get_by_text("0 steps", exact=True).wait_for()


def test_new_weights_draw_the_buttons_and_not_the_page(page: Any) -> None:
    press(page, "new_weights")  # the first one: the experiment is no preset any more
    page.wait_for_function("location.search.includes('experiment=')")
    ready(page)
    press(page, "train")
    page.get_by_text(STEPS).wait_for()
    address = page.url
    page.evaluate("document.querySelector('[class*=st-key-lr--] input').dataset.mine = 'kept'")
    press(page, "new_weights")
    page.wait_for_function("address => location.href !== address", arg=address)
    page.locator(".st-key-pause button").first.wait_for()
    page.get_by_text(STEPS).wait_for()
    assert page.locator("[class*='st-key-lr--'] input[data-mine=kept]").count() == 1, "the field is the same one"
    press(page, "pause")
    ready(page)


def test_a_pause_is_shown_whatever_arrives_at_that_moment(page: Any) -> None:
    for _ in range(12):
        press(page, "train")
        page.locator(".st-key-pause button").first.wait_for()
        press(page, "pause")
        page.locator(".st-key-train button").first.wait_for()
        page.get_by_text("ready", exact=True).wait_for(timeout=10_000)  # a heartbeat later it would be by chance


def drawn(page: Any, slot: str) -> None:
    """Waits until the chart of a tab is drawn, which it is once it can be seen."""
    page.locator(f".st-key-{slot} .mlp-plot").scroll_into_view_if_needed()
    page.wait_for_selector(f".st-key-{slot} .mlp-plot[data-drawn]")


def test_images_with_edited_layers_confusion_matrix_and_histograms(page: Any) -> None:
    choose(page, "preset", "Fashion-MNIST")
    ready(page)
    page.locator("[class*=st-key-output-view-images] img, [class*=st-key-output-view-images] canvas").first.wait_for()
    show_list(page)
    fill(page, "layer-0-Linear-out_features", "32")
    menu(page, "layer-3-menu", "Remove")
    menu(page, "layer-2-menu", "Remove")
    page.get_by_text("25,450 parameters").wait_for()
    press(page, "train")
    page.get_by_text(STEPS).wait_for()
    page.get_by_role("tab", name="Confusion matrix").click()
    drawn(page, "confusion")
    assert chart(page, "confusion", "figure.data[0].z.shape") == "10, 10"
    page.get_by_role("tab", name="Weights").click()
    drawn(page, "weights")
    page.get_by_role("tab", name="Gradients").click()
    drawn(page, "gradients")
    assert page.locator(".st-key-weights .mlp-plot").count() == 0, "what is not shown is not sent"


def test_wrong_turns_end_in_sentences_and_lead_back(page: Any) -> None:
    show_list(page)
    fill(page, "layer-0-Linear-out_features", "1000000000")
    page.get_by_text(re.compile("This network would have .* parameters, about .* GiB")).wait_for()
    assert page.locator(field_of("layer-0-Linear-out_features")).input_value() == "8"
    fill(page, "lr", "1e10")
    press(page, "train")
    page.get_by_text("Training stopped at step").wait_for()
    press(page, "fix-diverged")
    ready(page)
    press(page, "train")
    page.get_by_text(STEPS).wait_for()
    press(page, "pause")


def test_two_browsers_have_their_own_runs_and_a_closed_one_leaves_no_thread(
    chromium: Any, address: str, page: Any
) -> None:
    port = address.rsplit(":", 1)[1]
    server = next(child for child in psutil.Process().children(recursive=True) if port in child.cmdline())
    other = chromium.new_context()
    guest = other.new_page()
    guest.set_default_timeout(LIMIT_MS)
    guest.goto(address)
    ready(guest)
    press(guest, "train")
    guest.get_by_text(STEPS).wait_for()
    # The thread that computed while the first page was prepared may still wait for more beside it.
    assert 1 <= training_threads(server) <= cores()
    assert steps(page) == 0, "the other browser's run is its own"
    other.close()
    # Sessions are reaped on traffic, and this page's own is traffic enough.
    page.wait_for_function("() => true")
    for _ in range(600):
        if training_threads(server) == 0:
            break
        page.wait_for_timeout(100)
    assert training_threads(server) == 0


def test_a_run_goes_on_when_the_connection_was_lost_for_a_while(chromium: Any, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    sockets: list[Any] = []

    def connect(socket: Any) -> None:
        sockets.append((socket, socket.connect_to_server()))

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    page.goto(address)
    ready(page)
    press(page, "train")
    page.get_by_text(STEPS).wait_for()
    before = steps(page)
    socket, to_server = sockets[-1]
    to_server.close(code=1001)
    socket.close(code=1001)
    for _ in range(600):
        if len(sockets) > 1:
            break
        page.wait_for_timeout(100)
    wait_idle(page)
    drawn_again(page, "overview-loss", 2)
    assert steps(page) > before, "the same run, which went on"
    press(page, "pause")
    context.close()


def test_a_page_that_is_loaded_again_shows_its_run_and_another_tab_has_its_own(chromium: Any, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(address)
    ready(page)
    press(page, "train")
    page.get_by_text(STEPS).wait_for()
    other = context.new_page()
    other.set_default_timeout(LIMIT_MS)
    other.goto(address)
    ready(other)
    assert steps(other) == 0
    other.close()
    before = steps(page)
    page.reload()
    page.locator(".st-key-pause").wait_for()
    page.get_by_text(STEPS).wait_for()
    assert steps(page) > before, "the same run, which went on"
    press(page, "pause")
    context.close()


def training_threads(server: psutil.Process) -> int:
    """Threads of the server that run at a training thread's lower priority."""
    base = server.nice()
    nice = [
        int((Path(f"/proc/{server.pid}/task/{thread.id}/stat")).read_text().rsplit(")", 1)[1].split()[16])
        for thread in server.threads()
    ]
    return sum(value > base for value in nice)


@pytest.mark.parametrize(("path", "shown"), [("/", "Network"), ("/inspect", "Hidden space")])
def test_a_cold_deep_link_works(chromium: Any, path: str, shown: str) -> None:
    with serve(ROOT / "app.py") as url:
        page = chromium.new_page()
        page.set_default_timeout(LIMIT_MS)
        page.goto(url + path)
        page.get_by_text(shown, exact=True).first.wait_for()
        assert page.get_by_text("Page not found").count() == 0
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 1000), (390, 844)])
def test_nothing_runs_over_the_edge(chromium: Any, address: str, scheme: str, size: tuple[int, int]) -> None:
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(address)
    ready(page)
    page.get_by_role("button", name="Train").wait_for()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= size[0]
    context.close()
