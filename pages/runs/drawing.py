"""Charts of several runs: curves on one axis, one value against another, and many side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from mlp_core.figures import (
    Dimension,
    Figure,
    RunCurve,
    parallel_runs,
    parallel_runs_alt,
    run_curves,
    run_curves_alt,
    run_scatter,
    run_scatter_alt,
)
from mlp_core.store.comparison import MEASURES, Unit, curve_of, differing, steps_per
from mlp_core.store.keeper import RunKeeper
from mlp_core.store.runs import StoredRun
from mlp_core.store.settings import FIGURES, NETWORK, PRESET, label_of
from mlp_core.training.record import RunRecord
from pages.components.live_plot import plot
from pages.shared.layout import theme

HEIGHT = 380
UNITS: dict[str, Unit] = {"Steps": "step", "Epochs": "epoch", "Seconds": "seconds", "Samples": "samples"}
USUAL_FIGURES = ("best_test_accuracy", "best_test_loss")
MOST_USUAL = 4
"""Settings that parallel coordinates begin with at most."""


def curves(keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """The same curve of all of them."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs-curve-controls"):
        measure = st.selectbox("Curve", list(MEASURES), key="runs_measure", format_func=MEASURES.__getitem__,
                               persist_state="session", width=220)  # fmt: skip
        unit = st.segmented_control("Over", list(UNITS), default="Steps", key="runs_unit", required=True,
                                    persist_state="session")  # fmt: skip
        smoothing = st.slider("Smoothing", 0.0, 0.95, 0.6, 0.05, key="runs_smoothing", width=200,
                              help="The raw line stays, faint.")  # fmt: skip
        log = st.toggle("Log scale", key="runs_log")
    x, percents = UNITS[unit], measure.endswith("accuracy")
    found = []
    for run in chosen:
        record = record_of(keeper, run)
        found.append(RunCurve(run.label, curve_of(record, measure), steps_per(record, x)))
    smooth = smoothing if measure == "train_loss" else 0.0
    y = MEASURES[measure].lower()
    figure = run_curves(found, x=x, y=y, percents=percents, log_y=log and not percents, smoothing=smooth, theme=theme(),
                        uirevision=f"{measure}-{x}")  # fmt: skip
    _draw("curves", figure, run_curves_alt(found, x=x, y=MEASURES[measure], percents=percents))
    if unit == "Seconds":
        st.caption("Seconds of training, at each run's mean speed.")


def scatter(keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """One value of each run against another."""
    fields = fields_of(chosen)
    first = next((field for field in usual(chosen) if field not in FIGURES), "step")
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs-scatter-controls"):
        x = st.selectbox("Across", fields, index=fields.index(first), key="runs_across", format_func=label_of)
        y = st.selectbox("Upwards", fields, index=fields.index("best_test_loss"), key="runs_upwards",
                         format_func=label_of)  # fmt: skip
        log = st.toggle("Log scale across", key="runs_log_across")
    names = [run.label for run in chosen]
    pair = dimension(chosen, x, log=log), dimension(chosen, y)
    _draw("scatter", run_scatter(names, *pair, theme=theme(), uirevision=f"{x}-{y}-{log}"),
          run_scatter_alt(names, *pair))  # fmt: skip


def parallel(keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """Many values of each run."""
    fields = fields_of(chosen)
    wanted = st.multiselect("Axes", fields, default=usual(chosen), key="runs_axes-" + "-".join(usual(chosen)),
                            format_func=label_of)  # fmt: skip
    names = [run.label for run in chosen]
    found = [dimension(chosen, field, log=field.endswith(".lr")) for field in wanted]
    _draw("parallel", parallel_runs(names, found, theme=theme(), uirevision="-".join(wanted)),
          parallel_runs_alt(names, found))  # fmt: skip


def fields_of(chosen: Sequence[StoredRun]) -> list[str]:
    """Settings and figures that one of the runs has, those that differ first."""
    paths = [*differing([run.settings for run in chosen]), *FIGURES, *(path for run in chosen for path in run.settings)]
    return list(dict.fromkeys(paths))


def usual(chosen: Sequence[StoredRun]) -> list[str]:
    """What parallel coordinates begin with: settings that differ, then figures."""
    settings = [path for path in differing([run.settings for run in chosen]) if path != PRESET]
    if len(settings) > MOST_USUAL and NETWORK in settings:  # it stands for all layers
        settings = [path for path in settings if not path.startswith("layers.")]
    figures = [name for name in USUAL_FIGURES if any(run.figures.get(name) is not None for run in chosen)]
    return [*settings[:MOST_USUAL], *figures]


def dimension(chosen: Sequence[StoredRun], field: str, *, log: bool = False) -> Dimension:
    """A setting or a figure of the runs."""
    values = [(run.figures if field in FIGURES else run.settings).get(field) for run in chosen]
    if field.endswith("accuracy"):
        return Dimension(f"{label_of(field)}, %", tuple(None if v is None else 100 * float(v) for v in values))
    return Dimension(label_of(field), tuple(values), log)


def record_of(keeper: RunKeeper, run: StoredRun) -> RunRecord:
    """Its record, read once for each state in which it was saved."""
    held: dict[str, tuple[float, RunRecord]] = st.session_state.setdefault("runs_records", {})
    if run.id not in held or held[run.id][0] != run.saved:
        held[run.id] = run.saved, keeper.queue.store.record(keeper.owner, run.id)
        while len(held) > 40:
            held.pop(next(iter(held)))
    return held[run.id][1]


def _draw(name: str, figure: Figure, alt: str) -> None:
    plot(figure, key=f"runs-{name}", height=HEIGHT, alt=alt).mount(time.time_ns() // 1000)
