"""Optimizers for dense parameters, with PyTorch's names and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog import updates
from mlp_core.catalog.by_hand import UpdateByHand
from mlp_core.catalog.entry import ClassEntry, table
from mlp_core.catalog.parameters import Bool, Float, Floats, Parameter


@dataclass(frozen=True, kw_only=True)
class OptimizerEntry(ClassEntry):
    """An optimizer for dense parameters."""

    namespace = "torch.optim"

    state_per_parameter: int
    """Numbers that it keeps for every weight, at most."""
    by_hand: Callable[[Mapping[str, Any]], UpdateByHand] | None = None
    """Its update in bare tensors, given its parameters. Without one it runs on the plain engine only, and scripts in
    bare tensors call the class."""

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("optimizer",)


def _learning_rate(default: float) -> Parameter:
    return Float(
        name="lr",
        label="Learning rate",
        help="How far each step moves the weights. Too small: slow. Too large: the loss jumps or becomes NaN.",
        default=default,
        low=0.0,
        high=1e12,
        log=True,
        advice="Choose a value from 0 to 1e12; 0.0001 to 0.1 is usual.",
        live=True,
        controls=("learning_rate",),
    )


def _weight_decay(default: float = 0.0) -> Parameter:
    return Float(
        name="weight_decay",
        label="Weight decay",
        help="Pulls every weight towards zero a little in each step, which keeps functions smooth.",
        default=default,
        low=0.0,
        high=1e6,
        log=True,
        controls=("optimizer", "regularisation"),
    )


def _momentum() -> Parameter:
    return Float(
        name="momentum",
        label="Momentum",
        help="How much of the previous step's direction is kept: 0.9 rolls through small bumps.",
        default=0.0,
        low=0.0,
        high=1.0,
        step=0.05,
    )


def _share(name: str, label: str, default: float, help: str) -> Float:
    return Float(name=name, label=label, help=help, default=default, low=0.0, high=1.0, high_open=True, step=0.01)


def _eps(default: float = 1e-8) -> Parameter:
    return Float(
        name="eps",
        label="Epsilon",
        help="Added to a denominator so that it is never zero.",
        default=default,
        low=0.0,
        high=1.0,
        log=True,
    )


_AMSGRAD = Bool(
    name="amsgrad",
    label="AMSGrad",
    help="Divides by the largest average of squared gradients so far, so that steps never grow back.",
    default=False,
)
_BETAS = Floats(
    name="betas",
    label="Betas",
    help="How long the running averages of the gradient and of its square remember.",
    default=(0.9, 0.999),
    labels=("gradient", "square"),
    element=_share("beta", "Beta", 0.9, ""),
)


def _nesterov_conflict(params: Mapping[str, Any], owner: str) -> str:
    for name, fits, rule, remedy in (
        ("momentum", params["momentum"] > 0, "is 0", "Set momentum to 0.9"),
        ("dampening", params["dampening"] == 0, "is not 0", "Set dampening to 0"),
    ):
        if params["nesterov"] and not fits:
            return (
                f"The 'nesterov' parameter of {owner} must be False while {name!r} {rule}. Got True instead. "
                f"{remedy}, or switch Nesterov off."
            )
    return ""


OPTIMIZERS: dict[str, OptimizerEntry] = table(
    OptimizerEntry(
        name="SGD",
        label="SGD",
        conflict=_nesterov_conflict,
        by_hand=updates.sgd,
        summary="Steps against the gradient of one mini-batch; with momentum it keeps rolling.",
        formula=r"v \leftarrow \mu v + g,\quad w \leftarrow w - \eta v",
        when="The textbook choice; with momentum 0.9 a strong one.",
        cost="No memory without momentum, one number per weight with it.",
        state_per_parameter=1,
        parameters=(
            _learning_rate(1e-3),
            _momentum(),
            Float(
                name="dampening",
                label="Dampening",
                help="How much less a new gradient counts once there is momentum. Does nothing while momentum is 0.",
                default=0.0,
                low=0.0,
                high=1.0,
                step=0.05,
            ),
            Bool(
                name="nesterov",
                label="Nesterov",
                help="Looks one momentum step ahead before it steps. Needs momentum above 0, and no dampening.",
                default=False,
            ),
            _weight_decay(),
        ),
    ),
    OptimizerEntry(
        name="Adam",
        label="Adam",
        by_hand=updates.adam,
        summary="Gives every weight its own step, from running averages of its gradient and squared gradient.",
        formula=r"w \leftarrow w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
        when="Works well without tuning.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(_learning_rate(1e-3), _BETAS, _eps(), _weight_decay(), _AMSGRAD),
    ),
    OptimizerEntry(
        name="AdamW",
        label="AdamW",
        by_hand=updates.adamw,
        summary="Adam with weight decay applied to the weights themselves rather than to the gradient.",
        formula=r"w \leftarrow (1 - \eta\lambda)\,w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
        when="Adam with weight decay.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(_learning_rate(1e-3), _BETAS, _eps(), _weight_decay(1e-2), _AMSGRAD),
    ),
    OptimizerEntry(
        name="RMSprop",
        label="RMSprop",
        by_hand=updates.rmsprop,
        summary="Divides each step by a running root mean square of the gradient.",
        formula=r"w \leftarrow w - \eta\,\frac{g}{\sqrt{v} + \epsilon}",
        when="Losses whose slopes differ much between weights.",
        cost="One to three numbers per weight.",
        state_per_parameter=3,
        parameters=(
            _learning_rate(1e-2),
            _share("alpha", "Alpha", 0.99, "How long the average of squared gradients remembers."),
            _eps(),
            _weight_decay(),
            _momentum(),
            Bool(
                name="centered",
                label="Centred",
                help="Divides by the standard deviation rather than by the root mean square.",
                default=False,
            ),
        ),
    ),
    OptimizerEntry(
        name="Adagrad",
        label="Adagrad",
        by_hand=updates.adagrad,
        summary="Divides each weight's step by the root of the sum of all its squared gradients so far.",
        formula=r"w \leftarrow w - \eta\,\frac{g}{\sqrt{\sum g^2} + \epsilon}",
        when="Inputs that are seldom other than zero. Steps only ever grow smaller.",
        cost="One number per weight.",
        state_per_parameter=1,
        parameters=(
            _learning_rate(1e-2),
            Float(
                name="lr_decay",
                label="Rate decay",
                help="How fast the learning rate falls by itself: it is divided by 1 + decay times the steps so far.",
                default=0.0,
                low=0.0,
                high=1e6,
                step=0.01,
            ),
            _weight_decay(),
            Float(
                name="initial_accumulator_value",
                label="First sum",
                help="What the sum of squared gradients starts from. Above 0, the first steps are smaller.",
                default=0.0,
                low=0.0,
                high=1e6,
                step=0.1,
            ),
            _eps(1e-10),
        ),
    ),
)
