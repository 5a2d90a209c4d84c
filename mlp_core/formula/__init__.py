"""Formulas of one variable x, typed by users: read by a grammar of their own, and never run as code.

`parse` turns text into a tree or refuses it with the place of the fault; `values` evaluates a tree with NumPy, and
`code` writes it as NumPy code, operation by operation the same, so that both give the same bits.
"""

from mlp_core.formula.reading import FormulaError, parse
from mlp_core.formula.tree import FUNCTIONS, Part, code

__all__ = ["FUNCTIONS", "FormulaError", "Part", "code", "parse"]
