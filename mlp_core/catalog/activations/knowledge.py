"""What is known of activations whose facts depend on their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, log
from typing import Any

from mlp_core.catalog.activation_facts import ActivationFacts

WHOLE_NUMBERS = 16.0
"""The exponent from which ln(1 + e^x) and x are the same float32 number."""


def leaky_facts(params: Mapping[str, Any]) -> ActivationFacts:
    """Facts of LeakyReLU with these parameters."""
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


def elu_facts(params: Mapping[str, Any]) -> ActivationFacts:
    """Facts of ELU with these parameters."""
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


def gelu_facts(params: Mapping[str, Any]) -> ActivationFacts:
    """Facts of GELU with these parameters."""
    lowest = {"none": -0.169971, "tanh": -0.170041}[params["approximate"]]
    return ActivationFacts(family="gated", low=lowest, reaches_low=True, monotonic=False, saturates="below")


def softplus_facts(params: Mapping[str, Any]) -> ActivationFacts:
    """Facts of Softplus with these parameters."""
    beta, threshold = params["beta"], params["threshold"]
    seam = threshold / beta
    joined = threshold >= WHOLE_NUMBERS
    return ActivationFacts(
        family="rectifier",
        low=min(0.0, seam),
        jumps=() if joined else (seam,),
        monotonic=joined,
        saturates="below",
        at_zero=log(2) / beta if threshold >= 0 else 0.0,
    )


def hardtanh_facts(params: Mapping[str, Any]) -> ActivationFacts:
    """Facts of Hardtanh with these parameters."""
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


def hardshrink_facts(params: Mapping[str, Any]) -> ActivationFacts:
    """Facts of Hardshrink with these parameters."""
    limit = params["lambd"]
    return ActivationFacts(
        family="shrinkage", jumps=(-limit, limit) if limit else (), piecewise_linear=True, zero_centred=True
    )


def softshrink_facts(params: Mapping[str, Any]) -> ActivationFacts:
    """Facts of Softshrink with these parameters."""
    limit = params["lambd"]
    return ActivationFacts(
        family="shrinkage", kinks=(-limit, limit) if limit else (), piecewise_linear=True, zero_centred=True
    )


def threshold_facts(params: Mapping[str, Any]) -> ActivationFacts:
    """Facts of Threshold with these parameters."""
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
