"""A user's own table as data: which file, how it was read, what each column holds, and what is predicted.

The file itself is no part of an experiment. It is named by its SHA-256 sum, and everything that decides arrays and
facts stands here, so that a network can be planned where the file is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from mlp_core.catalog.facts import DataFacts, Task
from mlp_core.catalog.parameters import Bool, Choice, Int, Parameter
from mlp_core.catalog.structures import Items, Record
from mlp_core.catalog.user_files import FILE_FIELDS, UserFile
from mlp_core.catalog.user_files import name_parameter as _name
from mlp_core.limits import (
    MAX_CATEGORIES,
    MAX_CLASSES,
    MAX_TABLE_COLUMNS,
    MAX_TABLE_ROWS,
    MAX_TABLE_TEXT,
)

Kind = Literal["number", "category", "date"]

KINDS: dict[str, str] = {
    "number": "a number",
    "category": "one of a few texts; each is an input that is 1 or 0",
    "date": "a date; the input is its days since 1 January 1970",
}
"""What a column may hold, with what becomes of it."""
IGNORED = "ignored"
"""The kind of a column that the network does not see; such columns stand in no experiment."""

FILLS: dict[str, str] = {
    "mean": "the mean",
    "median": "the median",
    "most_frequent": "the most frequent value",
    "none": "no category: all its inputs are 0",
    "drop": "leave the row out",
}
"""What stands for a missing cell: names of scikit-learn's SimpleImputer, and two of ours."""
FILLS_OF: dict[str, tuple[str, ...]] = {
    "number": ("mean", "median", "most_frequent", "drop"),
    "date": ("mean", "median", "most_frequent", "drop"),
    "category": ("most_frequent", "none", "drop"),
}
"""What a column of each kind may do with a missing cell, the usual first."""

ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
"""Encodings by Python's names. UTF-8 with a mark at its start is 'utf-8', too."""
SEPARATORS: dict[str, str] = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
DECIMALS: dict[str, str] = {".": "point", ",": "comma"}

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "None", "?", "-")
"""Cells that count as missing."""

DATE_FORMATS: tuple[str, ...] = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
    "%d-%m-%Y",
)  # fmt: skip
"""Forms of dates that are looked for, in this order."""

SCALINGS: dict[str, str] = {
    "standard": "mean 0, standard deviation 1",
    "robust": "median 0, middle half of width 1",
    "max-abs": "largest size 1",
    "none": "as they are",
}
"""How numbers and dates are scaled."""

REST = "other"
"""What a page calls the input that rare categories share."""


