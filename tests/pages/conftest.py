"""The app as `app` for every test of pages; those of the list of layers show it, all others the diagram."""

from __future__ import annotations

import pytest

from pages.playground import screen
from tests.pages.test_pages import app

__all__ = ["app"]


@pytest.fixture(autouse=True)
def form_of_the_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the list in tests that are marked with `layer_list`."""
    if "layer_list" in request.keywords:
        monkeypatch.setattr(screen, "USUAL_FORM", screen.LIST)
