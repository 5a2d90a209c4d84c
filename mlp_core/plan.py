"""Whether the parts of an experiment fit together: shapes, sizes and known mistakes, before anything is built.

No tensor is made here, so a page can plan at every keystroke. `plan` raises on the first thing that makes a run
impossible; `problems` lists everything worth saying, each with a repaired experiment where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from mlp_core.errors import SpecError, TooLargeError
from mlp_core.limits import BYTES_PER_NUMBER, MAX_LAYERS, MAX_PARAMETERS, MAX_TRAINING_BYTES
from mlp_core.spec import Experiment, LayerSpec, LossSpec

UNKNOWN_SAMPLES = 2000
"""Training samples to reckon with where the facts of the data do not tell how many there can be."""


@dataclass(frozen=True)
class LayerPlan:
    """One layer with the shapes around it. `name` is its key in the `nn.Sequential`; sizes are in numbers."""

    name: str
    spec: LayerSpec
    in_features: int
    out_features: int
    parameters: int
    buffers: int


@dataclass(frozen=True)
class Plan:
    """The network's shapes.

    `flatten` tells that samples of `sample_shape` become vectors first (an `nn.Flatten` named '0').
    `training_bytes` estimates weights, gradients, optimizer state, two checkpoints and one batch's activations.
    """

    sample_shape: tuple[int, ...]
    flatten: bool
    layers: tuple[LayerPlan, ...]
    outputs: int
    parameters: int
    training_bytes: int


@dataclass(frozen=True)
class Problem:
    """Something to tell the user: an 'error' keeps the run from starting, a 'hint' does not."""

    severity: Literal["error", "hint"]
    message: str
    fix_label: str = ""
    fixed: Experiment | None = None


def wanted_outputs(experiment: Experiment) -> int:
    """How many outputs the data's targets need under this loss.

    One per target column in regression; one per class, but a single one for two classes under a loss that
    compares numbers (`target_form == 'dense'`).
    """
    facts = experiment.data.facts
    if not facts.classifies:
        return len(facts.target_names)
    return 1 if facts.classes == 2 and experiment.loss.entry.target_form == "dense" else facts.classes


def last_linear(experiment: Experiment) -> int | None:
    """The position of the last layer that sets its own width, or None."""
    widths = [i for i, layer in enumerate(experiment.layers) if "out_features" in layer.params]
    return widths[-1] if widths else None


def plan(experiment: Experiment) -> Plan:
    """Shapes and sizes of the network.

    Raises `SpecError` when a width is missing, and `TooLargeError` when an estimate exceeds a limit.
    """
    shape, features = experiment.data.facts.sample_shape, experiment.data.facts.features
    flatten = len(shape) > 1
    final = last_linear(experiment)
    layers = []
    for position, given in enumerate(experiment.layers):
        spec = given
        if spec.params.get("out_features", 0) is None:
            if position != final:
                raise SpecError(
                    f"Layer {position + 1} (Linear) has no width. Only the last Linear may leave 'out_features' to "
                    "the data. Set its number of neurons."
                )
            spec = spec.updated(params={**spec.params, "out_features": wanted_outputs(experiment)})
        entry = spec.entry
        layers.append(
            LayerPlan(
                name=str(position + flatten),
                spec=spec,
                in_features=features,
                out_features=entry.out_features(spec.params, features),
                parameters=entry.count(spec.params, features),
                buffers=entry.buffers(spec.params, features),
            )
        )
        features = layers[-1].out_features
    parameters = sum(layer.parameters for layer in layers)
    found = Plan(shape, flatten, tuple(layers), features, parameters, _training_bytes(experiment, layers, parameters))
    _refuse_too_large(found)
    return found


def _training_bytes(experiment: Experiment, layers: list[LayerPlan], parameters: int) -> int:
    state = 1 + experiment.optimizer.entry.state_per_parameter
    copies = 1 + state + 2 * state  # gradients, weights with optimizer state, and two checkpoints of the latter
    batch = experiment.training.batch_size or experiment.data.facts.most_train_samples or UNKNOWN_SAMPLES
    activations = 2 * batch * sum(layer.out_features for layer in layers)
    return BYTES_PER_NUMBER * (copies * parameters + activations)


def _refuse_too_large(found: Plan) -> None:
    size = f"{found.parameters:,} parameters, about {found.training_bytes / 2**30:.1f} GiB in training"
    if found.parameters > MAX_PARAMETERS:
        raise TooLargeError(
            f"This network would have {size}; the limit is {MAX_PARAMETERS:,} parameters. "
            "Make the widest layers narrower."
        )
    if found.training_bytes > MAX_TRAINING_BYTES:
        raise TooLargeError(
            f"This run would need {size}; the limit is {MAX_TRAINING_BYTES / 2**30:.1f} GiB. "
            "Make layers narrower or the batch smaller."
        )


def problems(experiment: Experiment, train_size: int | None = None) -> list[Problem]:
    """Everything that is wrong or unwise, errors first. `train_size`: training samples, once they are known."""
    try:
        found = plan(experiment)
    except SpecError as error:
        return [Problem("error", str(error))]
    listed = [
        *_loss_problems(experiment, found),
        *_batch_problems(experiment, train_size),
        *_hints(experiment),
    ]
    return sorted(listed, key=lambda problem: problem.severity != "error")


def refuse(experiment: Experiment, train_size: int | None = None) -> None:
    """Raise `SpecError` with the first error of `problems`."""
    for problem in problems(experiment, train_size):
        if problem.severity == "error":
            raise SpecError(problem.message)


def _loss_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    data, facts, loss = experiment.data.entry, experiment.data.facts, experiment.loss.entry
    layers = experiment.layers
    if facts.task not in loss.tasks:
        better = LossSpec(type="MSELoss" if facts.task == "regression" else "CrossEntropyLoss")
        yield Problem(
            "error",
            f"{loss.name} is a loss for {' and '.join(loss.tasks)}, and {data.label} is a {facts.task} set. "
            f"Choose {better.type}.",
            f"Use {better.entry.label}",
            experiment.updated(loss=better),
        )
        return
    if loss.bounded_outputs and layers[-1].type != "Sigmoid":
        yield Problem(
            "error",
            f"{loss.name} takes probabilities from 0 to 1, and the network ends in {layers[-1].type}. "
            "End it in Sigmoid, or choose BCEWithLogitsLoss, which applies the sigmoid itself.",
            "Use BCE with logits",
            experiment.updated(loss=LossSpec(type="BCEWithLogitsLoss")),
        )
    wanted = wanted_outputs(experiment)
    allowed = {wanted} | ({facts.classes} if facts.classifies else set())
    if found.outputs not in allowed:
        yield Problem("error", *_wrong_outputs(experiment, found, wanted))
    elif layers[-1].type == "Sigmoid" and loss.link != "identity":
        before = max((i + 1 for i, layer in enumerate(layers) if layer.type != "Sigmoid"), default=0)
        yield Problem(
            "hint",
            f"{loss.name} expects raw outputs and squashes them itself; the Sigmoid before it squashes twice, "
            "which slows learning.",
            "Remove the Sigmoid",
            experiment.updated(layers=layers[:before]) if before else None,
        )


def _wrong_outputs(experiment: Experiment, found: Plan, wanted: int) -> tuple[str, str, Experiment | None]:
    final = last_linear(experiment)
    layers = experiment.layers
    if final is None:
        end = len(layers) - (layers[-1].type == "Sigmoid")
        fixed = _with_layers(experiment, (*layers[:end], LayerSpec(type="Linear"), *layers[end:]))
    else:
        auto = layers[final].updated(params={**layers[final].params, "out_features": None})
        fixed = _with_layers(experiment, (*layers[:final], auto, *layers[final + 1 :]))
    entry = experiment.data.entry
    have = f"{found.outputs} output{'s' if found.outputs != 1 else ''}"
    return (
        f"The network ends in {have}, and {entry.label} with {experiment.loss.type} needs {wanted}. "
        + ("Add a Linear layer at the end." if final is None else "Leave the last Linear's neurons empty."),
        f"Make it {wanted}",
        fixed,
    )


def _with_layers(experiment: Experiment, layers: tuple[LayerSpec, ...]) -> Experiment | None:
    """The experiment with these layers, if so many are allowed."""
    return experiment.updated(layers=layers) if len(layers) <= MAX_LAYERS else None


def _batch_problems(experiment: Experiment, train_size: int | None) -> Iterator[Problem]:
    training = experiment.training
    batch = training.batch_size or train_size
    if batch is None:
        return
    if train_size is not None and batch > train_size:
        yield Problem(
            "error",
            f"The 'batch_size' parameter of the training must be at most the number of training samples, {train_size}. "
            f"Got {batch} instead. Make it smaller, or leave it empty to take all samples at once.",
            "Take all samples at once",
            experiment.updated(training=training.updated(batch_size=None)),
        )
        return
    mixing = next((layer.type for layer in experiment.layers if layer.entry.mixes_batch), None)
    rest = train_size % batch if train_size is not None else 0
    if mixing and train_size == 1:
        yield Problem(
            "error",
            f"{mixing} needs at least two samples in a batch, and there is only one training sample. Use more samples, "
            "or a smaller share of them for testing.",
        )
    elif mixing and (batch == 1 or rest == 1):
        larger = batch + 1
        while train_size is not None and train_size % larger == 1:
            larger += 1
        which = "every batch has" if batch == 1 else f"with {train_size} training samples the last batch has"
        yield Problem(
            "error",
            f"{mixing} needs at least two samples in a batch, and {which} one. Change the batch size.",
            f"Use batches of {larger}",
            experiment.updated(training=training.updated(batch_size=larger)),
        )


def _hints(experiment: Experiment) -> Iterator[Problem]:
    layers = experiment.layers
    for position, (first, second) in enumerate(pairwise(layers)):
        if first.type == second.type == "Linear":
            bent = (*layers[: position + 1], LayerSpec(type="ReLU"), *layers[position + 1 :])
            yield Problem(
                "hint",
                f"Layers {position + 1} and {position + 2} are both Linear with no activation between them: together "
                "they can do no more than one Linear layer.",
                "Put a ReLU between them",
                _with_layers(experiment, bent),
            )
    if not experiment.training.zero_grad:
        yield Problem(
            "hint",
            "The gradients are never zeroed: every step adds its gradient to all earlier ones.",
            "Zero the gradients",
            experiment.updated(training=experiment.training.updated(zero_grad=True)),
        )
