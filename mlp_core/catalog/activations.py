"""Activations: element-wise functions between the linear layers, with PyTorch's names and defaults."""

from __future__ import annotations

from mlp_core.catalog.entry import table
from mlp_core.catalog.layers import LayerEntry
from mlp_core.catalog.parameters import Choice, Float

ACTIVATIONS: dict[str, LayerEntry] = table(
    LayerEntry(
        name="ReLU",
        label="ReLU",
        family="activation",
        summary="Keeps positive values, sets negative ones to zero.",
        formula=r"\max(0, x)",
        when="The usual first choice for hidden layers.",
        cost="One comparison per value.",
    ),
    LayerEntry(
        name="LeakyReLU",
        label="LeakyReLU",
        family="activation",
        summary="Like ReLU, but negative values keep a small slope, so a neuron cannot stop learning for good.",
        formula=r"\max(0, x) + s \min(0, x)",
        when="When many ReLU neurons are always zero ('dying ReLU').",
        cost="One comparison and one multiplication per value.",
        parameters=(
            Float(
                name="negative_slope",
                label="Negative slope",
                help="The slope s for negative inputs.",
                default=0.01,
                low=-10.0,
                high=10.0,
                step=0.01,
            ),
        ),
    ),
    LayerEntry(
        name="Tanh",
        label="Tanh",
        family="activation",
        summary="An S-curve from −1 to 1, centred on zero.",
        formula=r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}",
        when="Small networks and smooth boundaries; saturates (learns slowly) far from zero.",
        cost="One exponential per value.",
    ),
    LayerEntry(
        name="Sigmoid",
        label="Sigmoid",
        family="activation",
        summary="An S-curve from 0 to 1: turns a score into a probability.",
        formula=r"\sigma(x) = \frac{1}{1 + e^{-x}}",
        when="As the last layer before BCELoss; seldom between hidden layers, where gradients fade.",
        cost="One exponential per value.",
    ),
    LayerEntry(
        name="GELU",
        label="GELU",
        family="activation",
        summary="A smooth ReLU that weighs each value by how likely a normal variable is to be below it.",
        formula=r"x\,\Phi(x)",
        when="Deeper networks; the usual choice in transformers.",
        cost="One error function (or tanh) per value.",
        parameters=(
            Choice(
                name="approximate",
                label="Approximation",
                help="'none' computes the error function; 'tanh' is the faster approximation.",
                default="none",
                choices=("none", "tanh"),
            ),
        ),
    ),
    LayerEntry(
        name="Identity",
        label="Identity",
        family="activation",
        summary="Passes values through unchanged: two Linear layers with nothing between them are one Linear layer.",
        formula="x",
        when="To see what a network without activations cannot learn.",
        cost="None.",
    ),
)
