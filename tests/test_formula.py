"""Formulas: whatever is typed gives a tree or a named error, and a tree gives the bits of its code in NumPy."""

from __future__ import annotations

import ast
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import formulas

from mlp_core.catalog import DATASETS
from mlp_core.errors import SpecError
from mlp_core.formula import FormulaError, code, parse
from mlp_core.formula.reading import FUNCTIONS, SHORT_FORMS
from mlp_core.formula.tree import COMPARISONS, CONSTANTS, OPERATORS
from mlp_core.formula.values import values
from mlp_core.limits import MAX_FORMULA, MAX_FORMULA_DEPTH

X = np.concatenate([np.linspace(-3, 3, 61), [0.0, -0.0, 1e9, -1e300, 5e-324]])


def at(text: str, x: float) -> float:
    return float(values(parse(text), np.array([x], dtype=np.float64))[0])


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("2x^2 - 1", 3, 17),
        ("-x^2", 3, -9),
        ("(-x)^2", 3, 9),
        ("2^-x", 2, 0.25),
        ("2^3^x", 2, 512),
        ("x - 1 - 1", 3, 1),
        ("8 / x / 2", 2, 2),
        ("1/2x", 3, 1.5),
        ("x(x + 1)", 3, 12),
        ("(x+1)(x-1)", 3, 8),
        ("3 sin(pi x / 2)", 1, 3),
        ("e^x", 1, np.e),
        ("x² + x³", 2, 12),
        ("2·x − 6÷x", 3, 4),
        ("|", 0, None),
        ("ln(x)", np.e, 1),
        ("relu(x)", -2, 0),
        ("sigmoid(x)", 0, 0.5),
        ("sigmoid(0) x", 2, 1),
        ("min(x, 1) + max(x, 1)", 5, 6),
        ("mod(x, 2)", 5, 1),
        ("where(x < 0, -1, 1)", -3, -1),
        ("where(x, 5, 6)", 0, 6),
        ("where(1 > 2, x, 7)", 0, 7),
        ("(x > 1) + (x >= 2)", 2, 2),
        ("0 < x < 1", 0.5, 1),
        ("0 < x < 1", 1.5, 0),
        ("x == 2", 2, 1),
        ("x ≤ 2", 2, 1),
        ("floor(x) + ceil(x)", 1.5, 3),
        ("sign(x) abs(x)", -4, -4),
        ("1.5e2 x", 2, 300),
        ("2e", 0, 2 * np.e),
        ("+x", 2, 2),
        ("5", 1, 5),
        ("π", 1, np.pi),
    ],
)
def test_a_formula_means_what_it_says(text: str, x: float, expected: float | None) -> None:
    if expected is None:
        with pytest.raises(FormulaError):
            parse(text)
    else:
        assert at(text, x) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 0, "ends too early: a number, x"),
        ("sin(", 4, "ends too early"),
        ("(x", 2, r"'\)' after what the bracket holds is missing"),
        ("x)", 1, r"At character 2: '\)' stands where an operator"),
        ("x 2", 2, "At character 3: '2' stands where an operator"),
        ("sin x", 4, r"At character 5: 'x' stands where '\(' after the function sin"),
        ("2 + tanb(x)", 4, "At character 5: the name 'tanb' is not known.*Did you mean 'tan"),
        ("y", 0, "the variable is x|The variable is x"),
        ("x # 1", 2, "At character 3: '#' has no meaning"),
        ("x.real", 1, "At character 2: '.' has no meaning"),
        ("max(x)", 0, "max takes 2 arguments, and here it has 1"),
        ("sin(x, x)", 0, "sin takes 1 argument, and here it has 2"),
        ("x + 1/0", 5, "At character 6: '/' gives no finite number"),
        ("log(-1)", 0, "'log' gives no finite number"),
        ("9^9^9^9", 3, "gives no finite number"),
        ("(-8)^0.5", 4, "gives no finite number"),
        ("1e999", 0, "this number is too large"),
        ("x" * (MAX_FORMULA + 1), MAX_FORMULA, f"has {MAX_FORMULA + 1} characters, and the limit is {MAX_FORMULA}"),
        ("(" * (MAX_FORMULA_DEPTH + 1), MAX_FORMULA_DEPTH, "nested more than"),
        ("-" * 100 + "x", MAX_FORMULA_DEPTH - 1, "nested more than"),
        ("x" + "^x" * 60, 59, "nested more than"),
        ("\x00x", 0, "has no meaning"),
        ("x\u202e", 1, "has no meaning"),
        ("lambda x", 0, "is not known"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, position: int, said: str) -> None:
    with pytest.raises(FormulaError, match=said) as caught:
        parse(text)
    assert caught.value.position == position
    assert "\n" not in str(caught.value)


@given(st.text(max_size=MAX_FORMULA + 20) | st.text("x0123456789.()+-*/^<>=, sincoexpwhrtab", max_size=MAX_FORMULA))
def test_any_text_gives_a_value_or_a_named_error(text: str) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(600)  # a page calls it from deep within Streamlit
    try:
        found = _outcome(text)
    finally:
        sys.setrecursionlimit(before)
    if isinstance(found, FormulaError):
        assert str(found)
        assert 0 <= found.position <= max(len(text), MAX_FORMULA)
    else:
        assert found.shape == X.shape
        assert found.dtype == np.float64


def _outcome(text: str) -> np.ndarray | FormulaError:
    try:
        return values(parse(text), X)
    except FormulaError as error:
        return error


@given(formulas())
def test_the_code_of_a_formula_gives_the_same_bits(text: str) -> None:
    tree = parse(text)
    written = code(tree)
    with np.errstate(all="ignore"):
        theirs = np.broadcast_to(np.asarray(eval(written, {"np": np, "x": X}), np.float64), X.shape)
    assert values(tree, X).tobytes() == theirs.tobytes()


ALLOWED = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Attribute, ast.Name, ast.Constant,
           ast.operator, ast.unaryop, ast.cmpop, ast.Load)  # fmt: skip


@given(formulas() | st.text("x0123456789.()+-*/^<>=, sincoexpwhrtab_", max_size=60))
def test_code_holds_nothing_but_the_grammar(text: str) -> None:
    try:
        written = code(parse(text))
    except FormulaError:
        return
    known = {"x", "np", "where", *CONSTANTS, *(function.numpy for function in FUNCTIONS.values())}
    for node in ast.walk(ast.parse(written, mode="eval")):
        assert isinstance(node, ALLOWED)
        if isinstance(node, ast.Name | ast.Attribute):
            assert (node.id if isinstance(node, ast.Name) else node.attr) in known
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, float)


def test_every_function_computes_numbers_as_numpy_does() -> None:
    for name, function in FUNCTIONS.items():
        for number in (0.3, 0.75):
            others = [0.4] * (function.arguments - 1)
            inner = ", ".join(map(str, [number, *others]))
            assert at(f"{name}({inner})", 0) == pytest.approx(getattr(np, function.numpy)(number, *others))
    for name in SHORT_FORMS:
        assert at(f"{name}(0.3)", 0) == pytest.approx(at(f"{name}(x)", 0.3))
    for sign in (*OPERATORS, *COMPARISONS):
        assert at(f"0.3 {sign} 0.4", 0) == pytest.approx(at(f"x {sign} 0.4", 0.3))


def test_the_parameter_says_where_the_fault_is() -> None:
    parameter = DATASETS["formula"].parameter("formula")
    with pytest.raises(SpecError, match=r"'formula' parameter of data set must be a formula .*At character 5: 'x'"):
        parameter.check("sin x", "data set")
    assert parameter.check("  sin(x) ", "data set") == "sin(x)"
