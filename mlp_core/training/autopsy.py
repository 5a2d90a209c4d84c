"""Measures the layers of a run around the step that broke its loss, by doing these steps again."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mlp_core.health.autopsy import Autopsy, LayerSizes, autopsy
from mlp_core.run.build import Run

Sizes = dict[str, float]
"""Norms by the name of the layer, in the order in which the layers give their outputs."""


def examine(run: Run, return_to: Callable[[int], None], broken: int, loss: float, first: int) -> Autopsy:
    """What happened: `broken` is the step, counted from 1, whose loss was `loss`.

    `return_to` puts the run back to where so many steps were done, `first` at the least, the same numbers again; it
    stands anywhere afterwards.
    """
    before: tuple[Sizes, Sizes] | None = None
    if broken - 2 >= first:
        return_to(broken - 2)
        before = _outputs(run), _weights(run, lambda weight: weight)
    return_to(broken - 1)
    weights, gradients = _weights(run, lambda weight: weight), _weights(run, lambda weight: weight.grad)
    outputs = _outputs(run)
    layers = {layer.name: layer for layer in run.plan.walk()}
    return autopsy(broken, loss, [
        LayerSizes(
            path=layers[name].path,
            type=layers[name].spec.type,
            activation=None if before is None else before[0].get(name),
            weight=None if before is None else before[1].get(name),
            gradient=None if before is None else gradients.get(name),
            weight_after=weights.get(name),
            activation_after=size,
        )
        for name, size in outputs.items()
    ])  # fmt: skip


def _outputs(run: Run) -> Sizes:
    """The norms of what the layers put out for the next batch. A layer inside of another gives its output first."""
    x, _ = run.batches.get(run.position)
    found: Sizes = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            found[name] = _norm([output])

        return hook

    hooks = [run.model.get_submodule(layer.name).register_forward_hook(keep(layer.name)) for layer in run.plan.walk()]
    try:
        with torch.no_grad(), run.stream.lend():
            run.model(run.scaled(x))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _weights(run: Run, pick: Callable[[Tensor], Tensor | None]) -> Sizes:
    """The norm of what `pick` takes of each layer's own weights and biases, where it takes anything."""
    found: Sizes = {}
    for layer in run.plan.walk():
        module = run.model.get_submodule(layer.name)
        picked = [pick(one) for one in module.parameters(recurse=not isinstance(module, nn.Sequential))]
        tensors = [tensor for tensor in picked if tensor is not None]
        if tensors:
            found[layer.name] = _norm(tensors)
    return found


def _norm(tensors: list[Tensor]) -> float:
    return float(torch.stack([tensor.detach().double().norm() for tensor in tensors]).norm())
