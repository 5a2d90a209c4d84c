"""The data area: which set, how it is made and split, and what the network sees of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from mlp_core.catalog import DATASETS, DatasetEntry
from mlp_core.catalog.parameters import Floats, Formula, Parameter, Points, Subset
from mlp_core.catalog.structures import Record
from mlp_core.catalog.training import DATA_SEED, TEST_FRACTION, VALIDATION_FRACTION
from mlp_core.data import is_present
from mlp_core.spec import DataSpec
from mlp_core.training.snapshot import Snapshot
from pages.data.choice import choice_area
from pages.playground.drawing_area import copy_button, drawing_area
from pages.playground.own_copy import set_label
from pages.playground.suggestions import choose_set
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import hidden, locked
from pages.shared.verdict import DATA_PAGE
from pages.shared.widgets import parameter_widget

_GALLERY = "gallery"


def data_panel(snapshot: Snapshot) -> None:
    """Draw the area."""
    current = editor.experiment()
    entry = current.data.entry
    st.subheader("Data", anchor=False)
    if not hidden("dataset"):
        with st.container(horizontal=True, gap="xsmall", key="set-row"):
            _choice(entry)
            _gallery(entry)
    st.caption(entry.summary)
    if entry.source == "uploaded":
        _own_file(entry, current.data.params)
    apart = Formula | Floats | Points | Record | Subset
    small = [parameter for parameter in entry.parameters if not isinstance(parameter, apart)]
    for parameter in entry.parameters:
        if isinstance(parameter, Formula | Floats):
            _parameter(parameter)
    drawing_area()
    fields: list[Callable[[], None]] = [partial(_parameter, parameter) for parameter in small]
    _in_pairs(fields)
    for parameter in entry.parameters:
        if isinstance(parameter, Subset):
            _parameter(parameter)
    with st.container(horizontal=True, gap="xsmall", key="data-more"):
        _split(current.data)
        _new_points(current.data)
        copy_button()
    if message := editor.refusal("data"):
        st.error(as_text(message), icon=":material/block:")
    if (dataset := snapshot.dataset) is not None and dataset.spec == current.data:
        validation = f"{dataset.validation_size:,} validation, " if dataset.validation_size else ""
        st.caption(
            f"{dataset.train_size:,} training, {validation}{dataset.test_size:,} test samples. "
            f"{as_text(' '.join(snapshot.notes))}"
        )


def _choice(entry: DatasetEntry) -> None:
    # Labels say what needs a download: when one has come, this is another list, which the browser gets anew.
    present = sum(is_present(DataSpec(dataset=name)) for name, one in DATASETS.items() if one.source == "downloaded")
    key = f"{editor.key('dataset')}-{present}"
    _, first = editor.start(f"dataset-{present}", entry.name)

    def choose() -> None:
        if st.session_state[key] in DATASETS:  # not a label of the list before
            choose_set(st.session_state[key])

    st.selectbox(
        "Data set", list(DATASETS), index=list(DATASETS).index(first), key=key,
        disabled=locked(*entry.choice_controls), label_visibility="collapsed",
        on_change=editor.once(choose),
        format_func=lambda name: set_label(DATASETS[name]),
    )  # fmt: skip


def _gallery(entry: DatasetEntry) -> None:
    """All sets with their pictures."""
    gallery = st.popover(
        "", icon=":material/apps:", key=_GALLERY, width="content", on_change=_opened,
        disabled=locked(*entry.choice_controls), help="All data sets, with pictures.",
    )  # fmt: skip
    if gallery.open:  # what is not seen is not sent
        with gallery, st.container(key="gallery-sets"):
            choice_area(_use, note=False)


def _use(name: str) -> None:
    st.session_state[_GALLERY] = False
    choose_set(name)


def _opened() -> None:
    """The run that follows is all that is wanted."""


def _own_file(entry: DatasetEntry, params: Mapping[str, Any]) -> None:
    """The name of the file that is chosen, and the way to where it is chosen."""
    assert entry.own_file is not None
    assert entry.own_words is not None
    file = entry.own_file(params)
    if file is not None:
        st.markdown(f"**{as_text(file.name)}**: {as_text(entry.own_words(params))}")
    st.page_link(str(DATA_PAGE), label="Open the Data page", icon=":material/table_view:")


def _in_pairs(fields: Sequence[Callable[[], None]]) -> None:
    """Two fields a row: the area is narrow and tall otherwise."""
    for start in range(0, len(fields), 2):
        for column, field in zip(st.columns(2, gap="small"), fields[start : start + 2], strict=False):
            with column:
                field()


def _parameter(parameter: Parameter) -> None:
    data = editor.experiment().data
    parameter_widget(
        parameter, data.params[parameter.name], f"data-{data.dataset}-{parameter.name}",
        lambda value: editor.set_param("data", parameter.name, value), beside=True,
    )  # fmt: skip


def _split(data: DataSpec) -> None:
    """How the samples are split, one press away."""
    fields = [] if data.facts.official_split else [(TEST_FRACTION, data.test_fraction)]
    fields = [*fields, (VALIDATION_FRACTION, data.validation_fraction)]
    if all(hidden(*parameter.controls) for parameter, _ in fields):
        return
    with st.popover(
        "Split", icon=":material/call_split:", width="content",
        help="Which share of the samples is kept for tests, and for choosing settings.",
    ):  # fmt: skip
        for parameter, value in fields:
            _share(parameter, value)


def _new_points(data: DataSpec) -> None:
    """Other points of the same pattern, one press away."""
    if data.entry.source == "generated" and not hidden(*DATA_SEED.controls):
        st.button(
            "", key="new-points", icon=":material/casino:", on_click=editor.new_points,
            disabled=locked(*DATA_SEED.controls),
            help="New points: draw others of the same pattern (another data seed).",
        )  # fmt: skip


def _share(parameter: Parameter, value: float | None) -> None:
    """A field of the split."""
    parameter_widget(
        parameter, value, parameter.name, lambda value: editor.set_field("data", "data", parameter.name, value)
    )
