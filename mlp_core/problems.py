"""What is wrong or unwise in an experiment, each with a repaired experiment where there is one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from mlp_core.catalog.layers import Misfit
from mlp_core.catalog.parameters import shorten
from mlp_core.catalog.training import USUAL_VALIDATION_FRACTION
from mlp_core.errors import SpecError
from mlp_core.limits import ENDLESS_EPOCHS, MAX_LAYERS
from mlp_core.plan import LayerPlan, Plan, last_linear, plan, wanted_outputs
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, Path
from mlp_core.timing import surroundings, updates_per_epoch

SQUASHING = ("Sigmoid", "Softmax", "LogSoftmax", "Softmin")
"""Layers that make probabilities, or their logarithms, of raw outputs."""

MAX_MENDS = 10
"""How many errors are put right one after the other; each way to do so removes its error."""


@dataclass(frozen=True)
class Problem:
    """Something to tell the user."""

    severity: Literal["error", "hint"]
    """An 'error' keeps the run from starting, a 'hint' does not."""
    message: str
    """What is wrong, why, and what to do."""
    fix_label: str = ""
    """What a button says that puts it right; '' where there is no such button."""
    fixed: Experiment | None = None
    """The repaired experiment."""


def problems(
    experiment: Experiment, train_size: int | None = None, unvalidated: Sequence[str] = ()
) -> list[Problem]:
    """Everything that is wrong or unwise, errors first.

    Once the data is known: `train_size` are its training samples, `unvalidated` the classes with such samples and none
    in the validation part.
    """
    try:
        found = plan(experiment)
    except SpecError as error:
        return [Problem("error", str(error))]
    listed = [
        *width_problems(experiment, found),
        *_loss_problems(experiment, found),
        *_batch_problems(experiment, train_size),
        *_split_problems(experiment),
        *_validation_hints(experiment, unvalidated),
        *stopping_hints(experiment),
        *_update_problems(experiment),
        *_schedule_problems(experiment, train_size),
        *_hints(experiment, found),
    ]
    return sorted(listed, key=lambda problem: problem.severity != "error")


def refuse(experiment: Experiment, train_size: int | None = None) -> None:
    """Raise `SpecError` with the first error of `problems`."""
    for problem in problems(experiment, train_size):
        if problem.severity == "error":
            raise SpecError(problem.message)


def mended(experiment: Experiment, train_size: int | None = None) -> Experiment:
    """The experiment with its errors put right, as far as each has a way to do so."""
    for _ in range(MAX_MENDS):
        errors = [problem for problem in problems(experiment, train_size) if problem.severity == "error"]
        fixed = next((problem.fixed for problem in errors if problem.fixed is not None), None)
        if fixed is None:
            break
        experiment = fixed
    return experiment


def with_data(experiment: Experiment, data: DataSpec) -> Experiment:
    """The experiment on other data: as many outputs as those need, and a loss for their task."""
    final = last_linear(experiment.layers)
    if final is not None:
        layer = experiment.layers[final]
        auto = layer.updated(params={**layer.params, "out_features": None})
        experiment = experiment.replace_layer((final,), auto)
    return mended(experiment.updated(data=data))


def width_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    """An error for each layer that cannot take the width that comes in, or whose inside has not the width it needs."""
    for layer in found.walk():
        if layer.misfit is not None:
            yield Problem(
                "error", layer.misfit.message, layer.misfit.fix_label, _fitted(experiment, layer, layer.misfit)
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


def _fitted(experiment: Experiment, layer: LayerPlan, misfit: Misfit) -> Experiment | None:
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
    return _inserted(experiment, layer.path, LayerSpec(type="Linear", params={"out_features": misfit.width}))


def _with_width_kept(experiment: Experiment, layer: LayerPlan) -> Experiment | None:
    """The experiment with the last Linear inside of a layer as wide as that layer, or with such a Linear added."""
    for inner in reversed(layer.inside):
        if "out_features" in inner.spec.params:
            given = experiment.layer_at(inner.path)
            fixed = experiment.replace_layer(inner.path, given.updated(params={**given.params, "out_features": None}))
            if _planned_at(fixed, layer.path).fits:
                return fixed
            break
    return _inserted(experiment, (*layer.path, len(layer.inside)), LayerSpec(type="Linear"))


def _planned_at(experiment: Experiment, path: Path) -> LayerPlan:
    return next(layer for layer in plan(experiment).walk() if layer.path == path)


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
    if loss.bounded_outputs and layers[-1].type not in ("Sigmoid", "Softmax", "Softmin"):
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
    else:
        yield from _end_problems(experiment)


def _end_problems(experiment: Experiment) -> Iterator[Problem]:
    """A hint where the network ends in another form of outputs than the loss is made for."""
    layers, loss, last = experiment.layers, experiment.loss.entry, experiment.layers[-1].type
    before = max((i + 1 for i, layer in enumerate(layers) if layer.type not in SQUASHING), default=0)
    if loss.last and last != loss.last:
        squashed = f"the network ends in {last}" if last in SQUASHING else "the network puts out raw numbers"
        cut = experiment.updated(layers=layers[:before]) if before else experiment
        yield Problem(
            "hint",
            f"{loss.name} expects what {loss.last} makes, and {squashed}: the loss can fall for ever without a better "
            f"network. End it in {loss.last}, or choose CrossEntropyLoss.",
            f"End in {loss.last}",
            _inserted(cut, (len(cut.layers),), LayerSpec(type=loss.last)),
        )
    elif loss.bounded_outputs and last in ("Softmax", "Softmin"):
        yield Problem(
            "hint",
            f"{loss.name} asks a yes/no question of every output, and {last} ties the outputs of a sample together; "
            "a single one would always be 1. End the network in Sigmoid.",
            "End in Sigmoid",
            experiment.updated(layers=(*layers[:before], LayerSpec(type="Sigmoid"))),
        )
    elif last in SQUASHING and loss.link != "identity" and last != loss.last:
        twice = (
            "the LogSoftmax before it changes nothing"
            if last == "LogSoftmax" and loss.link == "softmax"
            else f"the {last} before it squashes twice, which slows learning"
        )
        yield Problem(
            "hint",
            f"{loss.name} expects raw outputs and squashes them itself; {twice}.",
            f"Remove the {last}",
            experiment.updated(layers=layers[:before]) if before else None,
        )


def _wrong_outputs(experiment: Experiment, found: Plan, wanted: int) -> tuple[str, str, Experiment | None]:
    final = last_linear(experiment.layers)
    layers = experiment.layers
    advice, fixed = "Leave the last Linear's neurons empty.", None
    if final is not None:
        auto = layers[final].updated(params={**layers[final].params, "out_features": None})
        fixed = experiment.replace_layer((final,), auto)
    if fixed is None or plan(fixed).outputs != wanted:  # a layer after the last Linear may change the width
        advice = "Add a Linear layer at the end."
        end = len(layers) - (layers[-1].type in SQUASHING)
        fixed = _inserted(_with_widths(experiment, found), (end,), LayerSpec(type="Linear"))
    entry = experiment.data.entry
    have = f"{found.outputs} output{'s' if found.outputs != 1 else ''}"
    return (
        f"The network ends in {have}, and {entry.label} with {experiment.loss.type} needs {wanted}. {advice}",
        f"Make it {wanted}",
        fixed,
    )


def _with_widths(experiment: Experiment, found: Plan) -> Experiment:
    """The experiment with the width that its last Linear has now set there, so that it need not be the last."""
    final = last_linear(experiment.layers)
    if final is None:
        return experiment
    width = found.layers[final].out_features
    linear = experiment.layers[final]
    return experiment.replace_layer((final,), linear.updated(params={**linear.params, "out_features": width}))


def _inserted(experiment: Experiment, path: Path, layer: LayerSpec) -> Experiment | None:
    """The experiment with one more layer, if so many are allowed."""
    full = sum(1 for _ in experiment.walk()) >= MAX_LAYERS
    return None if full else experiment.insert_layers(path, layer)


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
    mixing = next((layer.type for _, layer in experiment.walk() if layer.entry.mixes_batch), None)
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


def _split_problems(experiment: Experiment) -> Iterator[Problem]:
    """An error where the one training sample is to be divided, as far as that is known before loading.

    Of classes, a stratified split leaves a sample of each for training.
    """
    data, given = experiment.data, experiment.data.facts.samples
    if data.validation_fraction is None or given is None or data.facts.classifies or data.facts.official_split:
        return
    tests = min(max(round(given * data.test_fraction), 1), given - 1)
    if given - tests < 2:
        yield Problem(
            "error",
            f"A validation part needs at least 2 training samples, and of {given} samples {tests} are for testing. Use "
            "more samples, a smaller test share, or no validation part.",
            "Leave the validation part out",
            experiment.updated(data=data.updated(validation_fraction=None)),
        )


def _validation_hints(experiment: Experiment, unvalidated: Sequence[str]) -> Iterator[Problem]:
    if unvalidated:
        data = experiment.data
        shown = ", ".join(map(shorten, unvalidated[:5])) + (", …" if len(unvalidated) > 5 else "")
        classes = "class" if len(unvalidated) == 1 else "classes"
        yield Problem(
            "hint",
            f"The validation part has no sample of the {classes} {shown}, because the training part has only one of "
            "each: nothing that looks at the validation part sees how well such samples are told. Use more samples, or "
            "no validation part.",
            "Leave the validation part out",
            experiment.updated(data=data.updated(validation_fraction=None)),
        )


def stopping_hints(experiment: Experiment) -> Iterator[Problem]:
    """A hint where early stopping looks at the test part, as there is no validation part."""
    data = experiment.data
    if experiment.training.patience is not None and data.validation_fraction is None:
        yield Problem(
            "hint",
            "There is no validation part, so early stopping looks at the test loss: the test samples then help to "
            "choose the weights, and their figures are too good to be an honest test.",
            f"Validate on {USUAL_VALIDATION_FRACTION:.0%} of the training part",
            experiment.updated(data=data.updated(validation_fraction=USUAL_VALIDATION_FRACTION)),
        )


def _update_problems(experiment: Experiment) -> Iterator[Problem]:
    training, optimizer = experiment.training, experiment.optimizer
    if optimizer.entry.closure and training.accumulate_grad_batches > 1:
        yield Problem(
            "error",
            f"The 'accumulate_grad_batches' parameter of the training must be 1 with {optimizer.type}, which computes "
            f"the gradient of one mini-batch several times. Got {training.accumulate_grad_batches} instead. Make the "
            "batch larger.",
            "Update after every mini-batch",
            experiment.updated(training=training.updated(accumulate_grad_batches=1)),
        )


def _schedule_problems(experiment: Experiment, train_size: int | None) -> Iterator[Problem]:
    chosen, optimizer = experiment.scheduler, experiment.optimizer
    if chosen is None:
        return
    if train_size is not None or chosen.every == "epoch":
        around = surroundings(experiment, updates_per_epoch(experiment, train_size or 1))
        if misfit := chosen.entry.misfit(chosen.params, around):
            yield Problem("error", misfit)
    if chosen.params.get("cycle_momentum") and not optimizer.entry.has_momentum:
        off = chosen.updated(params={**chosen.params, "cycle_momentum": False})
        yield Problem(
            "hint",
            f"{chosen.type} cycles a momentum, and {optimizer.type} has none: only its learning rate changes.",
            "Cycle the rate alone",
            experiment.updated(scheduler=off),
        )
    if chosen.params.get("total_steps", 0) is None and experiment.training.epochs is None:
        yield Problem(
            "hint",
            f"{chosen.type} ends with the run, and this run has no end: the cycle takes {ENDLESS_EPOCHS} epochs.",
            f"End after {ENDLESS_EPOCHS} epochs",
            experiment.updated(training=experiment.training.updated(epochs=ENDLESS_EPOCHS)),
        )
    if chosen.params.get("max_lr", math.inf) < optimizer.params["lr"]:
        yield Problem(
            "hint",
            f"The highest rate of {chosen.type}, {chosen.params['max_lr']:g}, is below the learning rate, "
            f"{optimizer.params['lr']:g}: its cycles go down first, and up again.",
            "Exchange them",
            experiment.updated(
                optimizer=optimizer.updated(params={**optimizer.params, "lr": chosen.params["max_lr"]}),
                scheduler=chosen.updated(params={**chosen.params, "max_lr": optimizer.params["lr"]}),
            ),
        )


def _hints(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    for first, second in (pair for layers in found.lists() for pair in pairwise(layers)):
        if first.spec.type == second.spec.type == "Linear":
            yield Problem(
                "hint",
                f"Layers {first.number} and {second.number} are both Linear with no activation between them: together "
                "they can do no more than one Linear layer.",
                "Put a ReLU between them",
                _inserted(experiment, second.path, LayerSpec(type="ReLU")),
            )
    if not experiment.training.zero_grad:
        yield Problem(
            "hint",
            "The gradients are never zeroed: every step adds its gradient to all earlier ones.",
            "Zero the gradients",
            experiment.updated(training=experiment.training.updated(zero_grad=True)),
        )
