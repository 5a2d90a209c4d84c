"""What can be done to a layer or a neuron in the middle of a run: one table.

Splitting and adding follow Net2Net (Chen, Goodfellow, Shlens 2016, arXiv:1511.05641), which makes a network wider
without a change of what it computes.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.catalog.entry import Entry, table


@dataclass(frozen=True, kw_only=True)
class SurgeryEntry(Entry):
    """An operation on a layer or on one of its neurons."""

    neuron: bool
    """Whether it is done to a neuron of a layer, or to the layer."""
    changes: str = ""
    """What it changes in the experiment: 'width', 'frozen' or '' for weights alone."""
    record: str
    """What the record says was done, with `{neuron}` and `{layer}` for their numbers."""
    note: str
    """What is true of a run after it, which a script of its experiment does not do."""


SURGERY: dict[str, SurgeryEntry] = table(
    SurgeryEntry(
        name="ablate",
        label="Ablate",
        neuron=True,
        record="Ablated neuron {neuron} of layer {layer}",
        note="A neuron of it was ablated while it was trained.",
        summary="Sets the weights that lead out of the neuron to zero, so that nothing reads it. Training may let them "
        "grow again.",
    ),
    SurgeryEntry(
        name="reset_neuron",
        label="Re-initialise",
        neuron=True,
        record="Re-initialised neuron {neuron} of layer {layer}",
        note="A neuron of it was re-initialised while it was trained.",
        summary="Draws the weights that lead into the neuron, and its bias, anew. Those that lead out of it stay.",
    ),
    SurgeryEntry(
        name="split",
        label="Split",
        neuron=True,
        changes="width",
        record="Split neuron {neuron} of layer {layer}",
        note="A neuron of it was split while it was trained.",
        summary="Puts a copy of the neuron beside it, and divides the weights that lead out of it unevenly between the "
        "two: the network's outputs stay as they are.",
    ),
    SurgeryEntry(
        name="add_neuron",
        label="Add a neuron",
        neuron=False,
        changes="width",
        record="Added a neuron to layer {layer}",
        note="A neuron was added to it while it was trained.",
        summary="Adds a neuron with new weights that nothing reads yet: the network's outputs stay as they are, and "
        "the run goes on. Another number of neurons starts a new run instead.",
    ),
    SurgeryEntry(
        name="reset_layer",
        label="Re-initialise layer",
        neuron=False,
        record="Re-initialised layer {layer}",
        note="A layer of it was re-initialised while it was trained.",
        summary="Draws all weights of the layer anew, as before the first step.",
    ),
    SurgeryEntry(
        name="freeze",
        label="Freeze",
        neuron=False,
        changes="frozen",
        record="Froze layer {layer}",
        note="A layer of it was frozen while it was trained.",
        summary="Training leaves the layer's weights as they are from now on.",
    ),
    SurgeryEntry(
        name="unfreeze",
        label="Unfreeze",
        neuron=False,
        changes="frozen",
        record="Unfroze layer {layer}",
        note="A layer of it was unfrozen while it was trained.",
        summary="Training changes the layer's weights again.",
    ),
)
