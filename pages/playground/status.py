"""The state strip, and the sentences and remedies that belong to a session's status."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from mlp_core.catalog.facts import DataFacts
from mlp_core.figures import readable
from mlp_core.processor import PROCESSOR
from mlp_core.training.session import Session
from mlp_core.training.snapshot import BUSY, Snapshot
from mlp_core.views import TRAIN_ACCURACY, Options
from pages.components.part import Part
from pages.components.state_strip import state_strip
from pages.live.page import LivePage
from pages.playground.autopsy import diverged
from pages.playground.own_copy import own_copy, sets_here
from pages.playground.preset import changes_area
from pages.playground.suggestions import suggestions, told
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.loading import loading
from pages.shared.numbers import loss_text
from pages.shared.own_file import read_button
from pages.shared.own_table import failure_fix
from pages.shared.verdict import DATA_PAGE, Permits

URGENT = ("diverged", "failed", "needs download")
"""What is said alone in the line of messages."""
WAITING_SECONDS = 1.0
"""A session that has waited so long for its turn is shown as waiting; shorter waits would only flicker."""


@dataclass(frozen=True, eq=False)
class StripSlot:
    """The place of the state strip: the numbers of a run."""

    options: Options
    """Whether figures of the test samples are shown."""
    label: str = "The state strip"
    """Its name for people."""

    def views(self, facts: DataFacts) -> Iterable[str]:
        """The accuracy on training samples; all else every snapshot has."""
        return (TRAIN_ACCURACY,) if facts.classifies else ()

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "strip"

    def part(self, snapshot: Snapshot) -> Part:
        """The strip as it is now."""
        cells = _cells(snapshot, self.options.test)
        alt = "; ".join(f"{cell['label']} {cell['value']}" for cell in cells)
        return state_strip(cells, alt=alt, slim=True, key=self.key(snapshot))

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Never: it says how long a run has waited, too."""
        return False


def _cells(snapshot: Snapshot, test: bool) -> list[dict[str, str]]:
    cells = [
        {
            "label": "epoch",
            "value": f"{snapshot.epoch:,}",
            "note": f"{snapshot.step:,} of {snapshot.run_step:,} steps"
            if snapshot.looks_back
            else f"{snapshot.step:,} steps",
            "help": "How often every training sample was seen; a step is one mini-batch.",
        },
        {
            "label": "train loss",
            "value": loss_text(snapshot.train_loss),
            "note": "this epoch's mean" if snapshot.train_loss is not None else "not trained yet",
            "help": "What training makes small, on the samples that it learns from.",
        },
    ]
    if snapshot.validation_loss is not None:
        cells += _validation_cells(snapshot)
    if test:
        cells += _test_cells(snapshot)
    return [*cells, _speed(snapshot), _status(snapshot)]


def _validation_cells(snapshot: Snapshot) -> list[dict[str, str]]:
    cells = [
        {
            "label": "validation loss",
            "value": loss_text(snapshot.validation_loss),
            "note": f"best {loss_text(snapshot.best_validation_loss)}" if snapshot.step else "",
            "help": "The same on training samples that were kept out of training. Choose settings by this one.",
        },
    ]
    if snapshot.validation_accuracy is not None and snapshot.dataset is not None:
        total = snapshot.dataset.validation_size
        wrong = total - round(total * snapshot.validation_accuracy)
        cells.append(
            {
                "label": "validation accuracy",
                "value": f"{snapshot.validation_accuracy:.1%}",
                "note": f"{wrong:,} of {total:,} wrong",
                "help": "The share of validation samples whose class is predicted right.",
            }
        )
    return cells


def _test_cells(snapshot: Snapshot) -> list[dict[str, str]]:
    cells = [
        {
            "label": "test loss",
            "value": loss_text(snapshot.test_loss),
            "note": _best_test(snapshot) if snapshot.step else "",
            "help": "The same on samples that it never learns from. Rising while train loss falls: overfitting."
            + (f" Lowest at step {snapshot.best_step:,}." if snapshot.step else ""),
        },
    ]
    if snapshot.confusion is not None and snapshot.test_accuracy is not None:
        cells.append(_train_accuracy(snapshot))
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


