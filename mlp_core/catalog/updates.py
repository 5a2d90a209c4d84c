"""The updates of the optimizers, each as text for one parameter and its gradient.

The operators are those of `torch.optim`'s default (single-tensor) implementation, in the same order, so that the
numbers are the same bits. Where that decides the form, a comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlp_core.catalog.by_hand import StateTensor, UpdateByHand

Params = Mapping[str, Any]

_DECAY = "g = g.add(p, alpha=weight_decay)"


def _settings(params: Params, *names: str) -> dict[str, float]:
    """The settings of these names, and the weight decay where there is one."""
    decay = ("weight_decay",) if params["weight_decay"] else ()
    return {name: params[name] for name in (*names, *decay)}


def sgd(params: Params) -> UpdateByHand:
    """Stochastic gradient descent, with momentum on request."""
    lines = [_DECAY] if params["weight_decay"] else []
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
    velocity = StateTensor(name="velocity", plural="velocities", key="momentum_buffer", fill=-0.0)
    return UpdateByHand(lines=tuple(lines), settings=settings, state=(velocity,))


def adam(params: Params, decoupled: bool = False) -> UpdateByHand:
    """Adam; `decoupled` applies the weight decay to the weights and not to the gradient."""
    beta1, beta2 = params["betas"]
    settings = {**_settings(params, "lr", "eps"), "beta1": beta1, "beta2": beta2}
    lines = []
    if params["weight_decay"]:
        lines.append("p.mul_(1 - lr * weight_decay)" if decoupled else _DECAY)
    lines += [
        "mean.lerp_(g, 1 - beta1)  # running average of the gradient",
        "square.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # and its square",
    ]
    state = [
        StateTensor(name="mean", plural="means", key="exp_avg"),
        StateTensor(name="square", plural="squares", key="exp_avg_sq"),
    ]
    root = "square"
    if params["amsgrad"]:
        state.append(StateTensor(name="largest", plural="largest_squares", key="max_exp_avg_sq"))
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
    lines = [_DECAY] if params["weight_decay"] else []
    lines.append("square.mul_(alpha).addcmul_(g, g, value=1 - alpha)  # running average of the squared gradient")
    state = [StateTensor(name="square", plural="squares", key="square_avg")]
    if params["momentum"]:
        settings["momentum"] = params["momentum"]
        state.append(StateTensor(name="velocity", plural="velocities", key="momentum_buffer"))
    if params["centered"]:
        state.append(StateTensor(name="mean", plural="means", key="grad_avg"))
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
    lines = [_DECAY] if params["weight_decay"] else []
    lines += [
        "square.addcmul_(g, g)  # the sum of all squared gradients",
        "spread = square.sqrt().add_(eps)",
        "p.addcdiv_(g, spread, value=-size)",
    ]
    square = StateTensor(name="square", plural="squares", key="sum", fill=params["initial_accumulator_value"])
    return UpdateByHand(
        lines=tuple(lines),
        settings=_settings(params, "lr", "lr_decay", "eps"),
        state=(square,),
        scalars=("size = lr / (1 + (step - 1) * lr_decay)",),
        counts=True,
    )


def adadelta(params: Params) -> UpdateByHand:
    """Adadelta."""
    lines = [_DECAY] if params["weight_decay"] else []
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
            StateTensor(name="square", plural="squares", key="square_avg"),
            StateTensor(name="moved", plural="moves", key="acc_delta"),
        ),
        counts=True,
    )


def adamax(params: Params) -> UpdateByHand:
    """Adamax."""
    beta1, beta2 = params["betas"]
    lines = [_DECAY] if params["weight_decay"] else []
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
            StateTensor(name="mean", plural="means", key="exp_avg"),
            StateTensor(name="largest", plural="largest_sizes", key="exp_inf"),
        ),
        scalars=("size = lr / (1 - beta1**step)",),
        counts=True,
    )
