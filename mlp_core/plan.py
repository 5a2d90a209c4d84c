"""The shapes and sizes of an experiment's network, before anything is built.

No tensor is made here, so a page can plan at every keystroke. `mlp_core.problems` says whether the parts fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from mlp_core.catalog.layers import Misfit
from mlp_core.errors import SpecError, TooLargeError
from mlp_core.limits import BYTES_PER_NUMBER, MAX_PARAMETERS, MAX_TRAINING_BYTES
from mlp_core.spec import Experiment, LayerSpec, Path, layer_number

UNKNOWN_SAMPLES = 2000
"""Training samples to reckon with where the facts of the data do not tell how many there can be."""

TESTED_TOGETHER = 1000
"""Samples to reckon with that pass a layer together in a test, where a layer needs room beside its output."""

EmptyWidth = Callable[[Path], int]
"""The width of a Linear that leaves it empty, from its path; raises `SpecError` where it must be given."""


@dataclass(frozen=True)
class LayerPlan:
    """One layer with the shapes around it, and the layers inside it."""

    path: Path
    """Where it stands in the experiment."""
    name: str
    """Its name among the model's `named_modules()`."""
    spec: LayerSpec
    """The layer with every width filled in, inside too."""
    in_features: int
    """Values of one sample that come in."""
    out_features: int
    """Values of one sample that go out."""
    parameters: int
    """Trained numbers, those of the layers inside included."""
    buffers: int
    """Numbers that are kept but not trained, those of the layers inside included."""
    inside: tuple[LayerPlan, ...] = ()
    """The layers that it holds, in order."""

    @property
    def number(self) -> str:
        """How people count it: '3.2' is the second layer inside the third."""
        return layer_number(self.path)

    @property
    def own_parameters(self) -> int:
        """Trained numbers, without those of the layers inside."""
        return self.parameters - sum(layer.parameters for layer in self.inside)

    @property
    def misfit(self) -> Misfit | None:
        """What keeps the layer from taking the width that comes in; None where nothing does."""
        return self.spec.entry.misfit(self.spec.params, self.in_features, f"layer {self.number} ({self.spec.type})")

    @property
    def fits(self) -> bool:
        """Whether the layers inside give the width that this layer needs of them."""
        return not self.spec.entry.keeps_width or self.inside[-1].out_features == self.in_features

    def walk(self) -> Iterator[LayerPlan]:
        """This layer and every layer inside."""
        yield self
        for layer in self.inside:
            yield from layer.walk()


@dataclass(frozen=True)
class Plan:
    """The network's shapes."""

    sample_shape: tuple[int, ...]
    """The shape of one sample."""
    flatten: bool
    """Whether samples become vectors first, by an `nn.Flatten` named '0'."""
    layers: tuple[LayerPlan, ...]
    """The network's own layers, in order."""
    outputs: int
    """Values of one sample that the network puts out."""
    parameters: int
    """Trained numbers."""
    training_bytes: int
    """An estimate: weights, gradients, optimizer state, two checkpoints and one batch's activations."""

    def walk(self) -> Iterator[LayerPlan]:
        """Every layer: depth first, a layer before those inside it, as `named_modules()` gives them."""
        for layer in self.layers:
            yield from layer.walk()

    def lists(self) -> Iterator[tuple[LayerPlan, ...]]:
        """Every list of layers that are called one after the other: the network's own, and that inside each layer."""
        yield self.layers
        yield from (layer.inside for layer in self.walk() if layer.inside)


def wanted_outputs(experiment: Experiment) -> int:
    """How many outputs the data's targets need under this loss.

    One per target column in regression, two where the loss wants a variance too; one per class, but a single one for
    two classes under a loss that compares numbers (`target_form == 'dense'`).
    """
    facts = experiment.data.facts
    if not facts.classifies:
        return len(facts.target_names) * experiment.loss.entry.outputs_per_target
    return 1 if facts.classes == 2 and experiment.loss.entry.target_form != "index" else facts.classes


