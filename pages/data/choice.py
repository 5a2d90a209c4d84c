"""Choosing a data set: the whole catalog in groups, each set with a picture of its samples and what it holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from mlp_core.catalog import DATASETS
from mlp_core.catalog.datasets import GROUPS, DatasetEntry
from mlp_core.catalog.facts import DataFacts
from mlp_core.data import is_present, load
from mlp_core.data.pixel_rows import pictures_of
from mlp_core.errors import UserError
from mlp_core.figures.thumbnail import thumbnail
from mlp_core.spec import DataSpec
from pages.components.image_grid import enlarged, sprite
from pages.shared import editor
from pages.shared.layout import Theme, as_text, theme
from pages.shared.link import locked

CARD = 166
"""The width of a card in pixels: two stand beside each other on a phone."""
PICTURE = 120
SHOWN_PICTURES = 4
"""Samples across and down, where they are pictures."""
TILE = PICTURE // SHOWN_PICTURES
"""The width of each, in pixels."""
PICTURED = ("generated", "formula", "drawn", "bundled")
"""Groups whose samples are there in no time."""
_GROUP = "data_group"


def choice_area(use: Callable[[str], None] = editor.use_data, note: bool = True) -> None:
    """The groups, and the sets of the one that is open; `use` takes the name of the set that is pressed. `note` says
    what follows."""
    current = editor.experiment().data
    key, first = editor.start(_GROUP, current.entry.group)
    group = st.segmented_control(
        "Data sets", list(GROUPS), default=first, key=key, required=True, format_func=GROUPS.__getitem__,
        label_visibility="collapsed",
    )  # fmt: skip
    if note:
        st.caption(
            "What you use here is in the Playground at once, with the outputs and the loss that it needs. Choose again "
            "to go back: what you typed, drew or brought is kept."
        )
    with st.container(horizontal=True, gap="small", key="set-cards"):
        for entry in DATASETS.values():
            if entry.group == group:
                _card(entry, current, use)


def _card(entry: DatasetEntry, current: DataSpec, use: Callable[[str], None]) -> None:
    used = entry.name == current.dataset
    data = current if used else editor.data_of(entry.name)
    with st.container(border=True, width=CARD, gap="xsmall", key=f"set-{'used-' if used else ''}{entry.name}"):
        if entry.group in PICTURED and (picture := _picture(data, theme())):
            st.image(picture, width=PICTURE, alt="")  # the name stands below
        st.markdown(f"**{as_text(entry.label)}**", help=f"{as_text(entry.summary)} {as_text(entry.when)}")
        st.caption(as_text(_holds(entry, data)))
        st.button(
            "In use" if used else "Use", key=editor.key(f"use-{entry.name}"), width="stretch",
            icon=":material/check:" if used else None, disabled=used or locked(*entry.choice_controls),
            on_click=editor.once(lambda: use(entry.name)),
        )  # fmt: skip


def _holds(entry: DatasetEntry, data: DataSpec) -> str:
    """Samples, features and classes in a few words, and where the set is."""
    if entry.source == "uploaded":
        file = entry.own_file(data.params)
        return file.name if file is not None else "none yet: bring one below"
    facts = data.facts
    said = [*_size(facts), f"{facts.classes} classes" if facts.classifies else "a number to predict"]
    if entry.source == "downloaded":
        here = is_present(DataSpec(dataset=entry.name))
        said.append("on this server" if here else f"{entry.download_bytes / 1e6:,.0f} MB to download")
    return " · ".join(said)


def _size(facts: DataFacts) -> list[str]:
    what = "images" if facts.picture_shape else "samples"
    count = facts.samples or ((facts.train_size or 0) + (facts.test_size or 0))
    shape = "×".join(map(str, facts.picture_shape[1:])) if facts.picture_shape else f"{facts.features} features"
    shape = "1 feature" if shape == "1 features" else shape
    return [*([f"{count:,} {what}"] if count else []), shape]


@st.cache_data(max_entries=100, show_spinner=False, hash_funcs={DataSpec: repr})
def _picture(spec: DataSpec, theme: Theme) -> str | bytes:
    """The samples of a set as a small picture; '' for one that cannot be made, which is said where it is used."""
    try:
        found = load(spec)
    except UserError:
        return ""
    if found.facts.picture_shape:
        some = pictures_of(found, found.x_train[: SHOWN_PICTURES**2])
        return sprite(np.stack([np.pad(enlarged(one, TILE), ((0, 0), (2, 2), (2, 2))) for one in some]))
    samples = found.x_train if found.points_train is None else found.points_train
    return thumbnail(samples, found.y_train, theme=theme)
