"""What views compute of single layers: activations, matrices, weights as images, hidden space, parameters.

Each function makes plain arrays, so that what leaves the training thread is a copy. This module needs PyTorch.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mlp_core.data.parts import PARTS
from mlp_core.plan import LayerPlan
from mlp_core.run.build import Run
from mlp_core.run.metrics import passes_of
from mlp_core.run.nogil import copies
from mlp_core.run.values import values_of
from mlp_core.views.arrays import BINS
from mlp_core.views.line import in_units
from mlp_core.views.space import INPUT, NEURONS, UMAP, Space
from mlp_core.views.view import Arrays

SAMPLES = 256
"""Training samples whose activations are counted."""
ROWS = 60
"""Samples of a heat map of activations."""
SPACE_SAMPLES = 500
"""Samples of a hidden space."""
LARGEST_ERRORS = 0.1
"""The share of the samples of a regression that count as wrong: those with the largest errors."""
FIRST_VALUES = 5
"""Values of a parameter that are shown."""


def chosen_layer(run: Run, name: str, *, weights: bool = False) -> LayerPlan:
    """The layer of that name; where there is none, the first one, with `weights` the first one with such."""
    layers = list(run.plan.walk())
    usual = next((layer for layer in layers if layer.own_parameters or not weights), layers[0])
    return next((layer for layer in layers if layer.name == name), usual)


def own_parameters(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """The parameters of a layer with their names in it, without those of the layers that it holds."""
    return list(module.named_parameters(recurse=not isinstance(module, nn.Sequential)))


# Histograms


def activations(run: Run) -> Arrays:
    """Histograms of what every layer puts out for some training samples: names, counts and edges, one of each."""
    layers = list(run.plan.walk())
    values = passes_of(run).neurons(run.batches.x[:SAMPLES], [layer.name for layer in layers])
    pieces = torch.split(values, [layer.out_features for layer in layers], dim=1)
    found = passes_of(run).histograms(pieces, BINS)
    return {
        "names": [f"{layer.number} {layer.spec.type}" for layer in layers],
        "counts": [counts.numpy().astype(np.int32) for counts, _, _ in found],
        "edges": [np.linspace(low, high, BINS + 1, dtype=np.float64) for _, low, high in found],
    }


# Matrices


def weight_matrix(run: Run, name: str) -> Arrays:
    """The weights of a layer: 'values' float32 (neurons, inputs) or None, 'bias' float32 (neurons,) or None.

    'layer' is its name for people, 'parameter' that of the weights in the model, 'inputs' the names of what comes in,
    where it takes the features of a table.
    """
    return _matrix(run, name, gradient=False)


def gradient_matrix(run: Run, name: str) -> Arrays:
    """The same of the last step's gradients; 'values' is None before the first step."""
    return _matrix(run, name, gradient=True)


def _matrix(run: Run, name: str, *, gradient: bool) -> Arrays:
    layer = chosen_layer(run, name, weights=True)
    given = own_parameters(run.model.get_submodule(layer.name))
    found: Arrays = {"layer": _label(layer), "parameter": "", "values": None, "bias": None, "inputs": ()}
    found["weights"] = bool(given)
    if not given:
        return found
    name, weight = next(((name, one) for name, one in given if one.dim() == 2), given[0])
    bias = next((one for other, one in given if other == "bias" and one.shape == weight.shape[:1]), None)
    bias = bias if weight.dim() == 2 else None
    tensors: list[Tensor] = [weight] if bias is None else [weight, bias]
    if gradient:
        tensors = [one.grad for one in tensors if one.grad is not None]
    if not tensors:
        return found
    values, *more = (copy.cpu().numpy() for copy in copies([one.detach() for one in tensors]))
    inputs = run.dataset.feature_names if layer.path == (0,) and not run.dataset.facts.holds_images else ()
    return found | {
        "parameter": f"{layer.name}.{name}",
        "values": values if values.ndim == 2 else values.reshape(1, -1),
        "bias": more[0] if more else None,
        "inputs": tuple(map(str, inputs)),
    }


def activation_matrix(run: Run, name: str) -> Arrays:
    """What a layer puts out: 'values' float32 (samples, neurons), sorted by class or target; 'layer' is its name,
    'groups' the classes with how many samples each has there, none in regression."""
    layer = chosen_layer(run, name)
    rows = np.unique(np.linspace(0, run.dataset.train_size - 1, ROWS).astype(np.int64))
    targets = run.dataset.y_train[rows]
    rows = rows[np.argsort(targets if targets.ndim == 1 else targets[:, 0], kind="stable")]
    x = run.batches.x[torch.from_numpy(rows).to(run.device)]
    names = run.dataset.facts.class_names
    counts = np.bincount(targets, minlength=len(names)) if names else ()
    return {
        "layer": _label(layer),
        "values": passes_of(run).neurons(x, [layer.name]).cpu().numpy(),
        "groups": [(name, int(count)) for name, count in zip(names, counts, strict=True) if count] if names else [],
    }


