"""Optimizer updates as TorchScript text over flat storage.

Each formula repeats, operator by operator, what `torch.optim`'s default (single-tensor) implementation does to one
parameter, so that its results are the same bits; because the operators work element by element, they may work on
all parameters laid end to end. `fused=True` calls PyTorch's own fused kernels on the list of parameters instead:
those round differently from the default, and treat the last elements of each parameter in another way than the
rest, so they are taken only where the reference engine's optimizer uses them too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from mlp_core.engines.tracing import UnsupportedError

Group = Mapping[str, Any]

_DENSE = ("foreach", "capturable", "differentiable")
"""Options of a parameter group that ask for another implementation than the one repeated here."""


@dataclass(frozen=True)
class Update:
    """An optimizer's update of flat weights `w` by flat gradients `g`.

    `lines` may use `w`, `g`, every buffer of `state` by its name, `step` (a float counting this step, from 1),
    `first` (whether the state is new), the numbers of `scalars` by name, and tensors of `scratch`, as large as `w`.
    A number that a whole tensor is multiplied, divided or added by costs three times as much as a float32 tensor of
    no dimensions, which gives the same result: `NAME_0d` is that for a number of `scalars`, and `number` is one to be
    filled with what changes from step to step.
    With `fused`, they may use the lists `params`, `grads`, `counters` and each buffer's name with an s.
    `state` maps the optimizer's own names to the value that a new buffer is filled with. `counts` tells that it
    keeps a 'step' as well.
    """

    lines: tuple[str, ...]
    scalars: tuple[str, ...]
    state: tuple[tuple[str, float], ...] = ()
    scratch: tuple[str, ...] = ()
    counts: bool = True
    fused: bool = False


def update_of(optimizer: torch.optim.Optimizer) -> Update:
    """The update that this optimizer makes, as its parameter group is set now; raises `UnsupportedError`."""
    name = type(optimizer).__name__
    if type(optimizer) not in UPDATES:
        raise UnsupportedError(f"the optimizer {name} has no fast form yet")
    if len(optimizer.param_groups) != 1:
        raise UnsupportedError("its optimizer has several parameter groups")
    group = optimizer.param_groups[0]
    if any(group.get(option) for option in _DENSE):
        raise UnsupportedError(f"its optimizer {name} is set to a special implementation")
    return UPDATES[type(optimizer)](group)


def scalars_of(optimizer: torch.optim.Optimizer, update: Update) -> list[float]:
    """The numbers that the update's lines use, as the parameter group holds them now."""
    group = optimizer.param_groups[0]
    betas = group.get("betas", ())
    values = {**group, **{f"beta{position + 1}": beta for position, beta in enumerate(betas)}}
    return [float(values[name]) for name in update.scalars]


def _gradient(group: Group, decay: bool = True) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    """Lines that bind `d` to the gradient with sign and weight decay applied; their scalars and scratch."""
    source = "g"
    lines, scratch = [], []
    if group["maximize"]:
        lines.append("torch.neg(g, out=negated)")
        source = "negated"
        scratch.append("negated")
    if decay and group["weight_decay"] != 0:
        lines.append(f"torch.add({source}, w, alpha=weight_decay, out=decayed)")
        scratch.append("decayed")
        return [*lines, "d = decayed"], ("weight_decay",), tuple(scratch)
    return [*lines, f"d = {source}"], (), tuple(scratch)


def _sgd(group: Group) -> Update:
    momentum, nesterov = group["momentum"] != 0, group["nesterov"]
    state = (("momentum_buffer", 0.0),) if momentum else ()
    if group["fused"]:
        buffers = "momentum_buffers" if momentum else "nothing"
        first = "first" if momentum else "False"
        call = (
            f"torch._fused_sgd_(params, grads, {buffers}, weight_decay=weight_decay, momentum=momentum, lr=lr, "
            f"dampening=dampening, nesterov={nesterov}, maximize={group['maximize']}, is_first_step={first})"
        )
        return Update((call,), ("lr", "weight_decay", "momentum", "dampening"), state, (), False, True)
    lines, scalars, scratch = _gradient(group)
    if momentum:
        lines += [
            "if first:",
            "    momentum_buffer.copy_(d)",
            "else:",
            "    momentum_buffer.mul_(momentum_0d).add_(d, alpha=1.0 - dampening)",
        ]
        scalars += ("momentum", "dampening")
        if nesterov:
            lines.append("torch.add(d, momentum_buffer, alpha=momentum, out=ahead)")
            scratch += ("ahead",)
    moved = "d" if not momentum else "ahead" if nesterov else "momentum_buffer"
    return Update((*lines, f"w.add_({moved}, alpha=-lr)"), ("lr", *scalars), state, scratch, counts=False)


