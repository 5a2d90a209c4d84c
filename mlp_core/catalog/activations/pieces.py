"""Activations of straight pieces, bounded and thresholded ones among them, and smooth Hardswish."""

from __future__ import annotations

from mlp_core.catalog.activation_facts import always
from mlp_core.catalog.activations.knowledge import hardshrink_facts, hardtanh_facts, softshrink_facts, threshold_facts
from mlp_core.catalog.activations.rules import bounds_conflict, limit, number
from mlp_core.catalog.layers import LayerEntry

PIECES: tuple[LayerEntry, ...] = (
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
        conflict=bounds_conflict,
        summary="Cuts values off at both ends: tanh made of straight lines.",
        formula=r"\min(\max(x, a), b)",
        when="In place of tanh, where speed matters more than smoothness.",
        cost="Two comparisons per value.",
        facts=hardtanh_facts,
        advantages=(
            "As cheap as two comparisons.",
            "Bounded on both sides.",
        ),
        disadvantages=("Outside its bounds the slope is exactly zero: such values learn nothing.",),
        parameters=(
            number("min_val", "Lowest", -1.0, "The lowest value a that is put out."),
            number("max_val", "Highest", 1.0, "The highest value b that is put out."),
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
        facts=hardshrink_facts,
        advantages=("Makes outputs sparse and leaves large values untouched.",),
        disadvantages=(
            "Jumps at both limits, where it has no derivative.",
            "Values that were set to zero get no gradient.",
        ),
        parameters=(limit("Values no further than this from zero become zero."),),
    ),
    LayerEntry(
        name="Softshrink",
        label="Softshrink",
        family="activation",
        summary="Moves every value by λ towards zero, and sets those nearer than that to zero.",
        formula=r"\operatorname{sign}(x) \max(0, |x| - \lambda)",
        when="Sparse coding and removing noise; small values get no gradient.",
        cost="Two comparisons and an addition per value.",
        facts=softshrink_facts,
        advantages=(
            "Makes outputs sparse without a jump.",
            "It is the step that solves the L1 penalty, as in sparse coding.",
        ),
        disadvantages=(
            "It has a kink at both limits, so it is not smooth.",
            "Values that were set to zero get no gradient, and all others are made smaller.",
        ),
        parameters=(limit("How far every value is moved towards zero."),),
    ),
    LayerEntry(
        name="Threshold",
        label="Threshold",
        family="activation",
        summary="Keeps values above a threshold and puts one fixed value in place of all others.",
        formula=r"x \text{ if } x > t \text{ else } v",
        when="To see what ReLU's zero does; with threshold 0 and value 0 it is ReLU.",
        cost="One comparison per value.",
        facts=threshold_facts,
        advantages=("Shows what a rectifier does, with every number of it free.",),
        disadvantages=(
            "Jumps where value and threshold differ.",
            "Values at or below the threshold get no gradient.",
        ),
        parameters=(
            number("threshold", "Threshold", 0.0, "Values above this t are kept."),
            number("value", "Value", 0.0, "The value v that stands in place of all others."),
        ),
    ),
)
