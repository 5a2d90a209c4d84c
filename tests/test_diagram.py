"""The columns of the network's picture."""

from __future__ import annotations

import pytest
from blocks import NETWORKS, layer
from hypothesis import given
from hypothesis import strategies as st

from mlp_core.diagram import (
    SCROLLED,
    SHOWN,
    WHOLE,
    Column,
    columns,
    describe,
    read_shown,
    row_of_neurons,
    shown_neurons,
    write_shown,
)
from mlp_core.plan import plan
from mlp_core.presets import PRESETS
from mlp_core.spec import LayerSpec

SPIRAL = PRESETS["spiral"].experiment


def columns_of(*layers: LayerSpec) -> tuple[Column, ...]:
    return columns(plan(SPIRAL.updated(layers=layers)))


def test_a_linear_and_what_follows_it_are_one_column() -> None:
    found = columns_of(
        layer("Linear", out_features=5), layer("BatchNorm1d"), layer("Tanh"), layer("Dropout"), layer("Linear")
    )
    assert [(column.width, column.link, len(column.layers)) for column in found] == [
        (2, "none", 0), (5, "weights", 4), (2, "weights", 1),
    ]  # fmt: skip
    assert [column.weighted and column.weighted.path for column in found] == [None, (0,), (4,)]


def test_a_gate_halves_its_column_and_a_first_activation_has_one() -> None:
    found = columns_of(layer("Tanh"), layer("Linear", out_features=6), layer("GLU"), layer("Linear"))
    assert [(column.width, column.link) for column in found] == [
        (2, "none"), (2, "one to one"), (3, "weights"), (2, "weights"),
    ]  # fmt: skip


def test_attention_mixes_without_a_weight_for_each_pair() -> None:
    found = columns_of(layer("Linear", out_features=4), layer("FeatureAttention"), layer("ReLU"), layer("Linear"))
    assert [column.link for column in found] == ["none", "weights", "mixed", "weights"]
    assert found[2].weighted is None


@pytest.mark.parametrize("name", NETWORKS)
def test_residual_blocks_add_a_column_before_them(name: str) -> None:
    planned = plan(SPIRAL.updated(layers=NETWORKS[name]))
    found = columns(planned)
    blocks = [layer.path for layer in planned.walk() if layer.inside]
    sums = [column for column in found if column.link == "sum"]
    assert sorted(column.layers[0].path for column in sums) == sorted(blocks)
    for column in sums:
        assert found[column.skip].width == column.width
        assert column.depth == len(column.layers[0].path) - 1
    drawn = [layer.path for column in found for layer in column.layers]
    assert sorted(drawn) == sorted(layer.path for layer in planned.walk()), "each layer stands in one column"


@given(width=st.integers(1, 3000), chosen=st.lists(st.integers(-5, 3000), max_size=40))
def test_shown_neurons_are_neurons_of_the_column(width: int, chosen: list[int]) -> None:
    shown = shown_neurons(width, chosen)
    assert shown == sorted(set(shown))
    assert shown[0] >= 0
    assert shown[-1] < width
    assert len(shown) <= SCROLLED
    there = {neuron for neuron in chosen if 0 <= neuron < width}
    if width <= WHOLE:
        assert shown == list(range(width))
    elif there:
        assert set(shown) <= there
    else:
        assert (shown[0], shown[-1], len(shown)) == (0, width - 1, SHOWN)


@given(width=st.integers(WHOLE + 1, 500), count=st.sampled_from([SHOWN, SCROLLED, 10**6]))
def test_every_neuron_can_be_reached(width: int, count: int) -> None:
    reached: set[int] = set()
    first = 0
    while first < width:
        row = shown_neurons(width, row_of_neurons(width, first, count))
        assert len(row) == min(count, width, SCROLLED)
        reached |= set(row)
        first = row[-1] + 1
    assert reached == set(range(width))


@given(st.dictionaries(st.integers(0, 50), st.lists(st.integers(0, 9999), min_size=1, max_size=16).map(tuple)))
def test_shown_neurons_are_read_as_they_were_written(shown: dict[int, tuple[int, ...]]) -> None:
    assert read_shown(write_shown(shown)) == shown


def test_what_the_browser_gets() -> None:
    wide = columns_of(layer("Linear", out_features=40), layer("ReLU"), layer("Linear"))
    described = describe(wide, False, ("x", "y"), ("cat", "dog"), {1: row_of_neurons(40, 12)})
    assert [column["title"] for column in described] == ["input", "40 · ReLU", "2 · Linear"]
    assert described[1]["name"] == "Linear · ReLU"
    assert [column["names"] for column in described] == [["x", "y"], None, ["cat", "dog"]]
    assert described[1]["shown"] == list(range(12, 24))
    assert described[1]["paths"] == [[0], [1]]
    picture = describe(wide, True, (), (), {})
    assert picture[0]["shown"] == []
    assert len(picture[1]["shown"]) == SHOWN
