"""The variants as cards: each says what it is called and what differs, and lets that be changed."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import streamlit as st

from mlp_core.figures import plain, run_colour
from mlp_core.race.race import LEAST, MOST
from mlp_core.race.variant import Variant
from mlp_core.settings import Setting, settings_of
from pages.race.setup import Setup, add, choose, differences, remove, settings_to_race
from pages.shared.layout import as_text, theme
from pages.shared.widgets import parameter_widget

WIDTH = 132
"""Pixels of a field in a card."""


def cards(found: Setup) -> None:
    """Draw them, and what adds one."""
    names, variants = found.names, list(found.variants.values())
    said = differences(found.base, variants)
    with st.container(key="race-cards", gap="xsmall"):
        for place, (number, variant) in enumerate(found.variants.items()):
            _card(found, place, number, variant, names[place], said[place])
    _adding(found)


def swatch(name: str, place: int, note: str = "") -> str:
    """A variant's colour and name, as HTML, and a smaller note."""
    colour = run_colour(place, theme())
    square = f'<span aria-hidden="true" class="race-swatch" style="background:{colour}"></span>'
    small = f' <span class="race-note">{escape(note)}</span>' if note else ""
    return f'<span class="race-name">{square}{escape(plain(name, 60))}</span>{small}'


def _card(found: Setup, place: int, number: int, variant: Variant, name: str, said: str) -> None:
    with st.container(border=True, key=f"race-card-{number}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.html(swatch(name, place, "" if variant.choices else "your experiment"), width="stretch")
            now = found.base
            for path, value in variant.choices:
                setting = settings_of(now).get(path)
                if setting is not None:
                    _widget(setting, value, number)
                    now = setting.put(now, value)
            st.button(
                "", key=f"race-remove-{number}", icon=":material/close:", type="tertiary",
                help=f"Remove {as_text(name)} from the race", on_click=remove, args=(number,),
                disabled=len(found.variants) <= LEAST,
            )  # fmt: skip
        if said:
            st.caption(as_text(said))


def _widget(setting: Setting, value: Any, number: int) -> None:
    """The field of what differs."""
    parameter_widget(setting.rule, value, f"race-{number}-{setting.path}", partial(choose, number, setting.path),
                     compact=True, width=WIDTH)  # fmt: skip


def _adding(found: Setup) -> None:
    """Which setting the next variant has otherwise."""
    settings = settings_to_race(found.base)
    last = next((path for variant in reversed(found.variants.values()) for path, _ in variant.choices), None)
    paths = list(settings)
    if not paths:
        st.info("The link to this page fixes every setting, so there is nothing to race.", icon=":material/lock:")
        return
    key = f"race-setting-{last}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", key="race-add"):
        st.selectbox(
            "Race against another", paths, index=paths.index(last) if last in settings else 0, key=key,
            format_func=lambda path: settings[path].label, width="stretch",
            help="What the next variant has otherwise. Its value can be changed then.",
        )  # fmt: skip
        st.button(
            "Add", key="race-add-variant", icon=":material/add:", disabled=len(found.variants) >= MOST,
            on_click=lambda: add(st.session_state[key]),
        )  # fmt: skip
