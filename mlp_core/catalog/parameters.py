"""Parameters as data: one object holds a default and a rule, checks a value, and states its rule in words.

Widgets, validation, error texts, the command line and exported code all read these objects, so a limit is
written once. `bad_values` gives the tests a value on the wrong side of every rule.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlp_core.errors import ParameterError
from mlp_core.formula import FormulaError, parse
from mlp_core.limits import MAX_DRAWN_POINTS, MAX_FORMULA, MAX_TEXT

MOST_MEANING = 40
"""How many characters a meaning of an empty field may have to be told in the rule; its help says the longer ones."""


def shorten(value: object) -> str:
    """`repr` of a value, cut to a length that fits a sentence."""
    text = repr(value)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def shown(value: object) -> str:
    """A value as a page writes it: numbers with their digits in groups, text in quotes."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shorten(value)
    whole = isinstance(value, int) or (math.isfinite(value) and value == int(value))
    if whole and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.6g}"


def in_sentence(label: str) -> str:
    """A label in the middle of a sentence: 'learning rate', but 'L1 penalty'."""
    return label if label[1:2].isupper() or label[1:2].isdigit() else label[:1].lower() + label[1:]


def _bounds(low: float, high: float, low_open: bool = False, high_open: bool = False) -> str:
    """An interval in words: ' from 1 to 10', ' above 0', or '' without bounds."""
    upper = "" if high == math.inf else f"{'below' if high_open else 'at most'} {shown(high)}"
    if low == -math.inf:
        return upper and f" of {upper}"
    if low_open:
        return f" above {shown(low)}" + (upper and f" and {upper}")
    if high == math.inf:
        return f" of at least {shown(low)}"
    return f" from {shown(low)} to {'below ' if high_open else ''}{shown(high)}"


def _or_empty(optional: bool, none_means: str) -> str:
    if not optional:
        return ""
    return f", or empty ({none_means})" if 0 < len(none_means) <= MOST_MEANING else ", or empty"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One named setting of a catalog entry."""

    name: str
    """The keyword of PyTorch's class or of the data set's function."""
    label: str
    """What a page calls it."""
    help: str
    """What it does, for the page."""
    default: Any
    """Its value where none is given: PyTorch's own default for PyTorch's parameters."""
    advice: str = ""
    """The end of the error sentence, which says what to do. Left empty, it is made from the default."""
    live: bool = False
    """Whether it may change while a run goes on. Any other change starts a new run."""
    controls: tuple[str, ...] = ()
    """The names in `CONTROLS` by which a teacher's link hides or locks it. Left empty, they are its entry's."""
    needs: str = ""
    """The parameter of the same entry without which (None) this one does nothing; '' for none."""

    def accepts(self, value: object) -> bool:
        """Whether the value follows the rule."""
        raise NotImplementedError

    def rule(self) -> str:
        """The rule in words, such as 'a float in the range [0, 1)'."""
        raise NotImplementedError

    def convert(self, value: Any) -> Any:
        """The accepted value in the type that the run uses."""
        return value

    def text(self, value: Any) -> str:
        """A value for people: '0.03', '50,000', 'on', 'full batch'."""
        if value is None:
            return str(getattr(self, "none_means", "")) or "none"
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, float):
            return f"{value:.6g}"
        if isinstance(value, int):
            return f"{value:,}" if value >= 10_000 and "seed" not in self.name else str(value)
        if isinstance(value, tuple | list):
            return ", ".join(map(self.text, value))
        return str(value)

    def bad_values(self) -> list[object]:
        """Values that `check` must refuse."""
        raise NotImplementedError

    def check(self, value: object, owner: str) -> Any:
        """The value, converted.

        Raises `SpecError` naming parameter, rule, value and remedy. `owner` says whose parameter it is, for
        example 'layer 2 (Dropout)'.
        """
        if not self.accepts(value):
            raise ParameterError(
                f"The {self.name!r} parameter of {owner} must be {self.rule()}. Got {shorten(value)} instead. "
                f"{self.remedy(value)}",
                self, value,
            )  # fmt: skip
        return self.convert(value)

    def rule_in_words(self) -> str:
        """The rule for a page, such as 'a number from 0 to 1, 1 excluded'."""
        return self.rule()

    def refusal(self, value: object, whose: str = "") -> str:
        """Why a page's field refuses a value, and what to do; `whose` is what else it is called by, as 'layer 2'."""
        name = f"{self.label} of {whose}" if whose else self.label
        remedy = self.advice or self.remedy_on_page(value)
        if value is None:
            return f"{name} cannot be empty: it must be {self.rule_in_words()}. {remedy}".rstrip()
        return f"{name} must be {self.rule_in_words()}, not {shown(value)}. {remedy}".rstrip()

    def remedy_on_page(self, value: object) -> str:
        """What to do about a value that a page's field refuses, where the catalog gives no advice."""
        return ""

    def remedy(self, value: object) -> str:
        """What to do about a value that is refused, as the end of the sentence."""
        return self.advice or f"Set it to {self.default!r}, its default, or another value in that range."


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max  # type: ignore[arg-type]  # also False for NaN


