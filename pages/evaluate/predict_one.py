"""Predict one sample: type its values, draw it, upload it, or take one of the set. The answer follows the network."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mlp_core import figures
from mlp_core.catalog.facts import DataFacts
from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.data.pixel_rows import part_pictures, row_of_picture
from mlp_core.errors import DataError, UserError
from mlp_core.evaluation.drawing import MNIST, digit_image, placing_of, read_strokes
from mlp_core.export.preprocessing import Preprocessing, preprocessing_of
from mlp_core.export.standalone import read_image
from mlp_core.figures import readable
from mlp_core.predict import Predictions, predict
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import Options
from mlp_core.views.evaluation import NETWORK
from pages.components.image_grid import enlarged, sprite
from pages.components.live_plot import plot
from pages.components.part import Part
from pages.components.sketch import sketch
from pages.components.state_strip import state_strip
from pages.evaluate.screen import Screen
from pages.evaluate.typed_row import beside, step, typed_row
from pages.live.page import LivePage
from pages.live.slots import Slot
from pages.shared.layout import as_text

DRAW, UPLOAD, SAMPLE = "Draw", "Upload", "From the set"
PICTURE = 168
"""The width of a picture, in pixels."""
SOME = 100
"""Training images that are looked at to see whether they are dark on light."""
EXPLAINED = "one-explained"
"""The widget that says which output is explained."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What was drawn to ask about a sample, and where the answer goes."""

    slots: list[Slot]
    """The places of the answer; none without a sample."""
    places: list[Any]
    """The container of each."""

    def mount(self, page: LivePage) -> None:
        """Put the answer on the page."""
        for slot, place in zip(self.slots, self.places, strict=True):
            with place:
                page.mount(slot)


def ask(snapshot: Snapshot, seen: Screen) -> Asked:
    """Draw what a sample is given with, and make places for the answer."""
    assert snapshot.experiment is not None, "there is a run with data"
    made_by = preprocessing_of(snapshot.experiment, seen.dataset)
    left, right = st.columns([1, 1.6], gap="medium")
    with left:
        sample = _sample(seen.dataset, made_by, seen.options)
    if sample is None:
        return Asked([], [])
    with right:
        first = st.container()
        explained = _explained(made_by)
        second = st.container()
        words = "Teal pixels speak for the class, orange ones against it: gradient × input."
        if not seen.dataset.facts.picture_shape:
            words = "Teal features raise the score, orange ones lower it, as far as the slope here tells."
        st.caption(words)
    inputs = made_by.features or seen.dataset.feature_names
    question = Question(made_by, sample, explained, inputs, seen.dataset.facts.pixels)
    bars: list[Slot] = [ChancesSlot(question, seen.options)] if made_by.class_names else []
    slots: list[Slot] = [AnswerSlot(question, seen.options), *bars, InfluenceSlot(question, seen.options)]
    return Asked(slots, [*(first for _ in slots[:-1]), second])


def _sample(dataset: Dataset, made_by: Preprocessing, options: Options) -> NDArray[Any] | None:
    try:
        if dataset.facts.picture_shape is None:
            return _row(dataset, made_by, options)
        picture = _picture(dataset, options)
        return picture if picture is None or dataset.facts.holds_images else row_of_picture(dataset, picture)
    except UserError as error:
        st.error(as_text(error), icon=":material/error:")
        return None


def _explained(made_by: Preprocessing) -> int | None:
    """Which output is explained; None for the class that is predicted."""
    names = made_by.class_names or made_by.target_names
    if len(names) < 2:
        return None
    place: int | None = st.selectbox(
        "What speaks for", list(range(len(names))), index=None, format_func=lambda i: str(names[i]), width=240,
        key=f"{EXPLAINED}-{len(names)}", placeholder="the predicted class" if made_by.class_names else "the first",
    )  # fmt: skip
    return place


