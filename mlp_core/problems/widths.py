"""Widths inside of layers that need a certain one, and whether there is anything to train."""

from __future__ import annotations

from collections.abc import Iterator

from mlp_core.catalog.layers import Misfit
from mlp_core.plan import LayerPlan, Plan, last_linear, plan
from mlp_core.problems.problem import Problem, inserted
from mlp_core.spec import Experiment, LayerSpec, Path


def width_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    """An error for each layer that cannot take the width that comes in, or whose inside has not the width it needs."""
    for layer in found.walk():
        if layer.misfit is not None:
            yield Problem(
                "error", layer.misfit.message, layer.misfit.fix_label, _fitted(experiment, found, layer, layer.misfit)
            )
        if not layer.fits:
            yield Problem(
                "error",
                f"The layers inside of layer {layer.number} ({layer.spec.type}) must give as many values as come in, "
                f"{layer.in_features:,}. Got {layer.inside[-1].out_features:,} instead. "
                "Leave the neurons of the last Linear inside empty, or end with such a Linear.",
                f"Make it give {layer.in_features:,}",
                _with_width_kept(experiment, layer),
            )


def _fitted(experiment: Experiment, found: Plan, layer: LayerPlan, misfit: Misfit) -> Experiment | None:
    """The experiment with a layer that takes its width: by its parameters, or by the Linear before it or a new one."""
    given = experiment.layer_at(layer.path)
    if misfit.params is not None:
        return experiment.replace_layer(layer.path, given.updated(params=misfit.params))
    *outer, position = layer.path
    before = last_linear(experiment.layers_inside(tuple(outer))[:position])
    if before is not None:
        path = (*outer, before)
        linear = experiment.layer_at(path)
        fixed = experiment.replace_layer(path, linear.updated(params={**linear.params, "out_features": misfit.width}))
        if _planned_at(fixed, layer.path).in_features == misfit.width:
            return fixed
    if not outer and before is not None and before == last_linear(experiment.layers):
        experiment = with_width(experiment, found)  # the new one is the last now
    return inserted(experiment, layer.path, LayerSpec(type="Linear", params={"out_features": misfit.width}))


def weight_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    """An error where no layer has weights."""
    if not found.parameters:
        width = found.layers[0].in_features  # as before, so that the layers after it fit as they did
        yield Problem(
            "error",
            "The network has no weights, so there is nothing to train. Add a Linear layer.",
            "Begin with a Linear layer",
            inserted(experiment, (0,), LayerSpec(type="Linear", params={"out_features": width})),
        )


def _with_width_kept(experiment: Experiment, layer: LayerPlan) -> Experiment | None:
    """The experiment with the last Linear inside of a layer as wide as that layer, or with such a Linear added."""
    for inner in reversed(layer.inside):
        if "out_features" in inner.spec.params:
            given = experiment.layer_at(inner.path)
            fixed = experiment.replace_layer(inner.path, given.updated(params={**given.params, "out_features": None}))
            if _planned_at(fixed, layer.path).fits:
                return fixed
            break
    return inserted(experiment, (*layer.path, len(layer.inside)), LayerSpec(type="Linear"))


def _planned_at(experiment: Experiment, path: Path) -> LayerPlan:
    return next(layer for layer in plan(experiment).walk() if layer.path == path)


def with_width(experiment: Experiment, found: Plan) -> Experiment:
    """The experiment with the width that its last Linear has now set there, so that it need not be the last."""
    final = last_linear(experiment.layers)
    if final is None:
        return experiment
    width = found.layers[final].out_features
    linear = experiment.layers[final]
    return experiment.replace_layer((final,), linear.updated(params={**linear.params, "out_features": width}))
