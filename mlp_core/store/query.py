"""Which runs a list shows, and in which order: words, conditions on settings and figures, and a sort key."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, not_

from mlp_core.errors import SpecError
from mlp_core.store.settings import FIGURES
from mlp_core.store.tables import RunRow

Operator = Literal["=", "≠", "<", "≤", ">", "≥", "contains"]
MAX_WORDS = 200
"""Characters of a search."""
MAX_CONDITIONS = 10
_PATH = re.compile(r"[A-Za-z_0-9.\-]{1,100}")

OPERATORS: Mapping[Operator, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "≠": operator.ne, "<": operator.lt, "≤": operator.le, ">": operator.gt, "≥": operator.ge,
    "contains": lambda text, part: func.lower(text).contains(part.lower(), autoescape=True),
}  # fmt: skip
"""What a condition may compare by."""

COLUMNS: Mapping[str, Any] = {"name": RunRow.name, "started": RunRow.started, "saved": RunRow.saved}
"""Fields that are no settings and no figures."""


@dataclass(frozen=True)
class Condition:
    """That a setting or a figure has a value. Raises `SpecError` for what nobody can mean."""

    field: str
    """The path of a setting, or the name of a figure."""
    operator: Operator
    """How it is compared."""
    value: str
    """With what, as text; a number where both sides are numbers."""

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.field):
            raise SpecError(f"The field {self.field[:60]!r} of a filter is no path such as 'optimizer.lr'. Correct it.")
        if self.operator not in OPERATORS:
            known = " ".join(OPERATORS)
            raise SpecError(f"The operator of a filter must be one of {known}. Got {str(self.operator)[:20]!r}.")
        if self.operator in ("<", "≤", ">", "≥") and _number(self.value) is None:
            raise SpecError(
                f"The filter {self.field} {self.operator} needs a number. Got {self.value[:60]!r} instead. Correct it."
            )


@dataclass(frozen=True)
class Query:
    """What a list of runs shows."""

    words: str = ""
    """Words that must all be in name, note, tags or the main settings."""
    conditions: tuple[Condition, ...] = ()
    """Conditions that must all hold."""
    starred: bool = False
    """Whether to show starred runs only."""
    sort: str = "started"
    """What to sort by: 'started', 'name', the path of a setting or the name of a figure."""
    descending: bool = True
    """Whether the largest comes first. Runs without a value come last in any case."""

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.sort):
            raise SpecError(f"The sort key {self.sort[:60]!r} is no path such as 'optimizer.lr'. Choose another.")
        if len(self.conditions) > MAX_CONDITIONS:
            raise SpecError(f"A filter has at most {MAX_CONDITIONS} conditions. Got {len(self.conditions)} instead.")


def parse_condition(text: str) -> Condition:
    """A condition from text such as 'optimizer.lr >= 0.01' or 'layers.1.type=Tanh'."""
    found = re.fullmatch(r"\s*([A-Za-z_0-9.\-]+)\s*(<=|>=|!=|==|[=≠<≤>≥~])\s*(.*?)\s*", text)
    if found is None:
        raise SpecError(
            f"The filter {text[:60]!r} must be a field, one of = != < <= > >= ~ and a value, such as "
            "'optimizer.lr>=0.01'. Correct it."
        )
    written: dict[str, Operator] = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "~": "contains"}
    sign: Any = written.get(found[2], found[2])
    return Condition(found[1], sign, found[3])


def filtered(chosen: Select[Any], query: Query, dialect: str) -> Select[Any]:
    """The rows of a selection that the query shows."""
    for word in query.words[:MAX_WORDS].lower().split():
        chosen = chosen.where(RunRow.words.contains(word, autoescape=True))
    if query.starred:
        chosen = chosen.where(RunRow.starred)
    for condition in query.conditions:
        chosen = chosen.where(_holds(condition, dialect))
    return chosen


def ordered(chosen: Select[Any], query: Query, dialect: str) -> Select[Any]:
    """The selection in the order of the query; runs that are alike with the newest first."""
    keys = [COLUMNS[query.sort]] if query.sort in COLUMNS else [_as_number(query.sort, dialect), _as_text(query.sort)]
    wanted = [(key.desc() if query.descending else key.asc()).nulls_last() for key in keys]
    return chosen.order_by(*wanted, RunRow.started.desc(), RunRow.key.desc())


def _holds(condition: Condition, dialect: str) -> ColumnElement[bool]:
    compare, number = OPERATORS[condition.operator], _number(condition.value)
    text = RunRow.name if condition.field == "name" else _as_text(condition.field)
    if condition.operator == "contains":
        contains: ColumnElement[bool] = compare(text, condition.value)
        return contains
    if number is not None and condition.field != "name":
        found = _as_number(condition.field, dialect)
        return and_(found.is_not(None), compare(found, number))
    said = condition.value.lower()
    if said in ("none", ""):
        missing = text.is_(None)
        return missing if condition.operator == "=" else not_(missing)
    words: tuple[str, ...] = _SAID.get(said, (said,))
    is_it = func.lower(text).in_(words)
    return is_it if condition.operator == "=" else and_(text.is_not(None), not_(is_it))


_SAID: Mapping[str, tuple[str, ...]] = {"true": ("true", "1"), "false": ("false", "0")}
"""What databases call a switch that is on or off."""


def _json(field: str) -> Any:
    return (RunRow.figures if field in FIGURES else RunRow.settings)[field]


def _as_text(field: str) -> Any:
    return _json(field).as_string()


def _as_number(field: str, dialect: str) -> Any:
    """The number of a field; NULL where it holds none."""
    column = RunRow.figures if field in FIGURES else RunRow.settings
    kind = func.json_type(column, f'$."{field}"') if dialect == "sqlite" else func.json_typeof(column[field])
    return case((kind.in_(("integer", "real", "number")), _json(field).as_float()), else_=literal(None))


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) < 1e300 else None
