"""Whether the end of the network and the loss fit the data."""

from __future__ import annotations

from collections.abc import Iterator

from mlp_core.plan import Plan, last_linear, plan, wanted_outputs
from mlp_core.problems.problem import Problem, inserted
from mlp_core.problems.widths import with_width
from mlp_core.spec import Experiment, LayerSpec, LossSpec

SQUASHING = ("Sigmoid", "Softmax", "LogSoftmax", "Softmin")
"""Layers that make probabilities, or their logarithms, of raw outputs."""


def loss_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
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
            inserted(cut, (len(cut.layers),), LayerSpec(type=loss.last)),
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
        fixed = inserted(with_width(experiment, found), (end,), LayerSpec(type="Linear"))
    entry = experiment.data.entry
    have = f"{found.outputs} output{'s' if found.outputs != 1 else ''}"
    return (
        f"The network ends in {have}, and {entry.label} with {experiment.loss.type} needs {wanted}. {advice}",
        f"Make it {wanted}",
        fixed,
    )
