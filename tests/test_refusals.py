"""What a page says of a value that a field refuses: the field's own name, the rule in words, and the value."""

from __future__ import annotations

import pytest

from mlp_core.catalog import KINDS, OPTIMIZERS, TRAINING
from mlp_core.catalog.parameters import Bool, Choice, Float, Floats, Formula, Int, Ints, Parameter, Subset
from mlp_core.errors import ParameterError
from mlp_core.spec import LayerSpec, OptimizerSpec, TrainingSpec

TYPED = Float | Floats | Int | Ints | Bool | Choice | Subset | Formula
"""Parameters that have a field of their own; others are drawn, or come with a file."""
ENTRIES = [*(entry for entries in KINDS.values() for entry in entries.values()), TRAINING]


def refusal(parameter: Parameter, value: object, whose: str = "") -> str:
    with pytest.raises(ParameterError) as caught:
        parameter.check(value, "an owner")
    assert repr(parameter.name) in str(caught.value), "files and the command line know it by its name"
    return caught.value.on_page(whose)


def test_every_refusal_is_in_words_of_the_page() -> None:
    parameters = [parameter for entry in ENTRIES for parameter in entry.parameters if isinstance(parameter, TYPED)]
    assert len(parameters) > 100
    for parameter in parameters:
        for value in parameter.bad_values():
            said = refusal(parameter, value, "layer 2")
            assert said.startswith(parameter.label), said
            assert " of layer 2 " in said
            assert said.endswith("."), said
            for technical in ("in the range", " int ", "a float", "or None", "not None"):
                assert technical not in said, said


@pytest.mark.parametrize(
    ("made", "whose", "said"),
    [
        (lambda: LayerSpec(type="Linear", params={"out_features": 0}), "layer 2",
         "Neurons of layer 2 must be a whole number from 1 to 1,000,000,000, or empty, not 0."),
        (lambda: LayerSpec(type="Linear", params={"out_features": 3.7}), "layer 1",
         "Neurons of layer 1 must be a whole number from 1 to 1,000,000,000, or empty, not 3.7."),
        (lambda: OptimizerSpec(type="SGD", params={"lr": None}), "",
         "Learning rate cannot be empty: it must be a number from 0 to 1,000,000,000,000."),
        (lambda: TrainingSpec(batch_size=0), "", "Batch size must be a whole number from 1 to 1,000,000, or empty "
         "(full batch), not 0."),
        (lambda: OptimizerSpec(type="Adam", params={"betas": (0.9, 1.5)}), "", "not 1.5."),
    ],
)  # fmt: skip
def test_a_part_of_an_experiment_hands_the_refusal_on(made, whose: str, said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        made()
    assert said in caught.value.on_page(whose)


def test_of_several_numbers_the_wrong_one_is_named() -> None:
    betas = OPTIMIZERS["Adam"].parameter("betas")
    assert isinstance(betas, Floats)
    assert refusal(betas, [0.9, 2]).startswith(f"{betas.label}: {betas.labels[1]} must be a number from 0 to below 1")
