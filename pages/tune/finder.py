"""The learning-rate finder: the ramp on a copy of the run, its curve, and the rate that it speaks for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mlp_core.catalog.tuning import RATE_RAMP
from mlp_core.errors import SpecError, UserError
from mlp_core.figures import rate_ramp, rate_ramp_alt, readable
from mlp_core.processor import BackgroundWork
from mlp_core.tuning.rate_ramp import RampCurve, Suggestion, copy_of, ramp_on, rates_of
from pages.components.live_plot import plot
from pages.live.runs import BrowserRuns
from pages.shared import editor
from pages.shared.layout import as_text, theme
from pages.shared.verdict import PLAYGROUND_PAGE
from pages.tune.following import follow
from pages.tune.parameters import fields, parameters, refuse

if TYPE_CHECKING:
    from mlp_core.run.build import Run

NAME = "finder"
HEIGHT = 400
COPY_SECONDS = 10.0
"""How long a press waits for a copy of the run, which its thread makes between two chunks of steps."""
NOW, NEW = "The run as it is", "New weights"
NOT_READY = "The run could not be copied. Wait until the network is built, then press Find again."


@dataclass(eq=False)
class Finding:
    """A ramp that was begun."""

    curve: RampCurve
    """What it has found so far."""
    rates: np.ndarray
    """Its rates."""
    work: BackgroundWork[Suggestion]
    """The work."""
    of: str
    """What it is of, in words."""

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.work.running

    @property
    def progress(self) -> float:
        """The share of the rates that is done."""
        return self.work.progress

    def cancel(self) -> None:
        """Call it off."""
        self.work.cancel()


def finder(runs: BrowserRuns) -> None:
    """Draw the tab."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="tune-finder-controls"):
        current = parameters(RATE_RAMP)
        fields(RATE_RAMP, current, width=150)
        begins = st.segmented_control("Begin with", [NOW, NEW], default=NOW, key="tune_begins", required=True,
                                      persist_state="session", help="Either way on a copy: the run itself goes on as "
                                      "if nothing had happened.")  # fmt: skip
        st.button(
            "Find", key="tune-find", icon=":material/search:", type="primary",
            on_click=partial(_find, runs, current, begins),
            help="Let the learning rate grow with every update, on the next batches, until the loss explodes.",
        )  # fmt: skip
    found = runs.work.get(NAME)
    if not isinstance(found, Finding):
        st.info("Press **Find**. It takes a second or two for a small network.", icon=":material/search:")
        return
    follow(runs, NAME, found, lambda: f"{len(found.curve):,} of {len(found.rates):,} updates", partial(_draw, found))


def _find(runs: BrowserRuns, current: dict, begins: str) -> None:
    """Begin; one that goes on is called off."""
    before, session = runs.work.get(NAME), runs.session
    if isinstance(before, Finding):
        before.cancel()
    refuse("")
    snapshot, experiment = session.snapshot(), editor.experiment()
    dataset, checkpoint = snapshot.dataset, None
    if begins == NOW:
        checkpoint = session.checkpoint(COPY_SECONDS)
        experiment = snapshot.experiment or experiment
    fits = dataset is not None and dataset.spec == experiment.data and session.snapshot().run == snapshot.run
    if not fits or (begins == NOW and checkpoint is None):
        refuse(NOT_READY)
        return
    try:
        rates = rates_of(current)
    except SpecError as error:
        refuse(str(error))
        return
    # The processor alone: a graphics card may just be recording the steps of a run.
    experiment = experiment.updated(training=experiment.training.updated(device="cpu"))

    def make() -> Run:
        assert dataset is not None
        return copy_of(experiment, dataset, checkpoint)

    curve = RampCurve()
    work = BackgroundWork(
        session.processor, lambda: ramp_on(session.processor, make, rates, curve), attended=True,
        wanted=lambda: runs.lease.holds,
    )  # fmt: skip
    of = "new weights" if checkpoint is None else f"the run at step {checkpoint.position.step:,}"
    runs.work[NAME] = Finding(curve, rates, work, of)


def _draw(found: Finding) -> None:
    """The curve, and at its end what it speaks for."""
    work, suggestion = found.work, found.work.result
    rate = editor.experiment().optimizer.params["lr"]
    if not work.running and suggestion is not None:
        _suggest(suggestion, rate)
    elif work.error is not None:
        told = isinstance(work.error, UserError)
        st.error(as_text(work.error) if told else f"The ramp could not be made ({type(work.error).__name__}).",
                 icon=":material/block:")  # fmt: skip
    elif work.cancelled:
        st.info("It was called off.", icon=":material/close:")
    count = len(found.curve)
    rates, losses, smoothed = (
        np.array(values[:count]) for values in (found.curve.rates, found.curve.losses, found.curve.smoothed)
    )
    value = None if suggestion is None else suggestion.value
    figure = rate_ramp(
        rates, losses, smoothed, suggested=value, current=rate, theme=theme(), uirevision=str(id(found)),
        ends=(float(found.rates[0]), float(found.rates[-1])) if work.running else None,
    )  # fmt: skip
    alt = rate_ramp_alt(rates, losses, smoothed, suggested=value)
    plot(figure, key="tune-ramp", height=HEIGHT, alt=alt).mount(time.time_ns() // 1000)
    st.caption(f"Of {found.of}. The loss of each mini-batch before its update, and its moving average.")


def _suggest(suggestion: Suggestion, rate: float) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="tune-suggestion"):
        if suggestion.value is None:
            st.warning(as_text(suggestion.reason), icon=":material/help:")
            return
        same = suggestion.value == rate
        if st.button(
            f"Use {readable(suggestion.value)}", key="tune-use-rate", icon=":material/check:", type="primary",
            disabled=same, help="It is the learning rate already." if same else "Make it the learning rate.",
        ):  # fmt: skip
            editor.set_param("optimizer", "lr", suggestion.value)
            st.rerun()
        st.markdown(as_text(suggestion.reason), width="stretch")
        if same:
            st.page_link(str(PLAYGROUND_PAGE), label="Train with it", icon=":material/arrow_forward:")