def last_linear(layers: Sequence[LayerSpec]) -> int | None:
    """The position of the last layer of a list that sets its own width, or None."""
    widths = [i for i, layer in enumerate(layers) if "out_features" in layer.params]
    return widths[-1] if widths else None


def plan(experiment: Experiment) -> Plan:
    """Shapes and sizes of the network.

    Raises `SpecError` when a width is missing, and `TooLargeError` when an estimate exceeds a limit. A layer whose
    inside has not the width that it needs is planned as if it had; see `LayerPlan.fits`.
    """
    shape, features = experiment.data.facts.sample_shape, experiment.data.facts.features
    flatten = len(shape) > 1
    final = last_linear(experiment.layers)

    def empty(path: Path) -> int:
        if path != (final,):
            raise _no_width(path, "Only the last Linear of the network may leave 'out_features' to the data.")
        return wanted_outputs(experiment)

    layers = _plan_list(
        experiment.layers, features, (), [str(i + flatten) for i in range(len(experiment.layers))], empty
    )
    parameters = sum(layer.parameters for layer in layers)
    outputs = layers[-1].out_features
    found = Plan(shape, flatten, layers, outputs, parameters, 0)
    found = replace(found, training_bytes=sum(training_bytes(experiment, layer) for layer in layers))
    _refuse_too_large(found)
    return found


def _plan_list(
    layers: tuple[LayerSpec, ...], features: int, outer: Path, names: list[str], empty: EmptyWidth
) -> tuple[LayerPlan, ...]:
    """The plans of layers that are called one after the other."""
    found: list[LayerPlan] = []
    for position, (layer, name) in enumerate(zip(layers, names, strict=True)):
        found.append(_plan_layer(layer, features, (*outer, position), name, empty))
        features = found[-1].out_features
    return tuple(found)


def _plan_layer(spec: LayerSpec, features: int, path: Path, name: str, empty: EmptyWidth) -> LayerPlan:
    entry = spec.entry
    if spec.params.get("out_features", 0) is None:
        spec = spec.updated(params={**spec.params, "out_features": empty(path)})

    def empty_inside(inner: Path) -> int:
        if not entry.keeps_width:
            raise _no_width(inner, f"Inside of {entry.name} every width must be set.")
        return features

    names = [f"{name}.{position}" for position in range(len(spec.inside))]
    inside = _plan_list(spec.inside, features, path, names, empty_inside)
    width = features
    if inside:
        spec = spec.updated(inside=tuple(layer.spec for layer in inside))
        width = features if entry.keeps_width else inside[-1].out_features
    return LayerPlan(
        path=path,
        name=name,
        spec=spec,
        in_features=features,
        out_features=entry.out_features(spec.params, width),
        parameters=entry.count(spec.params, features) + sum(layer.parameters for layer in inside),
        buffers=entry.buffers(spec.params, features) + sum(layer.buffers for layer in inside),
        inside=inside,
    )


def _no_width(path: Path, rule: str) -> SpecError:
    return SpecError(f"Layer {layer_number(path)} (Linear) has no width. {rule} Set its number of neurons.")


def training_bytes(experiment: Experiment, layer: LayerPlan) -> int:
    """An estimate for a layer with those inside: weights, gradients, optimizer state, two checkpoints, and what it
    computes for one batch."""
    state = 1 + experiment.optimizer.entry.state_per_parameter
    copies = 1 + state + 2 * state  # gradients, weights with optimizer state, and two checkpoints of the latter
    batch = experiment.training.batch_size or experiment.data.facts.most_train_samples or UNKNOWN_SAMPLES
    activations = 2 * batch * sum(inner.out_features for inner in layer.walk())
    workspace = [inner.spec.entry.workspace(inner.spec.params, inner.in_features) for inner in layer.walk()]
    activations += 2 * max(batch, TESTED_TOGETHER) * sum(workspace)
    return BYTES_PER_NUMBER * (copies * layer.parameters + activations)


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