def _train_accuracy(snapshot: Snapshot) -> dict[str, str]:
    found = snapshot.view(TRAIN_ACCURACY)
    return {
        "label": "train accuracy",
        "value": "–" if found is None else f"{found['accuracy']:.1%}",
        "note": "" if found is None else f"of {found['samples']:,}",
        "help": "The share of training samples whose class is predicted right. Far above the test: overfitting.",
    }


def _best_test(snapshot: Snapshot) -> str:
    """The lowest test loss; where there is a validation part to choose by, the test loss at its best step."""
    if snapshot.best_validation_loss is not None:
        return f"{loss_text(snapshot.best_test_loss)} at best step"
    return f"best {loss_text(snapshot.best_test_loss)}"


def _speed(snapshot: Snapshot) -> dict[str, str]:
    speed, engine, note = snapshot.samples_per_second, "", ""
    if snapshot.engine:
        note = f"{snapshot.engine}, {snapshot.device}"
        engine = f" By the {snapshot.engine} engine on {snapshot.device}."
    if snapshot.held_to is not None:
        note = "slowed down"
        engine += f" Held to {readable(snapshot.held_to)} steps a second, to watch: see Speed in All settings."
    return {
        "label": "samples/s",
        "value": readable(speed) if speed < 1000 else f"{speed:,.0f}",
        "note": note,
        "help": f"Training samples per second of wall-clock time, tests and charts included.{engine}",
    }


def _status(snapshot: Snapshot) -> dict[str, str]:
    value = {"needs download": "no data", "preparing": "preparing…"}.get(snapshot.status, snapshot.status)
    note = f"rate {readable(snapshot.learning_rate)}" if snapshot.learning_rate is not None else ""
    if snapshot.looks_back:
        value = "looking back"
    waited = 0.0 if snapshot.waiting_since is None else time.monotonic() - snapshot.waiting_since
    if snapshot.status in BUSY and waited > WAITING_SECONDS:
        value = "waiting"
    if snapshot.status in BUSY and snapshot.others >= PROCESSOR.cores:
        note = f"sharing the CPU with {snapshot.others} others"
    tone = {"running": "good", "diverged": "bad", "failed": "bad", "finished": "done",
            "looking back": "done"}.get(value, "")
    return {
        "label": "status",
        "value": value,
        "note": note,
        "help": "What the session is doing. Where many train at once, they take turns on the processor.",
        "tone": tone,
    }


def message_line(page: LivePage, session: Session, snapshot: Snapshot, permits: Permits) -> None:
    """What there is to say, in a line of fixed height: what comes and goes while a run goes on moves nothing."""
    with st.container(key="message", horizontal=True, vertical_alignment="center", gap="small"):
        refused = editor.refusal("controls")
        if not refused and snapshot.status not in URGENT and snapshot.progress is None:
            if told():
                suggestions()
            else:
                changes_area(page)
        if refused:
            st.error(as_text(refused), icon=":material/block:")
        page.notice()
        loading(session, snapshot)
        message(session, snapshot, permits)


def message(session: Session, snapshot: Snapshot, permits: Permits) -> None:
    """What the status asks for, with the remedy at one press."""
    if snapshot.status == "needs download":
        st.info(as_text(snapshot.message), icon=":material/download:")
        if editor.experiment().data.entry.source == "uploaded":
            st.page_link(str(DATA_PAGE), label="Open the Data page", icon=":material/table_view:")
    elif snapshot.status == "failed":
        st.error(as_text(snapshot.message), icon=":material/warning:")
        if snapshot.experiment is not None and snapshot.dataset is None:
            failure_fix(snapshot.experiment.data)
    elif snapshot.status == "diverged":
        diverged(session, snapshot)
    elif snapshot.status == "finished":
        st.success(as_text(snapshot.message), icon=":material/check:")
    elif snapshot.status == "ready" and snapshot.message:
        st.info(as_text(snapshot.message), icon=":material/info:")
    read_button(session, snapshot)
    if permits.download and snapshot.experiment is not None:
        entry = snapshot.experiment.data.entry
        st.button(
            f"Download {entry.label} ({entry.download_bytes / 1e6:.0f} MB)", key="download", on_click=session.download,
            icon=":material/download:",
        )  # fmt: skip
        sets_here(entry)
        own_copy(session, entry)
