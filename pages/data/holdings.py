"""What any loaded set holds: its parts, classes, correlations, doubles and samples."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from mlp_core.data.dataset import Dataset
from mlp_core.data.overview import ROWS, class_counts, correlations, shared_samples
from mlp_core.data.pixel_rows import pictures_of
from mlp_core.figures import plain, readable
from mlp_core.figures.tables import class_balance, class_balance_alt, correlation_matrix, correlation_matrix_alt
from pages.components.image_grid import enlarged, sprite
from pages.shared.layout import as_text, theme

GRID = 24
PICTURE = 72
"""The width of a picture, in pixels."""
SHOWN_ROWS = 20
SHOWN_FEATURES = 30
HEIGHT = 380


def holdings(dataset: Dataset) -> None:
    """The parts in numbers, then tabs, of which only the open one is computed."""
    train, test = dataset.train_size, dataset.test_size
    st.markdown(f"**{train:,} training samples, {test:,} test samples**")
    st.progress(train / (train + test), text=f"{train / (train + test):.0%} for training")
    for note in dataset.notes:
        st.caption(as_text(note))
    tabs = {"Samples": _samples, "Doubles": _doubles}
    if dataset.facts.classifies:
        tabs = {"Class balance": _balance, **tabs}
    if not dataset.facts.holds_images and len(dataset.feature_names) > 1:
        tabs["Correlations"] = _correlations
    for tab, draw in zip(st.tabs(list(tabs), key="data_tab", on_change="rerun"), tabs.values(), strict=True):
        if tab.open:
            with tab:
                draw(dataset)


def _balance(dataset: Dataset) -> None:
    names, counts = dataset.facts.class_names, class_counts(dataset)
    figure = class_balance(names, *counts, theme=theme())
    st.plotly_chart(figure, height=HEIGHT, key="balance", config={"displayModeBar": False})
    st.caption(as_text(class_balance_alt(names, *counts)))


def _correlations(dataset: Dataset) -> None:
    names, matrix = correlations(dataset)
    st.plotly_chart(correlation_matrix(names, matrix, theme=theme()), height=520, key="correlations",
                    config={"displayModeBar": False})  # fmt: skip
    st.caption(as_text(correlation_matrix_alt(names, matrix)))


def _doubles(dataset: Dataset) -> None:
    found, looked = shared_samples(dataset), min(dataset.test_size, ROWS)
    if found:
        st.warning(f"{found:,} of {looked:,} test samples are among the training samples as well, so that the test is "
                   "kinder than it should be.", icon=":material/content_copy:")  # fmt: skip
    else:
        st.success(f"None of {looked:,} test samples is among the training samples.", icon=":material/check:")


def _samples(dataset: Dataset) -> None:
    facts = dataset.facts
    y = dataset.y_train[:GRID]
    if facts.classifies:
        targets = [plain(facts.class_names[int(label)]) for label in y]
    else:
        targets = [readable(float(value)) for value in y[:, 0]]
    if facts.picture_shape:
        with st.container(horizontal=True):
            for picture, target in zip(pictures_of(dataset, dataset.x_train[:GRID]), targets, strict=True):
                st.image(sprite(enlarged(picture, PICTURE)[None]), caption=as_text(target), width=PICTURE, alt="")
        return
    names = [plain(name, 30) for name in dataset.feature_names[:SHOWN_FEATURES]]
    frame = pd.DataFrame(dataset.x_train[:SHOWN_ROWS, :SHOWN_FEATURES])
    frame.columns = pd.Index([f"{place + 1} · {name}" for place, name in enumerate(names)])
    y = dataset.y_train[:SHOWN_ROWS]
    frame.insert(0, "target", targets[:SHOWN_ROWS] if facts.classifies else list(y[:, 0]))
    st.dataframe(frame, hide_index=True)
    st.caption("As the network sees them.")
