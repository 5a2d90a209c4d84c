"""Losses: what training makes small, what targets each needs, and how its outputs become predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlp_core.catalog.entry import ClassEntry, table

TargetForm = Literal["index", "dense"]
Link = Literal["softmax", "sigmoid", "identity"]

THRESHOLDS: dict[Link, float] = {"softmax": 0.5, "sigmoid": 0.0, "identity": 0.5}
"""What a single output must be above for class 1: where its probability is one half."""


@dataclass(frozen=True, kw_only=True)
class LossEntry(ClassEntry):
    """A loss, averaged over the batch."""

    namespace = "torch.nn"

    target_form: TargetForm
    """'index' takes class indices (N,) and one output per class, 'dense' numbers in the shape of the outputs."""
    link: Link
    """How outputs become class probabilities; `mlp_core.run.answers` has a function for each."""
    tasks: tuple[str, ...]
    """What it can be used for."""
    bounded_outputs: bool = False
    """Whether its inputs must lie in [0, 1], so that the network must end in Sigmoid."""
    divergence: str = "A step that was too long is the usual cause"
    """Why it grows without end, as a clause to which 'set a smaller learning rate' is added."""

    @property
    def threshold(self) -> float:
        """What a single output must be above for class 1."""
        return THRESHOLDS[self.link]

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("loss",)


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
        divergence="The slope of an absolute error is the same however large the error is, so steps that are too long "
        "never become shorter",
        target_form="dense",
        link="identity",
        tasks=("regression", "classification"),
    ),
)
