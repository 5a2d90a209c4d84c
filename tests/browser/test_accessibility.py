"""The page for everybody: no serious finding of axe on any page, in both themes, and the main job by keyboard alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.chromium import LIMIT_MS, ROOT, browser, serve, wait_idle

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")
KNOWN: dict[str, str] = {}
"""Rules of axe that Streamlit itself breaks and that cannot be mended from here, each with the reason: none."""
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
STEPS = re.compile(r"[1-9][\d,]* steps")


@pytest.fixture
def page(tmp_path: Any) -> Iterator[Any]:
    script = pytest.importorskip("axe_playwright_python.base").AXE_SCRIPT
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLP_DATA_DIR", str(tmp_path))
        with serve(ROOT / "app.py") as address, browser() as chromium:
            # Without motion nothing is looked at while it fades in.
            context = chromium.new_context(viewport=PHONE, color_scheme="light", reduced_motion="reduce")
            context.add_init_script(script)
            opened = context.new_page()
            opened.set_default_timeout(LIMIT_MS)
            opened.goto(address)
            ready(opened)
            yield opened


def ready(page: Any) -> None:
    page.get_by_text("ready", exact=True).first.wait_for()
    wait_idle(page)


def settled(page: Any) -> None:
    """Waits until the page of the address is drawn, its charts that can be seen too."""
    wait_idle(page)
    page.wait_for_function(
        "!document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]') &&"
        " [...document.querySelectorAll('.mlp-plot')].every(plot => plot.dataset.drawn"
        " || plot.getBoundingClientRect().top > innerHeight || !plot.getClientRects().length) &&"
        # The frame of Streamlit's own chart can be scrolled until the chart, which takes the focus, is in it.
        " [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(one => one.querySelector('.main-svg'))"
    )


def findings(page: Any, where: str, *rules: str) -> list[str]:
    """What axe finds that keeps somebody out, by all its rules or by these: each with its place and first element."""
    only = {"runOnly": rules} if rules else {}
    found = page.evaluate("more => axe.run(document, {resultTypes: ['violations'], ...more})", only)
    return [
        f"{where}: {one['id']} ({one['impact']}, {len(one['nodes'])} times): {one['nodes'][0]['html'][:200]}"
        f" {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in found["violations"]
        if one["impact"] in GRAVE and one["id"] not in KNOWN
    ]


def at_last(look: Callable[[], list[str]]) -> list[str]:
    """What is found once all is there: Streamlit draws a page, and changes the colours of its theme, part by part."""
    ends = time.monotonic() + 5
    while (found := look()) and time.monotonic() < ends:
        pass
    return found


def in_both_themes(page: Any, where: str) -> list[str]:
    """What axe finds on the page at hand: all of it in one theme, and what depends on colours in the other."""
    found = at_last(lambda: findings(page, where))
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "theme => getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === theme", arg=theme
        )
        if theme == "dark":
            settled(page)
            found += at_last(lambda: findings(page, f"{where}, dark", "color-contrast"))
    return found


def test_nothing_serious_on_any_page_and_the_main_job_by_keyboard(page: Any) -> None:
    page.get_by_role("button", name="Open the menu of pages").click()
    links = page.locator("[data-testid=stSidebarNavLink]")
    links.first.wait_for()
    pages = [links.nth(index).get_attribute("href") for index in range(links.count())]
    assert len(pages) > 5
    found = findings(page, "the playground of a phone, with the menu of pages")
    page.set_viewport_size(DESK)
    for address in pages:
        page.goto(address)
        settled(page)
        found += in_both_themes(page, address)
    page.goto(pages[0])
    ready(page)
    found += by_keyboard(page)
    assert not found, "\n".join(found)


def by_keyboard(page: Any) -> list[str]:
    """Train, look while it trains, pause, step, reset and read the list of keys; gives what axe finds meanwhile."""
    welcome = page.locator(".mlp-welcome")
    welcome.get_by_text("1 of 3", exact=True).wait_for()
    page.locator(".st-key-main_action button").first.focus()
    page.keyboard.press("Enter")
    has_focus(page, "Pause")
    welcome.get_by_text("2 of 3", exact=True).wait_for()  # the first step is done
    welcome.get_by_role("button", name="Close", exact=True).press("Enter")
    welcome.wait_for(state="detached")
    page.locator(".st-key-main_action button").first.focus()
    page.get_by_text(STEPS).first.wait_for()
    found = findings(page, "a run that trains")
    page.wait_for_function("document.querySelector('#mlp-speech')?.textContent.startsWith('running')")
    page.keyboard.press("Enter")
    has_focus(page, "Train")
    ready(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("r")
    page.get_by_text("0 steps", exact=True).first.wait_for()
    page.keyboard.press("s")
    page.get_by_text("1 steps", exact=True).first.wait_for()
    field = page.locator("[class*='st-key-lr--'] input").first
    field.press("r")
    field.press("Space")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+Shift+s")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    found += findings(page, "the list of shortcuts")
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    page.get_by_text("1 steps", exact=True).first.wait_for()
    assert page.locator(".st-key-train").count() == 1, "no key of a field has started it"
    return found


def has_focus(page: Any, name: str) -> None:
    page.wait_for_function("name => document.activeElement.textContent.endsWith(name)", arg=name)
