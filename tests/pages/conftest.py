"""The app as `app` for every test of pages; those of the network's picture show it, all others the list of layers."""

from __future__ import annotations

import pytest

from pages.playground import screen
from tests.pages.test_pages import app

__all__ = ["app"]


@pytest.fixture(autouse=True)
def form_of_the_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the picture in tests that are marked with `picture`."""
    if "picture" in request.keywords:
        monkeypatch.setattr(screen, "USUAL_FORM", screen.PICTURE)