@dataclass(eq=False)
class Question:
    """A sample, and what the network at hand says of it. Made anew when the network has changed."""

    made_by: Preprocessing
    """How the sample is made ready."""
    sample: NDArray[Any]
    """It, in its own units."""
    explained: int | None
    """The output whose reasons are asked for; None for the class that is predicted."""
    inputs: Sequence[str]
    """The names of the network's inputs, where it takes rows."""
    pixels: tuple[int, int, int] | None = None
    """The shape of the picture that a row is, where it is one."""
    _answered: tuple[object, Predictions, NDArray[np.float32], int] | None = field(default=None, init=False)

    @property
    def pictured(self) -> bool:
        """Whether it is shown as a picture."""
        return bool(self.made_by.image_shape or self.pixels)

    def answer(self, snapshot: Snapshot) -> tuple[Predictions, NDArray[np.float32], int] | None:
        """What is predicted, gradient times input of each input, and the steps that the network was trained for."""
        result = snapshot.views.get(NETWORK)
        if result is None or snapshot.dataset is None or result.data["experiment"].data != snapshot.dataset.spec:
            return None
        if self._answered is None or self._answered[0] is not result:
            from mlp_core.export.weights import Weights
            from mlp_core.influence import influence
            from mlp_core.processor.policy import use_threads

            use_threads(1)
            weights = Weights(experiment=result.data["experiment"], tensors=result.data["tensors"], step=result.step)
            found = predict(weights, self.sample[None], self.made_by)
            guess = 0 if found.classes is None else int(found.classes[0])
            output = guess if self.explained is None else self.explained
            reasons = np.nan_to_num(influence(weights, self.sample, self.made_by, output))
            if self.pixels is not None:
                reasons = reasons.reshape(self.pixels).sum(axis=0)
            self._answered = result, found, reasons, result.step
        return self._answered[1:]


@dataclass(frozen=True, eq=False)
class QuestionSlot:
    """A place that shows something of the answer for one sample."""

    question: Question
    """The sample."""
    options: Options
    """The theme."""

    @property
    def label(self) -> str:
        """Its name for people."""
        return "The answer for the sample"

    def views(self, facts: DataFacts) -> Iterable[str]:
        """The network."""
        return (NETWORK,)

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Whether the network is the same."""
        return before.run == now.run and before.views.get(NETWORK) is now.views.get(NETWORK)


class AnswerSlot(QuestionSlot):
    """What is predicted."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "one-answer"

    def part(self, snapshot: Snapshot) -> Part:
        """The answer as it is now."""
        answer = self.question.answer(snapshot)
        cells = [{"label": "predicted", "value": "–"}] if answer is None else _cells(answer[0], answer[2])
        alt = "; ".join(f"{cell['label']} {cell['value']}" for cell in cells)
        return state_strip(cells, alt=alt, key=self.key(snapshot))


def _cells(found: Predictions, step: int) -> list[dict[str, str]]:
    after = f"after {step:,} steps" if step else "not trained yet"
    if found.probabilities is not None:
        sure = float(found.probabilities[0].max())
        return [{"label": "predicted", "value": str(found.labels[0]), "note": after},
                {"label": "probability", "value": figures.percent(sure)}]  # fmt: skip
    assert found.values is not None
    made_by = found.preprocessing
    unit = f" {made_by.target_unit}" if made_by.target_unit else ""
    said = [readable(value) for value in found.values[0]]
    if found.deviations is not None:
        said = [f"{text} ± {readable(sure)}" for text, sure in zip(said, found.deviations[0], strict=True)]
    return [
        {"label": str(name), "value": f"{text}{unit}", "note": after}
        for name, text in zip(made_by.target_names, said, strict=True)
    ]


