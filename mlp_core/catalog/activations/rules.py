"""Parameters that several activations have, and what of theirs does not fit together or to the values that come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlp_core.catalog.by_hand import BareTensor, LayerByHand
from mlp_core.catalog.layers import Misfit
from mlp_core.catalog.parameters import Float

LARGEST = 1e6
"""The largest number that a parameter of an activation may be, up or down."""
SMALLEST = 1e-6
"""The smallest number that values may be divided by or multiplied with inside an exponential."""
CLASS_AXIS = {"dim": 1}
"""The axis along which classes lie: that of the features, after that of the samples."""


def number(name: str, label: str, default: float, help: str, step: float = 0.1) -> Float:
    """Any number within the limits, on either side of zero."""
    return Float(name=name, label=label, help=help, default=default, low=-LARGEST, high=LARGEST, step=step)


def limit(help: str) -> Float:
    """The half width of the part that is shrunk to zero."""
    return Float(name="lambd", label="Lambda", help=help, default=0.5, low=0.0, high=LARGEST, step=0.1)


def alpha(help: str, low: float = 0.0) -> Float:
    """What a curve of exponentials is multiplied with, at least `low`."""
    return Float(name="alpha", label="Alpha", help=help, default=1.0, low=low, high=LARGEST, step=0.1)


def bounds_conflict(params: Mapping[str, Any], owner: str) -> str:
    """Why 'min_val' and 'max_val' do not fit together; empty if they do."""
    if params["min_val"] < params["max_val"]:
        return ""
    return (
        f"The 'min_val' parameter of {owner} must be below 'max_val', which is {params['max_val']:g}. "
        f"Got {params['min_val']:g} instead. Set it to a smaller number, such as {params['max_val'] - 1:g}."
    )


def slopes_conflict(params: Mapping[str, Any], owner: str) -> str:
    """Why 'lower' and 'upper' do not fit together; empty if they do."""
    if params["lower"] <= params["upper"]:
        return ""
    return (
        f"The 'lower' parameter of {owner} must be at most 'upper', which is {params['upper']:g}. "
        f"Got {params['lower']:g} instead. Set it to a smaller number, such as {params['upper']:g}."
    )


def slopes_misfit(params: Mapping[str, Any], features: int, owner: str) -> Misfit | None:
    """Why so many learned slopes do not fit to the number of values that come in."""
    slopes = params["num_parameters"]
    if slopes in (1, features):
        return None
    return Misfit(
        message=f"The 'num_parameters' parameter of {owner} must be 1, or {features:,} as the values that come in. "
        f"Got {slopes:,} instead. Set it to 1 for one slope in all, or to {features:,} for one of each value.",
        fix_label=f"Use {features:,} slopes",
        params={**params, "num_parameters": features},
    )


def slopes_by_hand(params: Mapping[str, Any], features: int) -> LayerByHand:
    """The learned slopes as a bare tensor, and the call that takes it."""
    value = f"torch.full(({params['num_parameters']},), {params['init']!r})"
    slope = BareTensor(name="slope", key="weight", value=value)
    return LayerByHand(tensors=(slope,), call=("F.prelu", ("{x}", "{slope}")))


def halves_misfit(params: Mapping[str, Any], features: int, owner: str) -> Misfit | None:
    """Why an odd number of values cannot be split into halves."""
    if features % 2 == 0:
        return None
    width = features + 1
    return Misfit(
        message=f"{owner[:1].upper()}{owner[1:]} splits the values that come in into two halves, so their number must "
        f"be even. Got {features:,} instead. Give the layer before it {width:,} neurons.",
        fix_label=f"Give it {width:,} values",
        width=width,
    )
