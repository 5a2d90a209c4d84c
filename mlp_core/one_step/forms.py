"""One step as plain values for JSON, and as lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from mlp_core.one_step.autograd import Autograd
from mlp_core.one_step.records import LayerStep, LossStep, OneStep, ParameterStep, WeightStep

SHORT = 1000
"""Numbers up to which an array is written in full."""


def as_dict(step: OneStep, autograd: Autograd | None = None, *, full: bool = False) -> dict[str, Any]:
    """Every number of a step for JSON; what is no finite number is None.

    An array is {"shape", "values"}; one of more than `SHORT` numbers has "norm", "mean", "min" and "max" in place of
    "values", unless `full`.
    """

    def numbers(values: Any) -> Any:
        return None if values is None else _array(np.asarray(values), full)

    found = {
        "step": step.step,
        "epoch": step.epoch,
        "notes": list(step.notes),
        "inputs": numbers(step.inputs),
        "input_gradient": numbers(step.input_gradient),
        "layers": [_layer(layer, numbers) for layer in step.layers],
        "loss": _loss(step.loss, numbers),
        "parameters": [_parameter(parameter, numbers) for parameter in step.parameters],
        "update": asdict(step.update),
        "weights": [weight_as_dict(weight) for weight in step.weights],
    }
    if autograd is not None:
        found["autograd"] = asdict(autograd)
    return plain(found)  # type: ignore[no-any-return]


def plain(value: Any) -> Any:
    """Nested values as JSON has them."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _array(values: np.ndarray, full: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"shape": list(values.shape)}
    if full or values.size <= SHORT:
        return {**found, "values": values.tolist()}
    wide = values.astype(np.float64)
    figures = {"norm": np.sqrt((wide**2).sum()), "mean": wide.mean(), "min": wide.min(), "max": wide.max()}
    return found | {name: float(figure) for name, figure in figures.items()}


def _layer(layer: LayerStep, numbers: Any) -> dict[str, Any]:
    return {
        "name": layer.name,
        "type": layer.type,
        "parameters": list(layer.parameters),
        "outputs": numbers(layer.outputs),
        "gradient": numbers(layer.gradient),
        "slopes": numbers(layer.slopes),
    }


def _loss(loss: LossStep, numbers: Any) -> dict[str, Any]:
    return {
        "type": loss.type,
        "targets": numbers(loss.targets),
        "each": numbers(loss.each),
        "divisor": loss.divisor,
        "mean": loss.mean,
        "value": loss.value,
        "penalty": loss.penalty,
        "accumulated_batches": loss.accumulated_batches,
        "objective": loss.objective,
    }


def _parameter(parameter: ParameterStep, numbers: Any) -> dict[str, Any]:
    def state(kept: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value if isinstance(value, float) else numbers(value) for name, value in kept.items()}

    return {
        "name": parameter.name,
        "before": numbers(parameter.before),
        "gradient": numbers(parameter.gradient),
        "held": numbers(parameter.held),
        "used": numbers(parameter.used),
        "after": numbers(parameter.after),
        "state_before": state(parameter.state_before),
        "state_after": state(parameter.state_after),
    }


def weight_as_dict(weight: WeightStep) -> dict[str, Any]:
    """One weight, its gradient by three ways, and its update."""
    chain, numeric = weight.chain, weight.numeric
    return {
        "weight": str(weight.place),
        "before": weight.before,
        "autograd": weight.gradient,
        "chain_rule": {
            "formula": chain.formula,
            "factors": [
                {"name": factor.name, "symbol": factor.symbol, "values": factor.values} for factor in chain.factors
            ],
            "terms": chain.terms,
            "added": [{"name": name, "value": value} for name, value in chain.added],
            "total": chain.total,
            "explained": chain.explained,
        },
        "finite_difference": {
            **asdict(numeric),
            "autograd_float64": numeric.autograd,
            "value": numeric.difference,
            "error": weight.error,
        },
        "held": weight.held,
        "used": weight.used,
        "update": [{"line": line.text, **dict(line.results)} for line in weight.lines],
        "state_before": dict(weight.state_before),
        "state_after": dict(weight.state_after),
        "after": weight.after,
    }


def as_lines(step: OneStep, autograd: Autograd | None = None) -> Iterator[str]:
    """The step for people, a line a thing."""
    yield f"step {step.step + 1:,} (epoch {step.epoch + 1:,}): {len(step.inputs)} samples"
    yield from step.notes
    yield "\nforward and backward (root mean squares)"
    for layer in step.layers:
        sizes = f"output {_rms(layer.outputs):>11}   dL/d(output) {_rms(layer.gradient):>11}"
        yield f"  {layer.name:<8}{layer.type:<18}{sizes}"
    loss = step.loss
    yield f"\nloss {loss.type}: {loss.value:.6g} = {loss.each.sum():.6g} / {loss.divisor:g}"
    if loss.objective != loss.value:
        yield f"L = (loss + penalty {loss.penalty:.6g}) / {loss.accumulated_batches} = {loss.objective:.6g}"
    update = step.update
    yield f"\nupdate {update.type}, learning rate {update.settings['lr']:g}, norm of the gradient {update.norm:.6g}"
    if not update.done:
        yield "  none yet: gradients of more mini-batches are awaited"
    for parameter in step.parameters:
        yield f"  {parameter.name:<26}gradient {_rms(parameter.used):>11}   change {_rms(parameter.change):>11}"
    for weight in step.weights:
        yield from _weight_lines(weight)
    if autograd is not None:
        for shown in autograd.demonstrations:
            yield f"\n{shown.title}: {shown.found}"


def _weight_lines(weight: WeightStep) -> Iterator[str]:
    yield f"\n{weight.place} = {weight.before:.6g}"
    for factor in weight.chain.factors:
        yield f"  {factor.symbol:<40}{factor.name}"
    yield f"  chain rule         {weight.chain.total:.9g}"
    yield f"  autograd           {weight.gradient:.9g}"
    yield f"  finite difference  {weight.numeric.difference:.9g}   error {weight.error:.2g}"
    for line in weight.lines:
        results = ", ".join(f"{name} = {value:.6g}" for name, value in line.results)
        yield f"    {line.text.splitlines()[-1]:<70}{results}"
    yield f"  after the update   {weight.after:.6g}"


def _rms(values: np.ndarray) -> str:
    return f"{np.sqrt((values.astype(np.float64) ** 2).mean()):.4g}" if values.size else "none"
