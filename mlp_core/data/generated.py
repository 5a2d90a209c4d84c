"""Generated sets as data sets: points of the plane with the features that are made of them, and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import CodeType

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog import FEATURES, load_object
from mlp_core.data.dataset import Array, Dataset, read_only
from mlp_core.data.split import Indices, split_parts
from mlp_core.data.tabular import standardised
from mlp_core.data.user_made import arguments, refuse_lack
from mlp_core.spec import DataSpec

Points = NDArray[np.float32]

EXTENT = (-1.25, 1.25)
"""The range of both coordinates that a decision boundary covers; every generated point lies inside."""


def features_of(points: Points, names: Sequence[str]) -> Points:
    """Inputs float32 (N, len(names)) of points float32 (N, 2), in the order of the names."""
    coordinates = {"np": np, "x1": points[:, 0], "x2": points[:, 1]}
    return np.stack([eval(_formula(name), coordinates) for name in names], axis=1).astype(np.float32)


@cache
def _formula(name: str) -> CodeType:
    """The catalog's formula of a feature, compiled: text of this program, never of a user."""
    return compile(FEATURES[name].code, f"<feature {name}>", "eval")


def sample_points(resolution: int) -> Points:
    """A square grid over `EXTENT` as points float32 (resolution², 2).

    Row by row from the lowest x₂, so that `values.reshape(resolution, resolution)[row, column]` belongs to
    the row-th x₂ and the column-th x₁, as heat maps expect.
    """
    axis = np.linspace(*EXTENT, resolution, dtype=np.float32)
    x1, x2 = np.meshgrid(axis, axis)
    return np.stack([x1.ravel(), x2.ravel()], axis=1)


def generate(spec: DataSpec) -> Dataset:
    """The set that the spec describes, split."""
    facts = spec.facts
    make: Callable[..., tuple[Array, Array]] = load_object(spec.entry.loader)
    params = arguments(spec)
    chosen = params.pop("features", ())
    made, values = make(**params, seed=spec.seed)
    if spec.entry.needs_classes:
        refuse_lack(spec, values)
    if spec.entry.standardised:
        return standardised(spec, made, values)
    made = made.astype(np.float32)
    inputs = features_of(made, chosen) if facts.plane else made
    if facts.classifies:
        parts = split_parts(spec, len(values), values)
    else:
        values = values.astype(np.float32)
        parts = split_parts(spec, len(values))
    return Dataset(
        spec=spec,
        x_train=read_only(inputs[parts.train]),
        y_train=read_only(values[parts.train]),
        x_validation=_part(inputs, parts.validation),
        y_validation=_part(values, parts.validation),
        x_test=read_only(inputs[parts.test]),
        y_test=read_only(values[parts.test]),
        feature_names=chosen or tuple(f"x{column + 1}" for column in range(inputs.shape[1])),
        points_train=read_only(made[parts.train]) if facts.plane else None,
        points_validation=_part(made, parts.validation) if facts.plane else None,
        points_test=read_only(made[parts.test]) if facts.plane else None,
    )


def _part(array: Array, part: Indices | None) -> Array | None:
    """The samples of a part; None where there is no such part."""
    return None if part is None else read_only(array[part])
