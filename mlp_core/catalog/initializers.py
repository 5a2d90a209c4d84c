"""Initialisers: what a layer's weights and biases are before training, with PyTorch's names and defaults.

A layer for which none is chosen keeps what PyTorch's layer draws for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.catalog.entry import Entry, table
from mlp_core.catalog.parameters import Choice, Float

NONLINEARITIES = ("linear", "relu", "leaky_relu", "tanh", "sigmoid", "selu")
"""Names that `torch.nn.init.calculate_gain` knows, of activations here."""

LECUN_NORMAL = ("kaiming_normal_", {"nonlinearity": "linear"})
"""The initialiser of variance 1 / fan_in, by PyTorch's name and parameters: what SELU needs (Klambauer and others,
2017). PyTorch's documentation of `calculate_gain` asks for 'linear' there, and not for 'selu'."""


@dataclass(frozen=True, kw_only=True)
class InitializerEntry(Entry):
    """A function of `torch.nn.init` of the entry's name. Its parameters are keywords after the tensor."""

    vectors: bool = False
    """Whether it takes a vector too, such as a bias; others need a matrix."""

    @property
    def target(self) -> str:
        """The function as 'module:name'."""
        return f"torch.nn.init:{self.name}"

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("network",)


def _number(name: str, label: str, default: float, help: str, low: float = -1e6) -> Float:
    return Float(name=name, label=label, help=help, default=default, low=low, high=1e6, step=0.1)


_GAIN = _number("gain", "Gain", 1.0, "What the spread is multiplied by; 5/3 is usual before tanh.", 0.0)
_KAIMING = (
    _number("a", "Slope", 0.0, "The slope of the LeakyReLU after the layer, where the nonlinearity is leaky_relu."),
    Choice(
        name="mode",
        label="Mode",
        help="'fan_in' keeps the spread of the values on the way forward, 'fan_out' that of the gradients backward.",
        default="fan_in",
        choices=("fan_in", "fan_out"),
    ),
    Choice(
        name="nonlinearity",
        label="Nonlinearity",
        help="The activation after the layer. SELU is made for 'linear'.",
        default="leaky_relu",
        choices=NONLINEARITIES,
    ),
)

