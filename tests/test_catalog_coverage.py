"""What PyTorch has and the catalog has not, each with the reason: a new release of PyTorch shows what is missing."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import pytest
import torch
from torch.nn import modules
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
    "layers": (
        [name for name in modules.__all__ if name not in {*activation.__all__, *loss.__all__}],
        ALL_LAYERS,
        {
            **dict.fromkeys(("Module", "Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList",
                             "Sequential", "RNNBase", "RNNCellBase", "LinearCrossEntropyOptions"),
                            "a base class or a container"),
            **dict.fromkeys([name for name in modules.__all__ if name.startswith("Lazy")],
                            "the same layer, whose width is found at the first call; here the plan finds it before"),
            **dict.fromkeys([name for name in modules.__all__ if name.endswith(("1d", "2d", "3d"))
                             and name not in ("BatchNorm1d", "Softmax2d", "NLLLoss2d") and name[:4] != "Lazy"],
                            "for values along a line, in a picture or in space, with channels"),
            **dict.fromkeys(("ChannelShuffle", "Fold", "Unfold", "GroupNorm", "LocalResponseNorm", "PixelShuffle",
                             "PixelUnshuffle", "Upsample", "FeatureAlphaDropout", "Unflatten"),
                            "for pictures with channels"),
            **dict.fromkeys(("GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNCell", "Transformer",
                             "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
                             "TransformerEncoderLayer"), "for sequences"),
            **dict.fromkeys(("Embedding", "EmbeddingBag"), "for numbers of words"),
            **dict.fromkeys(("Bilinear", "CosineSimilarity", "PairwiseDistance"), "for pairs of inputs"),
            "AdaptiveLogSoftmaxWithLoss": "a layer and a loss in one, for tens of thousands of classes",
            "SyncBatchNorm": "for training in several processes",
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


OLD = "what `reduction` was called before"
SETTINGS: dict[str, tuple[Mapping[str, Entry], dict[str, str]]] = {
    "activations": (
        {name: entry for name, entry in ALL_LAYERS.items() if entry.family == "activation"},
        {
            "inplace": "saves memory and changes no number",
            "dim": "the classes lie along the second axis here",
            "device": "the run's", "dtype": "float32 everywhere",
            "min_value": "what min_val was called before", "max_value": "what max_val was called before",
            "args": "takes any and does nothing with them", "kwargs": "takes any and does nothing with them",
        },
    ),
    "losses": (
        LOSSES,
        {
            "size_average": OLD, "reduce": OLD,
            "reduction": "the mean: a loss that is shown, compared and stopped by",
            "ignore_index": "no sample is without a class here",
        },
    ),
    "optimizers": (
        OPTIMIZERS,
        {
            "foreach": "another way to the same numbers; the engines choose theirs",
            "capturable": "for CUDA graphs, whose engine sets it",
            "differentiable": "for training through an update",
        },
    ),
}  # fmt: skip
"""For each kind of class: the table, and the arguments of PyTorch's constructors that are no parameters, with why."""
ALONE = {
    ("BCELoss", "weight"): "weighs single samples of a batch",
    ("BCEWithLogitsLoss", "weight"): "weighs single samples of a batch",
    ("Adam", "decoupled_weight_decay"): "then it is AdamW, which has an entry",
    ("Adafactor", "eps"): "two numbers, one of them None, that keep a division from 0",
}
"""The same for single classes."""


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_setting_of_a_class_is_a_parameter_or_left_out_for_a_reason(kind: str) -> None:
    entries, left_out = SETTINGS[kind]
    missing, used = set(), set()
    for name, entry in entries.items():
        theirs = getattr(torch.optim if kind == "optimizers" else torch.nn, name, None)
        if theirs is None:
            continue  # one of this project's own
        given = {parameter.name for parameter in entry.parameters} | set(getattr(entry, "fixed", {}))
        for setting in list(inspect.signature(theirs.__init__).parameters)[1:]:
            if setting not in given | {"params"} and (name, setting) not in ALONE:
                (used if setting in left_out else missing).add(setting if setting in left_out else (name, setting))
    assert not missing
    assert used == set(left_out), "a reason for what is no longer there"
