"""Drawings as images of digits, and what the inputs of one sample do to its answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core import data
from mlp_core.data.parts import PARTS
from mlp_core.errors import DataError
from mlp_core.evaluation.drawing import MAX_POINTS, digit_image, read_strokes
from mlp_core.export.preprocessing import preprocessing_of
from mlp_core.export.state import network, state_of
from mlp_core.export.weights import Weights
from mlp_core.influence import influence
from mlp_core.predict import inputs_of
from mlp_core.presets import preset
from mlp_core.run.build import build

SHAPE = (1, 28, 28)
POINTS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(POINTS, min_size=1, max_size=4))
def test_a_drawing_fits_the_box_and_its_mass_is_in_the_middle(strokes: list[list[tuple[float, float]]]) -> None:
    image = digit_image(read_strokes(strokes), SHAPE)
    assert image.shape == SHAPE
    assert image.dtype == np.uint8
    inked = np.argwhere(image[0] > 0)
    height, width = inked.max(axis=0) - inked.min(axis=0) + 1
    assert max(height, width) <= 22  # the box of 20, and the soft edge on both sides
    touches = inked.min() == 0 or inked.max() == 27
    mass = image[0].astype(float)
    centre = [(mass.sum(axis=1 - axis) @ np.arange(28)) / mass.sum() for axis in (0, 1)]
    assert touches or all(abs(place - 13.5) <= 1 for place in centre)


def test_size_and_place_of_a_drawing_do_not_matter() -> None:
    seven = np.array([(0.3, 0.2), (0.7, 0.2), (0.4, 0.8)])
    small = seven * 0.3 + 0.6
    images = [digit_image([points], SHAPE).astype(int) for points in (seven, small)]
    assert abs(images[0] - images[1]).max() <= 40
    assert len(np.unique(images[0])) > 10, "edges are smooth"


@pytest.mark.parametrize(
    "value",
    ["text", [["a"]], [[[0.1, float("nan")]]], [[0.1, 0.2]], [[[1, 2, 3]]], 5, [[[0, 0]] * (MAX_POINTS + 1)],
     [[]] * 999],
)  # fmt: skip
def test_what_is_no_drawing_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="draw again"):
        read_strokes(value)


def test_an_empty_drawing_is_black() -> None:
    assert not digit_image(read_strokes([]), SHAPE).any()


@pytest.mark.parametrize("name", ["two-hidden-relu", "spiral"])
def test_influence_is_the_gradient_times_the_input(name: str) -> None:
    experiment = preset(name).experiment
    dataset = data.load(experiment.data)
    run = build(experiment, dataset)
    weights = Weights(experiment=experiment, tensors=state_of(run))
    made_by = preprocessing_of(experiment, dataset)
    sample = PARTS["test"].samples(dataset, slice(0, 1))[0]
    model = network(experiment, weights.tensors).double()
    x = torch.from_numpy(inputs_of(sample[None], made_by)).double()
    for output in range(len(made_by.class_names)):
        found = influence(weights, sample, made_by, output)
        for place in range(x.shape[1]):
            step = torch.zeros_like(x)
            step[0, place] = 1e-6
            outputs = (model(x + step) - model(x - step))[0] / 2e-6
            slope = outputs[output] if len(outputs) > 1 else outputs[0] * (1 if output else -1)
            assert found[place] == pytest.approx(float(slope * x[0, place]), abs=1e-4)
