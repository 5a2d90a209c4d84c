"""What a setting is searched in where nobody has said so yet: around its value, within its rule."""

from __future__ import annotations

from typing import Any

from mlp_core.catalog.parameters import Bool, Choice, Float, Int
from mlp_core.params import plain_values
from mlp_core.settings import Setting
from mlp_core.spec import Experiment

FACTOR = 10.0
"""How far a range on a log scale reaches from the value, down and up."""
USUAL_LOG = 1e-5, 1e-2
"""The range on a log scale of what is 0 or not set."""
MOST_CHOICES = 4
"""Choices that a list begins with at most."""


def usual_form(setting: Setting, experiment: Experiment) -> dict[str, Any]:
    """The range or the choices that a setting begins with, as a space holds them."""
    value, rule = setting.get(experiment), setting.rule
    if isinstance(rule, Bool):
        return {"choices": [False, True]}
    if isinstance(rule, Choice):
        names = [value, *(name for name in rule.choices if name != value)]
        return {"choices": [name for name in names if name is not None][:MOST_CHOICES]}
    if isinstance(rule, Int):
        return _whole(rule, value)
    if isinstance(rule, Float):
        return _real(rule, value)
    return {"choices": [plain_values(rule.convert(rule.default) if value is None else value)]}


def _whole(rule: Int, value: Any) -> dict[str, Any]:
    around = value if isinstance(value, int) else rule.default if isinstance(rule.default, int) else 10
    low = max(rule.low, around // 2)
    high = min(rule.high, max(2 * around, low + 1))
    return {"low": low if low < high else rule.low, "high": high}


def _real(rule: Float, value: Any) -> dict[str, Any]:
    if rule.log:
        low, high = (value / FACTOR, value * FACTOR) if value else USUAL_LOG
        low, high = max(low, rule.low), min(high, rule.high)
        if 0 < low < high and rule.accepts(low) and rule.accepts(high):
            return {"low": _short(low), "high": _short(high), "log": True}
    around = value if value else rule.default if rule.default else rule.step
    ends = sorted((around / 2, around * 2))
    low, high = max(ends[0], rule.low), min(ends[1], rule.high)
    if rule.high_open and high >= rule.high:
        high = (around + rule.high) / 2
    if rule.low_open and low <= rule.low:
        low = (around + rule.low) / 2
    if low < high and rule.accepts(low) and rule.accepts(high):
        return {"low": _short(low), "high": _short(high)}
    return {"choices": [float(around) if rule.accepts(around) else rule.convert(rule.default)]}


def _short(value: float) -> float:
    """Without the last digits of a product such as 0.03 * 10."""
    return float(f"{value:.12g}")
