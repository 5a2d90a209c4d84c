"""What a choice of data has changed besides, and the network that suits the data: both said in a line, with an undo."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from mlp_core.changes import changes, describe_layers
from mlp_core.presets import shape_of, suited
from mlp_core.problems import with_data
from mlp_core.spec import Experiment
from pages.shared import editor, undo
from pages.shared.layout import as_text
from pages.shared.link import locked

_TOLD = "told"


@dataclass(frozen=True)
class Told:
    """What is said of a choice that was made."""

    text: str
    """What has changed besides, and why; '' if nothing has."""
    before: Experiment
    """The experiment before the choice."""
    after: Experiment
    """The experiment after it."""
    offer: Experiment | None = None
    """The experiment with a network that suits the data, where the one at hand is of another kind."""


def choose_set(name: str) -> None:
    """Choose another data set, and remember what to say of it."""
    before = editor.experiment()
    editor.choose_data(name)
    after = editor.experiment()
    if after.data.dataset != name or after == before:
        return
    besides = changes(before.updated(data=after.data), after)
    text = f"Changed {', '.join(besides)}, because {_reason(after)}." if besides else ""
    st.session_state[_TOLD] = Told(text, before, after, _offer(before, after))


def told() -> Told | None:
    """What there is to say; None once the data, or the loss that was set for them, are others again."""
    found: Told | None = st.session_state.get(_TOLD)
    now = editor.experiment()
    if found is None or found.after.data.dataset != now.data.dataset:
        return None
    offers = found.offer is not None and now.layers == found.after.layers
    return found if offers or (found.text and found.after.loss == now.loss) else None


def suggestions() -> None:
    """Draw what there is to say."""
    found = told()
    if found is None:
        return
    offers = found.offer is not None and editor.experiment().layers == found.after.layers
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="told"):
        if found.text:
            st.caption(as_text(found.text), width="content")
            st.button("Undo", key="undo-choice", icon=":material/undo:", type="tertiary", on_click=_take_back,
                      args=(found,), help="Back to the experiment as it was before.")  # fmt: skip
        if offers and found.offer is not None:
            label = describe_layers(found.offer.layers)
            st.button(
                f"Use {as_text(label)}", key="use-suited", icon=":material/lightbulb:", on_click=_use, args=(found,),
                help=f"A network and an optimizer that usually learn {shape_of(found.after.data)}. It can be undone.",
            )  # fmt: skip
        st.button("", key="close-told", icon=":material/close:", type="tertiary", help="Close", on_click=_close)


def _use(found: Told) -> None:
    if found.offer is None:
        return
    before, offer = editor.experiment(), found.offer
    editor.edit("controls", lambda old: offer.updated(data=old.data))
    after = editor.experiment()
    if after != before:
        st.session_state[_TOLD] = Told(f"Changed {', '.join(changes(before, after)[:2])}.", before, after)


def _take_back(found: Told) -> None:
    _close()
    undo.back_to(found.before)


def _close() -> None:
    st.session_state.pop(_TOLD, None)


def _offer(before: Experiment, after: Experiment) -> Experiment | None:
    if shape_of(before.data) == shape_of(after.data) or locked("network", "optimizer", "batch_size"):
        return None
    found = with_data(suited(after), after.data)
    return None if found.layers == after.layers else found


def _reason(after: Experiment) -> str:
    facts = after.data.facts
    what = f"{facts.classes} classes" if facts.classifies else "a number to predict"
    return f"{after.data.entry.label} has {what}"
