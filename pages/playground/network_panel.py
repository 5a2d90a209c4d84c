"""The network area: a row for every layer, with its shapes and parameters; layers inside another form a group below it.

Keys of widgets and callbacks name a layer by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from mlp_core.catalog import ACTIVATIONS, ALL_LAYERS, LAYERS
from mlp_core.diagram import columns
from mlp_core.errors import SpecError
from mlp_core.limits import BYTES_PER_NUMBER
from mlp_core.plan import LayerPlan, Plan, last_linear, plan
from mlp_core.problems import Problem
from mlp_core.spec import Experiment, LayerSpec, Path, layer_number
from mlp_core.training.session import Session
from pages.playground import edits, screen
from pages.playground.diagram import NetworkSlot
from pages.playground.initializers import initializers
from pages.playground.network_picture import network_picture
from pages.playground.screen import FORM, LIST, PICTURE
from pages.playground.surgery import done, layer_operations
from pages.race.opening import LABEL, can_race, race_layer
from pages.shared import editor
from pages.shared.editor import NETWORK
from pages.shared.layout import as_text
from pages.shared.link import locked
from pages.shared.numbers import size_in_bytes
from pages.shared.widgets import parameter_widget
from pages.sweep.search_this import SEARCH, search_layer

HIDDEN, ACTIVATION = "hidden", "activation"
"""Choices that add a Linear layer with an activation, and an activation: the one that the network has already."""
_ADDED = {HIDDEN: "Linear + activation", ACTIVATION: "Activation"}
"""What the menu calls these, which stand before the layers."""
TYPE_WIDTH, SECOND_WIDTH, GAP = 140, 130, 8
"""Pixels of a row: the type, what stands beside it, and the gap between them."""


def network_panel(found: Sequence[Problem], slots: Sequence[NetworkSlot], session: Session) -> None:
    """Draw the area; `found` are the problems of the experiment, `slots` the place of the network's picture."""
    current = editor.experiment()
    try:
        planned: Plan | None = plan(current)
    except SpecError:
        planned = None  # said below, among the problems
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Network", anchor=False, width="content")
        st.caption(summary(planned) if planned else "", width="stretch")
        st.segmented_control(
            "Form", [PICTURE, LIST], key=FORM, default=screen.USUAL_FORM, label_visibility="collapsed",
            required=True, on_change=st.rerun, persist_state="session",
        )  # fmt: skip
        _add(())
    done(session)
    if slots and planned:
        for slot in slots:
            network_picture(slot, session)
    with st.container(key="layers", gap="xsmall"):
        if not slots or not planned:
            _input(planned, current)
            _rows(current.layers, (), {layer.path: layer for layer in planned.walk()} if planned else {}, session)
        elif st.session_state.get(edits.OPEN) in {path for path, _ in current.walk()}:
            path = st.session_state[edits.OPEN]
            _rows_of_column(path, planned, session)
    if message := editor.refusal(NETWORK):
        st.error(message, icon=":material/block:")
    for index, problem in enumerate(found):
        _problem(problem, index)


def _rows_of_column(path: Path, planned: Plan, session: Session) -> None:
    """The rows of the layers in one column of the picture."""
    plans = {layer.path: layer for layer in planned.walk()}
    column = next(column for column in columns(planned) if path in [layer.path for layer in column.layers])
    for layer in column.layers:
        _layer(layer.path, editor.experiment().layer_at(layer.path), plans.get(layer.path), session)


def summary(planned: Plan) -> str:
    """How large the network is, in a line."""
    return f"{planned.parameters:,} parameters · {size_in_bytes(planned.parameters * BYTES_PER_NUMBER)} of weights"


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


def _rows(
    layers: tuple[LayerSpec, ...], outer: Path, planned: Mapping[Path, LayerPlan], session: Session
) -> None:
    """A row for each of these layers, which stand inside the one at `outer`, and a group below for what is inside."""
    for position, layer in enumerate(layers):
        path = (*outer, position)
        _layer(path, layer, planned.get(path), session)
        if layer.inside:
            with st.container(key=f"inside-{_joined(path)}", gap="xsmall"):
                _rows(layer.inside, path, planned, session)


def _joined(path: Path) -> str:
    """The path as it stands in the keys of widgets."""
    return "-".join(map(str, path))


