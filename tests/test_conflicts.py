"""Settings that exclude each other, in the words of a page; and batches that follow a set that has become smaller."""

from __future__ import annotations

import pytest

from mlp_core.errors import ConflictError
from mlp_core.presets import DEFAULT, PRESETS
from mlp_core.problems import with_fitting_batches
from mlp_core.spec import DataSpec, LayerSpec, OptimizerSpec

START = PRESETS[DEFAULT].experiment
CASES = {
    "norm and value": (
        lambda: START.updated(training=START.training.updated(max_grad_norm=1.0, max_grad_value=0.5)),
        ("must be empty while Clip gradients", "not 0.5"),
    ),
    "nesterov": (
        lambda: OptimizerSpec(type="SGD", params={"nesterov": True, "momentum": 0.0}),
        ("must be off while Momentum is 0",),
    ),
    "bounds": (
        lambda: LayerSpec(type="Hardtanh", params={"min_val": 2.0, "max_val": 1.0}),
        ("of layer 2 must be below", "not 2."),
    ),
    "interval": (lambda: DataSpec(dataset="formula", params={"interval": (2.0, 1.0)}), ("must begin below its end.",)),
    "corners": (
        lambda: DataSpec(dataset="classification", params={"n_features": 2, "n_informative": 2, "n_redundant": 1}),
        ("must be at least", "not 2."),
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_a_page_says_labels_and_no_words_of_python(name: str) -> None:
    make, expected = CASES[name]
    with pytest.raises(ConflictError) as refused:
        make()
    said = refused.value.on_page("layer 2" if name == "bounds" else "")
    for text in expected:
        assert text in said, said
    for technical in ("parameter", "None", "True", "False", "instead", "_", "§", "'"):
        assert technical not in said, said
    assert "parameter" in str(refused.value), "files and the command line know names"


def test_batches_become_no_larger_than_the_training_part() -> None:
    batch = START.training.batch_size
    assert batch is not None
    assert with_fitting_batches(START, batch) is START
    assert with_fitting_batches(START, batch - 1).training.batch_size == batch - 1
    whole = START.updated(training=START.training.updated(batch_size=None))
    assert with_fitting_batches(whole, 1) is whole
