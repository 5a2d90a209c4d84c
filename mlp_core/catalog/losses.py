"""Losses: what training makes small, what targets each needs, and how its outputs become predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlp_core.catalog.entry import ClassEntry, table
from mlp_core.catalog.parameters import Bool, Float, Int
from mlp_core.catalog.weighting import BALANCED, ClassWeights, PositiveWeight

TargetForm = Literal["index", "dense", "sign"]
Link = Literal["softmax", "sigmoid", "identity"]
Estimate = Literal["identity", "exp", "mean"]
"""How outputs become the predicted values of a regression: as they are, by the exponential function, or as the mean of
a distribution whose variance the network puts out too."""

THRESHOLDS: dict[Link, float] = {"softmax": 0.5, "sigmoid": 0.0, "identity": 0.5}
"""What a single output must be above for class 1: where its probability is one half."""


def _identity(params: Mapping[str, Any]) -> Estimate:
    return "identity"


@dataclass(frozen=True, kw_only=True)
class LossEntry(ClassEntry):
    """A loss, averaged over the batch."""

    namespace = "torch.nn"

    target_form: TargetForm
    """'index' takes class indices (N,) and one output per class, 'dense' numbers in the shape of the outputs, 'sign'
    likewise, with 1 for a class that it is and -1 for one that it is not."""
    link: Link
    """How outputs become class probabilities; `mlp_core.run.answers` has a function for each."""
    tasks: tuple[str, ...]
    """What it can be used for."""
    bounded_outputs: bool = False
    """Whether its inputs must lie in [0, 1], so that the network must end in Sigmoid."""
    estimate: Callable[[Mapping[str, Any]], Estimate] = _identity
    """How outputs become predicted values, from its parameters; `mlp_core.run.answers` has a function for each."""
    outputs_per_target: int = 1
    """How many outputs a target of a regression needs: all first ones come first."""
    counts: bool = False
    """Whether its targets are counts, in the unit of the data and never below 0: they are not standardised."""
    weighted_mean: bool = False
    """Whether a batch's loss is divided by the sum of its samples' class weights, not by their number."""
    last: str = ""
    """The layer that makes what it takes, in which the network should end; '' where it takes any numbers."""
    divergence: str = "A step that was too long is the usual cause"
    """Why it grows without end, as a clause to which 'set a smaller learning rate' is added."""

    @property
    def threshold(self) -> float:
        """What a single output must be above for class 1."""
        return THRESHOLDS[self.link]

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("loss",)


_STEADY_SLOPE = (
    "The slope of an absolute error is the same however large the error is, so steps that are too long never become "
    "shorter"
)

_CLASS_WEIGHTS = ClassWeights(
    name="weight",
    label="Class weights",
    help="How much a sample of each class counts. 'balanced' gives each class the same share of the loss, however rare "
    "it is: n / (k · n_c) for n training samples of k classes, n_c of them of class c.",
    default=None,
    advice=f"Choose {BALANCED!r} where some classes are rare, or give a number for each class.",
)

LOSSES: dict[str, LossEntry] = table(
    LossEntry(
        name="CrossEntropyLoss",
        label="Cross-entropy",
        summary="How surprised the network is by the true class. Takes raw outputs (logits), one per class; "
        "it applies softmax itself.",
        formula=r"-\log \frac{e^{z_y}}{\sum_k e^{z_k}}",
        when="Two or more classes.",
        target_form="index",
        link="softmax",
        tasks=("classification",),
        weighted_mean=True,
        parameters=(
            _CLASS_WEIGHTS,
            Float(
                name="label_smoothing",
                label="Label smoothing",
                help="The share of each target that is spread over all classes, so that the network is never asked to "
                "be quite sure.",
                default=0.0,
                low=0.0,
                high=1.0,
                step=0.05,
                advice="Choose a value from 0 to 1; 0.05 to 0.2 is usual.",
            ),
        ),
    ),
    LossEntry(
        name="MultiMarginLoss",
        label="Multi-class margin",
        summary="Wants the true class's output above each other one by a margin, and is content once it is.",
        formula=r"\tfrac{1}{K} \sum_{k \ne y} \max(0, m - z_y + z_k)^p",
        when="Where only the decision counts. Its outputs are no logits, so shown probabilities are not calibrated.",
        target_form="index",
        link="softmax",
        tasks=("classification",),
        parameters=(
            Int(
                name="p",
                label="Power",
                help="1 counts what is missing from the margin, 2 its square.",
                default=1,
                low=1,
                high=2,
            ),
            Float(
                name="margin",
                label="Margin",
                help="How far the true class's output should be above the others.",
                default=1.0,
                low=0.0,
                high=1e6,
                step=0.1,
            ),
            _CLASS_WEIGHTS,
        ),
    ),
    LossEntry(
        name="NLLLoss",
        label="Negative log-likelihood",
        summary="How surprised the network is by the true class. Takes log-probabilities: the network should end in "
        "LogSoftmax, and then it is cross-entropy.",
        formula=r"-\ln p_y",
        when="As in textbooks; cross-entropy is the same loss with LogSoftmax built in.",
        divergence="Outputs that are no log-probabilities can grow for ever, and the loss falls with them",
        target_form="index",
        link="softmax",
        tasks=("classification",),
        last="LogSoftmax",
        weighted_mean=True,
        parameters=(_CLASS_WEIGHTS,),
    ),
    LossEntry(
        name="BCEWithLogitsLoss",
        label="BCE with logits",
        summary="Binary cross-entropy on raw outputs; applies the sigmoid itself, in a numerically safe way.",
        formula=r"-\left[t \log \sigma(z) + (1 - t) \log(1 - \sigma(z))\right]",
        when="Two classes with one output, or one yes/no question per class.",
        target_form="dense",
        link="sigmoid",
        tasks=("classification",),
        parameters=(
            PositiveWeight(
                name="pos_weight",
                label="Weight of positives",
                help="How much a target of 1 counts beside a target of 0. 'balanced' makes both count alike in sum: "
                "the training samples of target 0 over those of target 1, for each output.",
                default=None,
                advice=f"Choose {BALANCED!r} where targets of 1 are rare, or a number such as 5.",
            ),
        ),
    ),
    LossEntry(
        name="BCELoss",
        label="BCE",
        summary="Binary cross-entropy on probabilities: the network must end in a Sigmoid.",
        formula=r"-\left[t \log p + (1 - t) \log(1 - p)\right]",
        when="As in textbooks; BCE with logits is the numerically safer form of the same loss.",
        target_form="dense",
        link="identity",
        tasks=("classification",),
        bounded_outputs=True,
    ),
    LossEntry(
        name="SoftMarginLoss",
        label="Soft margin",
        summary="BCE with logits for targets 1 and −1: wants outputs far on the right side of zero.",
        formula=r"\ln(1 + e^{-t z}),\quad t = \pm 1",
        when="Two classes with one output, or one yes/no question per class.",
        target_form="sign",
        link="sigmoid",
        tasks=("classification",),
    ),
    LossEntry(
        name="HingeLoss",
        label="Hinge",
        target="mlp_core.run.modules:HingeLoss",
        summary="Wants outputs on the right side of zero by a margin, and no further; targets are 1 and −1.",
        formula=r"\max(0, m - t z),\quad t = \pm 1",
        when="Where only the decision counts, as in a support vector machine; shown probabilities are not calibrated.",
        target_form="sign",
        link="sigmoid",
        tasks=("classification",),
        parameters=(
            Float(
                name="margin",
                label="Margin",
                help="How far outputs should be on the right side of zero.",
                default=1.0,
                low=0.0,
                high=1e6,
                step=0.1,
            ),
        ),
    ),
    LossEntry(
        name="MSELoss",
        label="Mean squared error",
        summary="The average squared distance from the target; large errors count most.",
        formula=r"(z - t)^2",
        when="Regression. With classes it learns 0 and 1 as numbers.",
        divergence="The slope of a squared error grows with the error, so steps that are too long grow with every step",
        target_form="dense",
        link="identity",
        tasks=("regression", "classification"),
    ),
    LossEntry(
        name="L1Loss",
        label="Mean absolute error (L1)",
        summary="The average absolute distance from the target; outliers count no more than their distance.",
        formula=r"|z - t|",
        when="Regression with outliers.",
        divergence=_STEADY_SLOPE,
        target_form="dense",
        link="identity",
        tasks=("regression", "classification"),
    ),
    LossEntry(
        name="SmoothL1Loss",
        label="Smooth L1",
        summary="The absolute distance, rounded off to a square near zero; divided so that its slope far away is 1.",
        formula=r"\frac{(z - t)^2}{2\beta} \text{ if } |z - t| < \beta \text{ else } |z - t| - \frac{\beta}{2}",
        when="Regression with outliers, where L1's kink at zero makes the end restless.",
        divergence=_STEADY_SLOPE,
        target_form="dense",
        link="identity",
        tasks=("regression", "classification"),
        parameters=(
            Float(
                name="beta",
                label="Beta",
                help="Below this distance errors count squared. At 0 it is L1.",
                default=1.0,
                low=0.0,
                high=1e6,
                step=0.1,
            ),
        ),
    ),
    LossEntry(
        name="HuberLoss",
        label="Huber",
        summary="The squared distance near zero, a straight line further away.",
        formula=r"\tfrac12 (z - t)^2 \text{ if } |z - t| < \delta \text{ else } \delta\,(|z - t| - \tfrac{\delta}{2})",
        when="Regression with outliers: as mean squared error, but an outlier pulls no harder than delta.",
        divergence=_STEADY_SLOPE,
        target_form="dense",
        link="identity",
        tasks=("regression", "classification"),
        parameters=(
            Float(
                name="delta",
                label="Delta",
                help="Below this distance errors count squared.",
                default=1.0,
                low=0.0,
                low_open=True,
                high=1e6,
                step=0.1,
            ),
        ),
    ),
    LossEntry(
        name="PoissonNLLLoss",
        label="Poisson NLL",
        summary="How unlikely a count is under a Poisson distribution whose mean, or its logarithm, the network puts "
        "out.",
        formula=r"e^z - t z",
        when="Regression on counts: visits a day, defects a metre. Targets stay in their own unit and must not be "
        "negative.",
        divergence="The exponential function turns outputs a little too large into means that are far too large",
        target_form="dense",
        link="identity",
        tasks=("regression",),
        counts=True,
        estimate=lambda params: "exp" if params["log_input"] else "identity",
        parameters=(
            Bool(
                name="log_input",
                label="Outputs are logarithms",
                help="Takes outputs as logarithms of the mean, so that any number will do; predictions are "
                "exp(output). Switched off, outputs are the mean itself and must be above 0: the loss is then "
                "z - t log(z + eps).",
                default=True,
            ),
            Bool(
                name="full",
                label="Full loss",
                help="Adds Stirling's approximation of log t!, which no output changes, for targets above 1.",
                default=False,
            ),
            Float(
                name="eps",
                label="Epsilon",
                help="Added to the mean before its logarithm is taken, where outputs are the mean itself.",
                default=1e-8,
                low=0.0,
                low_open=True,
                high=1.0,
                log=True,
            ),
        ),
    ),
    LossEntry(
        name="GaussianNLLLoss",
        label="Gaussian NLL",
        target="mlp_core.run.modules:MeanVarianceLoss",
        summary="How unlikely a target is under a normal distribution. The network puts out two numbers for each "
        "target, the mean and a raw number that softplus makes a variance: so it says how sure it is.",
        formula=r"\tfrac12 \left(\log \sigma^2 + \frac{(\mu - t)^2}{\sigma^2}\right),\quad "
        r"\sigma^2 = \log(1 + e^z) + \epsilon",
        when="Regression where the noise differs from place to place, and where one wants to know how large it is.",
        divergence="Where the variance comes near 0, a small error makes a large loss and a steep slope",
        target_form="dense",
        link="identity",
        tasks=("regression",),
        estimate=lambda params: "mean",
        outputs_per_target=2,
        parameters=(
            Bool(
                name="full",
                label="Full loss",
                help="Adds the constant log(2π) / 2, so that the loss is the whole negative log-likelihood.",
                default=False,
            ),
            Float(
                name="eps",
                label="Epsilon",
                help="Added to the variance, so that it never comes to 0. In the unit of standardised targets, where "
                "targets are.",
                default=1e-6,
                low=0.0,
                low_open=True,
                high=1.0,
                log=True,
            ),
        ),
    ),
)
