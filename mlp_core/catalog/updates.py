"""The updates of the optimizers, each as text for one parameter and its gradient.

The operators are those of `torch.optim`'s default (single-tensor) implementation, in the same order, so that the
numbers are the same bits. Where that decides the form, a comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlp_core.catalog.by_hand import StateNumber, StateTensor, UpdateByHand

Params = Mapping[str, Any]

_DECAY = "g = g.add(p, alpha=weight_decay)"


def _settings(params: Params, *names: str) -> dict[str, float]:
    """The settings of these names, and the weight decay where there is one."""
    decay = ("weight_decay",) if params["weight_decay"] else ()
    return {name: params[name] for name in (*names, *decay)}


def _first(params: Params) -> list[str]:
    """The lines that come before every other one."""
    return ["g = g.neg()  # up the loss"] if params["maximize"] else []


def sgd(params: Params) -> UpdateByHand:
    """Stochastic gradient descent, with momentum on request."""
    lines = _first(params)
    if params["weight_decay"]:
        lines.append(_DECAY)
    settings = _settings(params, "lr")
    if not params["momentum"]:
        return UpdateByHand(lines=(*lines, "p.add_(g, alpha=-lr)  # p -= lr * g"), settings=settings)
    settings["momentum"] = params["momentum"]
    if params["dampening"]:
        settings["dampening"] = params["dampening"]
        lines += [
            "if step == 1:",
            "    velocity.copy_(g)  # the first gradient counts in full",
            "else:",
            "    velocity.mul_(momentum).add_(g, alpha=1 - dampening)",
        ]
    else:
        lines.append("velocity.mul_(momentum).add_(g)")
    if params["nesterov"]:
        lines += ["g = g.add(velocity, alpha=momentum)", "p.add_(g, alpha=-lr)  # p -= lr * g"]
    else:
        lines.append("p.add_(velocity, alpha=-lr)  # p -= lr * velocity")
    # PyTorch copies the first gradient. Adding it to a zero gives the same, and to -0.0 even where it is zero itself.
    velocity = StateTensor(name="velocity", plural="velocities", key="momentum_buffer", fill=-0.0, power=1)
    return UpdateByHand(lines=tuple(lines), settings=settings, state=(velocity,))


def adam(params: Params, decoupled: bool = False) -> UpdateByHand:
    """Adam; `decoupled` applies the weight decay to the weights and not to the gradient."""
    beta1, beta2 = params["betas"]
    settings = {**_settings(params, "lr", "eps"), "beta1": beta1, "beta2": beta2}
    lines = _first(params)
    if params["weight_decay"]:
        lines.append("p.mul_(1 - lr * weight_decay)" if decoupled else _DECAY)
    lines += [
        "mean.lerp_(g, 1 - beta1)  # running average of the gradient",
        "square.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # and its square",
    ]
    state = [
        StateTensor(name="mean", plural="means", key="exp_avg", power=1),
        StateTensor(name="square", plural="squares", key="exp_avg_sq", power=2),
    ]
    root = "square"
    if params["amsgrad"]:
        state.append(StateTensor(name="largest", plural="largest_squares", key="max_exp_avg_sq", power=2))
        root = "largest"
        lines.append("torch.maximum(largest, square, out=largest)")
    lines += [f"spread = ({root}.sqrt() / scale).add_(eps)", "p.addcdiv_(mean, spread, value=-size)"]
    scalars = (
        "# Averages that began at 0 are too small at first; this makes up for it.",
        "size = lr / (1 - beta1**step)",
        "scale = (1 - beta2**step) ** 0.5",
    )
    return UpdateByHand(lines=tuple(lines), settings=settings, state=tuple(state), scalars=scalars, counts=True)


def adamw(params: Params) -> UpdateByHand:
    """Adam with decoupled weight decay."""
    return adam(params, decoupled=True)


def rmsprop(params: Params) -> UpdateByHand:
    """RMSprop, with momentum and centring on request."""
    settings = _settings(params, "lr", "alpha", "eps")
    lines = _first(params)
    if params["weight_decay"]:
        lines.append(_DECAY)
    lines.append("square.mul_(alpha).addcmul_(g, g, value=1 - alpha)  # running average of the squared gradient")
    state = [StateTensor(name="square", plural="squares", key="square_avg", power=2)]
    if params["momentum"]:
        settings["momentum"] = params["momentum"]
        state.append(StateTensor(name="velocity", plural="velocities", key="momentum_buffer"))
    if params["centered"]:
        state.append(StateTensor(name="mean", plural="means", key="grad_avg", power=1))
        lines.append("mean.lerp_(g, 1 - alpha)  # and of the gradient")
        lines.append("spread = square.addcmul(mean, mean, value=-1).sqrt_().add_(eps)")
    else:
        lines.append("spread = square.sqrt().add_(eps)")
    if params["momentum"]:
        lines += ["velocity.mul_(momentum).addcdiv_(g, spread)", "p.add_(velocity, alpha=-lr)"]
    else:
        lines.append("p.addcdiv_(g, spread, value=-lr)")
    return UpdateByHand(lines=tuple(lines), settings=settings, state=tuple(state), counts=True)


def adagrad(params: Params) -> UpdateByHand:
    """Adagrad."""
    lines = _first(params)
    if params["weight_decay"]:
        lines.append(_DECAY)
    lines += [
        "square.addcmul_(g, g)  # the sum of all squared gradients",
        "spread = square.sqrt().add_(eps)",
        "p.addcdiv_(g, spread, value=-size)",
    ]
    square = StateTensor(name="square", plural="squares", key="sum", fill=params["initial_accumulator_value"], power=2)
    return UpdateByHand(
        lines=tuple(lines),
        settings=_settings(params, "lr", "lr_decay", "eps"),
        state=(square,),
        scalars=("size = lr / (1 + (step - 1) * lr_decay)",),
        counts=True,
    )


def adadelta(params: Params) -> UpdateByHand:
    """Adadelta."""
    lines = _first(params)
    if params["weight_decay"]:
        lines.append(_DECAY)
    lines += [
        "square.mul_(rho).addcmul_(g, g, value=1 - rho)  # running average of the squared gradient",
        "spread = square.add(eps).sqrt_()",
        "change = moved.add(eps).sqrt_().div_(spread).mul_(g)",
        "moved.mul_(rho).addcmul_(change, change, value=1 - rho)  # and of the squared change",
        "p.add_(change, alpha=-lr)",
    ]
    return UpdateByHand(
        lines=tuple(lines),
        settings=_settings(params, "lr", "rho", "eps"),
        state=(
            StateTensor(name="square", plural="squares", key="square_avg", power=2),
            StateTensor(name="moved", plural="moves", key="acc_delta"),
        ),
        counts=True,
    )


def adamax(params: Params) -> UpdateByHand:
    """Adamax."""
    beta1, beta2 = params["betas"]
    lines = _first(params)
    if params["weight_decay"]:
        lines.append(_DECAY)
    lines += [
        "mean.lerp_(g, 1 - beta1)  # running average of the gradient",
        "height = g.abs().add_(eps)",
        "largest.mul_(beta2)  # its largest size, which fades",
        "torch.maximum(largest, height, out=largest)",
        "p.addcdiv_(mean, largest, value=-size)",
    ]
    return UpdateByHand(
        lines=tuple(lines),
        settings={**_settings(params, "lr", "eps"), "beta1": beta1, "beta2": beta2},
        state=(
            StateTensor(name="mean", plural="means", key="exp_avg", power=1),
            StateTensor(name="largest", plural="largest_sizes", key="exp_inf", power=1),
        ),
        scalars=("size = lr / (1 - beta1**step)",),
        counts=True,
    )


def _averages(params: Params) -> tuple[list[str], dict[str, float], tuple[StateTensor, ...]]:
    """The first lines of Adam's kin, with their settings and state: decay and the two running averages."""
    beta1, beta2 = params["betas"]
    lines = _first(params)
    if params["weight_decay"]:
        lines.append("p.mul_(1 - lr * weight_decay)" if params["decoupled_weight_decay"] else _DECAY)
    lines += [
        "mean.lerp_(g, 1 - beta1)  # running average of the gradient",
        "square.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # and its square",
    ]
    state = (
        StateTensor(name="mean", plural="means", key="exp_avg", power=1),
        StateTensor(name="square", plural="squares", key="exp_avg_sq", power=2),
    )
    return lines, {**_settings(params, "lr", "eps"), "beta1": beta1, "beta2": beta2}, state


