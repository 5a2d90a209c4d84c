"""One run: what its owner says of it, its curve and figures, and what can be done with it."""

from __future__ import annotations

import time

import streamlit as st

from mlp_core.figures import loss_curves, loss_curves_alt, readable
from mlp_core.store.comparison import curve_of, steps_per
from mlp_core.store.keeper import RunKeeper
from mlp_core.store.runs import StoredRun
from mlp_core.store.settings import FIGURES, label_of
from pages.components.live_plot import plot
from pages.live.runs import BrowserRuns
from pages.runs.files import download
from pages.runs.notes import delete
from pages.runs.opening import How, open_run
from pages.runs.sharing import share_menu
from pages.runs.table import select
from pages.shared.layout import as_text, theme
from pages.shared.numbers import loss_text

HEIGHT = 300
"""Pixels of the curve."""
_ACTIONS: dict[How, tuple[str, str, str]] = {
    "open": ("Open", ":material/open_in_new:", "See it in the Playground as it was."),
    "continue": ("Continue", ":material/play_arrow:", "Train it on from where it was, with its optimizer's state."),
    "export": ("Export", ":material/code:", "Open it, and take its code, weights or network away."),
    "fork": ("Fork", ":material/fork_right:", "Train a copy on from there; this run stays as it is."),
}


def details(runs: BrowserRuns, keeper: RunKeeper, run: StoredRun) -> None:
    """Draw them."""
    with st.container(border=True, key="runs-details"):
        with st.container(horizontal=True, key="runs-actions"):
            for how, (label, icon, help_text) in _ACTIONS.items():
                if st.button(label, icon=icon, help=help_text, key=f"runs-{how}", type="primary" if how == "open"
                             else "secondary"):  # fmt: skip
                    open_run(runs, keeper, run.id, how)
            download(keeper, [run.id])
            share_menu(keeper, [run.id])
            star = "Remove the star" if run.starred else "Star"
            st.button(star, key="runs-star", icon=":material/star:", on_click=_say, args=(keeper, run, "starred"))
            st.button("Delete", key="runs-delete", icon=":material/delete:", on_click=_delete, args=(keeper, run))
        left, right = st.columns([2, 3], gap="medium")
        with left:
            _words(keeper, run)
        with right:
            _curve(keeper, run)
        _figures(run)


def shown(keeper: RunKeeper, run: StoredRun) -> None:
    """The same of a run of somebody else: to be read."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown(f"**{as_text(run.label)}**")
        if run.tags:
            st.caption(as_text(", ".join(run.tags)))
        if run.note:
            st.text(run.note)
    with right:
        _curve(keeper, run)
    _figures(run)


def _words(keeper: RunKeeper, run: StoredRun) -> None:
    key = f"--{run.id}"
    st.text_input("Name", run.name, key=f"runs-name{key}", placeholder=run.label, max_chars=200, on_change=_say,
                  args=(keeper, run, "name"))  # fmt: skip
    st.multiselect("Tags", list(run.tags), default=list(run.tags), key=f"runs-tags{key}", accept_new_options=True,
                   on_change=_say, args=(keeper, run, "tags"), placeholder="add a tag")  # fmt: skip
    st.text_area("Note", run.note, key=f"runs-note{key}", on_change=_say, args=(keeper, run, "note"), height=80,
                 max_chars=10_000)  # fmt: skip


def _say(keeper: RunKeeper, run: StoredRun, what: str) -> None:
    given = not run.starred if what == "starred" else st.session_state[f"runs-{what}--{run.id}"]
    keeper.queue.store.describe(keeper.owner, run.id, **{what: given})


def _delete(keeper: RunKeeper, run: StoredRun) -> None:
    delete(keeper, [run.id])
    select([])


def _figures(run: StoredRun) -> None:
    found = [f"{label_of(name)} **{figure_text(name, value)}**" for name in FIGURES
             if (value := run.figures.get(name)) is not None]  # fmt: skip
    st.caption(" · ".join(found))


def figure_text(name: str, value: float | None) -> str:
    """A figure for people."""
    if value is None:
        return "–"
    if name.endswith("accuracy"):
        return f"{100 * value:.1f} %"
    if name.endswith("loss"):
        return loss_text(value)
    return readable(value, 2) if name == "seconds" else f"{value:,.0f}"


def _curve(keeper: RunKeeper, run: StoredRun) -> None:
    record = keeper.queue.store.record(keeper.owner, run.id)
    train, test = curve_of(record, "train_loss"), curve_of(record, "test_loss")
    validation, per_epoch = curve_of(record, "validation_loss"), steps_per(record, "epoch")
    figure = loss_curves(train, test, steps_per_epoch=per_epoch, theme=theme(), uirevision=run.id, smoothing=0.6,
                         validation=validation if len(validation) else None)  # fmt: skip
    alt = loss_curves_alt(train, test, steps_per_epoch=per_epoch)
    plot(figure, key=f"runs-curve-{run.id}", height=HEIGHT, alt=alt).mount(time.time_ns() // 1000)
    for note in record.inexact:
        st.caption(as_text(note))