def _adam(group: Group) -> Update:
    decoupled, amsgrad = bool(group["decoupled_weight_decay"]), group["amsgrad"]
    state: tuple[tuple[str, float], ...] = (("exp_avg", 0.0), ("exp_avg_sq", 0.0))
    if amsgrad:
        state += (("max_exp_avg_sq", 0.0),)
    if group["fused"]:
        largest = "max_exp_avg_sqs" if amsgrad else "nothing"
        call = (
            f"torch._fused_adam{'w' if decoupled else ''}_(params, grads, exp_avgs, exp_avg_sqs, {largest}, counters, "
            f"lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay, eps=eps, amsgrad={amsgrad}, "
            f"maximize={group['maximize']})"
        )
        return Update((call,), ("lr", "beta1", "beta2", "weight_decay", "eps"), state, (), True, True)
    lines, scalars, scratch = _gradient(group, decay=not decoupled)
    if decoupled and group["weight_decay"] != 0:
        lines.append("w.mul_(number.fill_(1.0 - lr * weight_decay))")
        scalars += ("weight_decay",)
    lines += ["exp_avg.lerp_(d, 1.0 - beta1)", "exp_avg_sq.mul_(beta2_0d).addcmul_(d, d, value=1.0 - beta2)"]
    if amsgrad:
        lines.append("torch.maximum(max_exp_avg_sq, exp_avg_sq, out=max_exp_avg_sq)")
    lines += [
        f"torch.sqrt({'max_exp_avg_sq' if amsgrad else 'exp_avg_sq'}, out=denom)",
        "denom.div_(number.fill_((1.0 - beta2 ** step) ** 0.5)).add_(eps_0d)",
        "w.addcdiv_(exp_avg, denom, value=-(lr / (1.0 - beta1 ** step)))",
    ]
    return Update(tuple(lines), ("lr", "beta1", "beta2", "eps", *scalars), state, (*scratch, "denom"))


def _rmsprop(group: Group) -> Update:
    centered, momentum = group["centered"], group["momentum"] > 0
    state: tuple[tuple[str, float], ...] = (("square_avg", 0.0),)
    lines, scalars, scratch = _gradient(group)
    lines.append("square_avg.mul_(alpha_0d).addcmul_(d, d, value=1.0 - alpha)")
    if momentum:
        state += (("momentum_buffer", 0.0),)
        scalars += ("momentum",)
    if centered:
        state += (("grad_avg", 0.0),)
        lines += [
            "grad_avg.lerp_(d, 1.0 - alpha)",
            "torch.addcmul(square_avg, grad_avg, grad_avg, value=-1, out=denom)",
            "denom.sqrt_()",
            "denom.add_(eps_0d)",
        ]
    else:
        lines += ["torch.sqrt(square_avg, out=denom)", "denom.add_(eps_0d)"]
    if momentum:
        lines += ["momentum_buffer.mul_(momentum_0d).addcdiv_(d, denom)", "w.add_(momentum_buffer, alpha=-lr)"]
    else:
        lines.append("w.addcdiv_(d, denom, value=-lr)")
    return Update(tuple(lines), ("lr", "alpha", "eps", *scalars), state, (*scratch, "denom"))


def _adagrad(group: Group) -> Update:
    state = (("sum", float(group["initial_accumulator_value"])),)
    if group["fused"]:
        call = (
            "torch._fused_adagrad_(params, grads, sums, counters, lr=lr, lr_decay=lr_decay, "
            f"weight_decay=weight_decay, eps=eps, maximize={group['maximize']})"
        )
        return Update((call,), ("lr", "lr_decay", "weight_decay", "eps"), state, (), True, True)
    lines, scalars, scratch = _gradient(group)
    lines += [
        "sum.addcmul_(d, d, value=1)",
        "torch.sqrt(sum, out=denom)",
        "denom.add_(eps_0d)",
        "w.addcdiv_(d, denom, value=-(lr / (1.0 + (step - 1.0) * lr_decay)))",
    ]
    return Update(tuple(lines), ("lr", "lr_decay", "eps", *scalars), state, (*scratch, "denom"))


UPDATES: dict[type[torch.optim.Optimizer], Callable[[Group], Update]] = {
    torch.optim.SGD: _sgd,
    torch.optim.Adam: _adam,
    torch.optim.AdamW: _adam,
    torch.optim.RMSprop: _rmsprop,
    torch.optim.Adagrad: _adagrad,
}
"""Every optimizer that the fast engine can run, by its class."""
