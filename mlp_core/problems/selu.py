"""SELU keeps mean and variance only among what it was made for."""

from __future__ import annotations

from collections.abc import Iterator

from mlp_core.plan import LayerPlan, Plan
from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment, LayerSpec


def selu_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    """A hint for every plain Dropout whose values come from a self-normalising activation."""
    for layers in found.lists():
        normalising: LayerPlan | None = None
        for layer in layers:
            facts = layer.spec.entry.facts
            if facts is not None:
                normalising = layer if facts(layer.spec.params).self_normalising else None
            elif layer.spec.type == "Dropout" and normalising is not None:
                yield Problem(
                    "hint",
                    f"Layer {layer.number} (Dropout) sets values of layer {normalising.number} "
                    f"({normalising.spec.type}) to zero, which brings the mean and the variance that "
                    f"{normalising.spec.type} keeps out of balance. AlphaDropout keeps them.",
                    "Use AlphaDropout",
                    experiment.replace_layer(
                        layer.path, LayerSpec(type="AlphaDropout", params={"p": layer.spec.params["p"]})
                    ),
                )
            elif layer.spec.entry.family not in ("regularisation",):
                normalising = None
