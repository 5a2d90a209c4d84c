"""What any loaded set holds: its parts, classes, correlations, doubles and samples."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from mlp_core.data.dataset import Dataset
from mlp_core.data.overview import ROWS, class_counts, closest_features, closest_pairs, correlations, shared_samples
from mlp_core.data.pixel_rows import pictures_of
from mlp_core.figures import plain, readable
from mlp_core.figures.tables import class_balance, class_balance_alt, correlation_matrix, correlation_matrix_alt
from pages.components.image_grid import enlarged, sprite
from pages.shared.layout import as_text, theme
from pages.shared.tabs import tabs

GRID = 24
PICTURE = 72
"""The width of a picture, in pixels."""
SHOWN_ROWS = 20
SHOWN_FEATURES = 30
SHOWN_PAIRS = 100
HEIGHT = 380


def holdings(dataset: Dataset) -> None:
    """The parts in numbers, then tabs, of which only the open one is computed."""
    train, test = dataset.train_size, dataset.test_size
    st.markdown(f"**{train:,} training samples, {test:,} test samples**")
    st.progress(train / (train + test), text=f"{train / (train + test):.0%} for training")
    for note in dataset.notes:
        st.caption(as_text(note))
    contents = {"Samples": _samples, "Doubles": _doubles}
    if dataset.facts.classifies:
        contents = {"Class balance": _balance, **contents}
    if not dataset.facts.holds_images and len(dataset.feature_names) > 1:
        contents["Correlations"] = _correlations
    tabs("data_tab", {name: partial(draw, dataset) for name, draw in contents.items()})


def _balance(dataset: Dataset) -> None:
    names, counts = dataset.facts.class_names, class_counts(dataset)
    figure = class_balance(names, *counts, theme=theme())
    st.plotly_chart(figure, height=HEIGHT, key="balance", config={"displayModeBar": False})
    st.caption(as_text(class_balance_alt(names, *counts)))


def _correlations(dataset: Dataset) -> None:
    names, matrix = correlations(dataset)
    many = len(names) > SHOWN_FEATURES
    places = list(range(len(names)))
    if many:
        places = sorted(st.multiselect(
            "Features", places, key=f"correlated-{dataset.spec.dataset}-{len(names)}", max_selections=SHOWN_FEATURES,
            format_func=lambda place: plain(names[place], 40),
            placeholder=f"the {SHOWN_FEATURES} of {len(names):,} that go together most",
        )) or closest_features(matrix, SHOWN_FEATURES)  # fmt: skip
    shown, some = [names[place] for place in places], matrix[np.ix_(places, places)]
    st.plotly_chart(correlation_matrix(shown, some, theme=theme()), height=520, key="correlations",
                    config={"displayModeBar": False})  # fmt: skip
    st.caption(as_text(correlation_matrix_alt(shown, some)))
    if many:
        st.dataframe(
            pd.DataFrame(
                [(plain(names[one], 60), plain(names[other], 60), value)
                 for one, other, value in closest_pairs(matrix, SHOWN_PAIRS)],
                columns=["feature", "goes together with", "correlation"],
            ),
            hide_index=True, column_config={"correlation": st.column_config.NumberColumn(format="%.3f")},
        )  # fmt: skip


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
    features = len(dataset.feature_names)
    rest = f" The first {SHOWN_FEATURES} of {features:,} features." if features > SHOWN_FEATURES else ""
    st.caption(f"As the network sees them.{rest}")
