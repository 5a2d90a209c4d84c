"""The updates of fused optimizers as calls of PyTorch's own operators, in TorchScript.

A fused operator makes the whole update of all parameters. It computes what the catalog's lines do, with the processor's
own square root and, in the last numbers of each parameter, which fill no vector, another order of rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Params = Mapping[str, Any]


def _setting(params: Params, name: str) -> str:
    """A setting by its name where the update has it among its scalars, else zero."""
    return name if params[name] else "0.0"


def _adam(params: Params, name: str) -> tuple[str, ...]:
    largest = "states[2]" if params["amsgrad"] else "nothing"
    return (
        "counts.fill_(step)",
        f"torch.{name}(params, grads, states[0], states[1], {largest}, states[-1], lr=lr, beta1=beta1, beta2=beta2, "
        f"weight_decay={_setting(params, 'weight_decay')}, eps=eps, amsgrad={bool(params['amsgrad'])}, "
        f"maximize={bool(params['maximize'])})",
    )


def _sgd(params: Params) -> tuple[str, ...]:
    velocities = "states[0]" if params["momentum"] else "nothing"
    dampening = _setting(params, "dampening") if params["momentum"] else "0.0"
    return (
        f"torch._fused_sgd_(params, grads, {velocities}, weight_decay={_setting(params, 'weight_decay')}, "
        f"momentum={_setting(params, 'momentum')}, lr=lr, dampening={dampening}, nesterov={bool(params['nesterov'])}, "
        f"maximize={bool(params['maximize'])}, is_first_step=first)",
    )


def _adagrad(params: Params) -> tuple[str, ...]:
    return (
        "counts.fill_(step)",
        f"torch._fused_adagrad_(params, grads, states[0], states[-1], lr=lr, lr_decay=lr_decay, "
        f"weight_decay={_setting(params, 'weight_decay')}, eps=eps, maximize={bool(params['maximize'])})",
    )


CALLS: dict[str, Callable[[Params], tuple[str, ...]]] = {
    "SGD": _sgd,
    "Adam": lambda params: _adam(params, "_fused_adam_"),
    "AdamW": lambda params: _adam(params, "_fused_adamw_"),
    "Adagrad": _adagrad,
}
"""The lines of an update, given the optimizer's parameters, by its entry's name."""
