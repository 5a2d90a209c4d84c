"""Rows of pixels as pictures: the digits of scikit-learn, and a table whose columns are named as pixels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mlp_core.catalog.tables import pixels_of
from mlp_core.data import load
from mlp_core.data.parts import PARTS
from mlp_core.data.pixel_rows import part_pictures, pictures_of, row_of_picture
from mlp_core.evaluation.drawing import FILLED, MNIST, digit_image, placing_of
from mlp_core.presets import PRESETS
from mlp_core.run.build import build
from mlp_core.spec import DataSpec
from mlp_core.views import VIEWS


@pytest.fixture(scope="module")
def digits():
    return load(DataSpec(dataset="digits"))


def test_digits_are_the_pictures_of_scikit_learn(digits) -> None:
    pictures = pictures_of(digits, digits.x_train)
    assert pictures.shape == (digits.train_size, 1, 8, 8)
    assert pictures.dtype == np.uint8
    known = {image.astype(np.uint8).tobytes() for image in load_digits().images}
    assert {np.rint(picture / (255 / 16)).astype(np.uint8).tobytes() for picture in pictures} <= known


def test_a_picture_as_a_row_is_the_sample_again(digits) -> None:
    given = PARTS["test"].samples(digits, slice(20))
    pictures = part_pictures(digits, "test", slice(20))
    np.testing.assert_allclose([row_of_picture(digits, picture) for picture in pictures], given, atol=1e-4)


def test_columns_that_count_pixels_make_a_picture() -> None:
    assert pixels_of([f"pixel{place}" for place in range(784)]) == (1, 28, 28)
    assert pixels_of([f"Pixel_{place + 1}" for place in range(64)]) == (1, 8, 8)
    assert pixels_of([f"{row}x{column}" for row in range(1, 5) for column in range(1, 5)]) == (1, 4, 4)
    assert pixels_of([f"pixel_{row}_{column}" for row in range(8) for column in range(8)]) == (1, 8, 8)
    assert pixels_of([f"pixel{place}" for place in range(9)]) is None, "too few"
    assert pixels_of([f"pixel{place}" for place in range(63)]) is None, "no square"
    assert pixels_of([f"pixel{place}" for place in reversed(range(64))]) is None, "another order"
    assert pixels_of([f"x{place}" for place in range(64)]) is None, "no pixels"


def test_a_drawing_is_placed_as_the_digits_of_the_set_are(digits) -> None:
    assert placing_of(part_pictures(digits, "train", slice(100))) == FILLED
    line = np.array([[0.4, 0.2], [0.45, 0.8]])
    image = digit_image([line], (1, 8, 8), FILLED)[0]
    assert image[[0, -1]].max(axis=1).min() > 100, "it reaches from edge to edge"
    assert placing_of(np.stack([digit_image([line], (1, 28, 28))])) == MNIST


def test_the_network_picture_and_inspect_show_pixels_as_pictures(digits) -> None:
    start = PRESETS["two-hidden-relu"].experiment.updated(data=DataSpec(dataset="digits"))
    run = build(start, digits)
    column = VIEWS["neurons"].arrays(run)["columns"]
    first = part_pictures(digits, "train", slice(1))[0, 0]
    np.testing.assert_allclose(column[0]["maps"][0], first / 255, rtol=1e-6)
    weight = next(run.model.parameters()).detach().numpy()
    np.testing.assert_array_equal(column[1]["maps"], weight[column[1]["shown"]].reshape(-1, 8, 8))
    images = VIEWS["weight_images"].arrays(run)["images"]
    np.testing.assert_array_equal(images, weight.reshape(-1, 8, 8)[: len(images)])
    assert VIEWS["samples"].applies(digits.facts)
    assert not VIEWS["rows"].applies(digits.facts)