def _interval(low: float, high: float, low_open: bool, high_open: bool) -> str:
    left = "(" if low_open or low == -math.inf else "["
    right = ")" if high_open or high == math.inf else "]"
    return f"{left}{low:g}, {high:g}{right}"


@dataclass(frozen=True, kw_only=True)
class Float(Parameter):
    """A finite real number between two bounds."""

    low: float = -math.inf
    """The lower bound."""
    high: float = math.inf
    """The upper bound."""
    low_open: bool = False
    """Whether the lower bound itself is refused."""
    high_open: bool = False
    """Whether the upper bound itself is refused."""
    step: float = 0.1
    """How far a press of + or - goes."""
    log: bool = False
    """Whether useful values span decades, so that + and - go by the leading digit."""
    usual: tuple[float, float] | None = None
    """The lowest and the highest value that are seldom wrong, where anything else is a reason to ask."""
    optional: bool = False
    """Whether None is accepted too."""
    none_means: str = ""
    """What None stands for."""

    def accepts(self, value: object) -> bool:
        if value is None:
            return self.optional
        if not _is_number(value):
            return False
        number = float(value)  # type: ignore[arg-type]
        above = number > self.low if self.low_open else number >= self.low
        below = number < self.high if self.high_open else number <= self.high
        return above and below

    def rule(self) -> str:
        rule = f"a float in the range {_interval(self.low, self.high, self.low_open, self.high_open)}"
        return f"{rule}, or None ({self.none_means})" if self.optional else rule

    def rule_in_words(self) -> str:
        bounds = _bounds(self.low, self.high, self.low_open, self.high_open)
        return f"a number{bounds}{_or_empty(self.optional, self.none_means)}"

    def convert(self, value: Any) -> float | None:
        return None if value is None else float(value)

    def bad_values(self) -> list[object]:
        bad: list[object] = ["x", True, math.nan, math.inf, *([] if self.optional else [None])]
        if self.low > -math.inf:
            bad.append(self.low if self.low_open else self.low - 1)
        if self.high < math.inf:
            bad.append(self.high if self.high_open else self.high + 1)
        return bad


@dataclass(frozen=True, kw_only=True)
class Floats(Parameter):
    """A fixed number of finite reals, such as Adam's betas."""

    element: Float
    """The rule that each of them follows."""
    labels: tuple[str, ...]
    """What a page calls each of them."""

    def accepts(self, value: object) -> bool:
        return (
            isinstance(value, list | tuple)
            and len(value) == len(self.labels)
            and all(self.element.accepts(item) for item in value)
        )

    def rule(self) -> str:
        return f"{len(self.labels)} values ({', '.join(self.labels)}), each {self.element.rule()}"

    def rule_in_words(self) -> str:
        return f"{len(self.labels)} numbers ({', '.join(self.labels)}), each {self.element.rule_in_words()}"

    def refusal(self, value: object, whose: str = "") -> str:
        given = value if isinstance(value, list | tuple) else ()
        for label, item in zip(self.labels, given, strict=False):
            if not self.element.accepts(item):
                one = replace(self.element, label=f"{self.label}: {label}", advice=self.advice)
                return one.refusal(item, whose)
        return super().refusal(value, whose)

    def convert(self, value: Any) -> tuple[float, ...]:
        return tuple(float(item) for item in value)

    def bad_values(self) -> list[object]:
        good = list(self.default)
        return [
            None,
            0.5,
            good[:-1],
            [*good, good[0]],
            *([bad, *good[1:]] for bad in self.element.bad_values()),
        ]


