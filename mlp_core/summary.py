"""The network in numbers, a row for every layer: shapes, parameters, operations and memory.

Nothing is built: all of it follows from the plan.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.plan import LayerPlan, Plan, plan, training_bytes
from mlp_core.spec import Experiment, Path

FLOPS_RULE = (
    "FLOPs of one sample's way forward: two for each multiplication with its addition in a matrix product, as "
    "PyTorch's FlopCounterMode counts; what works on values one by one is not counted. A training step takes about "
    "three times as many for each sample of its batch."
)
"""What the numbers of operations mean, for people."""


@dataclass(frozen=True)
class LayerSummary:
    """A layer in numbers; those of a layer that holds others include the layers inside."""

    path: Path | None
    """Where it stands in the experiment; None for the `nn.Flatten` that images pass first."""
    name: str
    """Its name among the model's `named_modules()`."""
    type: str
    """Its name in the catalog."""
    settings: str
    """Its parameters, as text."""
    input_shape: tuple[int, ...]
    """The shape of one sample that comes in."""
    output_shape: tuple[int, ...]
    """The shape of one sample that goes out."""
    parameters: int
    """Trained numbers."""
    buffers: int
    """Numbers that are kept, not trained."""
    flops: int
    """Floating-point operations for one sample, see `FLOPS_RULE`."""
    training_bytes: int
    """Memory in training, an estimate; see `mlp_core.plan.training_bytes`."""


@dataclass(frozen=True)
class Summary:
    """The network in numbers."""

    layers: tuple[LayerSummary, ...]
    """Every layer, depth first, a layer before those inside it."""
    parameters: int
    """Trained numbers."""
    buffers: int
    """Numbers that are kept, not trained."""
    flops: int
    """Floating-point operations for one sample."""
    training_bytes: int
    """Memory in training, an estimate."""


def flops(layer: LayerPlan) -> int:
    """Floating-point operations of a layer, and of those inside, for one sample; see `FLOPS_RULE`."""
    return 2 * sum(inner.spec.entry.multiply_adds(inner.spec.params, inner.in_features) for inner in layer.walk())


def summary(experiment: Experiment, planned: Plan | None = None) -> Summary:
    """The network of an experiment in numbers. Raises what `mlp_core.plan.plan` does, where no plan is given."""
    planned = planned or plan(experiment)
    layers = [_row(experiment, layer) for layer in planned.walk()]
    if planned.flatten:
        flat = (planned.layers[0].in_features,)
        layers.insert(0, LayerSummary(None, "0", "Flatten", "", planned.sample_shape, flat, 0, 0, 0, 0))
    return Summary(
        layers=tuple(layers),
        parameters=planned.parameters,
        buffers=sum(layer.buffers for layer in planned.layers),
        flops=sum(map(flops, planned.layers)),
        training_bytes=planned.training_bytes,
    )


def _row(experiment: Experiment, layer: LayerPlan) -> LayerSummary:
    return LayerSummary(
        path=layer.path,
        name=layer.name,
        type=layer.spec.type,
        settings=", ".join(f"{name}={value}" for name, value in layer.spec.params.items()),
        input_shape=(layer.in_features,),
        output_shape=(layer.out_features,),
        parameters=layer.parameters,
        buffers=layer.buffers,
        flops=flops(layer),
        training_bytes=training_bytes(experiment, layer),
    )
