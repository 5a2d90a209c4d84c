"""What a sweep has found: the best trial, the table, and charts of which only the open tab is drawn."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import streamlit as st

from mlp_core.figures import (
    Dimension,
    Figure,
    Trials,
    class_bars,
    class_bars_alt,
    pareto_front,
    pareto_front_alt,
    plain,
    sweep_history,
    sweep_history_alt,
    sweep_parallel,
    sweep_parallel_alt,
    sweep_slice,
    sweep_slice_alt,
)
from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.space import Range
from mlp_core.sweep.spec import SweepSpec
from mlp_core.sweep.summary import best, front
from pages.components.live_plot import pickable, picked_id, plot
from pages.shared.layout import as_text, theme
from pages.sweep.work import Sweeps

if TYPE_CHECKING:
    from mlp_core.settings import Setting
    from mlp_core.sweep.keeping import KeptSweep

HEIGHT, SMALL = 360, 250
ROW_HEIGHT = 35
SELECTED, OPENED = "sweep_trial", "sweep_trial_opened"
"""The trial that was selected, and whether it is to be opened."""
MOST_SLICES = 9


def results_tabs(sweeps: Sweeps, kept: KeptSweep) -> None:
    """Draw them."""
    drawn = {"Table": _table, "Progress": _history, "Parallel": _parallel, "Slices": _slices,
             "Importances": partial(_importances, sweeps)}  # fmt: skip
    if kept.spec.objective_entry.counts_parameters:
        drawn["Pareto front"] = _front
    for tab, draw in zip(st.tabs(list(drawn), key=f"sweep-tab-{kept.id}", on_change="rerun"), drawn.values(),
                         strict=True):  # fmt: skip
        if tab.open:
            with tab:
                draw(kept)


def selected(kept: KeptSweep) -> TrialResult | None:
    """The trial that was pressed; the best one where none was."""
    sweep, number = st.session_state.get(SELECTED, ("", -1))
    results = kept.sweep.results
    chosen = next((result for result in results if result.number == number), None) if sweep == kept.id else None
    return chosen or best(kept.spec, results)


def choose_to_open(kept: KeptSweep, number: int) -> None:
    """Have the trial of this number selected, and opened by the next run of the page."""
    st.session_state[SELECTED], st.session_state[OPENED] = (kept.id, number), True


def sentence(spec: SweepSpec, result: TrialResult) -> str:
    """A trial in words: its figures and its settings."""
    figures = ", ".join(
        f"{name.lower()} {_figure(spec, place, value)}"
        for place, (name, value) in enumerate(zip(spec.objectives, result.objectives, strict=False))
    )
    known = spec.space.known
    found = ", ".join(f"{known[path].label} {_short(known[path], value)}" for path, value in result.values.items())
    return f"{figures or result.state}: {found}"


def _short(setting: Setting, value: Any) -> str:
    """A value as the table shows it."""
    return f"{value:.4g}" if isinstance(value, float) else setting.text(value)


def _figure(spec: SweepSpec, place: int, value: float) -> str:
    if place:
        return f"{int(value):,}"
    return f"{100 * value:.1f} %" if spec.objective_entry.accuracy else f"{value:.4g}"


def _table(kept: KeptSweep) -> None:
    spec, results = kept.spec, kept.sweep.results
    if not results:
        st.caption("The first trials train.")
        return
    key = f"sweep-table-{kept.id}"

    def take() -> None:
        state: Any = st.session_state.get(key)
        rows = [] if state is None else state["selection"]["rows"]
        now = kept.sweep.results
        if rows and rows[0] < len(now):
            st.session_state[SELECTED] = kept.id, now[rows[0]].number

    labels = _labels(spec)
    scale = 100 if spec.objective_entry.accuracy else 1
    cells: dict[str, Any] = {"#": pa.array([result.number + 1 for result in results])}
    for place, name in enumerate(spec.objectives):
        cells[f"{name}, %" if scale > 1 else name] = pa.array(
            [(scale if place == 0 else 1) * result.objectives[place] if len(result.objectives) > place else None
             for result in results], pa.float64(),
        )  # fmt: skip
    for path, label in labels.items():
        values = [result.values[path] for result in results]
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        texts = map(spec.space.known[path].text, values)
        cells[label] = pa.array(list(map(float, values)), pa.float64()) if numeric else pa.array(texts)
    cells["State"] = pa.array([result.state for result in results])
    cells["Epochs"] = pa.array([result.epoch for result in results])
    if any(result.message for result in results):
        cells["Why"] = pa.array([plain(result.message, 200) for result in results])
    numbers = {name: st.column_config.NumberColumn(name, format="%.4g") for name, column in cells.items()
               if pa.types.is_floating(column.type)}  # fmt: skip
    st.dataframe(
        pa.table(cells), key=key, hide_index=True, row_height=ROW_HEIGHT, selection_mode="single-row", on_select=take,
        column_config=numbers, height=(min(12, len(results)) + 1) * ROW_HEIGHT + 3,
    )  # fmt: skip
    st.caption("Select a trial to see and open it; a press on one in a chart opens it.")


def _labels(spec: SweepSpec) -> dict[str, str]:
    """What each setting is called, each name once."""
    known, found = spec.space.known, {}
    for path in spec.space.dimensions:
        label = plain(known[path].label, 60)
        found[path] = f"{label} ({path})" if label in found.values() else label
    return found


def _trials(spec: SweepSpec, results: list[TrialResult]) -> tuple[Trials, list[TrialResult]]:
    """The trials that ended with a figure, as charts take them."""
    shown = [result for result in results if result.counts]
    scale = 100 if spec.objective_entry.accuracy else 1
    values = np.array([scale * result.objectives[0] for result in shown], dtype=np.float64)
    title = f"{spec.objectives[0].lower()}, %" if spec.objective_entry.accuracy else spec.objectives[0].lower()
    numbers = tuple(result.number + 1 for result in shown)
    return Trials(numbers, values, title, spec.objective_entry.accuracy), shown


def _dimension(spec: SweepSpec, path: str, label: str, shown: list[TrialResult]) -> Dimension:
    form, values = spec.space.dimensions[path], [result.values[path] for result in shown]
    if isinstance(form, Range):
        return Dimension(label, tuple(values), form.log)
    return Dimension(label, tuple(map(spec.space.known[path].text, values)))


def _history(kept: KeptSweep) -> None:
    trials, _ = _trials(kept.spec, kept.sweep.results)
    _draw(kept, "history", sweep_history(trials, theme=theme()), sweep_history_alt(trials))


def _parallel(kept: KeptSweep) -> None:
    trials, shown = _trials(kept.spec, kept.sweep.results)
    found = [_dimension(kept.spec, path, label, shown) for path, label in _labels(kept.spec).items()]
    _draw(kept, "parallel", sweep_parallel(trials, found, theme=theme()), sweep_parallel_alt(trials, found))


def _slices(kept: KeptSweep) -> None:
    trials, shown = _trials(kept.spec, kept.sweep.results)
    labels = list(_labels(kept.spec).items())[:MOST_SLICES]
    for row in range(0, len(labels), 3):
        for column, (path, label) in zip(st.columns(3, gap="medium"), labels[row : row + 3], strict=False):
            found = _dimension(kept.spec, path, label, shown)
            with column:
                _draw(kept, f"slice-{path.replace('.', '-')}", sweep_slice(trials, found, theme=theme()),
                      sweep_slice_alt(trials, found), SMALL)  # fmt: skip


def _importances(sweeps: Sweeps, kept: KeptSweep) -> None:
    found, labels = sweeps.importances(kept), _labels(kept.spec)
    if found.shares:
        values = np.array([found.shares[path] for path in labels], dtype=np.float64)
        title = "share of the differences that it explains"
        _draw(kept, "importances", class_bars(values, list(labels.values()), title=title, theme=theme()),
              class_bars_alt(values, list(labels.values()), title=title), max(160, 60 + 34 * len(labels)))  # fmt: skip
        st.caption(f"fANOVA of {found.trials} trials: a random forest over the settings, taken apart.")
    elif found.error:
        st.caption(as_text(found.error))
    elif found.work is not None:
        st.caption("Importances are being computed.")
    else:
        st.caption("No trial has come to its end yet.")


def _front(kept: KeptSweep) -> None:
    trials, shown = _trials(kept.spec, kept.sweep.results)
    numbers = {result.number for result in front(kept.spec, shown)}
    places = [place for place, result in enumerate(shown) if result.number in numbers]
    sizes = np.array([result.objectives[1] for result in shown], dtype=np.float64)
    _draw(kept, "front", pareto_front(trials, sizes, places, theme=theme()), pareto_front_alt(trials, sizes, places))


def _draw(kept: KeptSweep, name: str, figure: Figure, alt: str, height: int = HEIGHT) -> None:
    key = f"sweep-{name}-{kept.id}"

    def take() -> None:
        number = picked_id(key)
        if number is not None and number.isdecimal():
            choose_to_open(kept, int(number) - 1)

    pickable(plot(figure, key=key, height=height, alt=alt), take).mount(time.time_ns() // 1000)