def nadam(params: Params) -> UpdateByHand:
    """NAdam."""
    lines, settings, state = _averages(params)
    lines += [
        "spread = square.div(1 - beta2**step).sqrt_().add_(eps)",
        "p.addcdiv_(g, spread, value=now)",
        "p.addcdiv_(mean, spread, value=ahead)",
    ]
    scalars = (
        "# The momentum grows to beta1; what is divided by makes up for averages that began at 0.",
        "momentum = beta1 * (1.0 - 0.5 * 0.96 ** (step * momentum_decay))",
        "momentum_next = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * momentum_decay))",
        "product *= momentum",
        "now = -lr * (1.0 - momentum) / (1.0 - product.item())",
        "ahead = -lr * momentum_next / (1.0 - product.item() * momentum_next)",
    )
    settings["momentum_decay"] = params["momentum_decay"]
    return UpdateByHand(
        lines=tuple(lines),
        settings=settings,
        state=state,
        scalars=scalars,
        numbers=(StateNumber(name="product", key="mu_product"),),
        counts=True,
    )


def radam(params: Params) -> UpdateByHand:
    """RAdam."""
    lines, settings, state = _averages(params)
    lines += [
        "change = mean.div(1 - beta1**step).mul_(lr)",
        "spread = square.sqrt().add_(eps)",
        "if length > 5:  # the average of squares is sound",
        "    spread.reciprocal_().mul_(root)",
        "    change.mul_(spread).mul_(rectified)",
        "p.add_(change, alpha=-1.0)",
    ]
    scalars = (
        "# How many squares their average stands for, in the end and now, and what makes up for too few.",
        "longest = 2 / (1 - beta2) - 1",
        "length = longest - 2 * step * beta2**step / (1 - beta2**step)",
        "root = (1 - beta2**step) ** 0.5",
        "share = (length - 4) * (length - 2) * longest",
        "rectified = (share / ((longest - 4) * (longest - 2) * length)) ** 0.5 if length > 5 else 0.0",
    )
    return UpdateByHand(lines=tuple(lines), settings=settings, state=state, scalars=scalars, counts=True)
