"""Numbers and categories of a table as inputs of a network: what is fitted on some rows, and applied to any.

scikit-learn's transformers fit and scale. Exported scripts contain these functions as they stand here, so their code
keeps to 88 columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The text keeps to the width of 88 that ruff has by default.
# fmt: off

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Fitted = tuple[Floats, Floats, Floats]

COLUMNS_AT_ONCE = 2
"""How many columns are copied at a time, so that a large table is not copied whole."""


@dataclass(frozen=True, eq=False)
class Preparation:
    """What was fitted on the training part of a table."""

    number_fills: Floats
    """(F,) what stands for a missing number of each column of numbers."""
    centre: Floats
    """(F,) what is taken from each of them."""
    scale: Floats
    """(F,) what each is divided by after that."""
    category_fills: tuple[int, ...]
    """What stands for a missing category of each column of categories; -1 for none."""


def fit_fills(training: Floats, strategies: Sequence[str]) -> Floats:
    """What stands for missing numbers (F,) in columns (N, F), each by its strategy."""
    from sklearn.impute import SimpleImputer

    fills = np.empty(len(strategies))
    for column, strategy in enumerate(strategies):
        imputer = SimpleImputer(strategy=strategy, keep_empty_features=True)
        fills[column] = imputer.fit(training[:, [column]]).statistics_[0]
    return fills


def fit_scale(training: Floats, scaling: str) -> tuple[Floats, Floats]:
    """What is taken from each column (F,) of (N, F), and what the rest is divided by."""
    from sklearn.preprocessing import MaxAbsScaler, RobustScaler, StandardScaler

    columns = training.shape[1]
    if scaling == "standard":
        scaler = StandardScaler().fit(training)
        return scaler.mean_, scaler.scale_
    if scaling == "robust":
        scaler = RobustScaler().fit(training)
        return scaler.center_, scaler.scale_
    if scaling == "max-abs":
        return np.zeros(columns), MaxAbsScaler().fit(training).scale_
    return np.zeros(columns), np.ones(columns)


def fit_numbers(numbers: Floats, rows: Codes, strategies: Sequence[str], scaling: str) -> Fitted:
    """Fills, centre and scale (F,) of columns (N, F), fitted on some of the rows."""
    found = []
    for start, end in starts(numbers.shape[1]):
        block = np.ascontiguousarray(numbers[rows, start:end])
        fills = fit_fills(block, strategies[start:end])
        block = np.where(np.isnan(block), fills, block)
        found.append((fills, *fit_scale(block, scaling)))
    if not found:
        return np.empty(0), np.empty(0), np.empty(0)
    fills, centre, scale = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return fills, centre, scale


def fit_category(codes: Codes, strategy: str) -> int:
    """What stands for a missing category: the most frequent one, or -1 for none."""
    from sklearn.impute import SimpleImputer

    if strategy != "most_frequent" or not (codes >= 0).any():
        return -1
    imputer = SimpleImputer(missing_values=-1, strategy="most_frequent")
    return int(imputer.fit(codes.reshape(-1, 1)).statistics_[0])


def scaled(numbers: Floats, fills: Floats, centre: Floats, scale: Floats) -> Floats:
    """Columns (N, F) with nothing missing, scaled."""
    return (np.where(np.isnan(numbers), fills, numbers) - centre) / scale


def one_hot(codes: Codes, fill: int, width: int) -> Floats:
    """Categories (N,) as columns (N, width): 1 in that of the category, 0 elsewhere."""
    from sklearn.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(
        categories=[np.arange(width)], handle_unknown="ignore", sparse_output=False
    )
    encoder.fit(np.arange(width).reshape(-1, 1))
    columns: Floats = encoder.transform(np.where(codes < 0, fill, codes).reshape(-1, 1))
    return columns


def starts(columns: int) -> list[tuple[int, int]]:
    """Blocks of columns from start to end; sums of a lone column would round otherwise."""
    ends = [*range(COLUMNS_AT_ONCE, columns - 1, COLUMNS_AT_ONCE), columns]
    return list(zip([0, *ends[:-1]], ends, strict=True)) if columns else []