def weight_images(run: Run, first: str) -> Arrays:
    """The weights of the first layer as images: 'images' float32 (n, H, W), the mean over colours; 'first' is the
    number of the first one, 'count' how many neurons there are. Empty where it has no weight for each pixel."""
    from mlp_core.figures.matrix import IMAGE_CELLS

    layer = next(run.plan.walk())
    weight = getattr(run.model.get_submodule(layer.name), "weight", None)
    shape = run.dataset.facts.picture_shape
    assert shape is not None, "samples are pictures"
    channels, height, width = shape
    if not isinstance(weight, nn.Parameter) or weight.shape[1:] != (channels * height * width,):
        return {}
    step = -(-max(height, width) // 64)
    shown = max(1, IMAGE_CELLS // ((-(-height // step) + 5) * (-(-width // step) + 1)))
    start = min(int(first or 0), max(0, len(weight) - 1))
    (rows,) = copies([weight.detach()[start : start + shown]])
    images = rows.cpu().numpy().reshape(-1, channels, height, width).mean(axis=1)[:, ::step, ::step]
    return {"images": images, "first": start, "count": len(weight)}


# Hidden space


def hidden_space(run: Run, argument: str) -> Arrays:
    """Samples as a layer sees them, in two numbers.

    'points' float32 (N, 2), 'targets' (N,) class indices or values in the data's own unit, 'wrong' bool (N,): predicted
    wrong, or among the largest errors; 'axes' what the numbers are: neurons, or shares of the variance of two principal
    components, or None; 'layer' the layer's name for people, 'method' and 'width' what was shown, and of how many.
    For UMAP, which takes long, 'points' is None, and 'values' float32 (N, width) are what it needs; see `views.umap`.
    """
    chosen = Space.read(argument)
    part = PARTS[chosen.part] if PARTS[chosen.part].exists(run.dataset) else PARTS["train"]
    x, targets = run.part(part.name)[0][:SPACE_SAMPLES], part.arrays(run.dataset)[1][:SPACE_SAMPLES]
    passes, facts = passes_of(run), run.dataset.facts
    if facts.classifies:
        shown, wrong = targets, passes.classified(x)[1].cpu().numpy() != targets
    else:
        actual = targets[:, 0]
        errors = np.abs(in_units(run.dataset, actual) - values_of(run, passes.outputs(x)).predicted[:, 0])
        shown = in_units(run.dataset, actual)
        wrong = errors > np.nan_to_num(np.quantile(errors, 1 - LARGEST_ERRORS))
    layers = list(run.plan.walk())
    usual = run.plan.layers[-2] if len(run.plan.layers) > 1 else layers[-1]
    layer = next((layer for layer in layers if layer.name == chosen.layer), usual)
    if chosen.layer == INPUT:
        values, label = run.scaled(x).reshape(len(x), -1), "the input"
    else:
        values, label = passes.neurons(x, [layer.name]), _label(layer)
    found = {"targets": shown, "wrong": wrong, "layer": label, "method": chosen.method, "width": values.shape[1]}
    values = values.detach().cpu()
    if chosen.method == UMAP:
        (kept,) = copies([values])
        return {**found, "points": None, "axes": None, "values": kept.numpy()}
    points, axes = _plane(values, chosen)
    return {**found, "points": points.astype(np.float32), "axes": axes}


def _plane(values: Tensor, chosen: Space) -> tuple[np.ndarray, tuple[float, ...]]:
    """Values (N, width) as points (N, 2), and what the axes are."""
    width = values.shape[1]
    if chosen.method == NEURONS:
        first, second = (min(neuron, width - 1) for neuron in chosen.neurons)
        return values[:, [first, second]].numpy(), (first, second)
    if not bool(torch.isfinite(values).all()):
        return np.full((len(values), 2), np.nan), (np.nan, np.nan)
    return principal_components(values)


def principal_components(values: Tensor) -> tuple[np.ndarray, tuple[float, float]]:
    """The first two principal components of values (N, width), (N, 2), and the share of the variance of each.

    The direction of a component, which is open, is the one in which its largest weight is positive, so that the picture
    does not jump while a network trains.
    """
    centred = values.double() - values.double().mean(dim=0)
    rows, width = centred.shape
    if width <= rows:
        variances, vectors = torch.linalg.eigh(centred.T @ centred)
        directions = vectors[:, -2:].flip(1)
    else:  # the same from products of samples, of which there are fewer
        variances, vectors = torch.linalg.eigh(centred @ centred.T)
        directions = centred.T @ vectors[:, -2:].flip(1)
        directions = directions / directions.norm(dim=0).clamp(min=1e-300)
    largest = directions.abs().argmax(dim=0)
    directions = directions * torch.sign(directions[largest, torch.arange(directions.shape[1])])
    points = torch.zeros(rows, 2, dtype=torch.float64)
    points[:, : directions.shape[1]] = centred @ directions
    total = float(variances.clamp(min=0).sum())
    shares = [float(value) / total if total else 0.0 for value in variances.flip(0)[:2].clamp(min=0)]
    return points.numpy(), (shares[0], shares[1] if len(shares) > 1 else 0.0)


# Parameters


def parameters(run: Run) -> Arrays:
    """Every parameter of the model, in the order of `model.parameters()`: 'rows' is a list of dicts.

    A row has 'name', 'shape', 'numel', 'dtype', 'requires_grad', 'is_leaf', 'grad_norm' (None before the first step)
    and 'first', the first values.
    """
    named = list(run.model.named_parameters())
    gradients = [one.grad for _, one in named if one.grad is not None]
    norms = iter(torch.stack(torch._foreach_norm(gradients)).tolist() if gradients else [])
    first = copies([one.detach().reshape(-1)[:FIRST_VALUES] for _, one in named])
    return {
        "rows": [
            {
                "name": name,
                "shape": tuple(one.shape),
                "numel": one.numel(),
                "dtype": str(one.dtype).removeprefix("torch."),
                "requires_grad": one.requires_grad,
                "is_leaf": one.is_leaf,
                "grad_norm": None if one.grad is None else next(norms),
                "first": values.tolist(),
            }
            for (name, one), values in zip(named, first, strict=True)
        ]
    }


def _label(layer: LayerPlan) -> str:
    return f"{layer.number} {layer.spec.type}"
