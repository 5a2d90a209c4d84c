"""Updates that no engine of ours computes, as text for people, for one parameter of a shape and its gradient.

What makes a step in these is more than an operator for each number: products of matrices, averages of rows, a sign that
has turned. The operators are those of `torch.optim`'s default implementation in the same order, so that the numbers are
the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlp_core.catalog.by_hand import StateNumber, StateTensor, UpdateByHand

Params = Mapping[str, Any]
Shape = tuple[int, ...]


def _uphill(params: Params) -> list[str]:
    return ["g = g.neg()  # up the loss"] if params["maximize"] else []


def asgd(params: Params, shape: Shape) -> UpdateByHand:
    """Averaged SGD: its rate and the weight of the average are for the next step."""
    lines = _uphill(params)
    settings = {name: params[name] for name in ("lr", "lambd", "alpha", "t0")}
    if params["weight_decay"]:
        lines.append("g = g.add(p, alpha=weight_decay)")
        settings["weight_decay"] = params["weight_decay"]
    lines += [
        "p.mul_(1 - lambd * rate.item())",
        "p.add_(g, alpha=-rate.item())  # p -= rate * g",
        "if share.item() == 1:",
        "    average.copy_(p)",
        "else:",
        "    average.add_(p.sub(average).mul_(share))",
        "# For the next step:",
        "rate.fill_(lr / ((1 + lambd * lr * step) ** alpha))",
        "share.fill_(1 / max(1, step - t0))",
    ]
    return UpdateByHand(
        lines=tuple(lines),
        settings=settings,
        state=(StateTensor(name="average", plural="averages", key="ax"),),
        numbers=(StateNumber(name="rate", key="eta", fill=params["lr"]), StateNumber(name="share", key="mu")),
        counts=True,
    )


def rprop(params: Params, shape: Shape) -> UpdateByHand:
    """Rprop."""
    turned, same = params["etas"]
    smallest, largest = params["step_sizes"]
    lines = [
        *_uphill(params),
        "factor = g.mul(previous).sign()",
        "factor.masked_fill_(factor > 0, same)  # the sign of before: a longer step",
        "factor.masked_fill_(factor < 0, turned)  # it has turned: a shorter one",
        "factor.masked_fill_(factor == 0, 1.0)",
        "size.mul_(factor).clamp_(smallest, largest)",
        "g = g.masked_fill(factor == turned, 0.0)  # no step where it has turned",
        "p.addcmul_(g.sign(), size, value=-1)",
        "previous.copy_(g)",
    ]
    return UpdateByHand(
        lines=tuple(lines),
        settings={"turned": turned, "same": same, "smallest": smallest, "largest": largest},
        state=(
            StateTensor(name="previous", plural="previous_gradients", key="prev"),
            StateTensor(name="size", plural="sizes", key="step_size", fill=params["lr"]),
        ),
        counts=True,
    )


def adafactor(params: Params, shape: Shape) -> UpdateByHand:
    """Adafactor: of a matrix, averages of rows and of columns; of anything else, one for each number."""
    settings = {name: params[name] for name in ("lr", "beta2_decay", "d")}
    lines = [
        *_uphill(params),
        "share = step**beta2_decay",
        "# Relative to the root mean square of the weights:",
        "size = max(1e-3, p.norm(2).item() / p.numel() ** 0.5) * min(lr, 1 / step**0.5)",
    ]
    if params["weight_decay"]:
        settings["weight_decay"] = params["weight_decay"]
        lines.append("p.mul_(1 - lr * weight_decay)")
    state: tuple[StateTensor, ...]
    tiny = "torch.finfo(torch.float32).eps"
    if len(shape) > 1:
        lines += [
            "row.lerp_(torch.norm(g, dim=-1, keepdim=True).square_().div_(g.size(-1)), share)  # its mean square",
            "column.lerp_(torch.norm(g, dim=-2, keepdim=True).square_().div_(g.size(-2)), share)",
            f"square = (row @ column).div_(row.mean(dim=-2, keepdim=True).clamp(min={tiny}))",
        ]
        state = (
            StateTensor(name="row", plural="rows", key="row_var", axis=-1),
            StateTensor(name="column", plural="columns", key="col_var", axis=-2),
        )
    else:
        lines.append("square.lerp_(g * g, share)  # running average of the squared gradient")
        state = (StateTensor(name="square", plural="squares", key="variance"),)
    lines += [
        f"u = square.clamp(min={tiny} ** 2).rsqrt_().mul_(g)",
        "# The root mean square of u is at most d:",
        "p.add_(u, alpha=-size / max(1.0, u.norm(2).item() / (u.numel() ** 0.5 * d)))",
    ]
    return UpdateByHand(lines=tuple(lines), settings=settings, state=state, counts=True)


def muon(params: Params, shape: Shape) -> UpdateByHand:
    """Muon, of a matrix."""
    a, b, c = params["ns_coefficients"]
    settings = {name: params[name] for name in ("lr", "weight_decay", "momentum", "eps")} | {"a": a, "b": b, "c": c}
    rows, columns = shape
    tall = rows > columns
    ratio = f"math.sqrt(max(1, {rows} / {columns}))"
    if params["adjust_lr_fn"] == "match_rms_adamw":
        ratio = f"0.2 * math.sqrt(max({rows}, {columns}))"
    lines = (
        "mean.lerp_(g, 1 - momentum)  # running average of the gradient",
        "u = g.lerp(mean, momentum)" if params["nesterov"] else "u = mean",
        "# Newton-Schulz: all singular values near 1, in half precision.",
        f"x = u.to(torch.bfloat16){'.T' if tall else ''}",
        "x.div_(x.norm().clamp(min=eps))",
        f"for _ in range({params['ns_steps']}):",
        "    gram = x @ x.T",
        "    x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)",
        f"u = x{'.T' if tall else ''}",
        "p.mul_(1 - lr * weight_decay)",
        f"ratio = {ratio}",
        "p.add_(u, alpha=-(lr * ratio))",
    )
    mean = StateTensor(name="mean", plural="means", key="momentum_buffer")
    return UpdateByHand(lines=lines, settings=settings, state=(mean,))
