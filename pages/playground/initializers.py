"""What a layer's weight and bias are before training: a choice for each, and the settings of what is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mlp_core.catalog import INITIALIZERS
from mlp_core.spec import Experiment, InitSpec, LayerSpec, Path
from pages.shared import editor
from pages.shared.editor import NETWORK
from pages.shared.link import locked
from pages.shared.widgets import parameter_widget

DEFAULT = "default"
"""The choice that leaves it to PyTorch's layer."""
_TENSORS = {"init": ("Initial weights", False), "bias_init": ("Initial biases", True)}
"""Fields of a layer, what the page calls each, and whether it is a vector."""
Edit = Callable[[Callable[[Experiment], Experiment], bool], None]
"""Changes the experiment, and tells whether its widgets start over."""


def initializers(path: Path, layer: LayerSpec, key: str, edit: Edit) -> None:
    """Draw the choices for the layer at a path; `edit` changes the experiment."""
    for field, (label, vector) in _TENSORS.items():
        if vector and not layer.params.get("bias", True):
            continue
        _one(path, layer, f"{key}-{field}", field, label, vector, edit)


def _one(path: Path, layer: LayerSpec, key: str, field: str, label: str, vector: bool, edit: Edit) -> None:
    chosen: InitSpec | None = getattr(layer, field)
    names = [DEFAULT, *(name for name, entry in INITIALIZERS.items() if entry.vectors or not vector)]

    def put(made: InitSpec | None) -> None:
        edit(lambda old: old.replace_layer(path, old.layer_at(path).updated(**{field: made})), True)

    widget, first = editor.start(key, chosen.type if chosen else DEFAULT, NETWORK)

    def choose() -> None:
        name = st.session_state[widget]
        put(None if name == DEFAULT else InitSpec(type=name))

    st.selectbox(
        label, names, index=names.index(first), key=widget, disabled=locked("network"),
        format_func=lambda name: "PyTorch's default" if name == DEFAULT else INITIALIZERS[name].label,
        help="What they are before the first step. PyTorch's own draws evenly between ±1/√(values in).",
        on_change=editor.once(choose, NETWORK),
    )  # fmt: skip
    if chosen is None:
        return
    st.caption(f"{chosen.entry.summary} {chosen.entry.when}")
    for parameter in chosen.entry.parameters:

        def set_one(value: Any, name: str = parameter.name) -> None:
            edit(lambda old: _with_param(old, path, field, name, value), False)

        parameter_widget(parameter, chosen.params[parameter.name], f"{key}-{chosen.type}-{parameter.name}", set_one,
                         area=NETWORK)  # fmt: skip


def _with_param(old: Experiment, path: Path, field: str, name: str, value: Any) -> Experiment:
    layer = old.layer_at(path)
    init: InitSpec = getattr(layer, field)
    return old.replace_layer(path, layer.updated(**{field: init.updated(params={**init.params, name: value})}))
