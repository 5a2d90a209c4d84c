"""What the network's picture shows of every neuron: its weights, their gradients, and when it answers.

A neuron's answer is a small picture over the plane, for sets of two features; over its one input, for a curve; else a
strip of its mean answers to the classes, or to ten groups of the target. The first neurons behind an image, or a row of
pixels, show their weights as an image, and the input is the first image of the training part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from mlp_core.data import features_of, sample_points
from mlp_core.data.pixel_rows import pictures_of
from mlp_core.diagram import Column, columns, read_shown, shown_neurons
from mlp_core.run.build import Run
from mlp_core.run.metrics import passes_of
from mlp_core.run.nogil import picked
from mlp_core.views.line import extent, standardised_inputs
from mlp_core.views.view import Arrays

MAP_NUMBERS = 12_000
"""Numbers of all pictures together, which bounds their resolution."""
FINEST, COARSEST = 28, 9
"""Points per side of a neuron's picture over the plane."""
GROUPS = 10
"""Strips of a neuron's mean answers at the most."""
SAMPLES = 500
"""Training samples that mean answers are taken over."""
LARGEST_IMAGE = 32
"""Points per side of an image; of a larger one every n-th is taken."""


def neurons(run: Run, chosen: str = "") -> Arrays:
    """One entry of 'columns' per column of the network's picture, each with arrays of its n shown neurons.

    'shown' int64 (n,): which neurons they are; 'maps' float32 (n, height, width) or None: their answers; 'weights' and
    'gradients' float32 (n, neurons shown before): None where there is no weight for each pair, or no step was done;
    'biases' and 'bias_gradients' float32 (n,) or None. 'updates' and 'bias_updates' are what the weights
    and biases have changed by in the last 'update_steps' steps, since this was computed before; None where it was not.
    `chosen` are the neurons to show, as `mlp_core.diagram.write_shown` writes them.
    """
    found = columns(run.plan)
    wanted = read_shown(chosen)
    shown = [shown_neurons(column.width, wanted.get(place, ())) for place, column in enumerate(found)]
    pictures = _pictures(run, found, shown)
    values = _parameters(run, found, shown)
    steps = _changes(run, shown, values)
    return {
        "columns": [
            {"shown": np.array(some), "maps": picture, **value}
            for some, picture, value in zip(shown, pictures, values, strict=True)
        ],
        "update_steps": steps,
    }


# Weights


def _parameters(run: Run, found: Sequence[Column], shown: Sequence[list[int]]) -> list[Arrays]:
    """Weights and biases of the shown neurons with their gradients, column by column."""
    names = ("weights", "gradients", "biases", "bias_gradients")
    values: list[Arrays] = [dict.fromkeys(names) for _ in found]
    asked: list[tuple[int, str, Tensor, list[int], list[int]]] = []
    for place, column in enumerate(found):
        if column.weighted is None:
            continue
        module = run.model.get_submodule(column.weighted.name)
        rows, inputs = shown[place], shown[place - 1]
        if column.width != column.weighted.out_features:  # as behind a gate: the first half is drawn
            rows = [row for row in rows if row < column.weighted.out_features]
        if found[place - 1].width != column.weighted.in_features:
            continue
        weight, bias = parameter_of(module, "weight"), parameter_of(module, "bias")
        assert weight is not None
        from_image = place == 1 and run.dataset.facts.picture_shape  # too many weights for lines: they are an image too
        tensors = (weight, weight.grad, bias, None if bias is None else bias.grad)
        for name, tensor in zip(names, tensors, strict=True):
            if tensor is not None and not (from_image and tensor.dim() == 2):
                asked.append((place, name, tensor.detach(), rows, inputs if tensor.dim() == 2 else []))
    flat = picked([(tensor, rows, inputs) for _, _, tensor, rows, inputs in asked])
    start = 0
    for place, name, _, rows, inputs in asked:
        shape = (len(rows), len(inputs)) if inputs else (len(rows),)
        size = int(np.prod(shape))
        values[place][name] = flat[start : start + size].reshape(shape)
        start += size
    return values


@dataclass
class _Look:
    """Weights and biases of shown neurons at two moments: what was seen last, and what was seen at an earlier step."""

    shown: Sequence[list[int]]
    """The neurons of every column."""
    step: int
    """The step at which they were seen last."""
    values: list[Arrays]
    """What was seen then."""
    before: tuple[int, list[Arrays]] | None = None
    """An earlier step, and what was seen at it."""


_LOOKS: WeakKeyDictionary[nn.Module, _Look] = WeakKeyDictionary()
"""The last look at each network. Engines keep no weights of the step before, and a copy per step would cost time."""


