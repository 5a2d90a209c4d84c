"""The way from a control of the Playground to a race against another value of it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core.catalog import ACTIVATIONS
from mlp_core.plan import last_linear
from mlp_core.settings import ACTIVATION, DEPTH, INITIALIZER, WIDTH, path_in_layer
from mlp_core.spec import LayerSpec, Path
from pages.race.setup import race_against, settings_to_race
from pages.shared import editor
from pages.shared.link import hidden, locked
from pages.shared.verdict import RACE_PAGE

RACE = "race"
"""What the diagram calls it."""
LABEL = "Race against…"
OFFER = {"name": RACE, "label": LABEL, "help": "Train this network live beside one in which the layer differs."}
"""How the diagram offers it."""
USUAL = ("optimizer.lr", "optimizer.type", "training.batch_size", "loss.type", "scheduler.type", ACTIVATION, WIDTH,
         DEPTH, INITIALIZER)  # fmt: skip
"""Settings that the menu offers."""


def race_menu(key: str, paths: Sequence[str] = USUAL) -> None:
    """A menu of settings: a choice opens the Race page with the experiment and one variant."""
    known = settings_to_race(editor.experiment())
    offered = [path for path in paths if path in known]
    if offered:
        st.menu_button(
            LABEL, offered, key=key, icon=":material/sports_score:", format_func=lambda path: known[path].label,
            help="Train this experiment live beside one that differs in a setting.",
            on_click=lambda: open_race(st.session_state[key]),
        )  # fmt: skip


def open_race(path: str) -> None:
    """Go to the Race page with one variant that has another value of this setting."""
    race_against(path)
    st.switch_page(str(RACE_PAGE))


def race_layer(path: Path, layer: LayerSpec) -> None:
    """The same for a layer: with another type of an activation, or another value of its first parameter."""
    if can_race(path, layer):
        open_race(path_in_layer(path, _raced(layer) or ""))


def can_race(path: Path, layer: LayerSpec) -> bool:
    """Whether a layer has a setting that may be raced. Outputs are as many as the data needs."""
    if (name := _raced(layer)) is None or path == (last_linear(editor.experiment().layers),):
        return False
    controls = layer.entry.choice_controls if name == "type" else layer.entry.parameter(name).controls
    return not hidden(*controls) and not locked(*controls)


def _raced(layer: LayerSpec) -> str | None:
    """The name of that setting."""
    if layer.type in ACTIVATIONS:
        return "type"
    return layer.entry.parameters[0].name if layer.entry.parameters else None
