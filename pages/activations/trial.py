"""'Try it in my network': an activation put in the place of those of the user's network."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core.catalog import ACTIVATIONS
from mlp_core.plan import last_linear
from mlp_core.spec import Experiment, LayerSpec, Path, layer_number
from pages.shared import editor
from pages.shared.editor import NETWORK
from pages.shared.link import locked
from pages.shared.verdict import PLAYGROUND_PAGE

EVERY = "every"


def trial(layers: Sequence[LayerSpec]) -> None:
    """Draw the choice of an activation and of the layers that it replaces, and the button that does it."""
    if not layers:
        return
    current = editor.experiment()
    places = hidden_activations(current)
    closed = locked("network") or locked("activation")
    with st.container(horizontal=True, vertical_alignment="bottom", key="activations-trial"):
        names = [layer.type for layer in layers]
        name = st.selectbox("Try in my network", names, key="trial_name", width=190, disabled=closed,
                            format_func=lambda name: ACTIVATIONS[name].label)  # fmt: skip
        where = st.selectbox(
            "In the place of", [EVERY, *(layer_number(path) for path in places)], key="trial_where", width=250,
            disabled=closed or not places,
            format_func=lambda option: _words(option, current, places),
            help="Activations after the last Linear layer belong to the output, and stay.",
        )  # fmt: skip
        pressed = st.button("Try it", key="try-activation", icon=":material/play_arrow:", disabled=closed)
    if pressed and name in names:
        wanted = next(layer for layer in layers if layer.type == name)
        path = next((path for path in places if layer_number(path) == where), None)
        editor.edit(NETWORK, lambda old: with_activation(old, wanted, path))
        if not editor.refusal(NETWORK):
            st.switch_page(str(PLAYGROUND_PAGE))
    if message := editor.refusal(NETWORK):
        st.error(message, icon=":material/block:")


def _words(option: str, current: Experiment, places: list[Path]) -> str:
    if option == EVERY:
        return f"every activation ({len(places)})" if places else "between the Linear layers"
    path = next((path for path in places if layer_number(path) == option), None)
    return option if path is None else f"layer {option}: {current.layer_at(path).entry.label}"


def hidden_activations(experiment: Experiment) -> list[Path]:
    """Where activations stand, those inside other layers too, up to the last Linear of the network."""
    final = last_linear(experiment.layers)
    end = len(experiment.layers) if final is None else final
    return [path for path, layer in experiment.walk() if layer.type in ACTIVATIONS and path[0] < end]


def with_activation(experiment: Experiment, layer: LayerSpec, path: Path | None = None) -> Experiment:
    """The experiment with this activation in the place of the one at a path; without a path, of all hidden ones.

    A network without any gets one in front of its last Linear.
    """
    places = hidden_activations(experiment) if path is None else [path]
    for place in places:
        experiment = experiment.replace_layer(place, layer)
    if not places:
        final = last_linear(experiment.layers)
        experiment = experiment.insert_layers((len(experiment.layers) if final is None else final,), layer)
    return experiment
