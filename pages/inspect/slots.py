"""The places of the Inspect page that are no plain charts: the table of parameters, and the map that can be pressed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from mlp_core.catalog.facts import DataFacts
from mlp_core.figures import readable
from mlp_core.training.snapshot import Snapshot
from mlp_core.views.moments import Moments
from pages.components.figure_table import Cell, figure_table
from pages.components.live_plot import pickable, picked_cell
from pages.components.part import Part
from pages.live.runs import browser_runs
from pages.live.slots import ViewSlot

MOMENT = "inspect_moment"
"""The slider of the moment that is looked at."""
NOW = 100
"""Where it stands for now, in percent of the run so far."""
PARAMETERS = "parameters"
"""The view with every parameter of the model."""

_COLUMNS = (
    ("index", "Its place in list(model.parameters())."),
    ("name", "Its name in model.named_parameters()."),
    ("shape", "Its size along each dimension: a weight has a row for each neuron."),
    ("numel", "How many numbers it holds."),
    ("dtype", "What each number is."),
    ("requires_grad", "Whether autograd computes its gradient. A frozen one has none."),
    ("leaf", "Whether it is a leaf of the autograd graph: made by the user, not by an operation."),
    ("grad norm", "The Euclidean norm of its gradient, from the last step."),
    ("first values", "Its first numbers, row by row."),
)


@dataclass(frozen=True, eq=False)
class ParametersSlot:
    """The table of the model's parameters."""

    height: int = 620
    """At most so many pixels."""
    label: str = "The table of parameters"
    """Its name for people."""

    def views(self, facts: DataFacts) -> Iterable[str]:
        """The parameters."""
        return (PARAMETERS,)

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "inspect-parameters"

    def part(self, snapshot: Snapshot) -> Part:
        """The table as it is now."""
        found = snapshot.view(PARAMETERS)
        rows = [] if found is None else [_row(index, row) for index, row in enumerate(found["rows"])]
        waits = "" if rows else "The parameters are listed here as soon as the network is built."
        alt = f"{len(rows)} parameters of the model"
        return figure_table(_COLUMNS, rows, alt=alt, height=self.height, key=self.key(snapshot), caption=waits)

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Whether the parameters are the same."""
        return before.run == now.run and before.views.get(PARAMETERS) is now.views.get(PARAMETERS)


def _row(index: int, row: dict[str, object]) -> list[Cell]:
    values = [readable(value) for value in row["first"]]  # type: ignore[attr-defined]
    more = ", …" if row["numel"] > len(values) else ""  # type: ignore[operator]
    norm = row["grad_norm"]
    return [
        str(index),
        str(row["name"]),
        "×".join(f"{size:,}" for size in row["shape"]) or "1",  # type: ignore[attr-defined]
        f"{row['numel']:,}",
        str(row["dtype"]),
        str(row["requires_grad"]),
        str(row["is_leaf"]),
        ("–", "", "There is none before the first step.") if norm is None else readable(norm),  # type: ignore[arg-type]
        ", ".join(values) + more,
    ]


@dataclass(frozen=True, eq=False)
class MapSlot(ViewSlot):
    """A heat map along the run whose columns can be pressed, to look at that moment."""

    def part(self, snapshot: Snapshot) -> Part:
        """The map as it is now."""
        return pickable(super().part(snapshot), self._pick)

    def _pick(self) -> None:
        """Look at the moment that was pressed."""
        cell, moments = picked_cell(self.name), browser_runs().session.snapshot().moments
        if cell is not None and moments is not None and cell[1] < len(moments.kept):
            st.session_state[MOMENT] = percent_of(moments, cell[1])


def percent_of(moments: Moments, place: int) -> int:
    """Where a moment lies in the run so far."""
    steps = moments.steps
    span = float(steps[-1] - steps[0])
    return round(NOW * float(steps[place] - steps[0]) / span) if span else NOW
