"""The network area: the list of layers, each editable, with shapes and parameter counts beside it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from mlp_core.catalog import ACTIVATIONS, ALL_LAYERS
from mlp_core.errors import SpecError
from mlp_core.limits import BYTES_PER_NUMBER
from mlp_core.plan import LayerPlan, Plan, Problem, last_linear, plan
from mlp_core.spec import Experiment, LayerSpec
from pages.shared import experiment as edit
from pages.shared.link import locked
from pages.shared.widgets import parameter_widget

NEW_WIDTH = 8
"""Neurons of a hidden layer that is added by one press."""
HIDDEN = "hidden"
"""The choice that adds a Linear layer with its activation."""
_OPEN = "open_layer"


def network_panel(found: list[Problem]) -> None:
    """Draw the area; `found` are the problems of the experiment."""
    current = edit.experiment()
    try:
        planned: Plan | None = plan(current)
    except SpecError:
        planned = None  # said below, among the problems
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Network", anchor=False, width="content")
        st.caption(summary(planned) if planned else "", width="stretch")
        _add()
    with st.container(key="layers", gap="xsmall"):
        _input(planned, current)
        for position, layer in enumerate(current.layers):
            _layer(position, layer, planned.layers[position] if planned else None, last_linear(current) == position)
    if message := edit.refusal("network"):
        st.error(message, icon=":material/block:")
    for index, problem in enumerate(found):
        _problem(problem, index)


def summary(planned: Plan) -> str:
    """How large the network is, in a line."""
    return f"{planned.parameters:,} parameters · {size_in_bytes(planned.parameters * BYTES_PER_NUMBER)} of weights"


def size_in_bytes(size: float) -> str:
    """A number of bytes with its unit, such as '744 B' or '2.7 MB'."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _input(planned: Plan | None, current: Experiment) -> None:
    if planned is None:
        return
    shape = "×".join(map(str, planned.sample_shape))
    features = planned.layers[0].in_features
    flat = f" → Flatten → {features:,}" if planned.flatten else ""
    st.caption(
        f"{current.data.entry.label}: {shape}{flat} · each row: layer, values in → out, trained parameters",
        help="Images are flattened: an MLP sees a list of pixels, not a picture.",
    )


def _layer(position: int, layer: LayerSpec, planned: LayerPlan | None, final: bool) -> None:
    entry = layer.entry
    key = f"layer-{position}"
    fixed = locked(*entry.choice_controls)
    with st.container(key=f"row-{position}", horizontal=True, vertical_alignment="center", gap="xsmall"):
        type_key, first_type = edit.start(f"{key}-type", entry.name)
        st.selectbox(
            f"Type of layer {position + 1}", list(ALL_LAYERS), index=list(ALL_LAYERS).index(first_type), key=type_key,
            width=140 if entry.parameters else 278, disabled=fixed,
            label_visibility="collapsed", format_func=lambda name: ALL_LAYERS[name].label,
            on_change=edit.once(lambda: _change_type(position, st.session_state[type_key])),
        )  # fmt: skip
        if entry.parameters:
            first = entry.parameters[0]
            parameter_widget(
                first, layer.params[first.name], f"{key}-{entry.name}-{first.name}",
                lambda value: edit.set_layer_param(position, first.name, value), compact=True, width=130,
            )  # fmt: skip
        if planned is not None:
            count = f" · {planned.parameters:,}" if planned.parameters else ""
            st.markdown(f"{planned.in_features:,} → {planned.out_features:,} :gray[{count}]", width="stretch")
        _menu(position, key)
    if st.session_state.get(_OPEN) == position:
        _details(position, layer, key, final)


def _menu(position: int, key: str) -> None:
    """What can be done with a layer. One menu and not a row of buttons: every widget costs the page time."""
    last = len(edit.experiment().layers) - 1
    impossible = {"Move towards the input": position == 0, "Move towards the output": position == last,
                  "Remove": last == 0}  # fmt: skip
    if locked("network"):
        impossible = dict.fromkeys(_ACTIONS, True) | {"Settings and formula": False}
    name = edit.key(f"{key}-menu")

    def act() -> None:
        _ACTIONS[st.session_state[name]](position)

    st.menu_button(
        "", [action for action in _ACTIONS if not impossible.get(action)], key=name, icon=":material/more_vert:",
        type="tertiary", help=f"What to do with layer {position + 1}", on_click=edit.once(act),
    )  # fmt: skip


