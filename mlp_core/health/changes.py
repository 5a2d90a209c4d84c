"""Changes of an experiment that one press tries. Each gives None where it does not apply."""

from __future__ import annotations

from mlp_core.catalog.training import USUAL_VALIDATION_FRACTION
from mlp_core.health.finding import Change
from mlp_core.problems.problem import inserted
from mlp_core.spec import Experiment, InitSpec, LayerSpec, Path

USUAL_PATIENCE = 10
"""Epochs without improvement before a run stops, as a press sets it."""
USUAL_WIDTH = 8
"""Neurons of a hidden layer that a press adds."""
USUAL_NORM = 1.0
"""The norm that gradients are clipped at, as a press sets it."""


def scaled_rate(experiment: Experiment, factor: float) -> float:
    """The learning rate times a factor, in two digits."""
    return float(f"{experiment.optimizer.params['lr'] * factor:.1e}")


def rate(value: float) -> Change:
    """Another learning rate."""

    def change(old: Experiment) -> Experiment:
        return old.updated(optimizer=old.optimizer.updated(params={**old.optimizer.params, "lr": value}))

    return change


def other_layer(paths: tuple[Path, ...], name: str) -> Change:
    """A layer of another type in the place of some, with its usual parameters."""

    def change(old: Experiment) -> Experiment:
        for path in paths:
            old = old.replace_layer(path, LayerSpec(type=name))
        return old

    return change


def rectified(old: Experiment) -> Experiment | None:
    """ReLU in the place of every hidden S-curve, with initial weights of the spread that it needs."""
    kaiming = InitSpec(type="kaiming_normal_", params={"nonlinearity": "relu"})
    curves = [path for path, layer in old.walk() if _is_s_curve(layer) and path != (len(old.layers) - 1,)]
    if not curves:
        return None
    for path in curves:
        old = old.replace_layer(path, LayerSpec(type="ReLU"))
        *outer, position = path
        before = (*outer, position - 1)
        if position and old.layer_at(before).entry.initialised:
            old = old.replace_layer(before, old.layer_at(before).updated(init=kaiming))
    return old


def _is_s_curve(layer: LayerSpec) -> bool:
    facts = layer.entry.facts
    return facts is not None and facts(layer.params).family == "S-curve"


def kaiming(old: Experiment) -> Experiment | None:
    """Initial weights by Kaiming He's rule for all layers but the last."""
    found, last = old, len(old.layers) - 1
    for path, layer in old.walk():
        if layer.entry.initialised and path != (last,):
            init = InitSpec(type="kaiming_normal_", params={"nonlinearity": "relu"})
            found = found.replace_layer(path, layer.updated(init=init, bias_init=None))
    return found if found != old else None


def usual_weights(old: Experiment) -> Experiment | None:
    """The initial weights and biases that PyTorch's layers draw for themselves."""
    found = old
    for path, layer in old.walk():
        if layer.init is not None or layer.bias_init is not None:
            found = found.replace_layer(path, layer.updated(init=None, bias_init=None))
    return found if found != old else None


def normalised_at(path: Path) -> Change:
    """BatchNorm1d in front of the layer at a path."""
    return lambda old: inserted(old, path, LayerSpec(type="BatchNorm1d"))


def clipped(old: Experiment) -> Experiment | None:
    """Gradients clipped at a norm."""
    training = old.training
    if training.max_grad_norm is not None and training.max_grad_norm <= USUAL_NORM:
        return None
    return old.updated(training=training.updated(max_grad_norm=USUAL_NORM))


def stopped_early(old: Experiment) -> Experiment | None:
    """An early stop, decided by a validation part."""
    if old.training.patience is not None:
        return None
    data = old.data
    if data.validation_fraction is None:
        data = data.updated(validation_fraction=USUAL_VALIDATION_FRACTION)
    return old.updated(data=data, training=old.training.updated(patience=USUAL_PATIENCE))


def with_hidden_layer(old: Experiment) -> Experiment | None:
    """A hidden layer with ReLU, where no layer bends anything: such a network can only draw straight borders."""
    if any(layer.entry.facts is not None or layer.entry.family == "attention" for _, layer in old.walk()):
        return None
    hidden = LayerSpec(type="Linear", params={"out_features": USUAL_WIDTH})
    last = len(old.layers) - 1
    bent = inserted(old, (last,), LayerSpec(type="ReLU"))
    return None if bent is None else inserted(bent, (last,), hidden)


def dropped_out(old: Experiment) -> Experiment | None:
    """Dropout after the last hidden activation."""
    hidden = [i for i, layer in enumerate(old.layers[:-1]) if layer.entry.facts is not None]
    return inserted(old, (hidden[-1] + 1,), LayerSpec(type="Dropout", params={"p": 0.2})) if hidden else None
