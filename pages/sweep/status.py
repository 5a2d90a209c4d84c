"""A sweep as it goes on: how far it is, what it has found, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.sweep.keeping import ELSEWHERE
from pages.live.runs import BrowserRuns
from pages.shared.layout import as_text
from pages.sweep.opening import open_trial
from pages.sweep.results import OPENED, SELECTED, choose_to_open, results_tabs, selected, sentence
from pages.sweep.work import Sweeps, time_left

if TYPE_CHECKING:
    from mlp_core.sweep.keeping import KeptSweep

LOOK_SECONDS = 1.0
"""Between two looks at a sweep that goes on, or whose importances are being computed."""
BUSY = ("running", "pausing")
SAID = {"paused": "Paused", "cancelled": "Cancelled", "finished": "Finished", "pausing": "Pausing"}


def show(runs: BrowserRuns, sweeps: Sweeps, sweep: str) -> None:
    """Draw it, again and again while it goes on, here or elsewhere."""
    kept, held = sweeps.look(sweep)
    drawn = kept.sweep.progress.status
    computing = drawn not in BUSY and sweeps.importances(kept).work is not None

    def tick() -> None:
        runs.lease.renew()
        try:
            kept, elsewhere = sweeps.look(sweep)
        except UserError as error:
            st.warning(as_text(error), icon=":material/sync_problem:")
            return
        kept.sweep.watch()
        done = computing and sweeps.importances(kept).work is None
        if done or (kept.sweep.progress.status, elsewhere > 0) != (drawn, held > 0):
            st.rerun()
        _progress(sweeps, kept, elsewhere)
        _trial(runs, sweeps, kept)
        results_tabs(sweeps, kept)

    every = LOOK_SECONDS if drawn in BUSY or computing or held else None
    st.fragment(tick, run_every=every, key=f"sweep-status-{kept.id}")()


def _progress(sweeps: Sweeps, kept: KeptSweep, elsewhere: float) -> None:
    now = kept.sweep.progress
    with st.container(horizontal=True, vertical_alignment="center", key="sweep-progress"):
        said = "" if elsewhere else SAID.get(now.status, "")
        text = f"{said + ': ' if said else ''}{now.done:,} of {now.size:,} trials{time_left(now.seconds_left)}"
        st.progress(now.done / now.size, text=text)
        if not elsewhere:  # else it is paused and cancelled where it is trained
            _controls(sweeps, kept, now.status)
    said = [f"Now {_trials(len(now.training))} on {now.place}."] if now.place and now.status in BUSY else []
    if said or now.notes:
        st.caption(f":material/lan: {as_text(' '.join([*said, *now.notes]))}")
    if elsewhere:
        st.info(f"{ELSEWHERE} Its results appear here. If that server has ended, this one can go on with it in "
                f"{elsewhere:.0f} s.", icon=":material/dns:")  # fmt: skip
    if error := now.message or st.session_state.pop("sweep_resume_error", ""):
        st.error(as_text(error), icon=":material/block:")
    if kept.spec.warning:
        st.caption(f":material/warning: {as_text(kept.spec.warning)}")
    unsaved = kept.unsaved
    if unsaved.reason:
        some = f"{unsaved.trials} trial{'s are' if unsaved.trials != 1 else ' is'}" if unsaved.trials else "This is"
        st.warning(f"{some} not saved yet: {as_text(unsaved.reason)} Saving is tried again.",
                   icon=":material/sync_problem:")  # fmt: skip


def _controls(sweeps: Sweeps, kept: KeptSweep, status: str) -> None:
    if status in BUSY:
        _button("Pause", "pause", kept.sweep.pause, disabled=status == "pausing",
                help="The trials at hand begin again when it goes on.")  # fmt: skip
    elif status == "paused":
        _button("Resume", "play_arrow", partial(_resume, sweeps, kept))
    if status in (*BUSY, "paused"):
        _button("Cancel", "close", kept.sweep.cancel, help="End it with the trials that there are.")


def _trials(count: int) -> str:
    return f"{count:,} trial{'' if count == 1 else 's'}"


def _button(label: str, icon: str, act: Callable[[], None], *, disabled: bool = False, help: str | None = None) -> None:
    # By a callback: a press that comes at the moment of a change would be lost with the run that notices the change.
    st.button(label, key=f"sweep-{label.lower()}", icon=f":material/{icon}:", disabled=disabled, help=help,
              on_click=act)  # fmt: skip


def _resume(sweeps: Sweeps, kept: KeptSweep) -> None:
    try:
        sweeps.resume(kept.id)
    except UserError as error:
        st.session_state["sweep_resume_error"] = str(error)


def _trial(runs: BrowserRuns, sweeps: Sweeps, kept: KeptSweep) -> None:
    """The trial that is selected, or the best one, and the way to open it."""
    trial = selected(kept)
    if trial is None:
        return
    chosen = st.session_state.get(SELECTED, ("", -1)) == (kept.id, trial.number)
    with st.container(horizontal=True, vertical_alignment="center", key="sweep-trial"):
        best = "Best so far" if kept.sweep.progress.status in BUSY else "Best"
        which = f"Trial {trial.number + 1}" if chosen else f"{best}, trial {trial.number + 1}"
        st.markdown(f"**{which}**: {as_text(sentence(kept.spec, trial))}", width="stretch")
        st.button("Open this trial" if chosen else "Open the best", key="sweep-open", type="primary",
                  icon=":material/open_in_new:", help="Put it on the Playground.",
                  on_click=partial(choose_to_open, kept, trial.number))  # fmt: skip
        if st.session_state.pop(OPENED, False) and trial.state != "failed":
            open_trial(runs, sweeps.keeper, kept.spec, trial)
    if trial.message:
        st.caption(as_text(trial.message))
