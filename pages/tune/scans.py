"""Scans of the batch size and of the width: the controls, the curves, and the value that they speak for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from mlp_core.errors import SpecError
from mlp_core.figures import value_scan, value_scan_alt
from mlp_core.spec import Experiment
from mlp_core.tuning.scans import BATCH, WIDTH, Scan, hidden_layers, measure_of, members_of, suggest, values_of
from mlp_core.tuning.seeds import MEASURES
from mlp_core.tuning.trials import Trials
from pages.components.live_plot import plot
from pages.live.runs import BrowserRuns
from pages.shared import editor
from pages.shared.layout import as_text, theme
from pages.tune.following import follow
from pages.tune.parameters import fields, parameters, refuse, usual_epochs

HEIGHT = 320
TAGS = {BATCH.entry.name: "batch size scan", WIDTH.entry.name: "width scan"}
ALL = "all hidden layers"


@dataclass(eq=False)
class ScanWork:
    """A scan that was begun."""

    scan: Scan
    """Which setting."""
    experiment: Experiment
    """Of what."""
    layer: int | None
    """The layer whose width it is; None for all hidden ones."""
    trials: Trials
    """The runs."""

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.trials.running


def batch_scan(runs: BrowserRuns) -> None:
    """Draw the tab of batch sizes."""
    _tab(runs, BATCH, None)


def width_scan(runs: BrowserRuns) -> None:
    """Draw the tab of widths."""
    places = hidden_layers(editor.experiment())
    if not places:
        st.info("This network has no hidden Linear layer, so no width to choose.", icon=":material/info:")
        return
    layer: int | None = None
    if len(places) > 1:
        named = {ALL: None} | {f"layer {place + 1}": place for place in places}
        chosen = st.selectbox("Width of", list(named), key="tune_width_of", width=220)
        layer = named[chosen]
    else:
        layer = places[0]
    _tab(runs, WIDTH, layer)


def _tab(runs: BrowserRuns, scan: Scan, layer: int | None) -> None:
    name = scan.entry.name
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"tune-{name}-controls"):
        current = parameters(scan.entry, **usual_epochs(editor.experiment()))
        fields(scan.entry, current)
        st.button(
            "Scan", key=f"tune-{name}-scan", icon=":material/linear_scale:", type="primary",
            on_click=partial(_begin, runs, scan, layer, current),
            help=f"Train a run for each {scan.unit}, one after the other. All else stays as it is. Each is kept.",
        )  # fmt: skip
    work = runs.work.get(name)
    if not isinstance(work, ScanWork):
        st.info("Press **Scan**. The runs train in the background.", icon=":material/linear_scale:")
        return
    trials = work.trials

    def text() -> str:
        over = sum(member.over for member in trials.members)
        return f"{over} of {len(trials.members)} runs"

    follow(runs, name, trials, text, partial(_draw, work))


def _begin(runs: BrowserRuns, scan: Scan, layer: int | None, current: dict[str, Any]) -> None:
    """Begin; one that goes on is called off."""
    name, snapshot, experiment = scan.entry.name, runs.session.snapshot(), editor.experiment()
    if isinstance(before := runs.work.get(name), ScanWork):
        before.trials.cancel()
    refuse("")
    dataset = snapshot.dataset
    try:
        values = values_of(scan, current, None if dataset is None or scan is not BATCH else dataset.train_size)
        members = members_of(scan, experiment, values, layer)
    except SpecError as error:
        refuse(str(error))
        return
    keeper = runs.keeper
    trials = Trials(
        runs.session.processor, members, current["epochs"], at_once=1 if scan is BATCH else 2,
        keep=None if keeper is None else keeper.keep, tags=(TAGS[name],), wanted=lambda: runs.lease.holds,
        datasets={} if dataset is None else {dataset.spec: dataset},
    )  # fmt: skip
    trials.start()
    runs.work[name] = ScanWork(scan, experiment, layer, trials)


def _draw(work: ScanWork) -> None:
    """The curves so far, and at the end what they speak for."""
    trials, scan = work.trials, work.scan
    value = None
    if not trials.running:
        found = suggest(scan, trials.members)
        value = found.value
        with st.container(horizontal=True, vertical_alignment="center", key=f"tune-{scan.entry.name}-suggestion"):
            if value is not None:
                _use(work, int(value))
            st.markdown(as_text(found.reason), width="stretch")
    values = np.array([int(member.name) for member in trials.members], dtype=float)
    losses = _of(trials, lambda member: member.final(measure_of(member)))
    trained = _of(trials, lambda member: member.final("train_loss"))
    known = next((measure_of(member) for member in trials.members if member.status == "ended"), "test_loss")
    label = MEASURES[known]  # type: ignore[index]
    series = [(label.lower(), losses), ("training loss", trained)]
    cost = (
        ("samples per second", _of(trials, lambda member: member.samples_per_second or None))
        if scan is BATCH
        else ("seconds of processor time", _of(trials, lambda member: member.seconds or None))
    )
    columns = st.columns(2, gap="medium")
    for column, (key, drawn, y) in zip(
        columns, (("loss", series, "loss"), ("cost", [cost], cost[0])), strict=True
    ):  # fmt: skip
        figure = value_scan(values, drawn, x=scan.unit, y=y, suggested=value, theme=theme(), uirevision=str(id(work)))
        alt = value_scan_alt(values, drawn, x=scan.unit, y=y, suggested=value)
        with column:
            plot(figure, key=f"tune-{scan.entry.name}-{key}", height=HEIGHT, alt=alt).mount(time.time_ns() // 1000)
    for member in trials.members:
        if member.message:
            st.caption(as_text(f"{scan.unit} {member.name}: {member.message}"))


def _of(trials: Trials, figure: Any) -> np.ndarray:
    """A figure of every member; NaN where it has none yet."""
    found = [figure(member) for member in trials.members]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def _use(work: ScanWork, value: int) -> None:
    scan, current = work.scan, editor.experiment()
    same = scan.current(current, work.layer) == value
    if st.button(
        f"Use {value:,}", key=f"tune-{scan.entry.name}-use", icon=":material/check:", type="primary", disabled=same,
        help=f"It is the {scan.unit} already." if same else f"Make it the {scan.unit}.",
    ):  # fmt: skip
        editor.edit("tune", lambda old: scan.change(old, value, work.layer))
        st.rerun()
