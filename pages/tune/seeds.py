"""Seeds: a run repeated with other seeds, its band, and whether another setting differs by more than they do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from mlp_core.catalog.tuning import SEEDS
from mlp_core.figures import readable, seed_bands, seed_bands_alt
from mlp_core.spec import Experiment
from mlp_core.tuning.seeds import (
    MEASURES,
    Measure,
    band_of,
    compare,
    finals_of,
    in_words,
    members_of,
    of_setting,
    seeds_from,
)
from mlp_core.tuning.trials import Trials
from pages.components.live_plot import plot
from pages.live.runs import BrowserRuns
from pages.shared import editor
from pages.shared.layout import as_text, theme
from pages.tune.following import follow
from pages.tune.other_setting import other_setting
from pages.tune.parameters import fields, parameters, refuse, usual_epochs

NAME = "seeds"
HEIGHT = 400
TAG = "seeds"


@dataclass(eq=False)
class SeedWork:
    """A repetition that was begun."""

    names: Sequence[str]
    """What the settings are called."""
    experiments: Sequence[Experiment]
    """The settings."""
    trials: Trials
    """The runs."""

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.trials.running


def seeds(runs: BrowserRuns) -> None:
    """Draw the tab."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="tune-seeds-controls"):
        current = parameters(SEEDS, **usual_epochs(editor.experiment()))
        fields(SEEDS, current)
        other = other_setting(runs)
        data = st.toggle("Other data too", key="tune_data_seeds", persist_state="session",
                         help="Draw the data, or their split, anew with every seed as well.")  # fmt: skip
        count = current["count"] * (2 if other else 1)
        st.button(
            f"Train {count} runs", key="tune-seeds-train", icon=":material/repeat:", type="primary",
            on_click=partial(_begin, runs, current, other, data),
            help="Train them in the background, two at a time at most. Each is kept, with the tag 'seeds'.",
        )  # fmt: skip
    work = runs.work.get(NAME)
    if not isinstance(work, SeedWork):
        st.info("One run may be lucky. Press **Train** to see how much its result depends on the seed.",
                icon=":material/repeat:")  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="tune-seeds-view"):
        known = [measure for measure in MEASURES if any(len(each.epochs) for each in _bands(work, measure))]
        measure = st.selectbox("Curve", known or list(MEASURES)[:1], key="tune_measure", width=200,
                               format_func=MEASURES.__getitem__)  # fmt: skip
        lines = st.toggle("Every seed", key="tune_lines", persist_state="session")
        log = st.toggle("Log scale", key="tune_log", persist_state="session")
    trials = work.trials

    def text() -> str:
        return f"{sum(member.over for member in trials.members)} of {len(trials.members)} runs"

    follow(runs, NAME, trials, text, partial(_draw, work, measure, lines, log))


def _bands(work: SeedWork, measure: Measure) -> list:
    settings = len(work.experiments)
    return [band_of(of_setting(work.trials.members, place, settings), measure) for place in range(settings)]


def _begin(runs: BrowserRuns, current: dict, other: tuple[Experiment, str] | None, data: bool) -> None:
    """Begin; one that goes on is called off."""
    if isinstance(before := runs.work.get(NAME), SeedWork):
        before.trials.cancel()
    refuse("")
    experiment, dataset, keeper = editor.experiment(), runs.session.snapshot().dataset, runs.keeper
    settings = [experiment, *([other[0]] if other else [])]
    names = ["A: as it is", f"B: {other[1]}"] if other else ["as it is"]
    trials = Trials(
        runs.session.processor, members_of(settings, seeds_from(experiment.training.seed, current["count"]), data=data),
        current["epochs"], at_once=2, keep=None if keeper is None else keeper.keep, tags=(TAG,),
        wanted=lambda: runs.lease.holds, datasets={} if dataset is None else {dataset.spec: dataset},
    )  # fmt: skip
    trials.start()
    runs.work[NAME] = SeedWork(names, settings, trials)


def _draw(work: SeedWork, measure: Measure, lines: bool, log: bool) -> None:
    """The answer, the bands, and where they end."""
    bands, settings = _bands(work, measure), len(work.experiments)
    members = [of_setting(work.trials.members, place, settings) for place in range(settings)]
    finals = [finals_of(each, measure) for each in members]
    if settings > 1:
        answer = compare(finals[0], finals[1])
        st.markdown(as_text(in_words(answer, measure)))
        if work.experiments[0].data != work.experiments[1].data:
            st.caption("The two are of different data, so their figures may not compare.")
    percents = measure.endswith("accuracy")
    figure = seed_bands(
        work.names, bands, y=MEASURES[measure].lower(), percents=percents, lines=lines, log_y=log and not percents,
        theme=theme(), uirevision=f"{id(work)}-{measure}-{log}",
    )  # fmt: skip
    alt = seed_bands_alt(work.names, bands, y=MEASURES[measure], percents=percents)
    plot(figure, key="tune-seeds", height=HEIGHT, alt=alt).mount(time.time_ns() // 1000)
    for name, each, found in zip(work.names, members, finals, strict=True):
        if found:
            st.caption(as_text(f"{name}: {_spread(list(found.values()), percents)}{_losses(each)}"))


def _spread(values: list[float], percents: bool) -> str:
    low, median, high = np.percentile(values, [25, 50, 75]) * (100 if percents else 1)
    unit = " %" * percents
    return (
        f"median {readable(median)}{unit} at the end, half of the seeds from {readable(low)} to {readable(high)}{unit} "
        f"({len(values)} seeds)"
    )


def _losses(members: Sequence) -> str:
    diverged = sum(member.diverged for member in members)
    failed = next((member.message for member in members if member.status == "failed"), "")
    said = f"; {diverged} diverged and are left out" if diverged else ""
    return f"{said}. {failed}" if failed else f"{said}."
