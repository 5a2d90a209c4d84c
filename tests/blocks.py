"""Networks with residual blocks for two inputs and two classes, as tests of engines and exports want them."""

from __future__ import annotations

from typing import Any

from mlp_core.spec import LayerSpec


def layer(name: str, **params: Any) -> LayerSpec:
    return LayerSpec(type=name, params=params)


def residual(*inside: LayerSpec) -> LayerSpec:
    return LayerSpec(type="Residual", inside=inside)


NESTED = residual(
    layer("BatchNorm1d"), layer("Tanh"), residual(layer("Linear", out_features=7), layer("ReLU"), layer("Linear"))
)
NETWORKS: dict[str, tuple[LayerSpec, ...]] = {
    "plain": (layer("Linear", out_features=5), layer("Residual"), layer("ReLU"), layer("Residual"), layer("Linear")),
    "nested": (layer("Linear", out_features=5), NESTED, layer("ReLU"), layer("Linear")),
    "first": (residual(layer("Linear", out_features=4), layer("ReLU"), layer("Linear")), layer("Linear")),
    "last": (layer("Linear"), residual(layer("ReLU"), layer("Linear", bias=False))),
    "without weights": (
        layer("Linear", out_features=5), residual(layer("ReLU")), residual(layer("Identity")), layer("Linear"),
    ),
    "deep": (
        layer("Linear", out_features=4), layer("ReLU"),
        residual(layer("ReLU"), residual(layer("ReLU"), residual(layer("Linear"), layer("ReLU")), layer("Linear"))),
        layer("Linear"),
    ),
    "random numbers": (
        layer("Linear", out_features=5), residual(layer("Linear"), layer("ReLU"), layer("Dropout", p=0.2)),
        layer("Linear"),
    ),
}  # fmt: skip
"""Networks by what is special in them; every one trains with any loss that takes raw outputs."""
