"""How rows and images of the outside world become inputs of a network, and outputs become answers, as plain data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from mlp_core.catalog.parameters import shorten
from mlp_core.catalog.tables import DATE_FORMATS, KINDS, table_of
from mlp_core.errors import SpecError
from mlp_core.spec import Experiment

if TYPE_CHECKING:
    from mlp_core.data.dataset import Dataset
    from mlp_core.data.preparation import Preparation

PLANE = ("x1", "x2")
"""The columns of a table of points, from which the chosen input features are made."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a data set does to a sample before the network sees it."""

    columns: tuple[str, ...] = ()
    """The columns of a table; empty for images."""
    features: tuple[str, ...] = ()
    """Functions of two columns that the network takes in their place."""
    mean: tuple[float, ...] = ()
    """What is taken from each input; empty where inputs are not standardised."""
    std: tuple[float, ...] = ()
    """What each input is divided by after that."""
    image_shape: tuple[int, ...] = ()
    """(channels, height, width) of an image; empty for tables."""
    divisor: float = 1.0
    """What the bytes of an image are divided by."""
    kinds: tuple[str, ...] = ()
    """What each column holds: 'number', 'date' or 'category'; empty where all hold numbers and none is missing."""
    formats: tuple[str, ...] = ()
    """The form of each column's dates, '' for other kinds; as long as `kinds`."""
    categories: tuple[tuple[str, ...], ...] = ()
    """The texts of each column that have an input of their own; as long as `kinds`."""
    rest: tuple[bool, ...] = ()
    """Whether all other texts of a column share one more input; as long as `kinds`."""
    fills: tuple[float | None, ...] = ()
    """What stands for a missing cell of each column: a number, days, or the place of a category, -1 for none of them.
    None where nothing does. As long as `kinds`."""
    class_names: tuple[str, ...] = ()
    """The classes in the order of the outputs; empty for a regression."""
    target_names: tuple[str, ...] = ()
    """The targets of a regression."""
    target_unit: str = ""
    """Their unit, '' for none."""
    target_mean: tuple[float, ...] = ()
    """What is added to an output, multiplied by `target_std`, to have the unit of the data; may be empty."""
    target_std: tuple[float, ...] = ()
    """What an output is multiplied by before that."""

    @property
    def inputs(self) -> int:
        """Numbers that the network takes of one sample."""
        if self.image_shape:
            return math.prod(self.image_shape)
        if self.kinds:
            return sum(map(self.width, range(len(self.kinds))))
        return len(self.features or self.columns)

    def width(self, column: int) -> int:
        """Numbers that the network takes of one column of a table with `kinds`."""
        return len(self.categories[column]) + self.rest[column] if self.kinds[column] == "category" else 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any, experiment: Experiment) -> Preprocessing:
        """Read what `as_dict` gave; raises `SpecError` where it does not fit the experiment."""
        if not isinstance(values, Mapping):
            raise _unfit("preprocessing", values)
        defaults = {field.name: field.default for field in fields(cls)}
        for name in values:
            if name not in defaults:
                raise SpecError(f"The preprocessing has an unknown key {shorten(name)}. Save the weights again.")
        found = cls(**{name: _like(name, value, defaults[name]) for name, value in values.items()})
        found._check_columns()
        found._check(experiment)
        return found

    def _check_columns(self) -> None:
        """Refuse lists of columns that do not belong together."""
        for name in ("formats", "categories", "rest", "fills"):
            if len(getattr(self, name)) != len(self.kinds):
                raise _unfit(name, getattr(self, name))
        if self.kinds and len(self.kinds) != len(self.columns):
            raise _unfit("kinds", self.kinds)
        for column, kind in enumerate(self.kinds):
            fill, width = self.fills[column], self.width(column)
            if kind not in KINDS or width < 1 or (kind == "date") != (self.formats[column] in DATE_FORMATS):
                raise _unfit("kinds", self.kinds)
            if kind == "category" and fill is not None and (fill != int(fill) or not -1 <= fill < width):
                raise _unfit("fills", self.fills)

    def _check(self, experiment: Experiment) -> None:
        from mlp_core.plan import plan

        shape, outputs = experiment.data.facts.sample_shape, plan(experiment).outputs
        classification = experiment.data.facts.task == "classification"
        targets = 0 if classification else outputs // experiment.loss.entry.outputs_per_target
        known = {
            "image_shape": self.image_shape == (shape if len(shape) > 1 else ()),
            "columns": bool(self.columns) != bool(self.image_shape) and self.inputs == math.prod(shape),
            "features": self.features == tuple(experiment.data.params.get("features", ())),
            "mean": len(self.mean) in (0, self.inputs),
            "std": len(self.std) == len(self.mean) and all(value > 0 for value in self.std),
            "divisor": self.divisor > 0,
            "class_names": len(self.class_names) == (max(2, outputs) if classification else 0),
            "target_names": len(self.target_names) == targets,
            "target_mean": len(self.target_mean) in (0, targets),
            "target_std": len(self.target_std) == len(self.target_mean) and all(v > 0 for v in self.target_std),
        }
        for name, fits in known.items():
            if not fits:
                raise _unfit(name, getattr(self, name))


