"""The data area: which set, how it is made and split, and what the network sees of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from mlp_core.catalog import DATASETS, TRAINING, DatasetEntry
from mlp_core.catalog.parameters import Floats, Formula, Parameter, Points, Subset
from mlp_core.catalog.structures import Record
from mlp_core.catalog.training import TEST_FRACTION, VALIDATION_FRACTION
from mlp_core.training.snapshot import Snapshot
from pages.playground.drawing_area import copy_button, drawing_area
from pages.playground.own_copy import set_label
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import hidden, locked
from pages.shared.verdict import DATA_PAGE
from pages.shared.widgets import parameter_widget


def data_panel(snapshot: Snapshot) -> None:
    """Draw the area."""
    current = editor.experiment()
    entry = current.data.entry
    st.subheader("Data", anchor=False)
    key, first = editor.start("dataset", entry.name)
    if not hidden("dataset"):
        st.selectbox(
            "Set", list(DATASETS), index=list(DATASETS).index(first), key=key, disabled=locked(*entry.choice_controls),
            on_change=editor.once(lambda: editor.choose_data(st.session_state[key])),
            format_func=lambda name: set_label(DATASETS[name]),
            help="What the network learns from. Generated sets and tables need no download. "
            f"{entry.label}: {entry.when}",
        )  # fmt: skip
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
    fields.append(_batch_size)
    if not current.data.facts.official_split:
        fields.append(partial(_share, TEST_FRACTION, current.data.test_fraction))
    fields.append(partial(_share, VALIDATION_FRACTION, current.data.validation_fraction))
    _in_pairs(fields)
    for parameter in entry.parameters:
        if isinstance(parameter, Subset):
            _parameter(parameter)
    copy_button()
    if message := editor.refusal("data"):
        st.error(as_text(message), icon=":material/block:")
    if (dataset := snapshot.dataset) is not None and dataset.spec == current.data:
        validation = f"{dataset.validation_size:,} validation, " if dataset.validation_size else ""
        st.caption(
            f"{dataset.train_size:,} training, {validation}{dataset.test_size:,} test samples. "
            f"{as_text(' '.join(snapshot.notes))}"
        )


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


def _batch_size() -> None:
    parameter_widget(
        TRAINING.parameter("batch_size"), editor.experiment().training.batch_size, "batch_size",
        lambda value: editor.set_field("training", "data", "batch_size", value),
    )  # fmt: skip


def _share(parameter: Parameter, value: float | None) -> None:
    """A field of the split."""
    parameter_widget(
        parameter, value, parameter.name, lambda value: editor.set_field("data", "data", parameter.name, value)
    )
