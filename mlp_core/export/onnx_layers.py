"""What a network is made of when its operators are recorded for ONNX: the layers whose recording is not exact,
written with simple operators, and the probabilities at its end."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import torch
from torch import Tensor, nn

from mlp_core.run.answers import PROBABILITIES

Function = Callable[[Tensor], Tensor]


class Simple(nn.Module):
    """A function as a module."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class WithProbabilities(nn.Module):
    """A network's outputs, and the class probabilities that they stand for."""

    def __init__(self, network: nn.Module, link: str) -> None:
        super().__init__()
        self.network = network
        self.link = link

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.network(x)
        return outputs, PROBABILITIES[self.link](outputs)


def _softplus(layer: nn.Softplus) -> Function:
    """The exporter leaves the threshold out."""

    def function(x: Tensor) -> Tensor:
        scaled = x * layer.beta
        smooth = scaled.clamp(min=0.0) + (1.0 + (-scaled.abs()).exp()).log()
        return torch.where(scaled > layer.threshold, x, smooth / layer.beta)

    return function


def _log_sigmoid(layer: nn.LogSigmoid) -> Function:
    """The exporter takes the logarithm of a sigmoid, which has few digits left far below zero."""
    return lambda x: x.clamp(max=0.0) - (1.0 + (-x.abs()).exp()).log()


def _threshold(layer: nn.Threshold) -> Function:
    """The exporter knows the threshold 0 only."""
    return lambda x: torch.where(x > layer.threshold, x, torch.full_like(x, layer.value))


def _elu(layer: nn.ELU | nn.CELU) -> Function:
    """ELU and CELU. The exporter subtracts 1 from an exponential, which leaves few digits near zero."""
    alpha, inner = float(layer.alpha), float(layer.alpha) if isinstance(layer, nn.CELU) else 1.0

    def function(x: Tensor) -> Tensor:
        half = (x.clamp(max=0.0) / (2 * inner)).tanh()
        return torch.where(x > 0, x, alpha * 2 * half / (1 - half))  # of e^(x / inner) - 1

    return function


def _batch_norm(layer: nn.BatchNorm1d) -> Function | None:
    """Without running statistics a test uses those of its own batch, which ONNX's operator does not."""
    if layer.track_running_stats:
        return None

    def function(x: Tensor) -> Tensor:
        centred = x - x.mean(dim=0, keepdim=True)
        normal = centred / ((centred * centred).mean(dim=0, keepdim=True) + layer.eps).sqrt()
        return normal * layer.weight + layer.bias if layer.affine else normal

    return function


def _rms_norm(layer: nn.RMSNorm) -> Function:
    """The exporter has no such operator."""
    eps = torch.finfo(torch.float32).eps if layer.eps is None else layer.eps

    def function(x: Tensor) -> Tensor:
        normal = x * ((x * x).mean(dim=-1, keepdim=True) + eps).rsqrt()
        return normal if layer.weight is None else normal * layer.weight

    return function


_REPLACED: dict[type[nn.Module], Callable[..., Function | None]] = {
    nn.ELU: _elu,
    nn.CELU: _elu,
    nn.Softplus: _softplus,
    nn.LogSigmoid: _log_sigmoid,
    nn.Threshold: _threshold,
    nn.BatchNorm1d: _batch_norm,
    nn.RMSNorm: _rms_norm,
}


def prepared(network: nn.Sequential, link: str | None) -> nn.Module:
    """The network with every layer replaced whose recording is not exact; with probabilities where a link is given."""
    layers = [_simple(layer) for layer in network]
    model = nn.Sequential(*layers).eval()
    return model if link is None else WithProbabilities(model, link).eval()


def _simple(layer: nn.Module) -> nn.Module:
    replace = _REPLACED.get(type(layer))
    function = replace(layer) if replace else None
    if function is not None:
        return Simple(function)
    if not layer._modules:
        return layer
    changed = copy(layer)  # with the same tensors; the layer itself keeps what it holds
    changed._modules = {name: _simple(inner) for name, inner in layer.named_children()}
    return changed
