"""From the text of a formula to its tree.

The grammar, loosest first; a factor that a name or a bracket follows at once is multiplied by it, so that `2x` is read:

    formula    = sum {("<" | "<=" | ">" | ">=" | "==" | "!=") sum}
    sum        = product {("+" | "-") product}
    product    = signed {("*" | "/") signed | power}
    signed     = ("+" | "-") signed | power
    power      = atom [("^" | "**") signed | "²" | "³"]
    atom       = number | "x" | "pi" | "e" | function "(" formula {"," formula} ")" | "(" formula ")"

Parts without x are computed while reading, so that every operation of the tree has x in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from mlp_core.errors import SpecError
from mlp_core.formula.tree import (
    COMPARISONS,
    CONSTANTS,
    FUNCTIONS,
    OPERATORS,
    SHORT_FORMS,
    Call,
    Comparison,
    Constant,
    Number,
    Operation,
    Part,
    Variable,
)
from mlp_core.limits import MAX_FORMULA, MAX_FORMULA_DEPTH

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z_0-9]*|π)"
    r"|(?P<sign>\*\*|<=|>=|==|!=|[-+*/^(),<>²³−·×÷≤≥]))"
)
_SIGNS = {"^": "**", "−": "-", "·": "*", "×": "*", "÷": "/", "≤": "<=", "≥": ">="}
"""What stands for another sign."""
_SQUARES = {"²": 2.0, "³": 3.0}
_END = "end"


class FormulaError(SpecError):
    """A text that is no formula, with the place of the fault."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position
        """Characters before the fault."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str) -> Part:
    """The tree of a formula of x.

    Raises `FormulaError` for whatever is no formula, is longer than `MAX_FORMULA` or deeper than `MAX_FORMULA_DEPTH`.
    """
    if len(text) > MAX_FORMULA:
        raise FormulaError(f"It has {len(text)} characters, and the limit is {MAX_FORMULA}. Shorten it.", MAX_FORMULA)
    return _Reader(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    found = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            start = end - len(text[position:end].lstrip())
            raise FormulaError(f"{_place(start)} {text[start]!r} has no meaning in a formula. Remove it.", start)
        kind = str(match.lastgroup)
        word = match[kind]
        found.append(_Token(kind, _SIGNS.get(word, "pi" if word == "π" else word), match.start(kind)))
        position = match.end()
    return [*found, _Token(_END, "", end)]


def _place(position: int) -> str:
    return f"At character {position + 1}:"


class _Reader:
    """Reads tokens from left to right; each method reads what its name says."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._next, self._depth = tokens, 0, 0

    def whole(self) -> Part:
        found = _number(self._formula())
        if self._token.kind != _END:
            raise self._unexpected("an operator such as + or *, or the end")
        return found

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, *signs: str) -> _Token | None:
        """The next token, if it is one of these signs."""
        token = self._token
        if token.kind != "sign" or token.text not in signs:
            return None
        self._next += 1
        return token

    def _need(self, sign: str, after: str) -> None:
        if self._take(sign) is None:
            raise self._unexpected(f"{sign!r} after {after}")

    def _unexpected(self, wanted: str) -> FormulaError:
        token = self._token
        if token.kind == _END:
            return FormulaError(f"It ends too early: {wanted} is missing at its end. Add it.", token.position)
        return FormulaError(
            f"{_place(token.position)} {token.text!r} stands where {wanted} should. Correct it.", token.position
        )

    def _deeper(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > MAX_FORMULA_DEPTH:
            raise FormulaError(
                f"{_place(token.position)} it is nested more than {MAX_FORMULA_DEPTH} deep. Make it simpler.",
                token.position,
            )

    def _formula(self) -> Part:
        self._deeper(self._token)
        left, found = self._sum(), None
        while sign := self._take(*COMPARISONS):
            right = self._sum()
            new = _compared(sign, left, right)
            found, left = (new if found is None else _operation("*", found, new, sign)), right
        self._depth -= 1
        return left if found is None else found

    def _sum(self) -> Part:
        found = self._product()
        while sign := self._take("+", "-"):
            found = _operation(sign.text, found, self._product(), sign)
        return found

    def _product(self) -> Part:
        found = self._signed()
        while True:
            token = self._token
            if self._take("*", "/"):
                found = _operation(token.text, found, self._signed(), token)
            elif token.kind == "name" or (token.kind == "sign" and token.text == "("):
                found = _operation("*", found, self._power(), token)
            else:
                return found

    def _signed(self) -> Part:
        sign = self._take("+", "-")
        if sign is None:
            return self._power()
        self._deeper(sign)
        found = self._signed()
        self._depth -= 1
        return _negative(found) if sign.text == "-" else found

    def _power(self) -> Part:
        base = self._atom()
        if sign := self._take(*_SQUARES):
            return _operation("**", base, Number(_SQUARES[sign.text]), sign)
        if sign := self._take("**", "^"):
            self._deeper(sign)
            exponent = self._signed()
            self._depth -= 1
            return _operation("**", base, exponent, sign)
        return base

    def _atom(self) -> Part:
        token = self._token
        if token.kind == "number":
            self._next += 1
            value = float(token.text)
            if math.isinf(value):
                raise FormulaError(f"{_place(token.position)} this number is too large. Use a smaller one.",
                                   token.position)  # fmt: skip
            return Number(value)
        if token.kind == "name":
            self._next += 1
            return self._named(token)
        if self._take("("):
            found = self._formula()
            self._need(")", "what the bracket holds")
            return found
        raise self._unexpected("a number, x, a function or '('")

    def _named(self, token: _Token) -> Part:
        name = token.text
        if name == "x":
            return Variable()
        if name in CONSTANTS:
            return Constant(name)
        if name not in FUNCTIONS and name not in SHORT_FORMS and name != "where":
            raise _unknown(token)
        self._need("(", f"the function {name}")
        arguments = [self._formula()]
        while self._take(","):
            arguments.append(self._formula())
        self._need(")", f"the arguments of {name}")
        wanted = 3 if name == "where" else FUNCTIONS[name].arguments if name in FUNCTIONS else 1
        if len(arguments) != wanted:
            plural = "argument" if wanted == 1 else "arguments"
            raise FormulaError(
                f"{_place(token.position)} {name} takes {wanted} {plural}, and here it has {len(arguments)}. "
                "Separate them with commas.",
                token.position,
            )
        if name == "where":
            return _where(*arguments)
        return _called(token, *map(_number, arguments))


def _unknown(token: _Token) -> FormulaError:
    known = ["x", *CONSTANTS, *FUNCTIONS, *SHORT_FORMS, "where"]
    close = get_close_matches(token.text, known, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return FormulaError(
        f"{_place(token.position)} the name {token.text[:30]!r} is not known. The variable is x, and the functions are "
        f"{', '.join([*FUNCTIONS, *SHORT_FORMS, 'where'])}.{meant}",
        token.position,
    )


def _operation(symbol: str, left: Part, right: Part, token: _Token) -> Part:
    left, right = _number(left), _number(right)
    if isinstance(left, Number | Constant) and isinstance(right, Number | Constant):
        return _computed(lambda: OPERATORS[symbol](left.value, right.value), token)
    return Operation(symbol, left, right)


def _compared(token: _Token, left: Part, right: Part) -> Part:
    left, right = _number(left), _number(right)
    if isinstance(left, Number | Constant) and isinstance(right, Number | Constant):
        return Number(float(COMPARISONS[token.text](left.value, right.value)))
    return Comparison(token.text, left, right)


def _negative(part: Part) -> Part:
    part = _number(part)
    return Number(-part.value) if isinstance(part, Number | Constant) else Call("negative", (part,))


def _called(token: _Token, *arguments: Part) -> Part:
    name = token.text
    numbers = [part.value for part in arguments if isinstance(part, Number | Constant)]
    if name in SHORT_FORMS:
        form = SHORT_FORMS[name]
        return _computed(lambda: form.of_number(*numbers), token) if numbers else form.written(arguments[0])
    if len(numbers) == len(arguments):
        return _computed(lambda: FUNCTIONS[name].of_number(*numbers), token)
    return Call(name, arguments)


def _where(condition: Part, then: Part, otherwise: Part) -> Part:
    then, otherwise = _number(then), _number(otherwise)
    if isinstance(condition, Number | Constant):
        return then if condition.value else otherwise
    if not isinstance(condition, Comparison):
        condition = Comparison("!=", condition, Number(0.0))
    return Call("where", (condition, then, otherwise))


def _number(part: Part) -> Part:
    """The part where a number is wanted: a comparison is 1 where it holds, else 0."""
    return Call("where", (part, Number(1.0), Number(0.0))) if isinstance(part, Comparison) else part


def _computed(compute: Callable[[], float], token: _Token) -> Number:
    """The value of a part without x, which must be a finite real number."""
    try:
        value = compute()
        if isinstance(value, complex) or not math.isfinite(value):
            raise ValueError
        return Number(float(value))
    except (ValueError, ArithmeticError):
        raise FormulaError(
            f"{_place(token.position)} {token.text!r} gives no finite number here. Change what it is applied to.",
            token.position,
        ) from None