INITIALIZERS: dict[str, InitializerEntry] = table(
    InitializerEntry(
        name="zeros_",
        label="Zeros",
        vectors=True,
        summary="Sets everything to zero: neurons that start alike stay alike, so a layer learns one thing only.",
        formula="w = 0",
        when="For biases; for weights, to see what symmetry does.",
    ),
    InitializerEntry(
        name="ones_",
        label="Ones",
        vectors=True,
        summary="Sets everything to one: as with zeros, all neurons of a layer stay alike.",
        formula="w = 1",
        when="To see what symmetry does.",
    ),
    InitializerEntry(
        name="constant_",
        label="Constant",
        vectors=True,
        summary="Sets everything to one number: all neurons of a layer stay alike.",
        formula="w = c",
        when="For biases, such as a small positive one before ReLU; for weights, to see what symmetry does.",
        parameters=(_number("val", "Value", 0.1, "The number c."),),
    ),
    InitializerEntry(
        name="uniform_",
        label="Uniform",
        vectors=True,
        summary="Draws evenly between two bounds.",
        formula=r"w \sim \mathrm{U}(a, b)",
        when="To try bounds of one's own.",
        conflict=lambda params, owner: (
            ""
            if params["a"] <= params["b"]
            else f"The 'a' parameter of {owner} must be at most 'b', which is {params['b']:g}. Got {params['a']:g} "
            f"instead. Set it to a smaller number, such as {params['b']:g}."
        ),
        parameters=(
            _number("a", "Lowest", 0.0, "The lower bound a."),
            _number("b", "Highest", 1.0, "The upper bound b."),
        ),
    ),
    InitializerEntry(
        name="normal_",
        label="Normal",
        vectors=True,
        summary="Draws from a normal distribution.",
        formula=r"w \sim \mathcal{N}(\mu, \sigma^2)",
        when="To try a spread of one's own: too small, and signals fade; too large, and they grow.",
        parameters=(
            _number("mean", "Mean", 0.0, "The mean μ."),
            _number("std", "Standard deviation", 1.0, "The standard deviation σ.", 0.0),
        ),
    ),
    InitializerEntry(
        name="trunc_normal_",
        label="Truncated normal",
        vectors=True,
        summary="Draws from a normal distribution, and again where a number lies outside of two bounds.",
        formula=r"w \sim \mathcal{N}(\mu, \sigma^2),\quad a \le w \le b",
        when="Where no weight should begin far away from the others.",
        conflict=lambda params, owner: (
            ""
            if params["a"] < params["b"]
            else f"The 'a' parameter of {owner} must be below 'b', which is {params['b']:g}. Got {params['a']:g} "
            f"instead. Set it to a smaller number, such as {params['b'] - 1:g}."
        ),
        parameters=(
            _number("mean", "Mean", 0.0, "The mean μ."),
            Float(
                name="std",
                label="Standard deviation",
                help="The standard deviation σ.",
                default=1.0,
                low=0.0,
                low_open=True,
                high=1e6,
                step=0.1,
            ),
            _number("a", "Lowest", -2.0, "The lower bound a."),
            _number("b", "Highest", 2.0, "The upper bound b."),
        ),
    ),
    InitializerEntry(
        name="xavier_uniform_",
        label="Xavier uniform",
        summary="Draws evenly, with a spread between what forward and backward signals need (Glorot and Bengio, 2010).",
        formula=r"w \sim \mathrm{U}(-r, r),\quad r = g \sqrt{6 / (n_\text{in} + n_\text{out})}",
        when="Before tanh and sigmoid.",
        parameters=(_GAIN,),
    ),
    InitializerEntry(
        name="xavier_normal_",
        label="Xavier normal",
        summary="As Xavier uniform, from a normal distribution.",
        formula=r"w \sim \mathcal{N}(0, \sigma^2),\quad \sigma = g \sqrt{2 / (n_\text{in} + n_\text{out})}",
        when="Before tanh and sigmoid.",
        parameters=(_GAIN,),
    ),
    InitializerEntry(
        name="kaiming_uniform_",
        label="Kaiming uniform",
        summary="Draws evenly, with a spread that makes up for what the activation cuts off (He and others, 2015).",
        formula=r"w \sim \mathrm{U}(-r, r),\quad r = g \sqrt{3 / n}",
        when="Before ReLU and its kin.",
        parameters=_KAIMING,
    ),
    InitializerEntry(
        name="kaiming_normal_",
        label="Kaiming normal",
        summary="As Kaiming uniform, from a normal distribution.",
        formula=r"w \sim \mathcal{N}(0, \sigma^2),\quad \sigma = g / \sqrt{n}",
        when="Before ReLU and its kin; with the nonlinearity 'linear', before SELU.",
        parameters=_KAIMING,
    ),
    InitializerEntry(
        name="orthogonal_",
        label="Orthogonal",
        summary="Rotates only: lengths of signals stay what they are (Saxe and others, 2013).",
        formula=r"W W^\top = g^2 I \text{ or } W^\top W = g^2 I",
        when="Deep networks, with a gain that fits the activation.",
        parameters=(_GAIN,),
    ),
    InitializerEntry(
        name="sparse_",
        label="Sparse",
        summary="Draws from a normal distribution, and sets a share of each neuron's ways out to zero (Martens, 2010).",
        formula=r"w \sim \mathcal{N}(0, \sigma^2) \text{ or } 0",
        when="To see what a network with few connections learns.",
        parameters=(
            Float(
                name="sparsity",
                label="Share of zeros",
                help="The share of each column of the weights that is zero.",
                default=0.1,
                low=0.0,
                high=1.0,
                step=0.05,
            ),
            _number("std", "Standard deviation", 0.01, "The standard deviation σ of the others.", 0.0),
        ),
    ),
    InitializerEntry(
        name="eye_",
        label="Identity",
        summary="Hands every input on to the neuron of its number, and nothing to the others.",
        formula="W = I",
        when="Layers as wide as their input, which then begin by changing nothing.",
    ),
)
