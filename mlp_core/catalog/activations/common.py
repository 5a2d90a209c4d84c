"""The activations that most networks have, those chosen most often first."""

from __future__ import annotations

from mlp_core.catalog.activation_facts import always
from mlp_core.catalog.activations.knowledge import gelu_facts, leaky_facts
from mlp_core.catalog.layers import LayerEntry
from mlp_core.catalog.parameters import Choice, Float

COMMON: tuple[LayerEntry, ...] = (
    LayerEntry(
        name="ReLU",
        label="ReLU",
        family="activation",
        summary="Keeps positive values, sets negative ones to zero.",
        formula=r"\max(0, x)",
        when="The usual first choice for hidden layers.",
        cost="One comparison per value.",
        facts=always(
            family="rectifier", low=0.0, reaches_low=True, kinks=(0.0,), piecewise_linear=True, saturates="below"
        ),
        advantages=(
            "As cheap as an activation can be.",
            "Its slope is 1 for every positive input, so gradients pass many layers at full size.",
            "About half of the outputs are exactly zero: few neurons answer at a time (sparsity).",
        ),
        disadvantages=(
            "A neuron whose inputs are all negative puts out zero and gets no gradient: it may be dead for good.",
            "Outputs are never negative, so their mean is above zero and shifts the next layer (bias shift).",
        ),
    ),
    LayerEntry(
        name="LeakyReLU",
        label="LeakyReLU",
        family="activation",
        summary="Like ReLU, but negative values keep a small slope, so a neuron cannot stop learning for good.",
        formula=r"\max(0, x) + s \min(0, x)",
        when="When many ReLU neurons are always zero ('dying ReLU').",
        cost="One comparison and one multiplication per value.",
        facts=leaky_facts,
        advantages=(
            "Almost as cheap as ReLU.",
            "Negative inputs keep a gradient, so no neuron is lost for good.",
        ),
        disadvantages=(
            "The slope for negative inputs is one more number to choose, and seldom changes much.",
            "No output is exactly zero: the sparsity of ReLU is gone.",
            "It still has a kink: there is no derivative at 0.",
        ),
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
        facts=always(family="S-curve", low=-1.0, high=1.0, saturates="at both ends", zero_centred=True),
        advantages=(
            "Outputs lie around zero, so the next layer sees balanced inputs.",
            "Smooth, and bounded on both sides: no value can explode.",
        ),
        disadvantages=(
            "Saturates at both ends: there its slope fades, and a neuron hardly learns.",
            "Through many layers gradients shrink with every one.",
        ),
    ),
    LayerEntry(
        name="Sigmoid",
        label="Sigmoid",
        family="activation",
        summary="An S-curve from 0 to 1: turns a score into a probability.",
        formula=r"\sigma(x) = \frac{1}{1 + e^{-x}}",
        when="As the last layer before BCELoss; seldom between hidden layers, where gradients fade.",
        cost="One exponential per value.",
        facts=always(family="S-curve", low=0.0, high=1.0, saturates="at both ends", at_zero=0.5),
        advantages=("Its output reads as a probability or as a gate between closed (0) and open (1).",),
        disadvantages=(
            "Its slope is 1/4 at the most, so gradients shrink at least fourfold at every layer.",
            "Saturates at both ends.",
            "Outputs are all positive with a mean near 1/2, which shifts the next layer (bias shift).",
        ),
    ),
    LayerEntry(
        name="GELU",
        label="GELU",
        family="activation",
        summary="A smooth ReLU that weighs each value by how likely a normal variable is to be below it.",
        formula=r"x\,\Phi(x)",
        when="Deeper networks; the usual choice in transformers.",
        cost="One error function (or tanh) per value.",
        facts=gelu_facts,
        advantages=(
            "Smooth everywhere, so gradients change gradually.",
            "Weighs values rather than cutting them off; negative values near zero still learn.",
        ),
        disadvantages=(
            "Costs several times as much as ReLU.",
            "Not monotonic: it falls a little before it rises.",
        ),
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
        name="SiLU",
        label="SiLU (Swish)",
        family="activation",
        summary="The value times its own sigmoid: a smooth ReLU that dips a little below zero.",
        formula=r"x\,\sigma(x)",
        when="Deeper networks, in place of ReLU; also where smooth boundaries are wanted.",
        cost="One exponential per value.",
        facts=always(family="gated", low=-0.278465, reaches_low=True, monotonic=False, saturates="below"),
        advantages=(
            "Smooth everywhere.",
            "Negative values near zero still get a gradient.",
        ),
        disadvantages=(
            "Costs an exponential per value.",
            "Not monotonic: it falls a little before it rises.",
        ),
    ),
    LayerEntry(
        name="Mish",
        label="Mish",
        family="activation",
        summary="Much like SiLU: smooth, and with a small dip below zero.",
        formula=r"x \tanh(\ln(1 + e^x))",
        when="Where SiLU helps and its cost does not matter.",
        cost="An exponential, a logarithm and a tanh per value.",
        facts=always(family="gated", low=-0.308843, reaches_low=True, monotonic=False, saturates="below"),
        advantages=(
            "Smooth everywhere.",
            "Keeps a little more of negative values than SiLU.",
        ),
        disadvantages=(
            "Among the dearest to compute.",
            "Seldom better than SiLU by more than chance in small networks.",
        ),
    ),
)
