"""In what several runs differ: their settings, their answers, and what they make of the data."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import streamlit as st

from mlp_core.errors import UserError
from mlp_core.figures import confusion_difference, confusion_difference_alt, plain
from mlp_core.store.comparison import differing
from mlp_core.store.keeper import RunKeeper
from mlp_core.store.runs import StoredRun
from mlp_core.store.settings import FIGURES, PRESET, Scalar, label_of
from mlp_core.views import Drawing, Options
from pages.components.live_plot import plot
from pages.runs.details import figure_text
from pages.shared.layout import as_text, theme

HEIGHT = 380
PICTURE = 300
LIT = "background-color: #0f8c8038; font-weight: 600"
ROW_HEIGHT = 35
MOST_PICTURES = 12
"""Runs whose output is drawn."""


def settings(keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """A table with a column per run; what is not the same in all of them is lit."""
    import pandas as pd

    different = [path for path in differing([run.settings for run in chosen]) if path != PRESET]
    alone = st.toggle("Only what differs", value=True, key="runs_only_different")
    paths = different if alone else [*different, *sorted({p for run in chosen for p in run.settings} - {*different})]
    if not paths:
        st.caption("These runs have the same settings.")
    names = _unique([plain(run.label, 40) for run in chosen])
    rows = [[label_of(path), *(_text(run.settings.get(path), path in run.settings) for run in chosen)]
            for path in paths]  # fmt: skip
    rows += [[label, *(figure_text(name, run.figures.get(name)) for run in chosen)] for name, label in FIGURES.items()
             if any(run.figures.get(name) is not None for run in chosen)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["", *names])
    lit = pd.DataFrame("", index=frame.index, columns=frame.columns)
    lit.iloc[: len(different), :] = LIT
    st.dataframe(frame.style.apply(lambda _: lit, axis=None), hide_index=True, key="runs-settings",
                 row_height=ROW_HEIGHT, height=(min(16, len(rows)) + 1) * ROW_HEIGHT + 3)  # fmt: skip


def _text(value: Scalar, known: bool) -> str:
    if not known:
        return "–"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.6g}" if isinstance(value, float) else plain(str(value), 60)


def _unique(names: Sequence[str]) -> list[str]:
    return [name if names.count(name) == 1 else f"{name} ({place + 1})" for place, name in enumerate(names)]


def confusions(keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """How one run's answers differ from another's."""
    found = {}
    for run in chosen:
        record, counts = keeper.queue.store.answers(keeper.owner, run.id)
        if counts is not None:
            found[run.id] = (run.label, record.experiment.data, counts)
    if len(found) < 2:
        st.info("At least two of the runs need classes to be compared.", icon=":material/grid_on:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs-confusion-controls"):
        labels = dict(zip(found, _unique([plain(label, 40) for label, _, _ in found.values()]), strict=True))
        one = st.selectbox("Run", list(found), key="runs_confusion_of", format_func=labels.get)
        other = st.selectbox("Compared with", list(found), index=1, key="runs_confusion_with", format_func=labels.get)
    (_, data, counts), (_, other_data, before) = found[one], found[other]
    if counts.shape != before.shape or data.facts.class_names != other_data.facts.class_names:
        st.info("These two have other classes. Choose runs on the same data.", icon=":material/grid_on:")
        return
    difference = 100 * (_shares(counts) - _shares(before))
    names = data.facts.class_names
    figure = confusion_difference(difference, names, theme=theme(), uirevision=f"{one}-{other}")
    alt = confusion_difference_alt(difference, names)
    plot(figure, key="runs-confusion", height=HEIGHT, alt=alt).mount(time.time_ns() // 1000)
    st.caption(
        f"Percentage points of each true class that {as_text(labels[one])} answers more often (teal) or less often "
        f"(orange) than {as_text(labels[other])}, in the newest test pass of each. On the diagonal, teal is better."
    )


def _shares(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=1, keepdims=True)
    found: np.ndarray = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    return found


def outputs(keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """What each network makes of its data."""
    shown = 0
    columns = st.columns(min(4, max(2, len(chosen))), gap="small")
    for place, run in enumerate(chosen[:MOST_PICTURES]):
        with columns[place % len(columns)]:
            try:
                drawing = _output(keeper, run)
            except UserError as error:
                st.caption(f"{as_text(plain(run.label, 40))}: {as_text(error)}")
                continue
            if drawing is not None:
                shown += 1
                plot(dict(drawing.data), key=f"runs-output-{place}", height=PICTURE, alt=drawing.alt).mount(
                    time.time_ns() // 1000
                )  # fmt: skip
                st.caption(as_text(plain(run.label, 60)))
    if not shown:
        st.info("Runs on data with two inputs, or one, have such a picture.", icon=":material/grid_view:")
    elif len(chosen) > MOST_PICTURES:
        st.caption(f"The first {MOST_PICTURES} of {len(chosen)} runs.")


def _output(keeper: RunKeeper, run: StoredRun) -> Drawing | None:
    """Its picture, computed once for each state in which it was saved."""
    from mlp_core.export.weights import load
    from mlp_core.store.outputs import output_of

    held: dict[tuple[str, float, str], Drawing | None] = st.session_state.setdefault("runs_outputs", {})
    key = run.id, run.saved, theme()
    if key not in held:
        content = keeper.queue.store.file(keeper.owner, run.id, "last")
        held[key] = None if content is None else output_of(load(content), Options(theme=theme()))
        while len(held) > 2 * MOST_PICTURES:
            held.pop(next(iter(held)))
    return held[key]