@dataclass(frozen=True, kw_only=True)
class Int(Parameter):
    """An integer between two bounds, both included."""

    low: int
    """The lowest value."""
    high: int
    """The highest value."""
    step: int = 1
    """How far a press of + or - goes."""
    optional: bool = False
    """Whether None is accepted too."""
    none_means: str = ""
    """What None stands for."""

    def accepts(self, value: object) -> bool:
        if value is None:
            return self.optional
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def rule(self) -> str:
        rule = f"an int in the range [{self.low}, {self.high}]"
        return f"{rule}, or None ({self.none_means})" if self.optional else rule

    def rule_in_words(self) -> str:
        return f"a whole number{_bounds(self.low, self.high)}{_or_empty(self.optional, self.none_means)}"

    def bad_values(self) -> list[object]:
        bad: list[object] = ["x", 0.5, True, math.nan, self.low - 1, self.high + 1]
        return bad if self.optional else [*bad, None]


@dataclass(frozen=True, kw_only=True)
class Ints(Parameter):
    """One or more different integers between two bounds, kept in rising order, such as the milestones of a schedule."""

    low: int
    """The lowest value."""
    high: int
    """The highest value."""
    most: int
    """How many there may be."""

    def accepts(self, value: object) -> bool:
        return (
            isinstance(value, list | tuple)
            and 0 < len(value) <= self.most
            and all(
                isinstance(item, int) and not isinstance(item, bool) and self.low <= item <= self.high for item in value
            )
            and len(set(value)) == len(value)
        )

    def rule(self) -> str:
        return f"a list of 1 to {self.most} ints, each once and in the range [{self.low}, {self.high}]"

    def rule_in_words(self) -> str:
        return f"1 to {self.most} different whole numbers{_bounds(self.low, self.high)}, with commas between them"

    def convert(self, value: Any) -> tuple[int, ...]:
        return tuple(sorted(value))

    def bad_values(self) -> list[object]:
        too_many = list(range(self.low, self.low + self.most + 1))
        wrong: list[object] = ["3", 1.5, True, None, self.low - 1, self.high + 1]
        return [None, self.low, "1, 2", [], [self.low, self.low], too_many, *([bad] for bad in wrong)]


@dataclass(frozen=True, kw_only=True)
class Bool(Parameter):
    """True or False."""

    optional: bool = False
    """Whether None is accepted too, which is what a page's switch stands for while it is off."""

    def accepts(self, value: object) -> bool:
        return isinstance(value, bool) or (self.optional and value is None)

    def rule(self) -> str:
        return "True, False or None" if self.optional else "True or False"

    def rule_in_words(self) -> str:
        return "on or off"

    def bad_values(self) -> list[object]:
        return ["True", 1, *([] if self.optional else [None])]


