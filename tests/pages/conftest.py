"""Pages without a browser: every test gets the app as `app`, and the network is shown as its list of widgets, for its picture is JavaScript."""

from __future__ import annotations

import pytest

from pages.playground import screen
from tests.pages.test_pages import app

__all__ = ["app"]


@pytest.fixture(autouse=True)
def network_as_list(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the list, but for tests marked with `picture`."""
    if "picture" not in request.keywords:
        monkeypatch.setattr(screen, "USUAL_FORM", screen.LIST)
