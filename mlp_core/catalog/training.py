"""How a run goes: batch, epochs, seed, device. The same kind of parameters as every other entry has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlp_core.catalog.entry import Entry, table
from mlp_core.catalog.parameters import Bool, Choice, Float, Int

DEVICES: dict[str, Entry] = table(
    Entry(name="cpu", label="CPU", summary="The processor. Best for small networks."),
    Entry(name="cuda", label="CUDA", summary="An NVIDIA or AMD graphics card."),
    Entry(name="mps", label="MPS", summary="The graphics part of an Apple processor."),
)

SEED = Int(
    name="seed",
    label="Run seed",
    help="The number that initial weights, the order of the samples and dropout are drawn from: the same seed gives "
    "the same run.",
    default=42,
    low=0,
    high=2**31 - 1,
    controls=("seed",),
)

DATA_SEED = replace(
    SEED,
    label="Data seed",
    help="The number that the points of a generated set, and the split into training and test samples, are drawn from.",
    default=0,
    controls=("data", "seed"),
)

TEST_FRACTION = Float(
    name="test_fraction",
    label="Test share",
    help="The share of samples that is kept out of training, to test on.",
    default=0.5,
    low=0.05,
    high=0.95,
    step=0.05,
    controls=("data",),
    advice="Choose a share from 0.05 to 0.95.",
)

VALIDATION_FRACTION = Float(
    name="validation_fraction",
    label="Validation share",
    help="The share of the training part that is kept out of training, to choose settings by and to stop early: so the "
    "test part stays a test. Empty keeps none.",
    default=None,
    low=0.05,
    high=0.5,
    step=0.05,
    optional=True,
    none_means="none",
    controls=("data",),
    advice="Choose a share from 0.05 to 0.5, of which 0.2 is usual, or leave it empty.",
)
USUAL_VALIDATION_FRACTION = 0.2
"""The share that a one-click fix takes."""


def _penalty(name: str, label: str, what: str) -> Float:
    return Float(
        name=name,
        label=label,
        help=f"Adds to the loss, for all matrices of weights and for no bias, this number times {what}. The loss "
        "that is shown is without it.",
        default=0.0,
        low=0.0,
        high=1e6,
        log=True,
        advice="Choose 0 for none, or up to 1,000,000; 0.00001 to 0.01 is usual.",
        controls=("regularisation",),
    )


def _conflict(params: Mapping[str, Any], owner: str) -> str:
    if params["max_grad_norm"] is None or params["max_grad_value"] is None:
        return ""
    return (
        f"The 'max_grad_value' parameter of {owner} must be None while 'max_grad_norm' is set. "
        f"Got {params['max_grad_value']:g} instead. Leave one of them empty."
    )


TRAINING = Entry(
    name="training",
    label="Training",
    summary="How the run goes.",
    conflict=_conflict,
    parameters=(
        Int(
            name="batch_size",
            label="Batch size",
            help="Samples per step. Small batches are noisy and often learn in fewer epochs; "
            "empty takes the full batch, all training samples at once. Changed while a run goes on, it holds from the "
            "next epoch.",
            default=10,
            low=1,
            high=1_000_000,
            optional=True,
            none_means="full batch",
            advice="10 to 256 is usual; it cannot be larger than the training part.",
            controls=("data", "batch_size"),
            live=True,
        ),
        Int(
            name="epochs",
            label="Epochs",
            help="After how many passes over the training samples the run ends; empty trains until paused.",
            default=None,
            low=1,
            high=1_000_000,
            optional=True,
            none_means="until paused",
            controls=("epochs",),
            live=True,
        ),
        Bool(
            name="zero_grad",
            label="Zero the gradients",
            help="Clears the gradients before each step, as training loops do. Switched off, every step adds its "
            "gradient to all earlier ones, which is usually a bug worth seeing once.",
            default=True,
            controls=("optimizer",),
        ),
        Float(
            name="max_grad_norm",
            label="Clip gradients",
            help="Where the gradient of a step is longer than this, it is shortened to it, so that one wild batch "
            "cannot throw the weights far; empty leaves gradients as they are.",
            default=None,
            low=0.0,
            low_open=True,
            high=1e12,
            step=0.5,
            optional=True,
            none_means="no clipping",
            advice="Choose a length above 0, of which 1 is usual, or leave it empty.",
            controls=("regularisation",),
        ),
        Float(
            name="max_grad_value",
            label="Clip values",
            help="Every number of a gradient that is further from 0 than this is set to it; empty leaves gradients as "
            "they are.",
            default=None,
            low=0.0,
            low_open=True,
            high=1e12,
            step=0.5,
            optional=True,
            none_means="no clipping",
            advice="Choose a value above 0, of which 0.5 to 1 is usual, or leave it empty.",
            controls=("regularisation",),
        ),
        Int(
            name="accumulate_grad_batches",
            label="Accumulate gradients",
            help="After how many mini-batches the weights are updated, with the mean of their gradients: as one batch "
            "so many times as large, in less memory. What is left at the end of an epoch makes an update too.",
            default=1,
            low=1,
            high=10_000,
            advice="Choose 1 for an update after every mini-batch, or up to 10,000.",
            controls=("batch_size",),
        ),
        _penalty("l1_penalty", "L1 penalty", "the sum of their absolute values, which drives many of them to zero"),
        _penalty("l2_penalty", "L2 penalty", "the sum of their squares, which keeps all of them small"),
        Int(
            name="patience",
            label="Early stopping: patience",
            help="Stops the run after so many epochs in a row in which the validation loss (without a validation "
            "part, the test loss) did not improve; empty never stops early.",
            default=None,
            low=1,
            high=100_000,
            optional=True,
            none_means="never",
            controls=("epochs",),
            advice="Choose a number of epochs, of which 5 to 20 are usual, or leave it empty.",
        ),
        Float(
            name="min_delta",
            label="Early stopping: least improvement",
            help="By how much the loss must fall below the best one so far to count as an improvement.",
            default=0.0,
            low=0.0,
            high=1e6,
            step=0.001,
            controls=("epochs",),
            advice="Choose 0, or a small part of the loss such as 0.001.",
            needs="patience",
        ),
        Bool(
            name="restore_best_weights",
            label="Early stopping: restore the best weights",
            help="When the run stops early, it goes back to the weights of its best epoch. Switched off, it keeps "
            "those of the last.",
            default=False,
            controls=("epochs",),
            needs="patience",
        ),
        Int(
            name="report_every",
            label="Report every",
            help="Also report the mean loss of every so many mini-batches; empty reports epochs only.",
            default=None,
            low=1,
            high=1_000_000,
            optional=True,
            none_means="epochs only",
        ),
        Choice(
            name="device",
            label="Device",
            help="Where the network is trained. Small networks are fastest on the CPU.",
            default="cpu",
            choices=tuple(DEVICES),
            controls=("device",),
        ),
        SEED,
    ),
)
"""`seed` starts the initial weights, the order of the samples and dropout; the data has a seed of its own."""