def preprocessing_of(experiment: Experiment, dataset: Dataset) -> Preprocessing:
    """What the loaded data set does to the experiment's samples."""
    scale = ((), ()) if experiment.loss.entry.counts else _target_scale(dataset)
    if dataset.preparation is not None:
        return _of_table(dataset, dataset.preparation, scale)
    images = len(dataset.facts.sample_shape) > 1
    features = tuple(experiment.data.params.get("features", ()))
    return Preprocessing(
        columns=() if images else PLANE if features else tuple(dataset.feature_names),
        features=features,
        mean=_floats(dataset.feature_mean),
        std=_floats(dataset.feature_std),
        image_shape=dataset.facts.sample_shape if images else (),
        divisor=dataset.divisor,
        class_names=tuple(dataset.facts.class_names),
        target_names=tuple(dataset.facts.target_names),
        target_unit=experiment.data.facts.target_unit,
        target_mean=scale[0],
        target_std=scale[1],
    )


Scale = tuple[tuple[float, ...], tuple[float, ...]]


def _target_scale(dataset: Dataset) -> Scale:
    """Mean and standard deviation that targets were standardised by; empty where they were not."""
    return _floats(dataset.target_mean), _floats(dataset.target_std)


def _of_table(dataset: Dataset, fitted: Preparation, scale: Scale) -> Preprocessing:
    """What was fitted on the training part of an uploaded table; `scale` is that of its targets."""
    from mlp_core.data.uploaded import input_scale

    table = table_of(dataset.spec.params)
    assert table is not None, "a table was loaded"
    numbers, places = iter(fitted.number_fills.tolist()), iter(fitted.category_fills)
    fills = [float(next(places) if column.kind == "category" else next(numbers)) for column in table.features]
    mean, std = input_scale(table.features, fitted)
    return Preprocessing(
        columns=tuple(column.name for column in table.features),
        kinds=tuple(column.kind for column in table.features),
        formats=tuple(column.format for column in table.features),
        categories=tuple(column.categories for column in table.features),
        rest=tuple(column.rest for column in table.features),
        fills=tuple(
            None if column.fill == "drop" else fill for column, fill in zip(table.features, fills, strict=True)
        ),
        mean=_floats(mean),
        std=_floats(std),
        class_names=table.classes,
        target_names=dataset.facts.target_names,
        target_mean=scale[0],
        target_std=scale[1],
    )


def _floats(array: Any) -> tuple[float, ...]:
    return () if array is None else tuple(float(value) for value in array)


def _like(name: str, value: Any, default: Any) -> Any:
    """The value, if it is of the same kind as the default: text, a finite number, or a tuple of either."""
    if isinstance(default, str):
        if _is_text(value):
            return value
    elif isinstance(default, float):
        if _is_finite(value):
            return float(value)
    elif isinstance(value, list | tuple):
        if name in _ITEMS and all(map(_ITEMS[name], value)):
            return tuple(tuple(item) if isinstance(item, list | tuple) else item for item in value)
        if name == "image_shape" and all(isinstance(item, int) for item in value):
            return tuple(value)
        if name in ("columns", "features", "class_names", "target_names", "kinds", "formats"):
            if all(map(_is_text, value)):
                return tuple(value)
        elif name not in _ITEMS and all(map(_is_finite, value)):
            return tuple(map(float, value))
    raise _unfit(name, value)


def _is_text(value: Any) -> bool:
    """Whether it is text that can be printed: half of a surrogate pair, which JSON can spell, cannot."""
    return isinstance(value, str) and value.encode("utf-8", "ignore").decode("utf-8") == value


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e300


_ITEMS: dict[str, Callable[[Any], bool]] = {
    "categories": lambda item: isinstance(item, list | tuple) and all(map(_is_text, item)),
    "rest": lambda item: isinstance(item, bool),
    "fills": lambda item: item is None or _is_finite(item),
}
"""What the items of a list must be, where they are neither all texts nor all numbers."""


def _unfit(name: str, value: Any) -> SpecError:
    return SpecError(
        f"The {name!r} of the preprocessing does not fit the experiment. Got {shorten(value)}. Save the weights again."
    )
