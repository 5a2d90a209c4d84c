"""Predictions of saved weights for new rows and images, with the data set's own preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.data.generated import features_of
from mlp_core.errors import DataError
from mlp_core.export import standalone
from mlp_core.export.preprocessing import Preprocessing, preprocessing_of
from mlp_core.export.state import network
from mlp_core.export.weights import Weights

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 1000
DEVIATION = "std"
"""What a table calls the standard deviation of a value, after the target's name."""
OTHER = "\x00"
"""A cell that is none of the categories of its column, and no text that a file can hold."""
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers for N samples. What does not apply is None."""

    names: tuple[str, ...]
    """Which sample each is: a row's number or a file."""
    preprocessing: Preprocessing
    """How the samples were made ready."""
    outputs: NDArray[np.float32]
    """float32 (N, O), what the network gave."""
    classes: NDArray[np.int64] | None = None
    """int64 (N,), the class of each sample."""
    probabilities: NDArray[np.float32] | None = None
    """float32 (N, K), the probability of each class."""
    values: NDArray[np.float64] | None = None
    """float64 (N, T), a regression's answers in the unit of the data."""
    deviations: NDArray[np.float64] | None = None
    """float64 (N, T), the standard deviation that the network gives each of them, where its loss asks for one."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each predicted class; empty in regression."""
        return () if self.classes is None else tuple(self.preprocessing.class_names[i] for i in self.classes)

    def as_csv(self) -> str:
        """A table with a row per sample: its name, then the class and all probabilities, or the values."""
        first = "file" if self.preprocessing.image_shape else "row"
        if self.values is not None:
            header, values = [first, *self.preprocessing.target_names], self.values
            if self.deviations is not None:
                header += [f"{name} {DEVIATION}" for name in self.preprocessing.target_names]
                values = np.concatenate([values, self.deviations], axis=1)
            return standalone.write_table(
                header,
                ([name, *(f"{value:.7g}" for value in row)] for name, row in zip(self.names, values, strict=True)),
            )
        assert self.probabilities is not None
        header = [first, "prediction", *self.preprocessing.class_names]
        answers = zip(self.names, self.labels, self.probabilities, strict=True)
        return standalone.write_table(
            header, ([name, label, *(f"{value:.6f}" for value in row)] for name, label, row in answers)
        )


def with_preprocessing(weights: Weights, data_dir: Path | None = None) -> Preprocessing:
    """The preprocessing in the weights, or else that of their data set, which is loaded for it."""
    from mlp_core import data

    if weights.preprocessing is not None:
        return weights.preprocessing
    return preprocessing_of(weights.experiment, data.load(weights.experiment.data, data_dir))


