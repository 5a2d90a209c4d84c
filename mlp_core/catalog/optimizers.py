"""Optimizers of `torch.optim` for dense parameters, with PyTorch's names and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog.by_hand import UpdateByHand
from mlp_core.catalog.entry import Entry, table
from mlp_core.catalog.parameters import Bool, Float, Floats, Parameter


@dataclass(frozen=True, kw_only=True)
class OptimizerEntry(Entry):
    """A `torch.optim` class of the entry's name. `state_per_parameter`: numbers that it keeps per weight.

    `by_hand` writes its update with bare tensors, given its parameters.
    """

    state_per_parameter: int
    by_hand: Callable[[Mapping[str, Any]], UpdateByHand] | None = None


def _sgd_by_hand(params: Mapping[str, Any]) -> UpdateByHand:
    lines, settings, moved = [], {"lr": params["lr"]}, "g"
    state = {}
    if params["weight_decay"]:
        settings["weight_decay"] = params["weight_decay"]
        lines.append("g = g.add(p, alpha=weight_decay)")
    if params["momentum"]:
        settings["momentum"] = params["momentum"]
        state = {"velocity": "velocities"}
        lines.append("velocity.mul_(momentum).add_(g)")
        if params["nesterov"]:
            lines.append("g = g.add(velocity, alpha=momentum)")
        else:
            moved = "velocity"
    # One rounding, as in torch.optim; p -= lr * g would round twice.
    lines.append(f"p.sub_({moved}, alpha=lr)  # p -= lr * {moved}")
    return UpdateByHand(lines=tuple(lines), settings=settings, state=state)


def _adam_by_hand(params: Mapping[str, Any], decoupled: bool = False) -> UpdateByHand:
    beta1, beta2 = params["betas"]
    settings = {"lr": params["lr"], "beta1": beta1, "beta2": beta2, "eps": params["eps"]}
    lines = []
    if params["weight_decay"]:
        settings["weight_decay"] = params["weight_decay"]
        lines.append("p.mul_(1 - lr * weight_decay)" if decoupled else "g = g.add(p, alpha=weight_decay)")
    lines += [
        "mean.lerp_(g, 1 - beta1)  # running average of the gradient",
        "square.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # and its square",
    ]
    state = {"mean": "means", "square": "squares"}
    root = "square"
    if params["amsgrad"]:
        state["largest"] = "largest_squares"
        root = "largest"
        lines.append("torch.maximum(largest, square, out=largest)")
    lines += [f"spread = ({root}.sqrt() / scale).add_(eps)", "p.addcdiv_(mean, spread, value=-size)"]
    scalars = (
        "# Averages that began at 0 are too small at first; this makes up for it.",
        "size = lr / (1 - beta1**step)",
        "scale = (1 - beta2**step) ** 0.5",
    )
    return UpdateByHand(lines=tuple(lines), settings=settings, state=state, scalars=scalars, counts=True)


def _adamw_by_hand(params: Mapping[str, Any]) -> UpdateByHand:
    return _adam_by_hand(params, decoupled=True)


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


_EPS = Float(
    name="eps",
    label="Epsilon",
    help="Added to a denominator so that it is never zero.",
    default=1e-8,
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

OPTIMIZERS: dict[str, OptimizerEntry] = table(
    OptimizerEntry(
        name="SGD",
        label="SGD",
        by_hand=_sgd_by_hand,
        summary="Steps against the gradient of one mini-batch; with momentum it keeps rolling.",
        formula=r"v \leftarrow \mu v + g,\quad w \leftarrow w - \eta v",
        when="The textbook choice; with momentum 0.9 a strong one.",
        cost="No memory without momentum, one number per weight with it.",
        state_per_parameter=1,
        parameters=(
            _learning_rate(1e-3),
            _momentum(),
            Bool(
                name="nesterov",
                label="Nesterov",
                help="Looks one momentum step ahead before taking the gradient's. Needs momentum above 0.",
                default=False,
            ),
            _weight_decay(),
        ),
    ),
    OptimizerEntry(
        name="Adam",
        label="Adam",
        by_hand=_adam_by_hand,
        summary="Gives every weight its own step, from running averages of its gradient and squared gradient.",
        formula=r"w \leftarrow w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
        when="Works well without tuning.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(_learning_rate(1e-3), _BETAS, _EPS, _weight_decay(), _AMSGRAD),
    ),
    OptimizerEntry(
        name="AdamW",
        label="AdamW",
        by_hand=_adamw_by_hand,
        summary="Adam with weight decay applied to the weights themselves rather than to the gradient.",
        formula=r"w \leftarrow (1 - \eta\lambda)\,w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
        when="Adam with weight decay.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(_learning_rate(1e-3), _BETAS, _EPS, _weight_decay(1e-2), _AMSGRAD),
    ),
    OptimizerEntry(
        name="RMSprop",
        label="RMSprop",
        summary="Divides each step by a running root mean square of the gradient.",
        formula=r"w \leftarrow w - \eta\,\frac{g}{\sqrt{v} + \epsilon}",
        when="Losses whose slopes differ much between weights.",
        cost="One to three numbers per weight.",
        state_per_parameter=3,
        parameters=(
            _learning_rate(1e-2),
            _share("alpha", "Alpha", 0.99, "How long the average of squared gradients remembers."),
            _EPS,
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
)
