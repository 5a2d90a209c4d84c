"""What is done to layers and neurons of the run at hand from the network area, and what it did to the losses."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mlp_core.catalog.layers import FROZEN
from mlp_core.catalog.surgery import SurgeryEntry
from mlp_core.errors import SpecError
from mlp_core.spec import Experiment, LayerSpec, Path, layer_number
from mlp_core.surgery import Operation, possible
from mlp_core.training.session import Session
from pages.live.page import run_areas
from pages.playground import edits
from pages.playground.preset import edit_alone
from pages.shared import editor, undo
from pages.shared.editor import NETWORK
from pages.shared.layout import as_text
from pages.shared.link import locked
from pages.shared.widgets import parameter_widget

SECONDS = 3.0
"""How long a press waits for what the operation did to the losses; what takes longer comes when the area is drawn."""
CHANGED = "The network on the page is not the one that trains. Put right what is said below, then try again."


def operate(session: Session, operation: Operation) -> None:
    """Do an operation to the run at hand in a callback of the area, or leave the reason why not."""
    if locked("network"):
        return
    before = session.snapshot().surgeries
    try:
        if session.experiment != editor.experiment():
            raise SpecError(CHANGED)
        changed = session.operate(operation)
    except SpecError as error:
        editor.say(NETWORK, str(error))
        run_areas(NETWORK)
        return
    session.wait(lambda now: now.surgeries != before or now.status == "failed", SECONDS)
    _show(changed)


def _show(changed: Experiment) -> None:
    """Edit what the run is now; what is drawn again begins with this."""
    if changed == editor.experiment():
        run_areas(NETWORK)
    else:
        edits.edit(lambda old: changed)


def freeze(session: Session, path: Path, frozen: bool) -> None:
    """Freeze a layer of the run at hand, or unfreeze it; before the first step it is a setting like others."""
    if session.snapshot().run_step and session.experiment == editor.experiment():
        operate(session, Operation("freeze" if frozen else "unfreeze", path))
    else:
        edits.edit(lambda old: old.replace_layer(path, old.layer_at(path).updated(frozen=frozen)))


def offered(experiment: Experiment, path: Path, *, neuron: bool) -> list[dict[str, str]]:
    """The operations for a layer, or for its neurons, as the diagram offers them; freezing is a switch there."""
    return [
        {"name": entry.name, "label": entry.label, "help": entry.summary}
        for entry in possible(experiment, path, neuron=neuron)
        if entry.changes != "frozen"
    ]


def done(session: Session) -> None:
    """Say what the newest operation did to the losses, with a way back."""
    now = session.snapshot()
    if not now.surgeries:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="surgery"):
        st.caption(as_text(now.surgeries[-1].sentence), width="stretch")
        if now.can_undo:
            st.button(
                "Undo", key="undo-surgery", icon=":material/undo:", type="tertiary", on_click=_undo, args=(session,),
                disabled=locked("network"), help="Back to right before it, as a run of its own from there.",
            )  # fmt: skip


def _undo(session: Session) -> None:
    before = session.snapshot().run
    changed = session.undo_operation()
    if changed is not None:
        session.wait(lambda now: now.run != before, SECONDS)
        edit_alone(NETWORK, lambda: undo.back_to(changed, NETWORK))


def layer_operations(path: Path, layer: LayerSpec, session: Session) -> None:
    """Widgets for what can be done to a layer of the list, and to its neurons."""
    if layer.entry.trains:
        parameter_widget(
            FROZEN, layer.frozen, f"frozen-{_joined(path)}", lambda value: freeze(session, path, bool(value)),
            area=NETWORK,
        )  # fmt: skip
    current = editor.experiment()
    of_layer = [entry for entry in possible(current, path, neuron=False) if entry.changes != "frozen"]
    of_neuron = possible(current, path, neuron=True)
    if not of_layer:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="layer-operations"):
        for entry in of_layer:
            _button(entry, entry.label, lambda entry=entry: Operation(entry.name, path), session)
    if of_neuron:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="neuron-operations"):
            key = f"neuron-of-{_joined(path)}"
            st.number_input(
                f"Neuron of layer {layer_number(path)}", min_value=1, step=1, key=key, width=110,
                help="Which neuron the buttons beside it are for, counted from 1.",
            )  # fmt: skip
            for entry in of_neuron:
                _button(entry, entry.label, lambda entry=entry: _of_neuron(entry, path, st.session_state[key]), session)


def _of_neuron(entry: SurgeryEntry, path: Path, number: Any) -> Operation:
    return Operation(entry.name, path, number - 1 if isinstance(number, int) else None)


def _button(entry: SurgeryEntry, label: str, made: Any, session: Session) -> None:
    st.button(
        label, key=f"operate-{entry.name}", help=entry.summary, disabled=locked("network"),
        on_click=editor.once(lambda: operate(session, made()), NETWORK),
    )  # fmt: skip


def _joined(path: Path) -> str:
    return "-".join(map(str, path))
