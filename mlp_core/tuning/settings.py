"""Every setting of an experiment that can be changed alone, with what it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog import ACTIVATIONS, LOSSES, OPTIMIZERS, TRAINING
from mlp_core.catalog.parameters import Parameter
from mlp_core.spec import Experiment, LayerSpec
from mlp_core.tuning.scans import WIDTH, hidden_layers

NOT_COMPARED = ("epochs", "seed", "device", "report_every", "patience", "min_delta", "restore_best_weights")
"""Parameters of the training that say how long and where it runs, not what it does in a step."""


@dataclass(frozen=True)
class Setting:
    """One setting of an experiment."""

    label: str
    """What it is called."""
    value: Any
    """Its value now."""
    change: Callable[[Any], Experiment]
    """The experiment with another value; raises `SpecError`."""
    parameter: Parameter | None = None
    """Its rule; None where it is one of `choices`."""
    choices: Mapping[str, str] | None = None
    """The names that it may have, with their labels."""


def settings_of(experiment: Experiment) -> dict[str, Setting]:
    """By their paths, such as 'optimizer.lr', 'training.batch_size' or 'layers.0.out_features'; 'layers.activation' and
    'layers.width' are those of all hidden layers together."""
    return dict(_settings(experiment))


def _settings(experiment: Experiment) -> Iterator[tuple[str, Setting]]:
    optimizer, training = experiment.optimizer, experiment.training
    rate = optimizer.entry.parameter("lr")
    yield "optimizer.lr", Setting(rate.label, optimizer.params["lr"], _of_part(experiment, "optimizer", "lr"), rate)
    yield "optimizer.type", _type_of(experiment, "optimizer", "Optimizer", OPTIMIZERS)
    yield from _of_network(experiment)
    for parameter in TRAINING.parameters:
        if parameter.name not in NOT_COMPARED:
            value = getattr(training, parameter.name)
            yield f"training.{parameter.name}", Setting(
                parameter.label, value, _of_training(experiment, parameter.name), parameter
            )
    yield "loss.type", _type_of(experiment, "loss", "Loss", LOSSES)
    for part in ("optimizer", "loss"):
        chosen = getattr(experiment, part)
        for parameter in chosen.entry.parameters:
            if (part, parameter.name) != ("optimizer", "lr"):
                label = f"{chosen.entry.label}: {parameter.label}"
                change = _of_part(experiment, part, parameter.name)
                yield f"{part}.{parameter.name}", Setting(label, chosen.params[parameter.name], change, parameter)
    for place, layer in enumerate(experiment.layers):
        for parameter in layer.entry.parameters:
            label = f"Layer {place + 1} ({layer.entry.label}): {parameter.label}"
            value = layer.params[parameter.name]
            if parameter.name != "out_features" or value is not None:  # the data give the last one its width
                change = _of_layer(experiment, place, parameter.name)
                yield f"layers.{place}.{parameter.name}", Setting(label, value, change, parameter)


def _of_network(experiment: Experiment) -> Iterator[tuple[str, Setting]]:
    """What all hidden layers have in common."""
    used = list(dict.fromkeys(layer.type for layer in experiment.layers if layer.type in ACTIVATIONS))
    if used:
        labels = {name: entry.label for name, entry in ACTIVATIONS.items()}

        def activated(name: str) -> Experiment:
            layers = (LayerSpec(type=name) if each.type == used[0] else each for each in experiment.layers)
            return experiment.updated(layers=tuple(layers))

        label = f"Activation, in place of {labels[used[0]]}"
        yield "layers.activation", Setting(label, used[0], activated, None, labels)
    if places := hidden_layers(experiment):
        first = experiment.layers[places[0]]
        width = WIDTH.current(experiment, None) or first.params["out_features"]
        yield "layers.width", Setting(
            "Width of all hidden layers", width, lambda value: WIDTH.change(experiment, value, None),
            first.entry.parameter("out_features"),
        )  # fmt: skip


def _type_of(experiment: Experiment, part: str, label: str, entries: Mapping[str, Any]) -> Setting:
    chosen = getattr(experiment, part)
    labels = {name: entry.label for name, entry in entries.items()}
    return Setting(
        label, chosen.type, lambda name: experiment.updated(**{part: chosen.changed_to(name)}), None, labels
    )


def _of_part(experiment: Experiment, part: str, name: str) -> Callable[[Any], Experiment]:
    chosen = getattr(experiment, part)
    return lambda value: experiment.updated(**{part: chosen.updated(params={**chosen.params, name: value})})


def _of_training(experiment: Experiment, name: str) -> Callable[[Any], Experiment]:
    return lambda value: experiment.updated(training=experiment.training.updated(**{name: value}))


def _of_layer(experiment: Experiment, place: int, name: str) -> Callable[[Any], Experiment]:
    def changed(value: Any) -> Experiment:
        layer = experiment.layers[place]
        new = layer.updated(params={**layer.params, name: value})
        return experiment.updated(layers=(*experiment.layers[:place], new, *experiment.layers[place + 1 :]))

    return changed
