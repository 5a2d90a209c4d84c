"""'Search this' of the Playground's controls: the setting is added to the space of the Sweep page, which opens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath

import streamlit as st

from mlp_core.spec import Path
from pages.shared import editor
from pages.sweep.choice import add, settle, show_new

SWEEP_PAGE = FilePath(__file__).parent / "page.py"
SEARCH = "Search in a sweep"
MAIN: Mapping[str, str] = {
    "Learning rate": "optimizer.lr", "Batch size": "training.batch_size", "Optimizer": "optimizer.type",
    "Hidden layers": "hidden.layers", "Neurons of hidden layers": "hidden.width",
    "Activation of hidden layers": "hidden.activation", "Loss function": "loss.type",
}  # fmt: skip
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
    path = "layers." + ".inside.".join(map(str, place))
    search(f"{path}.out_features" if layer.params.get("out_features") is not None else f"{path}.type")


def search_menu() -> None:
    """Draw the menu of what is searched most often."""
    name = editor.key("search-this")

    def act() -> None:
        search(MAIN[st.session_state[name]])

    st.menu_button(SEARCH, list(MAIN), key=name, icon=":material/manage_search:", on_click=editor.once(act),
                   help="Find a good value by many trials in the background.")  # fmt: skip
