"""Choosing which of many classes are looked at."""

from __future__ import annotations

import streamlit as st

from mlp_core.figures import plain
from mlp_core.training.session import Session
from mlp_core.views.evaluation import decisions
from pages.evaluate.screen import MOST_SHOWN, SHOWN_CLASSES, Screen


def class_choice(session: Session, seen: Screen) -> None:
    """Which of many classes are looked at: all of them at first."""
    names = seen.dataset.facts.class_names
    st.session_state[SHOWN_CLASSES] = list(seen.options.classes)  # those of a set of more classes are gone
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            "Classes", list(range(len(names))), key=SHOWN_CLASSES, format_func=lambda place: plain(names[place]),
            max_selections=MOST_SHOWN, placeholder=f"all {len(names)}", width=560,
            help="Choose some to see them alone, with numbers, and the others together.", persist_state="session",
        )  # fmt: skip
        st.button(
            "Most confused", key="evaluate-most-confused", icon=":material/compare_arrows:", on_click=_choose,
            args=(session, seen), help="Choose the classes that are confused most.",
        )  # fmt: skip


def _choose(session: Session, seen: Screen) -> None:
    now = decisions(session.snapshot(), seen.options)
    pairs = [] if now is None else now.confused(MOST_SHOWN)
    chosen = list(dict.fromkeys(place for true, guess, _ in pairs for place in (true, guess)))
    st.session_state[SHOWN_CLASSES] = sorted(chosen[:MOST_SHOWN])
