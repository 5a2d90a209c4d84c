"""The strip of numbers under the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.components.assets import loader
from pages.components.part import Part

_MOUNT = st.components.v2.component("state_strip", js=loader("state_strip.js"))

_SPARK_POINTS = 80


def state_strip(
    cells: Sequence[Mapping[str, str]], *, spark: npt.ArrayLike | None = None, alt: str, key: str, slim: bool = False
) -> Part:
    """One cell per mapping: `label`, `value` and, if wanted, `note`, `help` (shown on hover and focus) and `tone`.

    `tone` is 'good', 'bad' or 'done', and colours the value.

    A `slim` strip has value and note in one line, and says the whole note on hover and focus too.

    `spark`: (n,) recent values, oldest first, drawn as a small line; NaN is a gap. None leaves the line out.
    """
    shown = [{name: str(cell.get(name) or "") for name in ("label", "value", "note", "help", "tone")} for cell in cells]
    line = None if spark is None else _spark(spark)
    return Part(_MOUNT, key, {"cells": shown, "alt": alt, "spark": line, "slim": slim})


def _spark(values: npt.ArrayLike) -> list[float | None]:
    """At most 80 values as JSON numbers; the scale is free, so each is sent as its place between 0 and 1."""
    array = np.asarray(values, dtype=np.float64)
    if len(array) > _SPARK_POINTS:
        array = array[np.linspace(0, len(array) - 1, _SPARK_POINTS).round().astype(int)]
    known = array[np.isfinite(array)]
    if known.size == 0:
        return []
    span = float(known.max() - known.min()) or 1.0
    return [round((value - float(known.min())) / span, 3) if np.isfinite(value) else None for value in array.tolist()]
