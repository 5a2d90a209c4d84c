"""The tables that come with scikit-learn, standardised; and the standardising that any table gets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.datasets import DATASETS
from mlp_core.data.dataset import Array, Dataset, read_only
from mlp_core.data.split import split_parts
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec

HOUSING_COLUMNS = (
    "MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude",
)  # fmt: skip
"""The columns of California housing, by scikit-learn's names."""

Floats = NDArray[np.float64]


def load_table(name: str) -> tuple[Floats, Array, tuple[str, ...]]:
    """A bundled table by its catalog name, as scikit-learn's `load_<name>` returns it.

    Returns inputs (N, F), targets (N,) and the names of the columns.
    """
    # The import takes three seconds, and the generated sets of the first page do without.
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(**DATASETS[name].load_options)
    return bunch.data, bunch.target, tuple(map(str, bunch.feature_names))


def read_housing(folder: Path, files: Sequence[str], train: bool) -> Floats:
    """The lines (N, 9) of California housing's file; raises `ValueError` where they are something else."""
    found = np.loadtxt(folder / files[0], delimiter=",")
    if found.ndim != 2 or found.shape[1] != 9 or len(found) < 2 or not np.isfinite(found).all():
        raise ValueError(f"it holds an array {found.shape}, and nine finite numbers a line are due")
    return found


def load_housing(folder: Path) -> tuple[Floats, Floats, tuple[str, ...]]:
    """California housing from its official file, as scikit-learn's `fetch_california_housing` makes it.

    Raises `DataError` where the file is damaged.
    """
    files = DATASETS["california_housing"].files
    try:
        found = read_housing(folder, files, True)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The file {folder / files[0]} of California housing is damaged ({error}). Delete it and download the set "
            "again."
        ) from error
    longitude, latitude, age, rooms, bedrooms, people, households, income, value = found.T
    columns = [income, age, rooms / households, bedrooms / households, people, people / households, latitude, longitude]
    return np.stack(columns, axis=1), value / 100_000, HOUSING_COLUMNS


def read_table(spec: DataSpec) -> Dataset:
    """The bundled table that the spec names: split, then standardised by its training part."""
    x, y, feature_names = load_table(spec.dataset)
    return standardised(spec, x, y, feature_names)


def standardised(spec: DataSpec, x: Floats, y: Array, feature_names: tuple[str, ...] = ("x",)) -> Dataset:
    """A table with inputs (N, F) and targets (N,) or (N, T): split, then standardised by its training part."""
    if spec.facts.classifies:
        y = y.astype(np.int64)
        parts = split_parts(spec, len(x), y)
        target_mean = target_std = raw = None
    else:
        y = y.astype(np.float64).reshape(len(x), -1)
        parts = split_parts(spec, len(x))
        target_mean, target_std = standardisation(y[parts.train])
        raw = y.astype(np.float32)
        y = _standardised(y, target_mean, target_std)
    train, validation, test = parts.train, parts.validation, parts.test
    mean, std = standardisation(x[train])
    standardised = _standardised(x, mean, std)
    return Dataset(
        spec=spec,
        x_train=read_only(standardised[train]),
        y_train=read_only(y[train]),
        x_validation=None if validation is None else read_only(standardised[validation]),
        y_validation=None if validation is None else read_only(y[validation]),
        x_test=read_only(standardised[test]),
        y_test=read_only(y[test]),
        feature_names=feature_names,
        feature_mean=read_only(mean.astype(np.float32)),
        feature_std=read_only(std.astype(np.float32)),
        target_mean=None if target_mean is None else read_only(target_mean.astype(np.float32)),
        target_std=None if target_std is None else read_only(target_std.astype(np.float32)),
        unscaled_train=None if raw is None else read_only(raw[train]),
        unscaled_validation=None if raw is None or validation is None else read_only(raw[validation]),
        unscaled_test=None if raw is None else read_only(raw[test]),
        notes=_notes(x[train], feature_names, target_std is not None),
    )


def standardisation(training: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (F,) of the columns of (N, F), the deviation of a constant column being 1.

    The population's deviation (divided by N), and the same test for "constant" as scikit-learn's
    StandardScaler: a variance no larger than what rounding leaves of equal numbers.
    """
    mean, variance = training.mean(axis=0), training.var(axis=0)
    rounding = np.finfo(np.float64).eps
    bound = len(training) * rounding * variance + (len(training) * mean * rounding) ** 2
    return mean, np.where(variance <= bound, 1.0, np.sqrt(variance))


def _standardised(values: Floats, mean: Floats, std: Floats) -> NDArray[np.float32]:
    return ((values - mean) / std).astype(np.float32)


def _notes(training: Floats, names: tuple[str, ...], targets: bool) -> tuple[str, ...]:
    what = "Inputs and targets were" if targets else "Inputs were"
    notes = [
        f"{what} standardised: mean 0, standard deviation 1 over the training part."
    ]
    constant = [name for name, column in zip(names, training.T, strict=True) if np.ptp(column) == 0]
    if constant:
        shown = ", ".join(constant[:5]) + (", …" if len(constant) > 5 else "")
        notes.append(f"Constant in the training part, and so without information: {shown}.")
    return tuple(notes)