def _layer(path: Path, layer: LayerSpec, planned: LayerPlan | None, session: Session) -> None:
    entry = layer.entry
    key = f"layer-{_joined(path)}"
    types = [*ACTIVATIONS, *LAYERS] if entry.name in ACTIVATIONS else list(ALL_LAYERS)
    beside = bool(entry.parameters) + entry.holds_layers
    with st.container(key=f"row-{_joined(path)}", horizontal=True, vertical_alignment="center", gap="xsmall"):
        type_key, first_type = editor.start(f"{key}-type", entry.name, NETWORK)
        st.selectbox(
            f"Type of layer {layer_number(path)}", types, index=types.index(first_type), key=type_key,
            width=TYPE_WIDTH if beside else TYPE_WIDTH + SECOND_WIDTH + GAP,
            disabled=locked(*entry.choice_controls),
            label_visibility="collapsed", format_func=lambda name: ALL_LAYERS[name].label,
            on_change=editor.once(lambda: edits.change_type(path, st.session_state[type_key]), NETWORK),
        )  # fmt: skip
        if entry.parameters:
            first = entry.parameters[0]
            parameter_widget(
                first, layer.params[first.name], f"{key}-{entry.name}-{first.name}",
                lambda value: edits.set_param(path, first.name, value), compact=True, width=SECOND_WIDTH, area=NETWORK,
                whose=f"layer {layer_number(path)}",
            )  # fmt: skip
        if entry.holds_layers:
            _add(path)
        if planned is not None:
            count = f" · {planned.parameters:,}" if planned.parameters else ""
            lock = " :material/lock:" if layer.frozen else ""
            st.markdown(f"{planned.in_features:,} → {planned.out_features:,} :gray[{count}]{lock}", width="stretch")
        _menu(path, key)
    if st.session_state.get(edits.OPEN) == path:
        _details(path, layer, key, session)


def _menu(path: Path, key: str) -> None:
    """What can be done with a layer. One menu and not a row of buttons: every widget costs the page time."""
    last = len(editor.experiment().layers_inside(path[:-1])) - 1
    impossible = {"Move towards the input": path[-1] == 0, "Move towards the output": path[-1] == last,
                  "Remove": last == 0, LABEL: not can_race(path, editor.experiment().layer_at(path))}  # fmt: skip
    if locked("network"):
        impossible = dict.fromkeys(_ACTIONS, True) | {"Settings and formula": False}
    name = editor.key(f"{key}-menu", NETWORK)

    def act() -> None:
        _ACTIONS[st.session_state[name]](path)

    st.menu_button(
        f"Layer {layer_number(path)} menu", [action for action in _ACTIONS if not impossible.get(action)], key=name,
        icon=":material/more_vert:", type="tertiary", help=f"What to do with layer {layer_number(path)}",
        on_click=editor.once(act, NETWORK),
    )  # fmt: skip


def _details(path: Path, layer: LayerSpec, key: str, session: Session) -> None:
    entry = layer.entry
    final = path == (last_linear(editor.experiment().layers),)
    with st.container(border=True, key="layer-details"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Layer {layer_number(path)}: {entry.label}**" + (" (output layer)" if final else ""))
            st.button("", key="close-details", icon=":material/close:", type="tertiary", help="Close",
                      on_click=edits.toggle_details, args=(path,))  # fmt: skip
        st.caption(f"{entry.summary} {entry.when}")
        if entry.formula:
            st.latex(entry.formula)
        for parameter in entry.parameters[1:]:  # the first stands in the row
            parameter_widget(
                parameter, layer.params[parameter.name], f"{key}-{entry.name}-{parameter.name}",
                lambda value, name=parameter.name: edits.set_param(path, name, value), area=NETWORK,
            )  # fmt: skip
        if entry.initialised:
            initializers(path, layer, key, edits.edit)
        layer_operations(path, layer, session)


def _add(outer: Path) -> None:
    """The menu that adds a layer to the network's own list, or inside the layer at `outer`."""
    name = editor.key(f"add-layer-{_joined(outer)}" if outer else "add-layer", NETWORK)

    def add() -> None:
        chosen = st.session_state[name]
        made = {HIDDEN: ("Linear", edits.usual_activation(outer)), ACTIVATION: (edits.usual_activation(outer),)}
        edits.add_inside(outer, *made.get(chosen, (chosen,)))

    place = f"inside layer {layer_number(outer)}, in front of its last Linear" if outer else "before the output layer"
    st.menu_button(
        "Layer", [*_ADDED, *LAYERS], key=name, icon=":material/add:", on_click=editor.once(add, NETWORK),
        disabled=locked("network"), width=SECOND_WIDTH if outer else "content",
        format_func=lambda option: _ADDED.get(option) or LAYERS[option].label,
        help=f"Add a layer {place}. Linear + activation is the usual building block. Which activation it is can be "
        "chosen in its row.",
    )  # fmt: skip


def _problem(problem: Problem, index: int) -> None:
    show = st.error if problem.severity == "error" else st.info
    show(as_text(problem.message), icon=":material/error:" if problem.severity == "error" else ":material/lightbulb:")
    if problem.fixed is not None:
        st.button(as_text(problem.fix_label), key=f"fix-{index}", icon=":material/build:", on_click=_fix,
                  args=(problem.fixed,))  # fmt: skip


def _fix(fixed: Experiment) -> None:
    edits.edit(lambda old: fixed)


_ACTIONS: dict[str, Callable[[Path], None]] = {
    "Settings and formula": edits.toggle_details,
    "Move towards the input": lambda path: edits.move(path, -1),
    "Move towards the output": lambda path: edits.move(path, 1),
    SEARCH: search_layer,
    "Duplicate": lambda path: edits.edit(lambda old: old.insert_layers(path, old.layer_at(path))),
    LABEL: lambda path: race_layer(path, editor.experiment().layer_at(path)),
    "Remove": lambda path: edits.edit(lambda old: old.remove_layer(path)),
}
