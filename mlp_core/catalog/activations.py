"""Activations: functions between the linear layers, with PyTorch's names and defaults. Most work element by element."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, log
from typing import Any

from mlp_core.catalog.activation_facts import ActivationFacts, always
from mlp_core.catalog.by_hand import BareTensor, LayerByHand
from mlp_core.catalog.entry import table
from mlp_core.catalog.layers import LayerEntry, Misfit
from mlp_core.catalog.parameters import Choice, Float, Int
from mlp_core.limits import MAX_WIDTH

LARGEST = 1e6
"""The largest number that a parameter of an activation may be, up or down."""
SMALLEST = 1e-6
"""The smallest number that values may be divided by or multiplied with inside an exponential."""


def _number(name: str, label: str, default: float, help: str, step: float = 0.1) -> Float:
    return Float(name=name, label=label, help=help, default=default, low=-LARGEST, high=LARGEST, step=step)


def _limit(help: str) -> Float:
    return Float(name="lambd", label="Lambda", help=help, default=0.5, low=0.0, high=LARGEST, step=0.1)


def _alpha(help: str, low: float = 0.0) -> Float:
    return Float(name="alpha", label="Alpha", help=help, default=1.0, low=low, high=LARGEST, step=0.1)


def _bounds_conflict(params: Mapping[str, Any], owner: str) -> str:
    if params["min_val"] < params["max_val"]:
        return ""
    return (
        f"The 'min_val' parameter of {owner} must be below 'max_val', which is {params['max_val']:g}. "
        f"Got {params['min_val']:g} instead. Set it to a smaller number, such as {params['max_val'] - 1:g}."
    )


def _slopes_conflict(params: Mapping[str, Any], owner: str) -> str:
    if params["lower"] <= params["upper"]:
        return ""
    return (
        f"The 'lower' parameter of {owner} must be at most 'upper', which is {params['upper']:g}. "
        f"Got {params['lower']:g} instead. Set it to a smaller number, such as {params['upper']:g}."
    )


def _slopes_misfit(params: Mapping[str, Any], features: int, owner: str) -> Misfit | None:
    slopes = params["num_parameters"]
    if slopes in (1, features):
        return None
    return Misfit(
        message=f"The 'num_parameters' parameter of {owner} must be 1, or {features:,} as the values that come in. "
        f"Got {slopes:,} instead. Set it to 1 for one slope in all, or to {features:,} for one of each value.",
        fix_label=f"Use {features:,} slopes",
        params={**params, "num_parameters": features},
    )


def _slopes_by_hand(params: Mapping[str, Any], features: int) -> LayerByHand:
    value = f"torch.full(({params['num_parameters']},), {params['init']!r})"
    slope = BareTensor(name="slope", key="weight", value=value)
    return LayerByHand(tensors=(slope,), call=("F.prelu", ("{x}", "{slope}")))


def _halves_misfit(params: Mapping[str, Any], features: int, owner: str) -> Misfit | None:
    if features % 2 == 0:
        return None
    width = features + 1
    return Misfit(
        message=f"{owner[:1].upper()}{owner[1:]} splits the values that come in into two halves, so their number must "
        f"be even. Got {features:,} instead. Give the layer before it {width:,} neurons.",
        fix_label=f"Give it {width:,} values",
        width=width,
    )


CLASS_AXIS = {"dim": 1}
"""The axis along which classes lie: that of the features, after that of the samples."""

_WHOLE_NUMBERS = 16.0
"""The exponent from which ln(1 + e^x) and x are the same float32 number."""


def _leaky_facts(params: Mapping[str, Any]) -> ActivationFacts:
    slope = params["negative_slope"]
    bounded = slope <= 0
    return ActivationFacts(
        family="rectifier",
        low=0.0 if bounded else -inf,
        reaches_low=bounded,
        kinks=() if slope == 1 else (0.0,),
        piecewise_linear=True,
        monotonic=slope >= 0,
        saturates="below" if slope == 0 else "nowhere",
        zero_centred=slope == 1,
    )


def _elu_facts(params: Mapping[str, Any]) -> ActivationFacts:
    alpha = params["alpha"]
    return ActivationFacts(
        family="rectifier",
        low=-alpha,
        reaches_low=alpha == 0,
        kinks=() if alpha == 1 else (0.0,),
        bends=(0.0,) if alpha == 1 else (),
        piecewise_linear=alpha == 0,
        saturates="below",
    )


def _gelu_facts(params: Mapping[str, Any]) -> ActivationFacts:
    lowest = {"none": -0.169971, "tanh": -0.170041}[params["approximate"]]
    return ActivationFacts(family="gated", low=lowest, reaches_low=True, monotonic=False, saturates="below")


def _softplus_facts(params: Mapping[str, Any]) -> ActivationFacts:
    beta, threshold = params["beta"], params["threshold"]
    seam = threshold / beta
    joined = threshold >= _WHOLE_NUMBERS
    return ActivationFacts(
        family="rectifier",
        low=min(0.0, seam),
        jumps=() if joined else (seam,),
        monotonic=joined,
        saturates="below",
        at_zero=log(2) / beta if threshold >= 0 else 0.0,
    )


def _hardtanh_facts(params: Mapping[str, Any]) -> ActivationFacts:
    low, high = params["min_val"], params["max_val"]
    return ActivationFacts(
        family="S-curve",
        low=low,
        high=high,
        reaches_low=True,
        reaches_high=True,
        kinks=(low, high),
        piecewise_linear=True,
        saturates="at both ends",
        at_zero=min(max(0.0, low), high),
        zero_centred=low == -high,
    )


def _hardshrink_facts(params: Mapping[str, Any]) -> ActivationFacts:
    limit = params["lambd"]
    return ActivationFacts(
        family="shrinkage", jumps=(-limit, limit) if limit else (), piecewise_linear=True, zero_centred=True
    )


def _softshrink_facts(params: Mapping[str, Any]) -> ActivationFacts:
    limit = params["lambd"]
    return ActivationFacts(
        family="shrinkage", kinks=(-limit, limit) if limit else (), piecewise_linear=True, zero_centred=True
    )


def _threshold_facts(params: Mapping[str, Any]) -> ActivationFacts:
    threshold, value = params["threshold"], params["value"]
    return ActivationFacts(
        family="rectifier",
        low=min(threshold, value),
        reaches_low=value <= threshold,
        jumps=() if value == threshold else (threshold,),
        kinks=(threshold,) if value == threshold else (),
        piecewise_linear=True,
        monotonic=value <= threshold,
        saturates="below",
        at_zero=value if threshold >= 0 else 0.0,
    )


ACTIVATIONS: dict[str, LayerEntry] = table(
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
        facts=_leaky_facts,
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
        facts=_gelu_facts,
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
    LayerEntry(
        name="ELU",
        label="ELU",
        family="activation",
        summary="Like ReLU, but negative values run smoothly towards −α, so that means stay near zero.",
        formula=r"x \text{ if } x > 0 \text{ else } \alpha\,(e^x - 1)",
        when="Networks without normalisation whose ReLU neurons die or whose means drift.",
        cost="One exponential per value.",
        facts=_elu_facts,
        advantages=(
            "Negative outputs bring the mean near zero, which lessens bias shift.",
            "Negative inputs keep a gradient, so neurons seldom die.",
        ),
        disadvantages=(
            "Saturates for very negative inputs.",
            "With alpha other than 1 it has a kink at 0.",
        ),
        parameters=(_alpha("What negative values run towards is minus alpha."),),
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
            _alpha("What negative values run towards is minus alpha; the smaller, the nearer to ReLU.", SMALLEST),
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
        facts=_softplus_facts,
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
            _number(
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
    LayerEntry(
        name="ReLU6",
        label="ReLU6",
        family="activation",
        summary="ReLU that stops at 6.",
        formula=r"\min(\max(0, x), 6)",
        when="Networks whose numbers are to be stored in few bits.",
        cost="Two comparisons per value.",
        facts=always(
            family="rectifier",
            low=0.0,
            high=6.0,
            reaches_low=True,
            reaches_high=True,
            kinks=(0.0, 6.0),
            piecewise_linear=True,
            saturates="at both ends",
        ),
        advantages=("Cheap, and bounded: values fit into few bits.",),
        disadvantages=("Neurons can die below 0 as with ReLU, and above 6 as well.",),
    ),
    LayerEntry(
        name="Hardtanh",
        label="Hardtanh",
        family="activation",
        conflict=_bounds_conflict,
        summary="Cuts values off at both ends: tanh made of straight lines.",
        formula=r"\min(\max(x, a), b)",
        when="In place of tanh, where speed matters more than smoothness.",
        cost="Two comparisons per value.",
        facts=_hardtanh_facts,
        advantages=(
            "As cheap as two comparisons.",
            "Bounded on both sides.",
        ),
        disadvantages=("Outside its bounds the slope is exactly zero: such values learn nothing.",),
        parameters=(
            _number("min_val", "Lowest", -1.0, "The lowest value a that is put out."),
            _number("max_val", "Highest", 1.0, "The highest value b that is put out."),
        ),
    ),
    LayerEntry(
        name="Hardsigmoid",
        label="Hardsigmoid",
        family="activation",
        summary="A sigmoid made of straight lines: 0 up to −3, 1 from 3 on.",
        formula=r"\min(\max(0, x + 3), 6) / 6",
        when="In place of a sigmoid inside a network, where speed matters.",
        cost="Two comparisons and a division per value.",
        facts=always(
            family="S-curve",
            low=0.0,
            high=1.0,
            reaches_low=True,
            reaches_high=True,
            kinks=(-3.0, 3.0),
            piecewise_linear=True,
            saturates="at both ends",
            at_zero=0.5,
        ),
        advantages=("A gate without an exponential.",),
        disadvantages=("Its slope is 1/6 at the most, and exactly zero beyond −3 and 3.",),
    ),
    LayerEntry(
        name="Hardswish",
        label="Hardswish",
        family="activation",
        summary="SiLU with a sigmoid made of straight lines.",
        formula=r"x \min(\max(0, x + 3), 6) / 6",
        when="In place of SiLU, where speed matters.",
        cost="Two comparisons, a product and a division per value.",
        facts=always(
            family="gated", low=-0.375, reaches_low=True, kinks=(-3.0, 3.0), monotonic=False, saturates="below"
        ),
        advantages=("Nearly SiLU, without an exponential.",),
        disadvantages=(
            "It has kinks at −3 and 3, and no gradient below −3.",
            "Not monotonic: it falls a little before it rises.",
        ),
    ),
    LayerEntry(
        name="Hardshrink",
        label="Hardshrink",
        family="activation",
        summary="Sets values near zero to zero and leaves all others as they are.",
        formula=r"0 \text{ if } |x| \le \lambda \text{ else } x",
        when="Sparse coding; small values get no gradient.",
        cost="Two comparisons per value.",
        facts=_hardshrink_facts,
        advantages=("Makes outputs sparse and leaves large values untouched.",),
        disadvantages=(
            "Jumps at both limits, where it has no derivative.",
            "Values that were set to zero get no gradient.",
        ),
        parameters=(_limit("Values no further than this from zero become zero."),),
    ),
    LayerEntry(
        name="Softshrink",
        label="Softshrink",
        family="activation",
        summary="Moves every value by λ towards zero, and sets those nearer than that to zero.",
        formula=r"\operatorname{sign}(x) \max(0, |x| - \lambda)",
        when="Sparse coding and removing noise; small values get no gradient.",
        cost="Two comparisons and an addition per value.",
        facts=_softshrink_facts,
        advantages=(
            "Makes outputs sparse without a jump.",
            "It is the step that solves the L1 penalty, as in sparse coding.",
        ),
        disadvantages=(
            "It has a kink at both limits, so it is not smooth.",
            "Values that were set to zero get no gradient, and all others are made smaller.",
        ),
        parameters=(_limit("How far every value is moved towards zero."),),
    ),
    LayerEntry(
        name="Threshold",
        label="Threshold",
        family="activation",
        summary="Keeps values above a threshold and puts one fixed value in place of all others.",
        formula=r"x \text{ if } x > t \text{ else } v",
        when="To see what ReLU's zero does; with threshold 0 and value 0 it is ReLU.",
        cost="One comparison per value.",
        facts=_threshold_facts,
        advantages=("Shows what a rectifier does, with every number of it free.",),
        disadvantages=(
            "Jumps where value and threshold differ.",
            "Values at or below the threshold get no gradient.",
        ),
        parameters=(
            _number("threshold", "Threshold", 0.0, "Values above this t are kept."),
            _number("value", "Value", 0.0, "The value v that stands in place of all others."),
        ),
    ),
    LayerEntry(
        name="PReLU",
        label="PReLU",
        family="activation",
        by_hand=_slopes_by_hand,
        count=lambda params, features: params["num_parameters"],
        misfit=_slopes_misfit,
        summary="LeakyReLU whose slope for negative values is trained, one for all values or one for each.",
        formula=r"\max(0, x) + a \min(0, x)",
        when="Where LeakyReLU helps and the right slope is not known; weight decay would pull the slope to zero.",
        cost="One comparison and one multiplication per value; one trained number per slope.",
        facts=lambda params: _leaky_facts({"negative_slope": params["init"]}),
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
        conflict=_slopes_conflict,
        random=True,
        summary="LeakyReLU whose slope is drawn for each negative value in training; a test takes the middle slope.",
        formula=r"\max(0, x) + a \min(0, x),\quad a \sim \mathrm{U}(l, u)",
        when="Against overfitting, in place of LeakyReLU.",
        cost="One random number per negative value in training.",
        facts=lambda params: _leaky_facts({"negative_slope": (params["lower"] + params["upper"]) / 2}),
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
        misfit=_halves_misfit,
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