@dataclass(frozen=True, kw_only=True)
class TableFile(UserFile):
    """Which file, and how it is read."""

    rows: int
    """Its rows, those with missing cells included."""
    format: str = "csv"
    """'csv' or 'parquet'."""
    encoding: str = "utf-8"
    """How its bytes are text: one of `ENCODINGS`."""
    separator: str = ","
    """What stands between two cells."""
    decimal: str = "."
    """What stands before the decimals of a number."""
    header: bool = True
    """Whether its first line names the columns; else they are 'column 1', 'column 2' and so on."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that the network sees."""

    name: str
    """Its name."""
    kind: Kind = "number"
    """What it holds."""
    format: str = ""
    """The form of its dates, as of `datetime.strptime`; '' for other kinds."""
    categories: tuple[str, ...] = ()
    """Texts that have an input of their own; empty for other kinds."""
    rest: bool = False
    """Whether all other texts share one more input; else they are no category."""
    missing: str = ""
    """What stands for a missing cell: a name of `FILLS`; '' for the usual of its kind."""

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return len(self.categories) + self.rest if self.kind == "category" else 1

    @property
    def fill(self) -> str:
        """What stands for a missing cell."""
        return self.missing or FILLS_OF[self.kind][0]

    @property
    def input_names(self) -> tuple[str, ...]:
        """A name for each input that it makes."""
        if self.kind != "category":
            return (self.name,)
        return tuple(f"{self.name} = {category}" for category in (*self.categories, *([REST] if self.rest else [])))


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with what is learned from what."""

    file: TableFile
    """Which file."""
    features: tuple[Column, ...]
    """The columns that the network sees, in the order of its inputs."""
    target: str
    """The name of the column that is predicted."""
    classes: tuple[str, ...] = ()
    """The texts of the target, one a class; empty for a regression."""

    @property
    def task(self) -> Task:
        """Whether a class or a number is predicted."""
        return "classification" if self.classes else "regression"

    @cached_property
    def facts(self) -> DataFacts:
        """What is known of it without the file."""
        return DataFacts(
            task=self.task,
            sample_shape=(sum(column.width for column in self.features),),
            class_names=self.classes,
            target_names=() if self.classes else (self.target,),
            samples=self.file.rows,
            pixels=pixels_of([column.name for column in self.features])
            if all(column.kind == "number" for column in self.features)
            else None,
        )

    def values(self) -> dict[str, Any]:
        """The value of the parameter 'table' that `read_table` makes this from."""
        return {
            "file": dict(vars(self.file)),
            "features": [
                {key: value for key, value in vars(column).items() if value != Column.__dataclass_fields__[key].default}
                for column in self.features
            ],
            "target": self.target,
            "classes": list(self.classes),
        }


_PIXEL = re.compile(r"(?:pixel|pix|px)[ _.-]?(\d+)", re.IGNORECASE)
_PLACE = re.compile(r"(?:(?:pixel|pix|px)[ _.-]?)?(\d+)[x_,](\d+)", re.IGNORECASE)
_LEAST_SIDE = 4
"""Of a picture in pixels: fewer columns are too few to be one."""


def pixels_of(names: Sequence[str]) -> tuple[int, int, int] | None:
    """The shape (1, side, side) of the pictures whose pixels are the columns with these names, row by row.

    None where they are no pixels: 'pixel0', 'pixel1', …, or '1x1', '1x2', …, counted from 0 or 1, are.
    """
    side = math.isqrt(len(names))
    if side < _LEAST_SIDE or side * side != len(names):
        return None
    found = [_PIXEL.fullmatch(name) or _PLACE.fullmatch(name) for name in names]
    places = [tuple(map(int, one.groups())) for one in found if one]
    if len(places) < len(names):
        return None
    for first in (0, 1):
        counted = [(first + place,) for place in range(len(names))]
        if places in (counted, [(first + row, first + column) for row in range(side) for column in range(side)]):
            return 1, side, side
    return None


def read_table(values: Mapping[str, Any]) -> Table:
    """The table that a checked value of the parameter 'table' describes."""
    return Table(
        file=TableFile(**values["file"]),
        features=tuple(Column(**column) for column in values["features"]),
        target=values["target"],
        classes=tuple(values.get("classes", ())),
    )


def _column_conflict(values: Mapping[str, Any]) -> str:
    kind, name = values["kind"], values["name"]
    if kind == "category" and not values["categories"] and not values["rest"]:
        return f"The column {name!r} holds categories and names none of them. Name at least one, or ignore the column."
    if kind != "category" and (values["categories"] or values["rest"]):
        return f"The column {name!r} is a {kind} and names categories. Leave them away, or set its kind to 'category'."
    if (kind == "date") != bool(values["format"]):
        return f"The column {name!r} needs a 'format' if and only if its kind is 'date', such as '%Y-%m-%d'."
    if values["missing"] and values["missing"] not in FILLS_OF[kind]:
        choices = ", ".join(map(repr, FILLS_OF[kind]))
        return f"A missing {kind} of the column {name!r} may be: {choices}. Got {values['missing']!r} instead."
    return ""


def _table_conflict(values: Mapping[str, Any]) -> str:
    if values["target"] in [column["name"] for column in values["features"]]:
        return f"The column {values['target']!r} is the target and a feature. Take it from the features."
    if len(values["classes"]) == 1:
        return f"The target {values['target']!r} has one class, so that nothing is to learn. Choose another target."
    return ""


_FILE = Record(
    name="file", label="File", help="Which file, and how it is read.", default=None,
    required=("name", "sha256", "size", "rows"),
    fields=(
        *FILE_FIELDS,
        Int(name="rows", label="Rows", help="The rows of the file.", default=2, low=2, high=MAX_TABLE_ROWS),
        Choice(name="format", label="Format", help="What kind of file it is.", default="csv",
               choices=("csv", "parquet")),
        Choice(name="encoding", label="Encoding", help="How its bytes are text.", default="utf-8", choices=ENCODINGS),
        Choice(name="separator", label="Separator", help="What stands between two cells.", default=",",
               choices=tuple(SEPARATORS)),
        Choice(name="decimal", label="Decimal mark", help="What stands before the decimals of a number.", default=".",
               choices=tuple(DECIMALS)),
        Bool(name="header", label="Header", help="Whether its first line names the columns.", default=True),
    ),
)  # fmt: skip

_COLUMN = Record(
    name="column", label="Column", help="A column that the network sees.", default=None, required=("name",),
    conflict=_column_conflict,
    fields=(
        _name("name", "Name", "The name of the column."),
        Choice(name="kind", label="Kind", help="What it holds.", default="number", choices=tuple(KINDS)),
        Choice(name="format", label="Form of dates", help="How its dates are written.", default="",
               choices=("", *DATE_FORMATS)),
        Items(name="categories", label="Categories", help="Texts with an input of their own.", default=(),
              element=_name("category", "Category", "A text of the column."), most=MAX_CATEGORIES, unique=""),
        Bool(name="rest", label="Other texts", help="Whether all other texts share one more input.", default=False),
        Choice(name="missing", label="Missing", help="What stands for a missing cell.", default="",
               choices=("", *FILLS)),
    ),
)  # fmt: skip

TABLE = Record(
    name="table", label="Table", help="Which file, how it is read, and what is learned from which of its columns.",
    default=None, optional=True, none_means="no table is chosen yet", required=("file", "features", "target"),
    most_characters=MAX_TABLE_TEXT, advice="Upload the file on the Data page, or ignore some of its columns.",
    conflict=_table_conflict,
    fields=(
        _FILE,
        Items(name="features", label="Features", help="The columns that the network sees.", default=(),
              element=_COLUMN, least=1, most=MAX_TABLE_COLUMNS, unique="name"),
        _name("target", "Target", "The column that is predicted."),
        Items(name="classes", label="Classes", help="The texts of the target, one a class.", default=(),
              element=_name("class", "Class", "A text of the target."), most=MAX_CLASSES, unique=""),
    ),
)  # fmt: skip

SCALING = Choice(
    name="scaling", label="Scale numbers to", default="standard", choices=tuple(SCALINGS),
    help="How numbers and dates are scaled, by what the training part holds: "
    + "; ".join(f"{name}: {words}" for name, words in SCALINGS.items()) + ".",
)  # fmt: skip

PARAMETERS: tuple[Parameter, ...] = (TABLE, SCALING)

_NO_TABLE = DataFacts(task="classification", sample_shape=(1,), class_names=("class 0", "class 1"), samples=2)


def table_of(params: Mapping[str, Any]) -> Table | None:
    """The table that the parameters of the data set 'table' describe; None where none is chosen."""
    return None if params["table"] is None else read_table(params["table"])


def table_file(params: Mapping[str, Any]) -> TableFile | None:
    """Which file the data set 'table' is read from; None where no table is chosen."""
    table = table_of(params)
    return None if table is None else table.file


def table_words(params: Mapping[str, Any]) -> str:
    """What is predicted of the table that is chosen; '' where none is."""
    table = table_of(params)
    return "" if table is None else f"predicts {table.target}"


def table_facts(params: Mapping[str, Any]) -> DataFacts:
    """The facts of the data set 'table'; of a made-up one where no table is chosen."""
    table = table_of(params)
    return _NO_TABLE if table is None else table.facts
