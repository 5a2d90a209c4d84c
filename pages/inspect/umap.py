"""UMAP of the hidden space: computed in the background when somebody asks for it, shown with the step that it is of."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st

from mlp_core.errors import UserError
from mlp_core.processor import BackgroundWork
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from mlp_core.training.views import ViewResult
from mlp_core.views import VIEWS, Options
from pages.components.part import Part
from pages.live import runs as browsers
from pages.live.runs import BrowserRuns
from pages.live.slots import ViewSlot
from pages.shared.layout import as_text

_HELD = "umap_held"
VIEW = "hidden_space"
LOOK_SECONDS, FOLLOW_SECONDS = 0.5, 2.0
"""Between two looks at the work, and at a run that trains."""
NOT_READY = "The values of the layer are not there yet. Wait until the network is built, then press Compute UMAP again."


@dataclass(eq=False)
class Held:
    """What there is of UMAP in this browser."""

    work: BackgroundWork[np.ndarray] | None = None
    """What is being computed."""
    begun: tuple[str, str, ViewResult] | None = None
    """The run that it is of, which space of it, and the values."""
    shown: tuple[str, str, ViewResult] | None = None
    """The newest that came to its end, with its points."""
    error: str = ""
    """Why there is none of the last press; '' where there is."""

    @property
    def running(self) -> bool:
        """Whether something is being computed."""
        return self.work is not None and self.work.running

    def take(self) -> None:
        """Take what the work has found, or why it found nothing, once it is at its end."""
        if self.work is None or self.work.running:
            return
        work, self.work = self.work, None
        if work.result is not None and self.begun is not None:
            run, space, values = self.begun
            self.shown = run, space, ViewResult(values.step, {**values.data, "points": work.result})
        elif work.error is not None:
            told = isinstance(work.error, UserError)
            self.error = str(work.error) if told else f"UMAP could not be computed ({type(work.error).__name__})."


def held() -> Held:
    """That of this browser, up to date."""
    found: Held = st.session_state.setdefault(_HELD, Held())
    found.take()
    return found


@dataclass(frozen=True, eq=False)
class UmapSlot(ViewSlot):
    """The place of the samples as UMAP puts them: those that were computed last for what is chosen."""

    shown: ViewResult | None = None
    """What was computed."""

    def part(self, snapshot: Snapshot) -> Part:
        """The chart."""
        name = VIEWS[VIEW].computed(self.options)
        if self.shown is not None:
            snapshot = replace(snapshot, views={**snapshot.views, name: self.shown})
        return super().part(snapshot)

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """As long as it belongs to the run: a new result draws the page again."""
        name = VIEWS[VIEW].computed(self.options)
        return before.run == now.run and (before.view(name) is None) == (now.view(name) is None)


def umap_slot(options: Options, height: int) -> UmapSlot:
    """The place, with what was computed for the run at hand and the space that is chosen; call in a run of the page."""
    run, space, found = held().shown or ("", "", None)
    belongs = run == browsers.browser_runs().session.snapshot().run and space == options.space.write()
    return UmapSlot("inspect-umap", (VIEW,), options, height, shown=found if belongs else None)


def umap_controls(session: Session, runs: BrowserRuns, options: Options) -> None:
    """The button, how far the work is, and which step the picture is of."""
    mine = held()
    st.button(
        "Compute UMAP", key="umap-compute", icon=":material/scatter_plot:", type="primary",
        on_click=partial(_compute, session, runs, options), disabled=mine.running,
        help="Place the samples for the weights as they are now. The first time takes longest. Training may go on.",
    )  # fmt: skip
    if mine.error:
        st.error(as_text(mine.error), icon=":material/block:")
    drawn, trains = mine.running, session.snapshot().trains

    def tick() -> None:
        runs.lease.renew()
        now = session.snapshot()
        if held().running != drawn or now.trains != trains:
            st.rerun()
        if mine.work is not None:
            _progress(mine.work)
        elif mine.shown is not None and mine.shown[:2] == (now.run, options.space.write()):
            step = mine.shown[2].step
            later = "" if step == now.step else f" The run is at step {now.step:,}: press Compute UMAP for that."
            st.caption(f"Step {step:,}.{later}")

    every = LOOK_SECONDS if drawn else FOLLOW_SECONDS if trains else None
    st.fragment(tick, run_every=every, key="umap-status")()


def _progress(work: BackgroundWork[np.ndarray]) -> None:
    what = "Placing samples" if work.progress else "Loading UMAP"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(work.progress, text=f"{what}… {time.monotonic() - work.began:.0f} s")
        st.button("Cancel", key="umap-cancel", icon=":material/close:", on_click=_cancel)


def _compute(session: Session, runs: BrowserRuns, options: Options) -> None:
    from mlp_core.views.umap import embedding

    mine, snapshot = held(), session.snapshot()
    name = VIEWS[VIEW].computed(options)
    found, mine.error = snapshot.views.get(name), ""
    if found is None:
        mine.error = NOT_READY
        return
    mine.begun = snapshot.run, options.space.write(), found
    values = found.data["values"]
    mine.work = BackgroundWork(session.processor, lambda: embedding(values), wanted=lambda: runs.lease.holds)


def _cancel() -> None:
    mine = held()
    if mine.work is not None:
        mine.work.cancel()
        mine.work.wait(1.0)
