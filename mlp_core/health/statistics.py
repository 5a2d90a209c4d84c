"""The figures of one layer at one moment of a run. `mlp_core.run.layer_statistics` measures them."""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.spec import Path, layer_number

SATURATION_MARGIN = 0.02
"""An output is saturated that lies within this share of its range of an end where the curve is flat."""


@dataclass(frozen=True, kw_only=True)
class LayerStatistics:
    """The figures of one layer. None stands where a layer has no such figure; a number may be NaN or infinite."""

    path: Path
    """Where the layer stands in the experiment."""
    name: str
    """Its name among the model's `named_modules()`."""
    type: str
    """Its type in the catalog."""
    width: int
    """Values of one sample that it puts out."""
    parameters: int
    """Trained numbers of its own, without those of layers inside it."""
    samples: int = 0
    """Training samples that were looked at."""
    weight_mean: float | None = None
    """The mean of its weights."""
    weight_std: float | None = None
    """Their standard deviation."""
    weight_norm: float | None = None
    """Their Euclidean norm."""
    bias_mean: float | None = None
    """The mean of its biases."""
    bias_std: float | None = None
    """Their standard deviation."""
    gradient_norm: float | None = None
    """The Euclidean norm of the gradient by its weights."""
    gradient_mean: float | None = None
    """The mean absolute gradient by its weights."""
    signal_norm: float | None = None
    """The Euclidean norm of the gradient by its outputs, which goes back through the network."""
    activation_mean: float = 0.0
    """The mean of its outputs."""
    activation_std: float = 0.0
    """Their standard deviation."""
    activation_largest: float = 0.0
    """The largest absolute output."""
    shift: float | None = None
    """The median over its outputs of |mean| / standard deviation over the samples; None where none of them varies."""
    dead_share: float | None = None
    """The share of its units that put out the same flat value for every sample, so that nothing is learned through
    them; None for layers without a flat part to get stuck on."""
    saturated_share: float | None = None
    """The share of its outputs within `SATURATION_MARGIN` of an end of an S-curve; None for other layers."""
    update_ratio: float | None = None
    """The standard deviation of the update that the optimizer would make now, over that of its weights; None where the
    weights are all equal."""
    update_size: float | None = None
    """The norm of that update over the norm of its weights; None where these are all 0."""
    copies: int | None = None
    """Neurons whose weights and bias are those of another one of the layer, the first of each kind not counted."""

    @property
    def number(self) -> str:
        """How people count the layer: '3.2' is the second layer inside the third."""
        return layer_number(self.path)

    @property
    def title(self) -> str:
        """The layer as sentences name it, such as 'layer 2 (ReLU)'."""
        return f"layer {self.number} ({self.type})"
