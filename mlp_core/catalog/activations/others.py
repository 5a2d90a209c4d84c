"""Activations that learn, that draw at random, that look at all features at once, and the one that does nothing."""

from __future__ import annotations

from mlp_core.catalog.activation_facts import always
from mlp_core.catalog.activations.knowledge import leaky_facts
from mlp_core.catalog.activations.rules import CLASS_AXIS, halves_misfit, slopes_by_hand, slopes_conflict, slopes_misfit
from mlp_core.catalog.layers import LayerEntry
from mlp_core.catalog.parameters import Float, Int
from mlp_core.limits import MAX_WIDTH

OTHERS: tuple[LayerEntry, ...] = (
    LayerEntry(
        name="PReLU",
        label="PReLU",
        family="activation",
        by_hand=slopes_by_hand,
        count=lambda params, features: params["num_parameters"],
        misfit=slopes_misfit,
        summary="LeakyReLU whose slope for negative values is trained, one for all values or one for each.",
        formula=r"\max(0, x) + a \min(0, x)",
        when="Where LeakyReLU helps and the right slope is not known; weight decay would pull the slope to zero.",
        cost="One comparison and one multiplication per value; one trained number per slope.",
        facts=lambda params: leaky_facts({"negative_slope": params["init"]}),
        advantages=(
            "Learns the slope for negative values, so there is none to choose.",
            "Negative inputs keep a gradient, so no neuron is lost while the slope is not 0.",
        ),
        disadvantages=(
            "More trained numbers, which can overfit a small set.",
            "Weight decay pulls the slope to zero, and what is left is ReLU.",
        ),
        parameters=(
            Int(
                name="num_parameters",
                label="Slopes",
                help="How many slopes are trained: 1 for all values together, or as many as values come in.",
                default=1,
                low=1,
                high=MAX_WIDTH,
                advice="Set it to 1, or to the number of values that come in.",
            ),
            Float(
                name="init",
                label="First slope",
                help="What every slope a is before training.",
                default=0.25,
                low=-10.0,
                high=10.0,
                step=0.05,
            ),
        ),
    ),
    LayerEntry(
        name="RReLU",
        label="RReLU",
        family="activation",
        conflict=slopes_conflict,
        random=True,
        summary="LeakyReLU whose slope is drawn for each negative value in training; a test takes the middle slope.",
        formula=r"\max(0, x) + a \min(0, x),\quad a \sim \mathrm{U}(l, u)",
        when="Against overfitting, in place of LeakyReLU.",
        cost="One random number per negative value in training.",
        facts=lambda params: leaky_facts({"negative_slope": (params["lower"] + params["upper"]) / 2}),
        advantages=(
            "Slopes drawn by chance work against overfitting.",
            "Negative inputs keep a gradient where no slope is 0.",
        ),
        disadvantages=(
            "Training is noisier, and random numbers cost time.",
            "It still has a kink: there is no derivative at 0.",
        ),
        parameters=(
            Float(
                name="lower",
                label="Smallest slope",
                help="The smallest slope l that is drawn.",
                default=1 / 8,
                low=-10.0,
                high=10.0,
                step=0.05,
            ),
            Float(
                name="upper",
                label="Largest slope",
                help="The largest slope u that is drawn.",
                default=1 / 3,
                low=-10.0,
                high=10.0,
                step=0.05,
            ),
        ),
    ),
    LayerEntry(
        name="GLU",
        label="GLU",
        family="activation",
        # An odd width is a misfit, and is planned as the next even one.
        out_features=lambda params, features: -(-features // 2),
        misfit=halves_misfit,
        summary="Halves the width: the first half of the values, each let through as far as its partner in the second "
        "half says.",
        formula=r"a \odot \sigma(b),\quad x = (a, b)",
        when="Where the network should learn what to let through; the layer before it needs twice the neurons.",
        cost="One exponential per value that comes out.",
        facts=always(family="gated", monotonic=False, elementwise=False),
        advantages=("One half of the values learns how much of the other half to let through.",),
        disadvantages=("Halves the width, so the layer before it needs twice the neurons and weights.",),
    ),
    LayerEntry(
        name="Softmax",
        label="Softmax",
        family="activation",
        fixed=CLASS_AXIS,
        summary="Turns the values of each sample into shares that are positive and 1 together.",
        formula=r"\frac{e^{x_i}}{\sum_k e^{x_k}}",
        when="To weigh alternatives inside a network; not before cross-entropy, which has it built in.",
        cost="One exponential per value and one division per sample.",
        facts=always(family="normalising", low=0.0, high=1.0, saturates="at both ends", elementwise=False),
        advantages=("Outputs are positive and sum to 1: they read as probabilities of classes.",),
        disadvantages=(
            "Saturates where one value is far above all others: gradients fade there.",
            "Cross-entropy applies it itself; before that loss it is applied twice.",
        ),
    ),
    LayerEntry(
        name="LogSoftmax",
        label="LogSoftmax",
        family="activation",
        fixed=CLASS_AXIS,
        summary="The logarithm of softmax, computed so that small shares keep their digits.",
        formula=r"x_i - \ln \sum_k e^{x_k}",
        when="As the last layer before NLLLoss.",
        cost="One exponential per value and one logarithm per sample.",
        facts=always(family="normalising", high=0.0, elementwise=False),
        advantages=("Gives logarithms of probabilities without rounding small ones to minus infinity.",),
        disadvantages=("Cross-entropy applies it itself; its place is before NLLLoss.",),
    ),
    LayerEntry(
        name="Softmin",
        label="Softmin",
        family="activation",
        fixed=CLASS_AXIS,
        summary="Softmax of the values with their signs changed: the smallest value gets the largest share.",
        formula=r"\frac{e^{-x_i}}{\sum_k e^{-x_k}}",
        when="Where values are distances or costs, and the nearest should count most.",
        cost="One exponential per value and one division per sample.",
        facts=always(family="normalising", low=0.0, high=1.0, saturates="at both ends", elementwise=False),
        advantages=("Turns distances into shares, the nearest one's the largest.",),
        disadvantages=(
            "Saturates as softmax does.",
            "As an output for classes it turns their order around.",
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
        facts=always(family="linear", piecewise_linear=True, zero_centred=True),
        advantages=("Costs nothing, and passes every gradient on unchanged.",),
        disadvantages=(
            "It bends nothing: any number of Linear layers with it in between do what one Linear layer does.",
        ),
    ),
)