@dataclass(frozen=True, kw_only=True)
class Choice(Parameter):
    """One of a few strings."""

    choices: tuple[str, ...]
    """The strings."""
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What a page calls those that have a name of their own."""
    optional: bool = False
    """Whether None is accepted too."""
    none_means: str = ""
    """What None stands for."""

    def text(self, value: Any) -> str:
        return self.labels.get(value) or super().text(value)

    def accepts(self, value: object) -> bool:
        if value is None:
            return self.optional
        return isinstance(value, str) and value in self.choices

    def rule(self) -> str:
        rule = f"one of {', '.join(map(repr, self.choices))}"
        return f"{rule}, or None ({self.none_means})" if self.optional else rule

    def rule_in_words(self) -> str:
        return f"one of {', '.join(self.choices)}{_or_empty(self.optional, self.none_means)}"

    def bad_values(self) -> list[object]:
        return ["no such choice", 1, *([] if self.optional else [None])]


@dataclass(frozen=True, kw_only=True)
class Subset(Parameter):
    """One or more of a few strings, kept in the order of `choices`."""

    choices: dict[str, str]
    """The strings, each with its label."""

    def text(self, value: Any) -> str:
        return ", ".join(self.choices.get(name, name) for name in value)

    def accepts(self, value: object) -> bool:
        return (
            isinstance(value, list | tuple)
            and len(value) > 0
            and all(isinstance(item, str) and item in self.choices for item in value)
            and len(set(value)) == len(value)
        )

    def rule(self) -> str:
        return f"a list of at least one, each once, of {', '.join(map(repr, self.choices))}"

    def rule_in_words(self) -> str:
        return f"at least one of {', '.join(self.choices.values())}"

    def convert(self, value: Any) -> tuple[str, ...]:
        return tuple(name for name in self.choices if name in value)

    def bad_values(self) -> list[object]:
        first = next(iter(self.choices))
        return [[], [first, first], ["no such choice"], first, None, [1]]


@dataclass(frozen=True, kw_only=True)
class Formula(Parameter):
    """The text of a formula of x, as `mlp_core.formula` reads it."""

    def accepts(self, value: object) -> bool:
        return isinstance(value, str) and _fault(value) is None

    def rule(self) -> str:
        return f"a formula of x of at most {MAX_FORMULA} characters"

    def convert(self, value: Any) -> str:
        return str(value).strip()

    def remedy(self, value: object) -> str:
        return self.remedy_on_page(value)

    def remedy_on_page(self, value: object) -> str:
        fault = _fault(value) if isinstance(value, str) else None
        return f"Type one such as {self.default!r}." if fault is None else str(fault)

    def bad_values(self) -> list[object]:
        text = ["", "sin(", "sin x", "2 3", "y + 1", "1 / 0", "x.real", "__import__('os')", "x" * (MAX_FORMULA + 1)]
        return [None, 1, *text]


def _fault(text: str) -> FormulaError | None:
    """What is wrong with the text of a formula."""
    try:
        parse(text)
    except FormulaError as error:
        return error
    return None


@dataclass(frozen=True, kw_only=True)
class Points(Parameter):
    """Points that a user has placed: for each its two coordinates in hundredths, and its class or value.

    Whole numbers keep links and files short, and a hundredth is about a pixel of a drawing.
    """

    wall: int
    """The largest coordinate in hundredths, on either side of 0."""
    target: Int
    """The rule of a point's class, or of its value in hundredths."""

    def accepts(self, value: object) -> bool:
        return (
            isinstance(value, list | tuple) and len(value) <= MAX_DRAWN_POINTS and all(self._is_point(p) for p in value)
        )

    def _is_point(self, value: object) -> bool:
        return (
            isinstance(value, list | tuple)
            and len(value) == 3
            and all(isinstance(place, int) and not isinstance(place, bool) for place in value[:2])
            and all(-self.wall <= place <= self.wall for place in value[:2])
            and self.target.accepts(value[2])
        )

    def rule(self) -> str:
        return (
            f"a list of at most {MAX_DRAWN_POINTS} points, each of two ints in the range [{-self.wall}, {self.wall}] "
            f"and {self.target.rule()}"
        )

    def convert(self, value: Any) -> tuple[tuple[int, int, int], ...]:
        return tuple((point[0], point[1], point[2]) for point in value)

    def remedy(self, value: object) -> str:
        if isinstance(value, list | tuple) and len(value) > MAX_DRAWN_POINTS:
            return f"These are {len(value)}. Erase some."
        return "Place the points on the plane of the page."

    def bad_values(self) -> list[object]:
        good = [0, 0, self.target.low]
        return [
            None,
            "x",
            [good[:2]],
            [[0.5, 0, self.target.low]],
            [[True, 0, self.target.low]],
            [[self.wall + 1, 0, self.target.low]],
            [[0, -self.wall - 1, self.target.low]],
            [[0, 0, self.target.high + 1]],
            [good] * (MAX_DRAWN_POINTS + 1),
        ]
