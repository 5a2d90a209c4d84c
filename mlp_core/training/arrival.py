"""Networks that are dead on arrival: measured on one batch when a run is prepared, before any step.

A gradient that stops at a layer leaves everything before that layer as it was drawn. Whether it stops depends on the
weights and the data, so it is measured and not guessed.
"""

from __future__ import annotations

import logging
import math
from contextlib import nullcontext

import torch
from torch import Tensor

from mlp_core.catalog import ACTIVATIONS
from mlp_core.plan import LayerPlan
from mlp_core.problems import Problem, problems
from mlp_core.run.build import Run
from mlp_core.spec import Experiment, LayerSpec, LossSpec

LOG = logging.getLogger(__name__)

SAMPLES = 64
"""Samples that are looked at, at most."""
MOST_WORK = 200_000_000
"""Weights times samples, at most: a large network is looked at with fewer samples."""
BLOCKED = 1e-7
"""A layer lets nothing through where the largest gradient before it is less than this share of that behind it: float32
numbers cannot tell such an update from none."""


def examine(run: Run) -> tuple[Problem, ...]:
    """What keeps a run from learning anything at all, with a repair where there is one; leaves the run as it is."""
    try:
        return _examine(run)
    except Exception:  # a note that cannot be made is no reason to refuse a run
        LOG.exception("the first batch could not be examined")
        return ()


def _examine(run: Run) -> tuple[Problem, ...]:
    parameters = [parameter for parameter in run.model.parameters() if parameter.requires_grad]
    loss, behind, weights = _gradients(run, parameters)
    layers = run.plan.layers
    if not math.isfinite(loss) or loss == 0:
        return ()
    if behind[-1] == 0:
        return (
            Problem(
                "hint",
                f"No gradient comes out of {run.experiment.loss.type} on the first batch: its slope is zero for every "
                "sample, so no weight changes. Choose other initial weights, or another loss.",
            ),
        )
    before = behind[:-1]  # of the input of each layer: the output of the one in front of it
    for layer, inside, outside in reversed(list(zip(layers, before, behind[1:], strict=True))):
        learns = sum(each.parameters for each in layers[: layer.path[0]])
        if learns and outside > 0 and inside <= BLOCKED * outside:
            return (_blocked(run.experiment, layer),)
    if not any(weights):
        return (
            Problem("hint", "No weight gets a gradient on the first batch, so nothing is learned. Look at the inputs."),
        )
    return ()


def _gradients(run: Run, parameters: list[torch.nn.Parameter]) -> tuple[float, list[float], list[float]]:
    """The loss of one batch; the largest gradient by the input and by the output of every layer; that of each weight.

    In few calls: where other threads want the GIL, each of them waits for it.
    """
    count = max(2, min(SAMPLES, MOST_WORK // max(1, run.plan.parameters)))
    state, kept = run.stream.state(), [buffer.clone() for buffer in run.model.buffers()]
    with run.stream.lend() if run.draws_in_training else nullcontext():
        h = run.scaled(run.batches.x[:count]).detach().requires_grad_(True)
        stages: list[Tensor] = [] if run.plan.flatten else [h]
        for module in run.model:
            h = module(h)
            stages.append(h)
        loss = run.loss(h, run.batches.y[:count])
        found = torch.autograd.grad(loss, [*stages, *parameters], allow_unused=True)
    if run.draws_in_training:
        run.stream.restore(state)
    for buffer, before in zip(run.model.buffers(), kept, strict=True):
        buffer.copy_(before)
    known = [gradient for gradient in found if gradient is not None]
    largest = iter(torch.stack(torch._foreach_norm(known, math.inf)).tolist()) if known else iter(())
    sizes = [0.0 if gradient is None else next(largest) for gradient in found]
    return float(loss.detach()), sizes[: len(stages)], sizes[len(stages) :]


def _blocked(experiment: Experiment, layer: LayerPlan) -> Problem:
    """A layer that lets no gradient through."""
    name = f"Layer {layer.number} ({layer.spec.type})"
    said = "lets no gradient through on the first batch"
    if layer.spec.type in ACTIVATIONS:
        said = f"{said}: every one of its units is on a flat part of its curve, for every sample"
    label, fixed = _repair(experiment, layer)
    if fixed is not None and any(problem.severity == "error" for problem in problems(fixed)):
        fixed = None
    said = f"{name} {said}. The layers before it will learn nothing."
    return Problem("hint", said, label if fixed is not None else "", fixed)


def _repair(experiment: Experiment, layer: LayerPlan) -> tuple[str, Experiment | None]:
    """What a button says, and the experiment without that layer in the way."""
    path, spec = layer.path, experiment.layer_at(layer.path)
    last = path == (len(experiment.layers) - 1,)
    keeps_width = layer.in_features == layer.out_features
    if last and experiment.loss.entry.bounded_outputs and len(experiment.layers) > 1:
        logits = LossSpec(type="BCEWithLogitsLoss")
        return (
            f"Remove the {spec.type} and use BCE with logits",
            experiment.updated(layers=experiment.layers[:-1], loss=logits),
        )
    if spec.type in ACTIVATIONS and keeps_width and not last:
        return "Use LeakyReLU there", experiment.replace_layer(path, LayerSpec(type="LeakyReLU"))
    if keeps_width and not layer.parameters and len(experiment.layers) > 1:
        return f"Remove the {spec.type}", experiment.remove_layer(path)
    kept = {name: spec.params[name] for name in ("out_features", "bias") if name in spec.params}
    usual = spec.updated(params=kept)
    return (
        (f"Set the {spec.type} to its defaults", experiment.replace_layer(path, usual)) if usual != spec else ("", None)
    )
