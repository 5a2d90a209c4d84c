"""Losses: what training makes small, what targets each needs, and how its outputs become predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlp_core.catalog.entry import Entry, table

Target = Literal["index", "dense"]
Link = Literal["softmax", "sigmoid", "identity"]


@dataclass(frozen=True, kw_only=True)
class LossEntry(Entry):
    """A `torch.nn` loss of the entry's name, averaged over the batch.

    `target`: 'index' takes class indices (N,) and one output per class; 'dense' takes float targets in the
    output's own shape (N, outputs). `link` turns outputs into class probabilities. `tasks`: what it can be
    used for. `bounded_outputs`: its input must lie in [0, 1], so the network must end in Sigmoid.
    """

    target: Target
    link: Link
    tasks: tuple[str, ...]
    bounded_outputs: bool = False


LOSSES: dict[str, LossEntry] = table(
    LossEntry(
        name="CrossEntropyLoss",
        label="Cross-entropy",
        summary="How surprised the network is by the true class. Takes raw outputs (logits), one per class; "
        "it applies softmax itself.",
        formula=r"-\log \frac{e^{z_y}}{\sum_k e^{z_k}}",
        when="Two or more classes.",
        target="index",
        link="softmax",
        tasks=("classification",),
    ),
    LossEntry(
        name="BCEWithLogitsLoss",
        label="BCE with logits",
        summary="Binary cross-entropy on raw outputs; applies the sigmoid itself, in a numerically safe way.",
        formula=r"-\left[t \log \sigma(z) + (1 - t) \log(1 - \sigma(z))\right]",
        when="Two classes with one output, or one yes/no question per class.",
        target="dense",
        link="sigmoid",
        tasks=("classification",),
    ),
    LossEntry(
        name="BCELoss",
        label="BCE",
        summary="Binary cross-entropy on probabilities: the network must end in a Sigmoid.",
        formula=r"-\left[t \log p + (1 - t) \log(1 - p)\right]",
        when="As in textbooks; BCE with logits is the numerically safer form of the same loss.",
        target="dense",
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
        target="dense",
        link="identity",
        tasks=("regression", "classification"),
    ),
    LossEntry(
        name="L1Loss",
        label="Mean absolute error (L1)",
        summary="The average absolute distance from the target; outliers count no more than their distance.",
        formula=r"|z - t|",
        when="Regression with outliers.",
        target="dense",
        link="identity",
        tasks=("regression", "classification"),
    ),
)
