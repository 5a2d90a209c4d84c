"""Edits of the network: what a press in the list of layers or on the diagram does to the experiment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mlp_core.catalog import ACTIVATIONS, ALL_LAYERS
from mlp_core.plan import last_linear
from mlp_core.spec import Experiment, LayerSpec, Path, layer_number
from pages.playground.preset import edit_alone
from pages.shared import editor
from pages.shared.editor import NETWORK

NEW_WIDTH = 8
"""Neurons of a hidden layer that is added by one press."""
OPEN = "open_layer"
"""The key of the layer whose settings are open."""


def edit(change: Callable[[Experiment], Experiment], redraw: bool = True, whose: str = "") -> None:
    """Change the experiment in a callback of the area; `redraw` unless the one widget that was changed shows it, and
    `whose` as in `editor.edit`."""
    edit_alone(NETWORK, lambda: editor.edit(NETWORK, change, redraw, whose))


def set_param(path: Path, name: str, value: Any, redraw: bool = False) -> None:
    """Set a parameter of a layer; `redraw` where other widgets show it too."""

    def change(old: Experiment) -> Experiment:
        layer = old.layer_at(path)
        return old.replace_layer(path, layer.updated(params={**layer.params, name: value}))

    edit(change, redraw, f"layer {layer_number(path)}")


def new_layer(name: str, outer: Path) -> LayerSpec:
    """A layer to stand inside the one at `outer`: where that one's width must be kept, a Linear takes it over."""
    needs_width = any(parameter.name == "out_features" for parameter in ALL_LAYERS[name].parameters)
    keeps_width = bool(outer) and editor.experiment().layer_at(outer).entry.keeps_width
    return LayerSpec(type=name, params={"out_features": NEW_WIDTH} if needs_width and not keeps_width else {})


def usual_activation(outer: Path) -> str:
    """The activation that the list inside the layer at `outer` begins with, else the network, else ReLU."""
    current = editor.experiment()
    layers = [*current.layers_inside(outer), *(layer for _, layer in current.walk())]
    return next((layer.type for layer in layers if layer.type in ACTIVATIONS), "ReLU")


def insert(path: Path, *names: str) -> None:
    """Add layers of these types in front of the one at a path."""
    edit(lambda old: old.insert_layers(path, *(new_layer(name, path[:-1]) for name in names)))


def add_inside(outer: Path, *names: str) -> None:
    """Add layers in front of the last Linear of those inside the layer at `outer`, at their end without one."""
    layers = editor.experiment().layers_inside(outer)
    final = last_linear(layers)
    insert((*outer, len(layers) if final is None else final), *names)


def change_type(path: Path, name: str) -> None:
    """Put a layer of another type in the place of one."""
    edit(lambda old: old.replace_layer(path, new_layer(name, path[:-1])))


def move(path: Path, by: int) -> None:
    """Move a layer among those that it stands with."""
    edit(lambda old: old.move_layer(path, by))


def toggle_details(path: Path) -> None:
    """Open the settings of a layer, or close them."""
    st.session_state[OPEN] = None if st.session_state.get(OPEN) == path else path
