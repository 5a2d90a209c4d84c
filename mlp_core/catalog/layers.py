"""Layers with weights, normalisation and regularisation. Activations have their own table, and are layers too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlp_core.catalog.activation_facts import FactsOf
from mlp_core.catalog.by_hand import BareTensor, LayerByHand
from mlp_core.catalog.entry import ClassEntry, table
from mlp_core.catalog.parameters import Bool, Float, Int
from mlp_core.limits import MAX_WIDTH

Params = Mapping[str, Any]


def _same(params: Params, features: int) -> int:
    return features


def _none(params: Params, features: int) -> int:
    return 0


def _no_arguments(features: int) -> dict[str, int]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """Why a layer cannot take the width that comes in, and what would put it right."""

    message: str
    """What is wrong and what to do, in sentences."""
    fix_label: str
    """What a button says that puts it right."""
    params: Params | None = None
    """The layer's parameters that fit the width; None where the width itself must change."""
    width: int = 0
    """The width that should come in, where it must change."""


def _fits(params: Params, features: int, owner: str) -> Misfit | None:
    return None


@dataclass(frozen=True, kw_only=True)
class LayerEntry(ClassEntry):
    """A layer of the network: a module over (N, features).

    An entry that holds layers is a subclass of `nn.Sequential` that takes them as positional arguments, so that their
    names are '0', '1', … as in an `nn.Sequential`.
    """

    family: str
    """What kind of layer this is, for grouping."""
    inside: tuple[str, ...] = ()
    """The types of the layers that a new one holds; () for a layer that holds none."""
    keeps_width: bool = False
    """Whether the layers inside must give as many values as come in. An empty width among them means this width."""
    combine: str = ""
    """The output as an expression of `{x}`, the input, and `{y}`, what the layers inside make of it, for exported code.
    '' where it is more than an expression."""
    inferred: Callable[[int], dict[str, int]] = _no_arguments
    """Arguments of the constructor that the incoming width decides; the others are the entry's parameters."""
    fixed: Params = field(default_factory=dict, hash=False)
    """Arguments of the constructor that are always the same here, such as the axis that classes lie along."""
    misfit: Callable[[Params, int, str], Misfit | None] = _fits
    """What keeps the layer from taking the width that comes in, from its parameters, that width and words that say
    whose they are; None where nothing does."""
    out_features: Callable[[Params, int], int] = _same
    """The width that goes out, from the parameters and the width that comes in; for a layer that holds others, from
    the width that these put out."""
    count: Callable[[Params, int], int] = _none
    """Trained parameters of the layer's own, from its parameters and the width that comes in."""
    buffers: Callable[[Params, int], int] = _none
    """Numbers of the layer's own that are kept but not trained."""
    workspace: Callable[[Params, int], int] = _none
    """Numbers that it needs for each sample beside its output."""
    multiply_adds: Callable[[Params, int], int] = _none
    """Multiplications, each with an addition, that its own matrix products take for one sample."""
    initialised: bool = False
    """Whether its weight, and its bias where it has one, may be given an initialiser of the catalog."""
    random: bool = False
    """Whether it draws random numbers in training."""
    mixes_batch: bool = False
    """Whether its output for one sample depends on the other samples in training."""
    mixes_features: bool = False
    """Whether a value that it puts out depends on others than the one at the same place. A layer of neurons makes new
    values, an activation has that among its facts, and a layer that holds others leaves it to them."""
    short: str = ""
    """What exported code calls such a layer, where the name in small letters is not the custom."""
    by_hand: Callable[[Params, int], LayerByHand] | None = None
    """The layer in bare tensors, from its parameters and the width that comes in."""
    facts: FactsOf | None = None
    """What the function of an activation is like, from its parameters; None for any other layer."""
    advantages: tuple[str, ...] = ()
    """What speaks for an activation, a sentence each."""
    disadvantages: tuple[str, ...] = ()
    """What speaks against it, a sentence each."""

    namespace = "torch.nn"

    def arguments(self, params: Params, features: int) -> dict[str, Any]:
        """Every argument of the constructor, from the entry's parameters and the width that comes in."""
        return {**self.fixed, **self.inferred(features), **params}

    @property
    def holds_layers(self) -> bool:
        """Whether other layers stand inside."""
        return bool(self.inside)

    @property
    def trains(self) -> bool:
        """Whether there are parameters with which it has trained numbers of its own."""
        return self.count is not _none

    def keeps_features_apart(self, params: Params) -> bool:
        """Whether each value that it puts out depends on the one that comes in at the same place alone."""
        return not self.mixes_features and (self.facts is None or self.facts(params).elementwise)

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("network", "activation") if self.family == "activation" else ("network",)


