"""What PyTorch has and the catalog has not, each with the reason: a new release of PyTorch shows what is missing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch.nn.modules import activation, loss
from torch.optim import lr_scheduler

from mlp_core.catalog import ALL_LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS
from mlp_core.catalog.entry import Entry

BASE = "a base class"
OTHER_DATA = "for other data than a network over features has: pictures with channels, pairs, sequences, many labels"

CASES: dict[str, tuple[list[str], Mapping[str, Entry], dict[str, str]]] = {
    "activations": (
        activation.__all__,
        ALL_LAYERS,
        {
            **dict.fromkeys(("Softmax2d",), OTHER_DATA),
            **dict.fromkeys(
                ("MultiheadAttention",), "stands inside of FeatureAttention, with the features as tokens"
            ),
        },
    ),
    "losses": (
        loss.__all__,
        LOSSES,
        {
            **dict.fromkeys(
                ("CTCLoss", "CosineEmbeddingLoss", "HingeEmbeddingLoss", "KLDivLoss", "LinearCrossEntropyLoss",
                 "MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "NLLLoss2d",
                 "TripletMarginLoss", "TripletMarginWithDistanceLoss"), OTHER_DATA,
            ),
        },
    ),
    "optimizers": (
        [name for name in torch.optim.__all__ if isinstance(getattr(torch.optim, name), type)],
        OPTIMIZERS,
        {
            "Optimizer": BASE,
            "SparseAdam": "for sparse gradients, which no layer here has",
        },
    ),
    "schedulers": (
        lr_scheduler.__all__,
        SCHEDULERS,
        {
            "LRScheduler": BASE,
            **dict.fromkeys(("LambdaLR", "MultiplicativeLR"), "takes a function, which is no setting"),
            **dict.fromkeys(("ChainedScheduler", "SequentialLR"), "holds other schedules"),
        },
    ),
}  # fmt: skip
"""For each kind: the names in PyTorch, the table, and what it leaves out."""


@pytest.mark.parametrize("kind", CASES)
def test_the_catalog_has_what_pytorch_has_or_says_why_not(kind: str) -> None:
    theirs, ours, left_out = CASES[kind]
    assert {name for name in theirs if name not in ours} == set(left_out)
    assert all(left_out.values())
