"""What is kept of one training step: numbers that nobody changes any more.

Arrays are float32 copies unless said otherwise. n is the number of samples of the mini-batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp_core.one_step.places import WeightPlace
from mlp_core.spec import Experiment, Path

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]
State = Mapping[str, "Array | float"]
"""What an optimizer keeps for a parameter: an array, or a number that counts for all of it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerStep:
    """One layer in the step."""

    path: Path
    """Where it stands in the experiment; () for the Flatten in front of all layers."""
    name: str
    """Its name among the model's `named_modules()`."""
    type: str
    """The name of its catalog entry."""
    label: str
    """What a page calls it."""
    formula: str
    """Its formula in LaTeX."""
    inputs: Array
    """(n, in) what came in."""
    outputs: Array
    """(n, out) what went out."""
    gradient: Array
    """(n, out) dL/d(output), by autograd."""
    slopes: Array | None
    """(n, out) derivative of each output by the input that it depends on, with random draws as they were; None where
    an output depends on several inputs."""
    parameters: tuple[str, ...]
    """Names of its own parameters."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LossStep:
    """The loss in the step."""

    type: str
    """The name of its catalog entry."""
    label: str
    """What a page calls it."""
    formula: str
    """Its formula for one sample in LaTeX."""
    targets: NDArray[np.generic]
    """int64 (n,) class indices or float32 (n, outputs), as the loss takes them."""
    each: Doubles
    """(n,) the loss of each sample: the mean over its outputs, with the weight of its class where there are such."""
    divisor: float
    """What their sum is divided by: n, or the sum of the samples' class weights."""
    value: float
    """The loss of the batch, by PyTorch: the one that curves show."""
    penalty: float
    """What the penalties on weights add to it."""
    accumulated_batches: int
    """What that is divided by: how many mini-batches make an update together."""
    objective: float
    """L, what `backward()` starts from: (loss + penalty) / accumulated batches."""

    @property
    def mean(self) -> float:
        """The loss of the batch, from the losses of the samples."""
        return float(self.each.sum() / self.divisor)


@dataclass(frozen=True, eq=False, kw_only=True)
class ParameterStep:
    """One parameter in the step. Its arrays have the parameter's shape."""

    name: str
    """Its name among the model's `named_parameters()`."""
    layer: str
    """The name of the layer that it belongs to."""
    before: Array
    """Its values before the step."""
    gradient: Array
    """The gradient of this mini-batch, by autograd."""
    held: Array | None
    """What was in `grad` before, from earlier mini-batches, and is added to; None for nothing."""
    used: Array
    """The gradient that the optimizer takes: with what was held, clipped where the experiment says so."""
    after: Array
    """Its values after the step."""
    state_before: State
    """What the optimizer kept for it before the step."""
    state_after: State
    """The same after the step."""

    @property
    def change(self) -> Array:
        """What the step adds to it."""
        return self.after - self.before


@dataclass(frozen=True, eq=False, kw_only=True)
class UpdateStep:
    """The optimizer in the step."""

    type: str
    """The name of its catalog entry."""
    label: str
    """What a page calls it."""
    formula: str
    """Its formula in LaTeX."""
    settings: Mapping[str, object]
    """Its settings, the learning rate of this step among them."""
    done: bool
    """Whether weights are updated: not while gradients of more mini-batches are awaited."""
    evaluations: int
    """How often it asked for loss and gradient: 1, and more for one that takes a closure."""
    norm: float
    """The norm of all gradients together before clipping."""
    max_norm: float | None
    """The norm that they are clipped to; None for no such clipping."""
    max_value: float | None
    """The size that their numbers are clipped to; None for no such clipping."""
    next_learning_rate: float
    """The learning rate of the next step, as the schedule has it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Factor:
    """One factor of the chain rule for a weight."""

    name: str
    """What it is, in words."""
    symbol: str
    """What the formula calls it, in LaTeX."""
    head: str
    """The same as plain text, for the head of a table."""
    values: Doubles
    """(n,) its value for each sample."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ChainRule:
    """The gradient of one weight as a sum over samples of products of factors."""

    formula: str
    """The sum in LaTeX, with the symbols of the factors."""
    factors: tuple[Factor, ...]
    """What is multiplied, from the loss back to the weight."""
    terms: Doubles
    """(n,) the product for each sample."""
    added: tuple[tuple[str, float], ...]
    """What is added to the sum that comes from no sample: the slope of each penalty."""
    explained: str
    """A sentence on factors that have no simple form; '' where all have."""

    @property
    def total(self) -> float:
        """The gradient: the sum of all terms."""
        return float(self.terms.sum() + sum(value for _, value in self.added))


@dataclass(frozen=True, kw_only=True)
class NumericCheck:
    """The gradient of one weight by central differences, (L(w + h) − L(w − h)) / 2h, in float64."""

    step: float
    """h, how far the weight is moved."""
    loss_below: float
    """L(w − h)."""
    loss_above: float
    """L(w + h)."""
    autograd: float
    """The gradient by autograd in float64, where rounding hides nothing."""

    @property
    def difference(self) -> float:
        """The gradient by differences."""
        return (self.loss_above - self.loss_below) / (2 * self.step)


@dataclass(frozen=True, kw_only=True)
class UpdateLine:
    """One line of the optimizer's update for one weight."""

    text: str
    """The line in PyTorch, as exported scripts have it."""
    results: tuple[tuple[str, float], ...]
    """The names that it sets or changes, with the numbers of this weight."""


@dataclass(frozen=True, eq=False, kw_only=True)
class WeightStep:
    """One weight in the step."""

    place: WeightPlace
    """Which one."""
    before: float
    """Its value before the step."""
    gradient: float
    """dL/dw by autograd, of this mini-batch alone."""
    chain: ChainRule
    """The same by the chain rule."""
    numeric: NumericCheck
    """The same by finite differences."""
    held: float
    """What was in `grad` before the step."""
    used: float
    """The gradient that the optimizer takes."""
    lines: tuple[UpdateLine, ...]
    """The update line by line; () where nothing is updated."""
    state_before: Mapping[str, float]
    """What the optimizer kept for it before."""
    state_after: Mapping[str, float]
    """The same after the step."""
    after: float
    """Its value after the step."""

    @property
    def error(self) -> float:
        """How far the finite difference is from autograd's gradient."""
        return abs(self.numeric.difference - self.gradient)


@dataclass(frozen=True, eq=False, kw_only=True)
class OneStep:
    """Everything of one training step."""

    experiment: Experiment
    """What is trained."""
    step: int
    """Mini-batches done before it."""
    epoch: int
    """Epochs finished before it."""
    inputs: Array
    """(n, ...) the samples as the network takes them."""
    input_gradient: Array
    """dL/d(input), in the same shape."""
    layers: tuple[LayerStep, ...]
    """The layers in the order in which they are called; those inside of a block before the block itself."""
    loss: LossStep
    """The loss."""
    parameters: tuple[ParameterStep, ...]
    """All parameters, in the order of `model.parameters()`."""
    update: UpdateStep
    """The optimizer."""
    weights: tuple[WeightStep, ...]
    """The weights that were asked for."""
    notes: tuple[str, ...]
    """Sentences on what differs from the run's own step."""

    def parameter(self, name: str) -> ParameterStep:
        """The parameter of that name; raises StopIteration."""
        return next(parameter for parameter in self.parameters if parameter.name == name)