def _linear_by_hand(params: Params, features: int) -> LayerByHand:
    # The bound is that of nn.Linear, which calls kaiming_uniform_ with a = sqrt(5). addmm rounds as nn.Linear does;
    # a product and a sum of their own round twice.
    width = params["out_features"]
    drawn = ".uniform_(-bound, bound)"
    weight = BareTensor(name="w", key="weight", value=f"torch.empty({width}, {features}){drawn}")
    before = (f"bound = 1 / math.sqrt({features})",)
    if not params["bias"]:
        return LayerByHand(tensors=(weight,), call=("torch.mm", ("{x}", "{w}.T")), before=before)
    bias = BareTensor(name="b", key="bias", value=f"torch.empty({width}){drawn}")
    return LayerByHand(tensors=(weight, bias), call=("torch.addmm", ("{b}", "{x}", "{w}.T")), before=before)


def _batch_norm_by_hand(params: Params, features: int) -> LayerByHand:
    trained = (
        BareTensor(name="gain", key="weight", value=f"torch.ones({features})"),
        BareTensor(name="shift", key="bias", value=f"torch.zeros({features})"),
    )
    kept = (
        BareTensor(name="mean", key="running_mean", value=f"torch.zeros({features})", trained=False),
        BareTensor(name="var", key="running_var", value=f"torch.ones({features})", trained=False),
    )
    affine, running = params["affine"], params["track_running_stats"]
    arguments = (
        "{x}",
        *(("{mean}", "{var}") if running else ("None", "None")),
        *(("{gain}", "{shift}") if affine else ()),
        "training={training}" if running else "training=True",
        f"momentum={params['momentum']!r}",
        f"eps={params['eps']!r}",
    )
    return LayerByHand(
        tensors=(*(trained if affine else ()), *(kept if running else ())),
        call=("F.batch_norm", arguments),
        mode=running,
    )


def _norm_by_hand(function: str, params: Params, features: int) -> LayerByHand:
    """LayerNorm or RMSNorm, whose functions take weights in the same order."""
    tensors = []
    if params["elementwise_affine"]:
        tensors.append(BareTensor(name="gain", key="weight", value=f"torch.ones({features})"))
        if params.get("bias"):
            tensors.append(BareTensor(name="shift", key="bias", value=f"torch.zeros({features})"))
    given = tuple(f"{{{tensor.name}}}" for tensor in tensors)
    eps = () if params["eps"] is None else (f"eps={params['eps']!r}",)
    return LayerByHand(tensors=tuple(tensors), call=(function, ("{x}", f"({features},)", *given, *eps)))


def _heads_conflict(params: Params, owner: str) -> str:
    size, heads = params["embed_dim"], params["num_heads"]
    if size % heads == 0:
        return ""
    return (
        f"The 'embed_dim' parameter of {owner} must be a multiple of 'num_heads', which is {heads}. "
        f"Got {size} instead. Set it to {heads * (size // heads + 1)}, or the number of heads to 1."
    )


def _attention_count(params: Params, features: int) -> int:
    size: int = params["embed_dim"]
    projections = 4 * size * size + (4 * size if params["bias"] else 0)
    return 2 * features * size + projections + size + 1


def _attention_products(params: Params, features: int) -> int:
    """Three projections and one back for each token, scores and mixtures of all pairs, and the way back to numbers."""
    size: int = params["embed_dim"]
    return features * (4 * size * size + 2 * features * size + size)


def _drop_probability(help: str, usual: str) -> Float:
    return Float(
        name="p",
        label="Drop probability",
        help=help,
        controls=("network", "regularisation"),
        default=0.5,
        low=0.0,
        high=1.0,
        high_open=True,
        step=0.05,
        advice=f"Choose a value from 0 to below 1; {usual} is usual.",
    )


def _eps(default: float | None, help: str) -> Float:
    return Float(
        name="eps",
        label="Epsilon",
        help=help,
        default=default,
        low=0.0,
        low_open=True,
        high=1.0,
        log=True,
        optional=default is None,
        none_means="the smallest step between numbers near 1, 1.2e-7" if default is None else "",
    )


