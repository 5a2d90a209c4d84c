"""Ways to write one network in code. `mlp_core.export` has a writer for each."""

from __future__ import annotations

from mlp_core.catalog.entry import Entry, table

STYLES: dict[str, Entry] = table(
    Entry(
        name="sequential",
        label="nn.Sequential",
        summary="Layers in a row, one after the other: the shortest form.",
        when="A plain stack of layers.",
    ),
    Entry(
        name="named-sequential",
        label="nn.Sequential with names",
        summary="A row of layers in an OrderedDict, so that each can be reached by its name.",
        when="A plain stack whose layers are looked at later, as model.fc1.",
    ),
    Entry(
        name="module-functional",
        label="nn.Module, functional activations",
        summary="A class that holds the layers with weights; forward calls the activations as functions.",
        when="The usual form in papers and tutorials; forward may do anything.",
    ),
    Entry(
        name="module-activations",
        label="nn.Module, one activation module per layer",
        summary="A class with a module for every layer and every activation.",
        when="When print(model) or a hook should see each activation.",
    ),
    Entry(
        name="module-shared",
        label="nn.Module, one shared activation module",
        summary="A class with one activation module that forward uses again and again.",
        when="One activation without parameters throughout the network.",
    ),
    Entry(
        name="mixed",
        label="nn.Sequential inside an nn.Module",
        summary="A class whose hidden layers are an nn.Sequential and whose output layer is its own.",
        when="When the values before the output layer are wanted as well.",
    ),
    Entry(
        name="layers-sequential",
        label="Layer classes, by Sequential",
        summary="A class for a Linear with its activation, kept together in an nn.Sequential.",
        when="When a block of layers is repeated.",
    ),
    Entry(
        name="layers-functional",
        label="Layer classes, by functional call",
        summary="A class for a Linear with its activation, which forward calls as a function.",
        when="When a block of layers is repeated, and forward is to say what it does.",
    ),
    Entry(
        name="layers-clamp",
        label="Layer classes, by clamp",
        summary="A class for a Linear with ReLU written out: clamp(min=0).",
        when="To see that ReLU is nothing but a lower bound.",
    ),
    Entry(
        name="bare-tensors",
        label="Bare tensors",
        summary="Weights and biases by hand, gradients tracked, and the update written out.",
        when="To see everything that nn.Module and torch.optim do.",
    ),
    Entry(
        name="lightning-module",
        label="Lightning",
        summary="A LightningModule with a Trainer that runs the loop.",
        when="Projects that use Lightning.",
    ),
)
"""The order is from the shortest to the most special."""
