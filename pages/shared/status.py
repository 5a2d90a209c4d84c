"""The state strip, and the sentences and remedies that belong to a session's status."""

from __future__ import annotations

import time

import streamlit as st

from mlp_core.figures import readable
from mlp_core.processor.policy import cores
from mlp_core.spec import Experiment
from mlp_core.training.session import Session
from mlp_core.training.snapshot import BUSY, Snapshot
from pages.components.part import Part
from pages.components.state_strip import state_strip
from pages.shared import experiment as edit
from pages.shared.layout import as_text
from pages.shared.live import Curves, number
from pages.shared.shown import Shown

WAITING_SECONDS = 1.0
"""A session that has waited so long for its turn is shown as waiting; shorter waits would only flicker."""


def strip(snapshot: Snapshot, shown: Shown, found: Curves) -> Part:
    """The numbers of the run, and its test loss as a line; `found` are the run's curves."""
    _, test, _ = found
    cells = _cells(snapshot, shown)
    alt = "; ".join(f"{cell['label']} {cell['value']}" for cell in cells)
    return state_strip(cells, spark=test.mean if len(test) > 1 and shown.test else None, alt=alt, key="strip")


def _cells(snapshot: Snapshot, shown: Shown) -> list[dict[str, str]]:
    cells = [
        {
            "label": "epoch",
            "value": f"{snapshot.epoch:,}",
            "note": f"{snapshot.step:,} steps",
            "help": "How often every training sample was seen; a step is one mini-batch.",
        },
        {
            "label": "train loss",
            "value": number(snapshot.train_loss),
            "note": "this epoch's mean" if snapshot.train_loss is not None else "not trained yet",
            "help": "What training makes small, on the samples that it learns from.",
        },
    ]
    if shown.test:
        cells += _test_cells(snapshot)
    return [*cells, _speed(snapshot), _status(snapshot)]


def _test_cells(snapshot: Snapshot) -> list[dict[str, str]]:
    cells = [
        {
            "label": "test loss",
            "value": number(snapshot.test_loss),
            "note": f"best {number(snapshot.best_test_loss)} at step {snapshot.best_step:,}" if snapshot.step else "",
            "help": "The same on samples that it never learns from. Rising while train loss falls: overfitting.",
        },
    ]
    if snapshot.confusion is not None and snapshot.test_accuracy is not None:
        total = int(snapshot.confusion.sum())
        wrong = total - int(snapshot.confusion.trace())
        cells.append(
            {
                "label": "test accuracy",
                "value": f"{snapshot.test_accuracy:.1%}",
                "note": f"{wrong:,} of {total:,} wrong",
                "help": "The share of test samples whose class is predicted right.",
            }
        )
    return cells


def _speed(snapshot: Snapshot) -> dict[str, str]:
    speed = snapshot.samples_per_second
    return {
        "label": "samples/s",
        "value": readable(speed) if speed < 1000 else f"{speed:,.0f}",
        "note": f"{snapshot.engine} engine on {snapshot.device}" if snapshot.engine else "",
        "help": "Training samples per second of wall-clock time, tests and charts included.",
    }


def _status(snapshot: Snapshot) -> dict[str, str]:
    value = {"needs download": "no data", "preparing": "preparing…"}.get(snapshot.status, snapshot.status)
    note = f"learning rate {snapshot.learning_rate:g}" if snapshot.learning_rate is not None else ""
    waited = 0.0 if snapshot.waiting_since is None else time.monotonic() - snapshot.waiting_since
    if snapshot.status in BUSY and waited > WAITING_SECONDS:
        value = "waiting"
    if snapshot.status in BUSY and snapshot.others >= cores():
        note = f"takes turns with {snapshot.others} others"
    tone = {"running": "good", "diverged": "bad", "failed": "bad", "finished": "done"}.get(value, "")
    return {
        "label": "status",
        "value": value,
        "note": note,
        "help": "What the session is doing. Where many train at once, they take turns on the processor.",
        "tone": tone,
    }


def message(session: Session, snapshot: Snapshot) -> None:
    """What the status asks for, with the remedy at one press."""
    if snapshot.status == "needs download":
        st.info(as_text(snapshot.message), icon=":material/download:")
        _download(session)
    elif snapshot.status == "failed":
        st.error(as_text(snapshot.message), icon=":material/warning:")
        if snapshot.dataset is None and edit.experiment().data.entry.source == "downloaded":
            _download(session)
    elif snapshot.status == "diverged":
        st.error(as_text(snapshot.message), icon=":material/warning:")
        usual = edit.experiment().optimizer.entry.parameter("lr").default
        st.button(
            f"Set the learning rate to {usual:g} and start over", key="fix-diverged", icon=":material/build:",
            on_click=_start_over_with, args=(session, usual),
        )  # fmt: skip
    elif snapshot.status == "finished":
        st.success(as_text(snapshot.message), icon=":material/check:")


def _download(session: Session) -> None:
    entry = edit.experiment().data.entry
    st.button(
        f"Download {entry.label} ({entry.download_bytes / 1e6:.0f} MB)", key="download", on_click=session.download,
        icon=":material/download:",
    )  # fmt: skip


def _start_over_with(session: Session, learning_rate: float) -> None:
    def change(old: Experiment) -> Experiment:
        optimizer = old.optimizer
        return old.updated(optimizer=optimizer.updated(params={**optimizer.params, "lr": learning_rate}))

    edit.edit("controls", change)
    session.apply(edit.experiment())
    session.reset()