_AFFINE = Bool(
    name="elementwise_affine",
    label="Learned scale",
    help="Trains a scale per feature, and a shift where the layer has one.",
    default=True,
)


FROZEN = Bool(
    name="frozen",
    label="Frozen",
    help="Training leaves the layer's weights as they are. Running statistics of a BatchNorm1d still follow the data.",
    default=False,
)
"""What can be set of every layer that has trained numbers, as a field of its own beside the entry's parameters."""

LAYERS: dict[str, LayerEntry] = table(
    LayerEntry(
        name="Linear",
        label="Linear",
        family="linear",
        short="fc",
        initialised=True,
        by_hand=_linear_by_hand,
        summary="Every output is a weighted sum of all inputs plus a bias: the layer that learns.",
        formula=r"y = x W^\top + b",
        when="In every network; an activation between two of them lets the network bend.",
        cost="One multiplication per weight and sample.",
        inferred=lambda features: {"in_features": features},
        out_features=lambda params, features: params["out_features"],
        count=lambda params, features: params["out_features"] * (features + params["bias"]),
        multiply_adds=lambda params, features: params["out_features"] * features,
        parameters=(
            Int(
                name="out_features",
                label="Neurons",
                help="How many values the layer puts out. Leave the last Linear empty and the data decides: "
                "one output per class, or per target column. Inside a residual block, empty means the block's width.",
                default=None,
                low=1,
                high=MAX_WIDTH,
                optional=True,
                none_means="as many as the data's targets need, or the width of the residual block around it",
                advice="4 to 512 is usual.",
            ),
            Bool(
                name="bias",
                label="Bias",
                help="Adds one learned constant to every output, so that the layer can shift as well as rotate.",
                default=True,
            ),
        ),
    ),
    LayerEntry(
        name="Flatten",
        label="Flatten",
        family="shape",
        by_hand=lambda params, features: LayerByHand(tensors=(), call=("torch.flatten", ("{x}", "1"))),
        summary="Writes all values of a sample in one row. What comes in here is one already, so it changes nothing: "
        "images are flattened before the first layer by themselves.",
        formula=r"y = (x_1, \dots, x_n)",
        when="To write a network down as tutorials do, with Flatten before the first Linear.",
        cost="None: it is another look at the same numbers.",
    ),
    LayerEntry(
        name="Dropout",
        label="Dropout",
        family="regularisation",
        summary="In training, sets each value to zero with probability p and scales the rest up; nothing in a test.",
        formula=r"y = \frac{m \odot x}{1 - p},\quad m \sim \mathrm{Bernoulli}(1 - p)",
        when="When train loss keeps falling while test loss rises (overfitting).",
        cost="One random number per value.",
        random=True,
        parameters=(_drop_probability("The share of values set to zero in each training step.", "0.1 to 0.5"),),
    ),
    LayerEntry(
        name="AlphaDropout",
        label="AlphaDropout",
        family="regularisation",
        summary="Dropout for SELU: dropped values become SELU's lowest, and mean and variance stay as they are.",
        formula=r"y = a\,(m \odot x + (1 - m)\,\alpha') + b,\quad m \sim \mathrm{Bernoulli}(1 - p)",
        when="Between SELU layers, which plain Dropout would bring out of balance.",
        cost="One random number per value.",
        random=True,
        parameters=(_drop_probability("The share of values that are dropped in each training step.", "0.05 to 0.1"),),
    ),
    LayerEntry(
        name="BatchNorm1d",
        label="BatchNorm1d",
        family="normalisation",
        short="bn",
        by_hand=_batch_norm_by_hand,
        summary="Shifts and scales each feature to mean 0 and variance 1 over the batch, then by learned amounts.",
        formula=r"y = \gamma\,\frac{x - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}} + \beta",
        when="Deep networks that train slowly, with batches of about 16 samples or more.",
        cost="Two passes over the batch; two trained and two kept numbers per feature.",
        inferred=lambda features: {"num_features": features},
        count=lambda params, features: 2 * features if params["affine"] else 0,
        buffers=lambda params, features: 2 * features + 1 if params["track_running_stats"] else 0,
        mixes_batch=True,
        parameters=(
            _eps(1e-5, "Added to the variance, so that a constant feature does not divide by zero."),
            Float(
                name="momentum",
                label="Momentum",
                help="The share of the new batch in the running mean and variance that tests use.",
                default=0.1,
                low=0.0,
                high=1.0,
                step=0.05,
            ),
            Bool(
                name="affine",
                label="Learned scale and shift",
                help="Trains a scale and a shift per feature.",
                default=True,
            ),
            Bool(
                name="track_running_stats",
                label="Running statistics",
                help="Keeps running mean and variance for tests; without it tests use their own batch.",
                default=True,
            ),
        ),
    ),
    LayerEntry(
        name="LayerNorm",
        label="LayerNorm",
        family="normalisation",
        mixes_features=True,
        short="ln",
        by_hand=lambda params, features: _norm_by_hand("F.layer_norm", params, features),
        summary="Shifts and scales the values of each sample to mean 0 and variance 1, then by learned amounts.",
        formula=r"y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
        when="Deep networks with small batches: no sample depends on the others, in training as in tests.",
        cost="Two passes over each sample; two trained numbers per feature.",
        inferred=lambda features: {"normalized_shape": features},
        count=lambda params, features: features * (1 + params["bias"]) if params["elementwise_affine"] else 0,
        parameters=(
            _eps(1e-5, "Added to the variance, so that equal values do not divide by zero."),
            _AFFINE,
            Bool(
                name="bias",
                label="Learned shift",
                help="Trains a shift per feature, where a scale is trained.",
                default=True,
            ),
        ),
    ),
    LayerEntry(
        name="RMSNorm",
        label="RMSNorm",
        family="normalisation",
        mixes_features=True,
        short="rms",
        by_hand=lambda params, features: _norm_by_hand("F.rms_norm", params, features),
        summary="Scales the values of each sample to a root mean square of 1, then by learned amounts.",
        formula=r"y = \gamma\,\frac{x}{\sqrt{\overline{x^2} + \epsilon}}",
        when="In place of LayerNorm, where values need no shift.",
        cost="One pass over each sample; one trained number per feature.",
        inferred=lambda features: {"normalized_shape": features},
        count=lambda params, features: features if params["elementwise_affine"] else 0,
        parameters=(
            _eps(None, "Added to the mean square, so that zeros do not divide by zero."),
            _AFFINE,
        ),
    ),
    LayerEntry(
        name="FeatureAttention",
        label="Self-attention",
        family="attention",
        mixes_features=True,
        short="attention",
        target="mlp_core.run.modules:FeatureAttention",
        conflict=_heads_conflict,
        summary="Lets every feature look at all others: each becomes a vector, takes from the others what it asks for, "
        "and becomes one number again.",
        formula=r"t_i = x_i\,s_i + p_i,\quad y_i = v^\top \mathrm{MultiHead}(t)_i + c,\quad "
        r"\mathrm{head}(t) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V",
        when="Where what a feature means depends on others; costly for more than some hundred features.",
        cost="Grows with the square of the features; needs far more memory than a Linear layer.",
        inferred=lambda features: {"num_features": features},
        count=_attention_count,
        multiply_adds=_attention_products,
        workspace=lambda params, features: features * (6 * params["embed_dim"] + 3 * params["num_heads"] * features),
        random=True,
        parameters=(
            Int(
                name="embed_dim",
                label="Embedding",
                help="Numbers of the vector that each feature becomes.",
                default=8,
                low=1,
                high=4096,
                advice="Choose a multiple of the number of heads; 8 to 64 is usual.",
            ),
            Int(
                name="num_heads",
                label="Heads",
                help="How many ways of looking there are side by side. The embedding is divided among them.",
                default=1,
                low=1,
                high=64,
                advice="Choose a number that divides the embedding; 1 to 8 is usual.",
            ),
            Float(
                name="dropout",
                label="Dropout",
                help="The share of attention weights set to zero in each training step.",
                controls=("network", "regularisation"),
                default=0.1,
                low=0.0,
                high=1.0,
                high_open=True,
                step=0.05,
            ),
            Bool(
                name="bias",
                label="Bias",
                help="Adds learned constants where vectors are projected for the heads and back.",
                default=True,
            ),
        ),
    ),
    LayerEntry(
        name="Residual",
        label="Residual",
        family="block",
        target="mlp_core.run.modules:Residual",
        inside=("Linear", "ReLU", "Linear"),
        keeps_width=True,
        combine="{x} + {y}",
        summary="Adds its input to what the layers inside make of it, so that they learn only the difference.",
        formula=r"y = x + f(x)",
        when="Deep networks: gradients reach the first layers through the sums, past everything inside the blocks.",
        cost="One addition per value, besides the layers inside.",
    ),
)
