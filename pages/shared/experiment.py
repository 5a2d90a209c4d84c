"""The experiment that this browser is editing: the one truth that every widget shows and changes.

Widgets never hold settings of their own. Before a widget is drawn, its value is set from the experiment; when the
user changes it, its callback makes a new experiment or, if the catalog refuses the value, leaves a sentence to show
beside it and the experiment as it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from mlp_core.errors import SpecError
from mlp_core.presets import DEFAULT, PRESETS
from mlp_core.spec import DataSpec, Experiment, LayerSpec

_EXPERIMENT = "experiment"
_REFUSED = "refused"


def experiment() -> Experiment:
    """The experiment as it stands."""
    if _EXPERIMENT not in st.session_state:
        st.session_state[_EXPERIMENT] = PRESETS[DEFAULT].experiment
    found: Experiment = st.session_state[_EXPERIMENT]
    return found


def replace(new: Experiment) -> None:
    """Make this the experiment."""
    st.session_state[_EXPERIMENT] = new
    st.session_state.pop(_REFUSED, None)


def edit(area: str, change: Callable[[Experiment], Experiment]) -> None:
    """Change the experiment, or leave the reason of the refusal to be shown in that area of the page."""
    try:
        replace(change(experiment()))
    except SpecError as error:
        st.session_state[_REFUSED] = (area, str(error))


def refusal(area: str) -> str:
    """Why the last change in this area was refused; '' if it was not."""
    place, message = st.session_state.get(_REFUSED, ("", ""))
    return message if place == area else ""


def set_param(part: str, name: str, value: Any) -> None:
    """Set a parameter of 'data', 'loss' or 'optimizer'."""

    def change(old: Experiment) -> Experiment:
        chosen = getattr(old, part)
        return old.updated(**{part: chosen.updated(params={**chosen.params, name: value})})

    edit("data" if part == "data" else "controls", change)


def set_field(part: str, area: str, name: str, value: Any) -> None:
    """Set a field of 'data' or 'training'."""
    edit(area, lambda old: old.updated(**{part: getattr(old, part).updated(**{name: value})}))


def choose(part: str, entry: str) -> None:
    """Choose another loss or optimizer; parameters that both have keep their values."""

    def change(old: Experiment) -> Experiment:
        chosen = getattr(old, part)
        known = {parameter.name for parameter in chosen.entries[entry].parameters}
        kept = {name: value for name, value in chosen.params.items() if name in known and name == "lr"}
        return old.updated(**{part: type(chosen)(type=entry, params=kept)})

    edit("controls", change)


def choose_data(name: str) -> None:
    """Choose another data set; the share and the seed of the split are kept."""

    def change(old: Experiment) -> Experiment:
        data = DataSpec(dataset=name, test_fraction=old.data.test_fraction, seed=old.data.seed)
        kept = {key: value for key, value in old.data.params.items() if key in data.params}
        return old.updated(data=data.updated(params={**data.params, **kept}))

    edit("data", change)


def edit_layers(change: Callable[[list[LayerSpec]], None]) -> None:
    """Change the list of layers in place."""

    def apply(old: Experiment) -> Experiment:
        layers = list(old.layers)
        change(layers)
        return old.updated(layers=tuple(layers))

    edit("network", apply)


def set_layer_param(position: int, name: str, value: Any) -> None:
    """Set a parameter of one layer."""

    def change(layers: list[LayerSpec]) -> None:
        layer = layers[position]
        layers[position] = layer.updated(params={**layer.params, name: value})

    edit_layers(change)


def new_weights() -> None:
    """Draw another seed: other initial weights, another order of the samples."""
    seed = random.SystemRandom().randrange(1, 100_000)
    edit("controls", lambda old: old.updated(training=old.training.updated(seed=seed)))


def preset_name(presets: Mapping[str, Any] = PRESETS) -> str | None:
    """The preset that the experiment is, if it is one unchanged."""
    current = experiment()
    return next((name for name, preset in presets.items() if preset.experiment == current), None)
