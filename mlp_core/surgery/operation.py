"""An operation, what it makes of an experiment, and why it may not be possible. Nothing here needs a tensor."""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.catalog.entry import look_up
from mlp_core.catalog.surgery import SURGERY, SurgeryEntry
from mlp_core.errors import SpecError
from mlp_core.plan import LayerPlan, Plan, plan
from mlp_core.problems import refuse
from mlp_core.spec import Experiment, Path, layer_number
from mlp_core.surgery.reach import Reach, reach

WHY = {
    "ablate": "so no weights lead out of one alone. Choose a neuron of another layer, or re-initialise this one.",
    "split": "so its outputs would change with a copy. Choose a neuron of another layer.",
    "add_neuron": "so its outputs would change with one more. Choose another layer, or set the number of neurons in "
    "the layer's settings: that starts a new run.",
}
"""Why a layer that mixes neurons stands in the way of an operation, which needs to know where a neuron leads."""


@dataclass(frozen=True)
class Operation:
    """Something that is done to a layer, or to one of its neurons."""

    type: str
    """Its name in the catalog's `SURGERY`."""
    path: Path
    """The layer."""
    neuron: int | None = None
    """The neuron, counted from 0; None where it is done to the layer."""

    @property
    def entry(self) -> SurgeryEntry:
        """Its entry; raises `SpecError` for a type that there is not."""
        return look_up(SURGERY, self.type, "operation")

    @property
    def sentence(self) -> str:
        """What was done, as 'Split neuron 3 of layer 2'; people count from 1."""
        number = "" if self.neuron is None else f"{self.neuron + 1:,}"
        return self.entry.record.format(neuron=number, layer=layer_number(self.path))


def operated(experiment: Experiment, operation: Operation) -> Experiment:
    """The experiment of the network after an operation; the same where it changes weights alone.

    Raises `SpecError` with a sentence where it is not possible.
    """
    planned = plan(experiment)
    layer = _layer(planned, operation)
    if operation.entry.changes == "frozen":
        found = experiment.replace_layer(
            operation.path, experiment.layer_at(operation.path).updated(frozen=operation.type == "freeze")
        )
        refuse(found)
        return found
    if operation.type not in WHY:
        return experiment
    met = met_by(planned, operation)
    if operation.entry.changes != "width":
        return experiment
    found = _widened(experiment, [layer, *met.writers])
    refuse(found)
    return found


def met_by(planned: Plan, operation: Operation) -> Reach:
    """What the values of the operation's neuron meet; nothing for one that need not know."""
    why = WHY.get(operation.type)
    return Reach() if why is None else reach(planned, operation.path, why)


def refusal(experiment: Experiment, operation: Operation) -> str:
    """Why an operation is not possible, in a sentence; '' where it is."""
    try:
        operated(experiment, operation)
    except SpecError as error:
        return str(error)
    return ""


def possible(experiment: Experiment, path: Path, *, neuron: bool) -> tuple[SurgeryEntry, ...]:
    """The operations that there are for a layer, or for its neurons, whether or not one is refused at last."""
    layer = experiment.layer_at(path)
    makes_neurons = "out_features" in layer.params
    if neuron:
        return tuple(entry for entry in SURGERY.values() if entry.neuron and makes_neurons)
    names = ["add_neuron"] if makes_neurons else []
    names += ["reset_layer", "unfreeze" if layer.frozen else "freeze"] if layer.entry.trains else []
    return tuple(SURGERY[name] for name in names)


def _layer(planned: Plan, operation: Operation) -> LayerPlan:
    """The layer that is operated on; raises `SpecError` where that or the neuron is not there, or has no weights."""
    entry, number = operation.entry, layer_number(operation.path)
    layer = next((found for found in planned.walk() if found.path == operation.path), None)
    if layer is None:
        raise SpecError(f"There is no layer {number}. Choose a layer of the network.")
    if not layer.own_parameters:
        raise SpecError(f"Layer {number} ({layer.spec.entry.label}) has no weights. Choose a layer that has some.")
    if not entry.neuron:
        if operation.neuron is not None:
            raise SpecError(f"The 'neuron' of operation {entry.name} must be empty. Got {operation.neuron} instead.")
    elif "out_features" not in layer.spec.params:
        raise SpecError(f"Layer {number} ({layer.spec.entry.label}) has no neurons of its own. Choose a Linear layer.")
    elif operation.neuron is None or not 0 <= operation.neuron < layer.out_features:
        got = "none" if operation.neuron is None else f"{operation.neuron + 1:,}"
        raise SpecError(
            f"The neuron must be one of the {layer.out_features:,} of layer {number}, counted from 1. "
            f"Got {got} instead. Choose one of them."
        )
    return layer


def _widened(experiment: Experiment, layers: list[LayerPlan]) -> Experiment:
    """The experiment with one neuron more in each of these layers, and in the layers behind that must fit them."""
    for layer in layers:
        spec = experiment.layer_at(layer.path)
        width = spec.params["out_features"]
        if width is not None:  # an empty one follows its block
            experiment = experiment.replace_layer(
                layer.path, spec.updated(params={**spec.params, "out_features": width + 1})
            )
    for layer in plan(experiment).walk():
        misfit = layer.misfit
        if misfit is not None and misfit.params is not None:
            spec = experiment.layer_at(layer.path)
            experiment = experiment.replace_layer(layer.path, spec.updated(params=misfit.params))
    return experiment