def read_files(paths: Sequence[Path], preprocessing: Preprocessing) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The samples in files, and the name of each.

    Rows of CSV files as float64 (N, columns), or images as uint8 (N, C, H, W), as the preprocessing has it. Raises
    `DataError`.
    """
    wanted = "an image" if preprocessing.image_shape else "a table"
    for path in paths:
        if (path.suffix.lower() in IMAGE_SUFFIXES) != bool(preprocessing.image_shape):
            raise DataError(
                f"This network takes {wanted}, and {str(path)!r} is none by its name. "
                f"Choose {'PNG or JPEG files' if preprocessing.image_shape else 'a CSV file'}."
            )
    try:
        if preprocessing.image_shape:
            images = [standalone.read_image(path, preprocessing.image_shape) for path in paths]
            return np.stack(images), tuple(map(str, paths))
        tables = [_rows(standalone.read_text(path), preprocessing) for path in paths]
    except ValueError as error:
        raise DataError(str(error)) from None
    samples = np.concatenate(tables)
    return samples, tuple(str(number + 1) for number in range(len(samples)))


def _rows(text: str, preprocessing: Preprocessing) -> NDArray[np.float64]:
    """The rows of a table: its columns, or what a table with kinds makes of them before it is scaled."""
    if not preprocessing.kinds:
        return standalone.read_table(text, preprocessing.columns)
    rows, decimal = standalone.read_rows(text, preprocessing.columns)
    return standalone.prepare_rows(
        rows,
        decimal,
        preprocessing.columns,
        preprocessing.kinds,
        preprocessing.formats,
        preprocessing.categories,
        preprocessing.rest,
        preprocessing.fills,
    )


def cells_of(sample: NDArray[Any], preprocessing: Preprocessing) -> tuple[str, ...]:
    """The cells of a sample (inputs,) of a table with kinds, before it is scaled: what `sample_of` makes it of again.

    A date is to the day where its form has no time. A category that the inputs do not tell is `OTHER`, or '' for none.
    """
    cells, start = [], 0
    for column, kind in enumerate(preprocessing.kinds):
        width = preprocessing.width(column)
        values = sample[start : start + width]
        if kind == "category":
            texts = (*preprocessing.categories[column], *([OTHER] if preprocessing.rest[column] else []))
            cells.append(texts[int(values.argmax())] if values.any() else "")
        elif kind == "date":
            form = preprocessing.formats[column]
            seconds = round(float(values[0])) * 86_400 if "%H" not in form else round(float(values[0]) * 86_400)
            cells.append((datetime(1970, 1, 1) + timedelta(seconds=seconds)).strftime(form))
        else:
            cells.append(f"{values[0]:.6g}")
        start += width
    return tuple(cells)


def sample_of(cells: Sequence[str], preprocessing: Preprocessing) -> NDArray[np.float64]:
    """A sample (inputs,) of a table with kinds from one cell a column, before it is scaled; '' is a missing one.

    Raises `DataError` naming the column whose cell is no value of its kind, or missing where it may not be.
    """
    for name, kind, form, cell in zip(preprocessing.columns, preprocessing.kinds, preprocessing.formats, cells,
                                      strict=True):  # fmt: skip
        missing = cell in standalone.MISSING
        if kind != "category" and not missing and standalone.cell_value(cell, ".", form) is None:
            like = f" such as {datetime(2024, 12, 31).strftime(form)}" if form else ""
            raise DataError(f"The column {name!r} must hold a {kind}{like}. Got {cell[:60]!r} instead. Correct it.")
    made_by = preprocessing
    try:
        rows = standalone.prepare_rows([(1, cells)], ".", made_by.columns, made_by.kinds, made_by.formats,
                                       made_by.categories, made_by.rest, made_by.fills)  # fmt: skip
    except ValueError as error:
        raise DataError(str(error).replace(" in line 1", "")) from None
    found: NDArray[np.float64] = rows[0]
    return found


def inputs_of(samples: NDArray[Any], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Inputs of the network, float32, from samples as `read_files` gives them."""
    if preprocessing.features:
        return features_of(samples.astype(np.float32), preprocessing.features)
    if preprocessing.mean:
        samples = (samples - np.array(preprocessing.mean)) / np.array(preprocessing.std)
    return samples.astype(np.float32) / np.float32(preprocessing.divisor)


def predict(
    weights: Weights,
    samples: NDArray[Any],
    preprocessing: Preprocessing | None = None,
    names: Sequence[str] | None = None,
) -> Predictions:
    """Answers for samples in their own units: rows (N, columns) of numbers, or images uint8 (N, C, H, W).

    Raises `SpecError` where weights and experiment do not fit, and `DataError` for samples of another shape.
    """
    import torch

    from mlp_core.run.answers import predicted_class, predicted_deviations, predicted_values, probabilities

    made_by = preprocessing or with_preprocessing(weights)
    shape = made_by.image_shape or (made_by.inputs if made_by.kinds else len(made_by.columns),)
    if samples.shape[1:] != shape:
        raise DataError(
            f"Samples must have the shape (N, {', '.join(map(str, shape))}). Got {samples.shape} instead. "
            "Give the network what it was trained on."
        )
    model = network(weights.experiment, weights.tensors)
    inputs = torch.from_numpy(inputs_of(samples, made_by))
    with torch.inference_mode():
        outputs: Tensor = torch.cat([model(part) for part in torch.split(inputs, BATCH)])
    found = tuple(names or map(str, range(1, len(samples) + 1)))
    loss = weights.experiment.loss.entry
    if made_by.class_names:
        return Predictions(
            found,
            made_by,
            outputs.numpy(),
            classes=predicted_class(outputs, loss).numpy(),
            probabilities=probabilities(outputs, loss).numpy(),
        )
    values = predicted_values(outputs, weights.experiment.loss).double().numpy()
    given = predicted_deviations(outputs, weights.experiment.loss)
    deviations = None if given is None else given.double().numpy()
    if made_by.target_mean:
        values = values * np.array(made_by.target_std) + np.array(made_by.target_mean)
        deviations = None if deviations is None else deviations * np.array(made_by.target_std)
    return Predictions(found, made_by, outputs.numpy(), values=values, deviations=deviations)
