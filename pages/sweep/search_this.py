"""'Search this' of the Playground's controls: the setting is added to the space of the Sweep page, which opens."""

from __future__ import annotations

from pathlib import Path as FilePath

import streamlit as st

from mlp_core.settings import ACTIVATION, DEPTH, WIDTH, path_in_layer, settings_of
from mlp_core.spec import Path
from pages.shared import editor
from pages.sweep.choice import add, settle, show_new

SWEEP_PAGE = FilePath(__file__).parent / "page.py"
SEARCH = "Search in a sweep"
USUAL = ("optimizer.lr", "training.batch_size", "optimizer.type", DEPTH, WIDTH, ACTIVATION, "loss.type")
"""What the list of all settings offers to search."""


def search(path: str) -> None:
    """In a callback: search this setting, and go to the page where that is done."""
    settle(editor.experiment())
    add(editor.experiment(), path)
    show_new()
    st.switch_page(str(SWEEP_PAGE))


def search_layer(place: Path) -> None:
    """The width of a layer of neurons, the type of any other one."""
    layer = editor.experiment().layer_at(place)
    search(path_in_layer(place, "type" if layer.params.get("out_features") is None else "out_features"))


def search_menu() -> None:
    """Draw the menu of what is searched most often."""
    name, known = editor.key("search-this"), settings_of(editor.experiment())

    def act() -> None:
        search(st.session_state[name])

    st.menu_button(SEARCH, [path for path in USUAL if path in known], key=name, icon=":material/manage_search:",
                   format_func=lambda path: known[path].label, on_click=editor.once(act),
                   help="Find a good value by many trials in the background.")  # fmt: skip
