"""What is on the Inspect page's screen, as plain values: read in a run of the page, used by its moving parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.plan import LayerPlan, Plan
from mlp_core.views import Options
from mlp_core.views.health import HEALTH
from mlp_core.views.health import LAYERS as LAYER_HEALTH
from mlp_core.views.moments import SPREADS
from mlp_core.views.space import INPUT, PCA, UMAP, Space, methods
from pages.inspect.slots import MOMENT, NOW, MapSlot
from pages.inspect.umap import umap_slot
from pages.live.slots import Slot, ViewSlot
from pages.playground.health import health_slot
from pages.shared.layout import theme
from pages.shared.link import hidden

LAYERS, WEIGHTS, GRADIENTS, ACTIVATIONS = "Layers", "Weights", "Gradients", "Activations"
OVER_TIME, SPACE, PARAMETERS, SUMMARY = "Over time", "Hidden space", "Parameters", "Summary"
TABS = (LAYERS, WEIGHTS, GRADIENTS, ACTIVATIONS, OVER_TIME, SPACE, PARAMETERS, SUMMARY)
TAB = "inspect_tab"
LAYER, SPREAD, FIRST_IMAGE = "inspect_layer", "inspect_spread", "inspect_first_image"
PART, METHOD, NEURON = "inspect_part", "inspect_method", "inspect_neuron_{}"
LOOKS_AT_LAYER = (WEIGHTS, GRADIENTS, ACTIVATIONS, OVER_TIME, SPACE)
"""The tabs that show something of the chosen layer."""
TALL, TALLER, LONG = 380, 560, 640
"""The height of a chart with one beside it, in pixels, of one that stands alone, and of a table."""


@dataclass(frozen=True)
class Screen:
    """What a reader has chosen to see of a run."""

    dataset: Dataset
    """The run's data."""
    plan: Plan
    """The network's shapes."""
    options: Options
    """How views are drawn."""
    tab: str
    """The open tab."""
    spread: str
    """What is shown over time: a key of `SPREADS`."""

    @property
    def width(self) -> int:
        """How many numbers the chosen layer makes of a sample."""
        found = next((layer for layer in self.plan.walk() if layer.name == self.options.layer), None)
        return self.plan.layers[0].in_features if found is None else found.out_features

    @property
    def embeds(self) -> bool:
        """Whether the hidden space is seen by UMAP, which is computed when somebody asks for it."""
        return self.tab == SPACE and self.options.space.method == UMAP

    def rows(self) -> list[list[Slot]]:
        """The places whose content moves in the open tab, row by row."""
        images = [self._charts("weight_images")] if self.dataset.facts.picture_shape else []
        rows: dict[str, list[list[Slot]]] = {
            LAYERS: [
                [ViewSlot("inspect-layers", (LAYER_HEALTH,), self.options, LONG),
                 health_slot(ViewSlot("inspect-health", (HEALTH,), self.options, LONG))],
            ],
            WEIGHTS: [*images, self._charts("weights", "weight_matrix")],
            GRADIENTS: [self._charts("gradients", "gradient_matrix")],
            ACTIVATIONS: [self._charts("activations", "activation_matrix")],
            OVER_TIME: [
                [MapSlot("inspect-map", (f"{self.spread}_map",), self.options, TALL),
                 ViewSlot("inspect-ridge", (f"{self.spread}_ridge",), self.options, TALL)],
                self._charts("update_size", "gradient_norm", "activation_std", height=290),
            ],
            SPACE: [[umap_slot(self.options, TALLER)] if self.embeds else self._charts("hidden_space", height=TALLER)],
            PARAMETERS: [self._charts("parameters", height=LONG)],
        }  # fmt: skip
        return rows.get(self.tab, [])

    def _charts(self, *names: str, height: int = TALL) -> list[Slot]:
        return [ViewSlot(f"inspect-{name}", (name,), self.options, height) for name in names]


def parts_of(dataset: Dataset) -> tuple[str, ...]:
    """The parts whose samples may be looked at."""
    return tuple(
        name for name, part in PARTS.items() if part.exists(dataset) and not (name == "test" and hidden("test"))
    )


def screen(dataset: Dataset, planned: Plan) -> Screen:
    """As the page is now; call in a run of the page."""
    tab = open_tab()
    names = layer_names(planned, tab)
    layer = st.session_state.get(LAYER)
    layer = layer if layer in names else usual_layer(planned)
    widths = {one.name: one.out_features for one in planned.walk()} | {INPUT: planned.layers[0].in_features}
    first, second = (min(_number(NEURON.format(place), place), widths[layer] - 1) for place in (0, 1))
    options = Options(
        theme=theme(),
        layer=layer,
        moment=_number(MOMENT, NOW) / NOW,
        first_image=_number(FIRST_IMAGE, 0),
        space=Space(layer, _chosen(PART, parts_of(dataset)), _chosen(METHOD, methods(), PCA), (first, second)),
    )
    return Screen(dataset, planned, options, tab, _chosen(SPREAD, tuple(SPREADS)))


def open_tab() -> str:
    """The tab that is open."""
    return _chosen(TAB, TABS)


def layer_names(planned: Plan, tab: str) -> dict[str, str]:
    """The layers that may be looked at, by their names in the model, with their names for people."""
    found = {INPUT: f"Input ({planned.layers[0].in_features:,})"} if tab == SPACE else {}
    return found | {layer.name: _label(layer) for layer in planned.walk()}


def usual_layer(planned: Plan) -> str:
    """The last layer with weights before the output layer, so that it is neither the data nor the answer."""
    weighted = [layer.name for layer in planned.walk() if layer.own_parameters]
    return (weighted[-2:] or [planned.layers[0].name])[0]


def _label(layer: LayerPlan) -> str:
    """The layer as charts and sentences count it, with its shape."""
    shape = f"{layer.in_features:,} → {layer.out_features:,}"
    return f"{layer.number} {layer.spec.entry.label}, {shape}"


def _chosen(key: str, names: tuple[str, ...], usual: str = "") -> str:
    """What a widget has, if that may be chosen."""
    found: Any = st.session_state.get(key)
    return str(found) if found in names else usual or names[0]


def _number(key: str, usual: int) -> int:
    found = st.session_state.get(key)
    return found if isinstance(found, int) and found >= 0 else usual