def _changes(run: Run, shown: Sequence[list[int]], values: list[Arrays]) -> int:
    """Put in what weights and biases have changed by since they were seen before; the steps since then, 0 for none."""
    step = run.position.step
    last = _LOOKS.get(run.model)
    before = None
    if last is not None and last.shown == shown:
        before = last.before if last.step == step else (last.step, last.values) if last.step < step else None
    _LOOKS[run.model] = _Look(shown, step, [dict(value) for value in values], before)
    earlier = [{}] * len(values) if before is None else before[1]
    for value, old in zip(values, earlier, strict=True):
        for name, change in (("weights", "updates"), ("biases", "bias_updates")):
            known = value[name] is not None and old.get(name) is not None
            value[change] = value[name] - old[name] if known else None
    return 0 if before is None else step - before[0]


def parameter_of(module: nn.Module, name: str) -> nn.Parameter | None:
    """A trained tensor of a module; None where it has none of that name."""
    found = getattr(module, name, None)
    return found if isinstance(found, nn.Parameter) else None


# Answers


def _pictures(run: Run, found: Sequence[Column], shown: Sequence[list[int]]) -> list[np.ndarray | None]:
    """The pictures of the shown neurons, column by column."""
    facts = run.dataset.facts
    inputs, fold, shape = _questions(run, sum(map(len, shown)))
    answers = passes_of(run).neurons(inputs.to(run.device), [column.layers[-1].name for column in found[1:]])
    values = answers.cpu().numpy()
    pictures: list[np.ndarray | None] = []
    start = 0
    for place, column in enumerate(found):
        if place == 0:
            given = run.scaled(inputs).cpu().numpy()
            pictures.append(_image(run) if facts.picture_shape else _folded(given[:, shown[0]], fold, shape))
            continue
        some = values[:, [start + neuron for neuron in shown[place]]]
        start += column.width
        first = facts.picture_shape and place == 1 and column.weighted is not None
        pictures.append(_weight_images(run, column, shown[1]) if first else _folded(some, fold, shape))
    return pictures


def _questions(run: Run, neurons: int) -> tuple[Tensor, np.ndarray | None, tuple[int, int]]:
    """Inputs to ask the network; how answers are averaged, float32 (groups, N), or None; a picture's height, width."""
    data = run.dataset
    if data.facts.plane:
        side = int(np.clip(np.sqrt(MAP_NUMBERS / max(neurons, 1)), COARSEST, FINEST))
        return _plane(tuple(run.experiment.data.params["features"]), side), None, (side, side)
    if not data.facts.classifies and data.facts.sample_shape == (1,):
        low, high = extent(data)
        x = standardised_inputs(data, np.linspace(low, high, FINEST))
        return torch.from_numpy(x), None, (1, FINEST)
    count = min(SAMPLES, data.train_size)
    fold = _groups(data.y_train[:count], data.facts.classes)
    return run.batches.x[:count], fold, (1, len(fold))


def _groups(targets: np.ndarray, classes: int) -> np.ndarray:
    """Rows that average samples float32 (groups, N): one for each of the first classes, or for equal shares of the
    sorted first target."""
    if classes:
        groups, count = targets, min(classes, GROUPS)
    else:
        count = min(GROUPS, len(targets))
        groups = np.empty(len(targets), dtype=np.int64)
        groups[np.argsort(targets[:, 0], kind="stable")] = np.arange(len(targets)) * count // len(targets)
    members = (groups == np.arange(count)[:, None]).astype(np.float32)
    shares: np.ndarray = members / np.maximum(members.sum(axis=1, keepdims=True), 1.0)
    return shares


def _folded(answers: np.ndarray, fold: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    """Answers (N, n) as pictures (n, height, width)."""
    means = answers if fold is None else fold @ answers
    return np.ascontiguousarray(means.T.reshape(-1, *shape), dtype=np.float32)


def _weight_images(run: Run, column: Column, shown: list[int]) -> np.ndarray:
    """The weights of neurons right behind an image, the mean over its colours, as pictures."""
    assert column.weighted is not None
    shape = run.dataset.facts.picture_shape
    assert shape is not None, "samples are pictures"
    weight = parameter_of(run.model.get_submodule(column.weighted.name), "weight")
    assert weight is not None
    rows = picked([(weight.detach(), shown, list(range(weight.shape[1])))]).reshape(-1, *shape)
    return _thinned(rows)


def _image(run: Run) -> np.ndarray:
    """The first training sample, which is an image or a row of pixels, as a picture (1, height, width) from 0 to 1."""
    return _thinned(pictures_of(run.dataset, run.dataset.x_train[:1]) / 255.0)


def _thinned(images: np.ndarray) -> np.ndarray:
    """Images (n, channels, height, width) as pictures (n, height, width) that are small enough."""
    step = -(-max(images.shape[2:]) // LARGEST_IMAGE)
    return np.ascontiguousarray(images.mean(axis=1)[:, ::step, ::step], dtype=np.float32)


@lru_cache(maxsize=16)
def _plane(features: tuple[str, ...], side: int) -> Tensor:
    """Inputs float32 (side², F) of a grid's points, shared by all runs; nothing writes to them."""
    return torch.from_numpy(features_of(sample_points(side), features))
