"""The app as `app` for every test of pages; it shows the network as a list, for the picture is JavaScript."""

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