class ChancesSlot(QuestionSlot):
    """The probability of each class."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "one-classes"

    def part(self, snapshot: Snapshot) -> Part:
        """The bars as they are now."""
        names, answer = self.question.made_by.class_names, self.question.answer(snapshot)
        if answer is None:
            return _waits(self.key(snapshot), len(names), self.options)
        assert answer[0].probabilities is not None, "there are classes"
        chances = np.nan_to_num(answer[0].probabilities[0])
        return plot(
            figures.class_bars(chances, names, title="probability", theme=self.options.theme), key=self.key(snapshot),
            height=_height(len(names)), alt=figures.class_bars_alt(chances, names, title="probability"),
        )  # fmt: skip


class InfluenceSlot(QuestionSlot):
    """What of the sample speaks for an output."""

    def key(self, snapshot: Snapshot) -> str:
        """One for images, one for rows."""
        return "one-influence" if self.question.pictured else "one-reasons"

    def part(self, snapshot: Snapshot) -> Part:
        """The picture or the bars as they are now."""
        key, answer = self.key(snapshot), self.question.answer(snapshot)
        inputs = self.question.inputs
        if answer is None:
            return _waits(key, len(inputs), self.options)
        reasons = answer[1]
        if self.question.pictured:
            return plot(figures.influence_map(reasons, theme=self.options.theme), key=key, height=240,
                        alt=figures.influence_map_alt(reasons))  # fmt: skip
        title = "gradient × input"
        return plot(
            figures.class_bars(reasons, inputs, title=title, signed=True, theme=self.options.theme), key=key,
            height=_height(len(inputs)), alt=figures.class_bars_alt(reasons, inputs, title=title, signed=True),
        )  # fmt: skip


def _height(bars: int) -> int:
    return 70 + 24 * min(20, max(2, bars))


def _waits(key: str, bars: int, options: Options) -> Part:
    text = "The network is not ready yet."
    return plot(figures.empty(text, theme=options.theme), key=key, height=_height(bars), alt=figures.empty_alt(text))


def _row(dataset: Dataset, made_by: Preprocessing, options: Options) -> NDArray[np.float64]:
    """Values that are typed, which begin as those of a sample of the set."""
    number = _sample_number(dataset, options)
    given = PARTS[options.part].samples(dataset, slice(number, number + 1))[0]
    st.caption("In the units of the data. Change a value to see what it does.")
    if made_by.kinds:
        return typed_row(made_by, given, f"one-{dataset.spec.dataset}-{options.part}-{number}")
    values = []
    for index, (name, column) in enumerate(zip(made_by.columns, beside(len(made_by.columns)), strict=True)):
        with column:
            key = f"one-{dataset.spec.dataset}-{options.part}-{number}-{index}"
            start = float(f"{given[index]:.6g}")
            values.append(st.number_input(as_text(name), value=start, key=key, format="%g", step=step(start)))
    return np.array(values, dtype=np.float64)


def _picture(dataset: Dataset, options: Options) -> NDArray[np.uint8] | None:
    """A picture (channels, height, width) that is drawn, uploaded, or one of the set."""
    shape = dataset.facts.picture_shape
    assert shape is not None, "samples are pictures"
    grey = shape[0] == 1
    ways = [DRAW, UPLOAD, SAMPLE] if grey else [UPLOAD, SAMPLE]
    way = st.segmented_control("Image", ways, default=ways[0], key=f"one-way-{grey}", label_visibility="collapsed")
    image: NDArray[np.uint8] | None = None
    if way == SAMPLE:
        number = _sample_number(dataset, options)
        image = part_pictures(dataset, options.part, slice(number, number + 1))[0]
    elif way == UPLOAD:
        image = _uploaded(shape)
        if image is not None and grey:
            # Digits of the public sets are white on black; images of one's own look as those that were brought.
            light = dataset.spec.entry.source != "uploaded" and _has_light_edge(image)
            image = _inverted(image, light, f"{dataset.spec.dataset}-{zlib.crc32(image.tobytes())}")
    elif way == DRAW:
        strokes = read_strokes(sketch(key="one-drawing", label="Draw a digit here") or [])
        placing = MNIST if dataset.facts.holds_images else placing_of(part_pictures(dataset, "train", slice(SOME)))
        image = digit_image(strokes, shape, placing) if strokes else None
        if image is None:
            st.caption("Draw a digit: it is scaled and smoothed as the images of the set are.")
        elif dataset.spec.entry.source == "uploaded":
            image = _inverted(image, _has_light_edge(dataset.x_train[:SOME]), "drawn")
    if image is not None:
        st.image(sprite(enlarged(image, PICTURE)[None]), width=PICTURE, caption="As the network sees it", alt="")
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
        height, width = shape[1:]
        st.caption(f"Upload an image: it is resized to {width}×{height} pixels, which the network takes.")
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        path.write_bytes(file.getbuffer())
        try:
            image: NDArray[np.uint8] = read_image(path, shape)
        except ValueError as error:
            raise DataError(str(error).replace(repr(str(path)), repr(file.name))) from None
    return image


def _inverted(image: NDArray[np.uint8], proposed: bool, name: str) -> NDArray[np.uint8]:
    """A grey image with light and dark exchanged, if the user wants that."""
    wanted = st.toggle(
        "Invert: exchange light and dark", value=proposed, key=f"one-invert-{name}",
        help="A network knows images as it was trained on them. The digits of MNIST are white on black.",
    )  # fmt: skip
    return (255 - image).astype(np.uint8) if wanted else image


def _has_light_edge(images: NDArray[np.uint8]) -> bool:
    """Whether the outermost pixels of grey images (…, height, width) are light on average."""
    sides = (images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1])
    return bool(np.mean([side.mean() for side in sides]) > 127)
