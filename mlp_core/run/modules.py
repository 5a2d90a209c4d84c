"""Modules that `torch.nn` has not, each named by its entry in the catalog. Exported scripts contain their source."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812  # as scripts call it
from torch import Tensor, nn


class Residual(nn.Sequential):
    """Adds its input to what its layers make of it."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)  # type: ignore[no-any-return, no-untyped-call]


class FeatureAttention(nn.Module):
    """Self-attention with the features as tokens: each is embedded, all look at one another, each becomes a number."""

    def __init__(
        self,
        num_features: int,
        embed_dim: int = 8,
        num_heads: int = 1,
        dropout: float = 0.1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(num_features, embed_dim))
        self.place = nn.Parameter(torch.empty(num_features, embed_dim))
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, dropout, bias)
        self.back = nn.Linear(embed_dim, 1)
        nn.init.normal_(self.scale)
        nn.init.normal_(self.place)

    def forward(self, x: Tensor) -> Tensor:
        tokens = (x.unsqueeze(2) * self.scale + self.place).transpose(0, 1)
        inner = self.attention
        # The function: in a test, the module takes a way that rounds differently.
        mixed, _ = F.multi_head_attention_forward(
            tokens,
            tokens,
            tokens,
            inner.embed_dim,
            inner.num_heads,
            inner.in_proj_weight,
            inner.in_proj_bias,
            None,
            None,
            False,
            inner.dropout,
            inner.out_proj.weight,
            inner.out_proj.bias,
            training=self.training,
        )
        return self.back(mixed.transpose(0, 1)).squeeze(2)  # type: ignore[no-any-return]


class HingeLoss(nn.Module):
    """The mean of what outputs lack of a margin on the right side of zero, which targets of 1 and -1 tell."""

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (self.margin - targets * outputs).clamp(min=0.0).mean()


class MeanVarianceLoss(nn.Module):
    """The loss of nn.GaussianNLLLoss, of outputs that hold all means first and then, for softplus, all variances."""

    def __init__(self, full: bool = False, eps: float = 1e-6) -> None:
        super().__init__()
        self.constant = 0.5 * math.log(2 * math.pi) if full else 0.0
        self.eps = eps

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        mean, raw = outputs.chunk(2, dim=1)
        variance = F.softplus(raw) + self.eps
        loss = 0.5 * (torch.log(variance) + (mean - targets) ** 2 / variance)
        return (loss + self.constant).mean()
