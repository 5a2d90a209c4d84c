"""Smooth activations beside the common ones: exponential, logarithmic and shrinking."""

from __future__ import annotations

from math import log

from mlp_core.catalog.activation_facts import ActivationFacts, always
from mlp_core.catalog.activations.knowledge import elu_facts, softplus_facts
from mlp_core.catalog.activations.rules import LARGEST, SMALLEST, alpha, number
from mlp_core.catalog.layers import LayerEntry
from mlp_core.catalog.parameters import Float

SMOOTH: tuple[LayerEntry, ...] = (
    LayerEntry(
        name="ELU",
        label="ELU",
        family="activation",
        summary="Like ReLU, but negative values run smoothly towards −α, so that means stay near zero.",
        formula=r"x \text{ if } x > 0 \text{ else } \alpha\,(e^x - 1)",
        when="Networks without normalisation whose ReLU neurons die or whose means drift.",
        cost="One exponential per value.",
        facts=elu_facts,
        advantages=(
            "Negative outputs bring the mean near zero, which lessens bias shift.",
            "Negative inputs keep a gradient, so neurons seldom die.",
        ),
        disadvantages=(
            "Saturates for very negative inputs.",
            "With alpha other than 1 it has a kink at 0.",
        ),
        parameters=(alpha("What negative values run towards is minus alpha."),),
    ),
    LayerEntry(
        name="SELU",
        label="SELU",
        family="activation",
        summary="ELU with two constants by which means and variances keep themselves near 0 and 1 from layer to layer.",
        formula=r"s\,(x \text{ if } x > 0 \text{ else } \alpha\,(e^x - 1)),\quad s \approx 1.0507,\ "
        r"\alpha \approx 1.6733",
        when="Deep stacks of Linear layers without normalisation.",
        cost="One exponential per value.",
        facts=always(
            family="rectifier", low=-1.758099, kinks=(0.0,), saturates="below", zero_centred=True, self_normalising=True
        ),
        advantages=(
            "Means and variances of its layers settle near 0 and 1 by themselves, without a normalising layer.",
        ),
        disadvantages=(
            "Works as promised only with weights of variance 1 / width (LeCun's) and plain stacks of Linear layers.",
            "Plain Dropout upsets its balance: AlphaDropout belongs to it.",
            "It has a kink at 0.",
        ),
    ),
    LayerEntry(
        name="CELU",
        label="CELU",
        family="activation",
        summary="ELU whose slope at zero is 1 for every α.",
        formula=r"\max(0, x) + \min(0, \alpha\,(e^{x / \alpha} - 1))",
        when="Where ELU with another α than 1 should have no kink.",
        cost="One exponential per value.",
        facts=lambda params: ActivationFacts(family="rectifier", low=-params["alpha"], bends=(0.0,), saturates="below"),
        advantages=(
            "Differentiable at 0 with every alpha, unlike ELU.",
            "Negative outputs bring the mean nearer to zero.",
        ),
        disadvantages=(
            "Saturates for very negative inputs.",
            "With alpha 1 it is ELU itself; other values are seldom tried.",
        ),
        parameters=(
            alpha("What negative values run towards is minus alpha; the smaller, the nearer to ReLU.", SMALLEST),
        ),
    ),
    LayerEntry(
        name="Softplus",
        label="Softplus",
        family="activation",
        summary="A smooth ReLU that is always above zero.",
        formula=r"\tfrac{1}{\beta} \ln(1 + e^{\beta x})",
        when="Outputs that must be positive, such as a variance.",
        cost="An exponential and a logarithm per value.",
        facts=softplus_facts,
        advantages=("Smooth, and always above zero: fit for a variance or a rate.",),
        disadvantages=(
            "Outputs are far from zero-centred, even at 0, where it gives ln 2 divided by beta.",
            "Dearer than ReLU, and seldom better in hidden layers.",
        ),
        parameters=(
            Float(
                name="beta",
                label="Beta",
                help="How sharp the bend at zero is: the larger, the nearer to ReLU.",
                default=1.0,
                low=SMALLEST,
                high=LARGEST,
                step=0.1,
            ),
            number(
                "threshold",
                "Threshold",
                20.0,
                "Where beta times a value is above this, the value itself comes out.",
                1.0,
            ),
        ),
    ),
    LayerEntry(
        name="Softsign",
        label="Softsign",
        family="activation",
        summary="An S-curve from −1 to 1 like tanh, which comes much more slowly to its ends.",
        formula=r"\frac{x}{1 + |x|}",
        when="In place of tanh, where neurons saturate.",
        cost="One division per value.",
        facts=always(family="S-curve", low=-1.0, high=1.0, bends=(0.0,), saturates="at both ends", zero_centred=True),
        advantages=(
            "Zero-centred and bounded, without an exponential.",
            "Comes to its ends slowly, so far inputs keep more gradient than with tanh.",
        ),
        disadvantages=(
            "Still saturates at both ends.",
            "Its slope falls quickly right next to zero.",
        ),
    ),
    LayerEntry(
        name="LogSigmoid",
        label="LogSigmoid",
        family="activation",
        summary="The logarithm of the sigmoid: near zero for large values, the value itself far below zero.",
        formula=r"\ln \frac{1}{1 + e^{-x}}",
        when="Logarithms of probabilities; seldom between hidden layers.",
        cost="An exponential and a logarithm per value.",
        facts=always(family="rectifier", high=0.0, saturates="above", at_zero=-log(2)),
        advantages=("Gives the logarithm of a probability without rounding it to minus infinity.",),
        disadvantages=(
            "Outputs are all negative, which shifts the next layer (bias shift).",
            "Saturates for large inputs.",
        ),
    ),
    LayerEntry(
        name="Tanhshrink",
        label="Tanhshrink",
        family="activation",
        summary="What tanh cuts off: flat at zero, steeper the further away.",
        formula=r"x - \tanh(x)",
        when="Sparse coding, where small values should vanish smoothly.",
        cost="One tanh per value.",
        facts=always(family="shrinkage", zero_centred=True),
        advantages=(
            "Smooth and zero-centred.",
            "Leaves large values nearly as they are and makes small ones vanish.",
        ),
        disadvantages=("Its slope is 0 at zero, where most values lie at the start: little gradient gets through.",),
    ),
)