def _details(position: int, layer: LayerSpec, key: str, final: bool) -> None:
    entry = layer.entry
    with st.container(border=True, key="layer-details"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Layer {position + 1}: {entry.label}**" + (" (output layer)" if final else ""))
            st.button("", key="close-details", icon=":material/close:", type="tertiary", help="Close",
                      on_click=_toggle_details, args=(position,))  # fmt: skip
        st.caption(f"{entry.summary} {entry.when}")
        if entry.formula:
            st.latex(entry.formula)
        for parameter in entry.parameters[1:]:  # the first stands in the row
            parameter_widget(
                parameter, layer.params[parameter.name], f"{key}-{entry.name}-{parameter.name}",
                lambda value, name=parameter.name: edit.set_layer_param(position, name, value),
            )  # fmt: skip


def _add() -> None:
    name = edit.key("add-layer")

    def add() -> None:
        chosen = st.session_state[name]
        _add_hidden() if chosen == HIDDEN else _insert(chosen)

    st.menu_button(
        "Layer", [HIDDEN, *ALL_LAYERS], key=name, icon=":material/add:", on_click=edit.once(add),
        disabled=locked("network"),
        format_func=lambda option: ALL_LAYERS[option].label if option in ALL_LAYERS else "Linear + activation",
        help="Add a layer in front of the output layer. Linear + activation is the usual building block.",
    )  # fmt: skip


def _problem(problem: Problem, index: int) -> None:
    show = st.error if problem.severity == "error" else st.info
    show(problem.message, icon=":material/error:" if problem.severity == "error" else ":material/lightbulb:")
    if problem.fixed is not None:
        st.button(problem.fix_label, key=f"fix-{index}", icon=":material/build:", on_click=_fix,
                  args=(problem.fixed,))  # fmt: skip


def _fix(fixed: Experiment) -> None:
    edit.edit("network", lambda old: fixed)


def _new(name: str) -> LayerSpec:
    entry = ALL_LAYERS[name]
    needs_width = any(parameter.name == "out_features" for parameter in entry.parameters)
    return LayerSpec(type=name, params={"out_features": NEW_WIDTH} if needs_width else {})


def _before_output(layers: list[LayerSpec]) -> int:
    final = last_linear(edit.experiment())
    return len(layers) if final is None else final


def _insert(name: str) -> None:
    edit.edit_layers(lambda layers: layers.insert(_before_output(layers), _new(name)))


def _add_hidden() -> None:
    def change(layers: list[LayerSpec]) -> None:
        used = [layer for layer in layers if layer.type in ACTIVATIONS]
        place = _before_output(layers)
        layers[place:place] = [_new("Linear"), used[0] if used else LayerSpec(type="ReLU")]

    edit.edit_layers(change)


def _change_type(position: int, name: str) -> None:
    def change(layers: list[LayerSpec]) -> None:
        layers[position] = _new(name)

    edit.edit_layers(change)


def _remove(position: int) -> None:
    edit.edit_layers(lambda layers: layers.pop(position) and None)


def _move(position: int, by: int) -> None:
    def change(layers: list[LayerSpec]) -> None:
        layers[position], layers[position + by] = layers[position + by], layers[position]

    edit.edit_layers(change)


def _duplicate(position: int) -> None:
    edit.edit_layers(lambda layers: layers.insert(position, layers[position]))


def _toggle_details(position: int) -> None:
    st.session_state[_OPEN] = None if st.session_state.get(_OPEN) == position else position


_ACTIONS: dict[str, Callable[[int], None]] = {
    "Settings and formula": _toggle_details,
    "Move towards the input": lambda position: _move(position, -1),
    "Move towards the output": lambda position: _move(position, 1),
    "Duplicate": _duplicate,
    "Remove": _remove,
}
