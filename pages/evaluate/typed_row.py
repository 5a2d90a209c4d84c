"""A row of a user's table that is typed: numbers, dates as text, categories to choose from, each missing if need be."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from mlp_core.catalog.tables import REST
from mlp_core.export.preprocessing import Preprocessing
from mlp_core.figures import plain
from mlp_core.predict import OTHER, cells_of, sample_of
from pages.shared.layout import as_text

COLUMNS = 3
MISSING = "missing"
"""What a field says that is left empty."""


def typed_row(made_by: Preprocessing, given: NDArray[np.floating], name: str) -> NDArray[np.float64]:
    """Fields that begin with the values of a sample (inputs,); the sample that they hold. Raises `DataError`.

    `name` begins the keys of the fields.
    """
    cells = []
    starts = cells_of(given, made_by)
    for place, column in enumerate(beside(len(starts))):
        with column:
            cells.append(_field(made_by, place, starts[place], f"{name}-{place}"))
    return sample_of(cells, made_by)


def beside(count: int) -> list[DeltaGenerator]:
    """Places for so many fields, some beside each other. On a phone they follow one another in this order, as they
    would not if whole columns did."""
    wide = max(1, min(COLUMNS, count))
    rows = [st.columns(wide, gap="small") for _ in range(0, count, wide)]
    return [column for row in rows for column in row][:count]


def _field(made_by: Preprocessing, place: int, start: str, key: str) -> str:
    """The cell of one column."""
    label, optional = as_text(made_by.columns[place]), made_by.fills[place] is not None
    kind = made_by.kinds[place]
    if kind == "category":
        texts = [*made_by.categories[place], *([OTHER] if made_by.rest[place] else []), *([""] if optional else [])]
        first = texts.index(start) if start in texts else None
        words = {OTHER: REST, "": MISSING}
        chosen = st.selectbox(
            label, list(range(len(texts))), index=first, key=key, placeholder=MISSING,
            format_func=lambda number: words.get(texts[number]) or plain(texts[number]),
        )  # fmt: skip
        return "" if chosen is None else texts[chosen]
    if kind == "date":
        form = made_by.formats[place]
        return st.text_input(label, value=start, key=key, max_chars=40, placeholder=MISSING, help=f"As {form}.").strip()
    value = float(start)
    if optional and key not in st.session_state:
        st.session_state[key] = value  # a field that begins with a value cannot be emptied
    number = st.number_input(
        label, value=None if optional else value, key=key, format="%g", step=step(value), placeholder=MISSING
    )
    return "" if number is None else repr(float(number))


def step(value: float) -> float:
    """How far + and − go: a tenth of the leading digit's unit."""
    return float(10.0 ** (np.floor(np.log10(abs(value))) - 1)) if value else 0.1
