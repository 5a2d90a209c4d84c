"""Predict one sample: type its values, draw it, upload it, or take one of the set."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mlp_core import figures
from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.errors import DataError, UserError
from mlp_core.evaluation.drawing import digit_image, read_strokes
from mlp_core.export.preprocessing import Preprocessing, preprocessing_of
from mlp_core.export.standalone import read_image
from mlp_core.export.weights import Weights
from mlp_core.figures import Theme, readable
from mlp_core.predict import Predictions, predict
from mlp_core.training.session import Session
from mlp_core.views import Options
from pages.components.image_grid import sprite
from pages.components.live_plot import plot
from pages.components.sketch import sketch
from pages.evaluate.typed_row import COLUMNS, step, typed_row
from pages.shared.layout import as_text

WEIGHTS_SECONDS = 2.0
"""How long a prediction waits for the weights of a run that trains."""
DRAW, UPLOAD, SAMPLE = "Draw", "Upload", "From the set"
PICTURE = 168
"""The width of a picture, in pixels."""


def predict_one(session: Session, options: Options) -> None:
    """Draw the area."""
    dataset = session.snapshot().dataset
    weights = session.weights("current", WEIGHTS_SECONDS)
    if dataset is None or weights is None or weights.experiment.data != dataset.spec:
        st.caption("The network is not ready yet. Look again in a moment.")
        return
    made_by = preprocessing_of(weights.experiment, dataset)
    left, right = st.columns([1, 1.6], gap="medium")
    try:
        with left:
            sample = _image(dataset, made_by, options) if made_by.image_shape else _row(dataset, made_by, options)
        if sample is not None:
            with right:
                _answer(weights, made_by, sample, options.theme, made_by.features or dataset.feature_names)
    except UserError as error:
        with left:
            st.error(as_text(error), icon=":material/error:")


def _row(dataset: Dataset, made_by: Preprocessing, options: Options) -> NDArray[np.float64]:
    """Values that are typed, which begin as those of a sample of the set."""
    number = _sample_number(dataset, options)
    given = PARTS[options.part].samples(dataset, slice(number, number + 1))[0]
    st.caption("In the units of the data. Change a value to see what it does.")
    if made_by.kinds:
        return typed_row(made_by, given, f"one-{dataset.spec.dataset}-{options.part}-{number}")
    values = []
    columns = st.columns(min(COLUMNS, len(made_by.columns)), gap="small")
    for index, name in enumerate(made_by.columns):
        with columns[index % len(columns)]:
            key = f"one-{dataset.spec.dataset}-{options.part}-{number}-{index}"
            start = float(f"{given[index]:.6g}")
            values.append(st.number_input(as_text(name), value=start, key=key, format="%g", step=step(start)))
    return np.array(values, dtype=np.float64)


def _image(dataset: Dataset, made_by: Preprocessing, options: Options) -> NDArray[np.uint8] | None:
    grey = made_by.image_shape[0] == 1
    ways = [DRAW, UPLOAD, SAMPLE] if grey else [UPLOAD, SAMPLE]
    way = st.segmented_control("Image", ways, default=ways[0], key=f"one-way-{grey}", label_visibility="collapsed")
    image: NDArray[np.uint8] | None = None
    if way == SAMPLE:
        number = _sample_number(dataset, options)
        image = PARTS[options.part].samples(dataset, slice(number, number + 1))[0]
    elif way == UPLOAD:
        image = _uploaded(made_by.image_shape)
    elif way == DRAW:
        strokes = read_strokes(sketch(key="one-drawing", label="Draw a digit here") or [])
        image = digit_image(strokes, made_by.image_shape) if strokes else None
        if image is None:
            st.caption("Draw a digit: it is scaled, smoothed and centred as the images of MNIST are.")
    if image is not None:
        large = image.repeat(PICTURE // image.shape[1] or 1, axis=1).repeat(PICTURE // image.shape[2] or 1, axis=2)
        st.image(sprite(large[None]), width=PICTURE, caption="As the network sees it")
    return image


def _sample_number(dataset: Dataset, options: Options) -> int:
    size = len(PARTS[options.part].arrays(dataset)[0])
    label = f"Sample of the {PARTS[options.part].label.lower()} part, 1 to {size:,}"
    key = f"one-number-{dataset.spec.dataset}-{options.part}"
    number = st.number_input(label, 1, size, 1, key=key, width=260)
    return min(max(int(number), 1), size) - 1


def _uploaded(shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    file = st.file_uploader("PNG or JPEG", type=["png", "jpg", "jpeg"], key="one-upload")
    if file is None:
        st.caption("Upload an image: it is resized to what the network takes.")
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        path.write_bytes(file.getbuffer())
        try:
            image: NDArray[np.uint8] = read_image(path, shape)
        except ValueError as error:
            raise DataError(str(error).replace(repr(str(path)), repr(file.name))) from None
    if shape[0] == 1:
        edge = np.concatenate([image[0, 0], image[0, -1], image[0, :, 0], image[0, :, -1]])
        light = bool(edge.mean() > 127)
        if st.toggle("Invert: dark on light", value=light, key=f"one-invert-{file.file_id}",
                     help="The digits of MNIST are white on black."):  # fmt: skip
            image = (255 - image).astype(np.uint8)
    return image


def _answer(
    weights: Weights, made_by: Preprocessing, sample: NDArray[np.float64], theme: Theme, inputs: Sequence[str]
) -> None:
    """What the network says of the sample, and what of the sample made it say so."""
    from mlp_core.influence import influence

    found = predict(weights, sample[None], made_by)
    _headline(found, weights.step)
    names = made_by.class_names or made_by.target_names
    if found.probabilities is not None:
        chances = np.nan_to_num(found.probabilities[0])
        _chart(figures.class_bars(chances, names, title="probability", theme=theme), "one-classes",
               figures.class_bars_alt(chances, names, title="probability"), len(names))  # fmt: skip
    guess = 0 if found.classes is None else int(found.classes[0])
    output = guess
    if len(names) > 1:
        output = st.selectbox(
            "What speaks for", list(range(len(names))), index=guess, format_func=lambda i: str(names[i]), width=240,
            key=f"one-explained-{guess}-{len(names)}",
        )  # fmt: skip
    reasons = np.nan_to_num(influence(weights, sample, made_by, output))
    if made_by.image_shape:
        plot(figures.influence_map(reasons, theme=theme), key="one-influence", height=240,
             alt=figures.influence_map_alt(reasons)).mount(_version())  # fmt: skip
        st.caption("Teal pixels speak for the class, orange ones against it: gradient × input.")
    else:
        title = "gradient × input"
        _chart(figures.class_bars(reasons, inputs, title=title, signed=True, theme=theme), "one-reasons",
               figures.class_bars_alt(reasons, inputs, title=title, signed=True), len(inputs))  # fmt: skip
        st.caption("Teal features raise the score, orange ones lower it, as far as the slope at this sample tells.")


def _headline(found: Predictions, step: int) -> None:
    after = f"after {step:,} steps" if step else "not trained yet"
    if found.probabilities is not None:
        sure = float(found.probabilities[0].max())
        st.markdown(f"**{as_text(found.labels[0])}**, {figures.percent(sure)} · {after}")
        return
    assert found.values is not None
    made_by = found.preprocessing
    unit = f" {made_by.target_unit}" if made_by.target_unit else ""
    said = [f"{name}: {readable(value)}{unit}" for name, value in zip(made_by.target_names, found.values[0],
                                                                      strict=True)]  # fmt: skip
    st.markdown(f"**{as_text('; '.join(said))}** · {after}")


def _chart(figure: figures.Figure, key: str, alt: str, bars: int) -> None:
    plot(figure, key=key, height=70 + 24 * min(20, max(2, bars)), alt=alt).mount(_version())


def _version() -> int:
    """Higher, the later: a chart keeps the data of the highest version."""
    return time.time_ns() // 1000
