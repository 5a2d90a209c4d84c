"""SELU keeps mean and variance only among what it was made for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlp_core.catalog.initializers import LECUN_NORMAL
from mlp_core.plan import LayerPlan, Plan
from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment, InitSpec, LayerSpec, Path


def selu_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    """Hints about a self-normalising activation: plain Dropout after it, and weights of another variance before it."""
    for layers in found.lists():
        for layer, normalising in _dropped(layers):
            yield Problem(
                "hint",
                f"Layer {layer.number} (Dropout) sets values of layer {normalising.number} "
                f"({normalising.spec.type}) to zero, which brings the mean and the variance that "
                f"{normalising.spec.type} keeps out of balance. AlphaDropout keeps them.",
                "Use AlphaDropout",
                experiment.replace_layer(layer.path, _alpha(layer.spec)),
            )
    feeding = [pair for layers in found.lists() for pair in _feeding(layers) if not _is_lecun(pair[0].spec)]
    if feeding:
        (linear, normalising), *others = feeding
        more = f", and {len(others)} more" if others else ""
        fixed = experiment
        for layer, _ in feeding:
            fixed = _initialised(fixed, layer.path)
        dropped = [layer for layers in found.lists() for layer, _ in _dropped(layers)]
        for layer in dropped:
            fixed = fixed.replace_layer(layer.path, _alpha(layer.spec))
        also = " The fix puts AlphaDropout in the place of Dropout, too." if dropped else ""
        yield Problem(
            "hint",
            f"{normalising.spec.type} keeps a mean of 0 and a variance of 1 only after weights of variance 1 / fan_in "
            f"(LeCun normal) and biases of 0, and layer {linear.number} (Linear) before layer {normalising.number} is "
            f"initialised otherwise{more}. Choose kaiming_normal_ with the nonlinearity 'linear'.{also}",
            "Initialise for SELU",
            fixed,
        )


def _feeding(layers: Sequence[LayerPlan]) -> Iterator[tuple[LayerPlan, LayerPlan]]:
    """Each Linear with the self-normalising activation that takes its values."""
    linear: LayerPlan | None = None
    for layer in layers:
        if layer.spec.entry.initialised:
            linear = layer
        elif linear is not None and _normalises(layer):
            yield linear, layer
            linear = None
        elif layer.spec.type != "Flatten":
            linear = None


def _dropped(layers: Sequence[LayerPlan]) -> Iterator[tuple[LayerPlan, LayerPlan]]:
    """Each plain Dropout with the self-normalising activation that its values come from."""
    normalising: LayerPlan | None = None
    for layer in layers:
        if layer.spec.entry.facts is not None:
            normalising = layer if _normalises(layer) else None
        elif layer.spec.type == "Dropout" and normalising is not None:
            yield layer, normalising
        elif layer.spec.entry.family not in ("regularisation", "shape"):
            normalising = None


def _normalises(layer: LayerPlan) -> bool:
    facts = layer.spec.entry.facts
    return facts is not None and bool(facts(layer.spec.params).self_normalising)


def _alpha(dropout: LayerSpec) -> LayerSpec:
    return LayerSpec(type="AlphaDropout", params={"p": dropout.params["p"]})


def _is_lecun(layer: LayerSpec) -> bool:
    """Whether weights have the variance that SELU needs; biases that PyTorch draws are small beside them."""
    init = layer.init
    if init is None or not init.type.startswith("kaiming_"):
        return False
    return bool(init.params["mode"] == "fan_in" and init.params["nonlinearity"] == "linear")


def _initialised(experiment: Experiment, path: Path) -> Experiment:
    layer, (name, params) = experiment.layer_at(path), LECUN_NORMAL
    lecun, zeros = InitSpec(type=name, params=params), InitSpec(type="zeros_")
    return experiment.replace_layer(path, layer.updated(init=lecun, bias_init=zeros))
