"""Sweep: settings searched by many trials in the background."""

import streamlit as st

from mlp_core import data
from mlp_core.errors import SpecError, UserError
from mlp_core.store.keeper import RunKeeper
from pages.live.runs import browser_runs
from pages.runs.notes import nothing_kept
from pages.shared.editor import experiment
from pages.shared.layout import as_text
from pages.sweep.choice import NEW, SHOWN, forms, options, refusal, settle
from pages.sweep.setup import setup
from pages.sweep.status import show
from pages.sweep.work import Sweeps, sweeps_of, when


def begin(sweeps: Sweeps) -> None:
    """Begin a sweep of what is chosen; raises `UserError`."""
    from mlp_core.sweep.space import space_of
    from mlp_core.sweep.spec import SweepSpec

    current = experiment()
    if not forms():
        raise SpecError("Nothing is searched yet. Add a setting.")
    spec = SweepSpec(space=space_of(forms(), current), **options())
    if not data.is_present(current.data):
        raise SpecError("The data of this experiment are not there yet. Download them on the Playground first.")
    st.session_state[SHOWN] = sweeps.begin(spec).id


def new(sweeps: Sweeps) -> None:
    """What a new sweep searches, and the button that begins it."""
    gone = settle(experiment())
    if gone:
        st.info(f"This experiment has no {as_text(', '.join(gone))}, so that is not searched any more.",
                icon=":material/info:")  # fmt: skip
    from mlp_core.sweep.spec import part_warning

    with st.container(border=True, key="sweep-setup"):
        setup(experiment())
        error = refusal()
        if warning := part_warning(experiment(), forms()):
            st.caption(f":material/warning: {as_text(warning)}")
        pressed = st.button("Begin", key="sweep-begin", type="primary", icon=":material/manage_search:",
                            help="Train the trials in the background. Others and your own run go first.")  # fmt: skip
        if pressed:
            try:
                begin(sweeps)
            except UserError as refused:
                error = refused.on_page() if isinstance(refused, SpecError) else str(refused)
            else:
                st.rerun()
        if error:
            st.error(as_text(error), icon=":material/block:")


def page(keeper: RunKeeper) -> None:
    """The sweeps that there are, and the one that is chosen."""
    sweeps = sweeps_of(keeper)
    running = sweeps.running
    try:
        stored = {sweep.id: sweep for sweep in sweeps.listed()}
    except UserError as error:
        if running is None:
            raise
        st.warning(as_text(error), icon=":material/sync_problem:")
        show(runs, sweeps, running.id)  # it goes on, and is shown, without the store
        return
    shown = st.session_state.setdefault(SHOWN, running.id if running else next(iter(stored), NEW))
    shown = shown if shown in stored else NEW
    if stored:
        names = {name: f"{sweep.size:,} trials, begun {when(sweep.started)}" for name, sweep in stored.items()}
        with st.container(horizontal=True, vertical_alignment="bottom", key="sweep-which"):
            choices = [NEW, *stored]
            picked = st.selectbox("Sweep", choices, index=choices.index(shown), width=330,
                                  format_func=lambda choice: names.get(choice, "New sweep"))  # fmt: skip
            if picked != shown:
                st.session_state[SHOWN] = picked
                st.rerun()
            if shown != NEW and st.button("Delete", key="sweep-delete", icon=":material/delete:",
                                          help="Delete this sweep. The runs of its trials stay."):  # fmt: skip
                sweeps.delete(shown)
                st.session_state[SHOWN] = NEW
                st.rerun()
    if shown == NEW:
        new(sweeps)
    else:
        show(runs, sweeps, shown)


runs = browser_runs()
st.subheader("Sweep", anchor=False)
if runs.keeper is None:
    nothing_kept("This browser sends no cookies, so nobody could tell whose sweeps they are: there are none here.")
else:
    try:
        page(runs.keeper)
    except UserError as error:
        st.error(as_text(error), icon=":material/block:")
