"""One entry each for things that PyTorch and this project lack, registered in no table but by a test."""

from __future__ import annotations

from typing import Any

import pytest

from mlp_core.catalog import ACTIVATIONS, DATASETS, LAYERS, OPTIMIZERS, DatasetEntry, LayerEntry, OptimizerEntry
from mlp_core.catalog.by_hand import UpdateByHand
from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.parameters import Float, Int
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec
from mlp_core.views import VIEWS, View

STRIPES = DatasetEntry(
    name="stripes",
    label="Stripes",
    summary="A table with as many columns as one likes.",
    source="generated",
    loader="toys:stripes",
    facts=lambda params: DataFacts(
        task="classification",
        sample_shape=(params["columns"],),
        class_names=("below", "above"),
        samples=params["points"],
    ),
    parameters=(
        Int(name="points", label="Points", help="How many rows.", default=60, low=20, high=1000),
        Int(name="columns", label="Columns", help="How many columns.", default=3, low=1, high=100),
    ),
)
SINE = LayerEntry(
    name="Sine",
    label="Sine",
    summary="A wave.",
    family="activation",
    target="toys:Sine",
    parameters=(Float(name="frequency", label="Frequency", help="How fast it turns.", default=1.0),),
)
MIRRORED = LayerEntry(
    name="Mirrored",
    label="Mirrored",
    summary="Twice as wide.",
    family="other",
    target="toys:Mirrored",
    out_features=lambda params, features: 2 * features,
)
AVERAGED = LayerEntry(
    name="Averaged",
    label="Averaged",
    summary="Holds layers.",
    family="block",
    target="toys:Averaged",
    inside=("Linear", "Tanh"),
    keeps_width=True,
    combine="({x} + {y}) / 2",
)
RATE = Float(name="lr", label="Learning rate", help="The length of a step.", default=0.01, low=0.0, live=True)
CALLED = OptimizerEntry(
    name="SignDescent",
    label="Sign descent",
    summary="Steps of one length.",
    target="toys:SignDescent",
    state_per_parameter=0,
    parameters=(RATE,),
)
WRITTEN = OptimizerEntry(
    name="SignDescent",
    label="Sign descent",
    summary="Steps of one length.",
    target="toys:SignDescent",
    state_per_parameter=0,
    parameters=(RATE,),
    by_hand=lambda params: UpdateByHand(
        lines=("way = g.sign()", "p.add_(way, alpha=-lr)"), settings={"lr": params["lr"]}
    ),
)


def largest(run: Any) -> dict[str, Any]:
    """The largest weight of every layer that has weights, as a view computes it."""
    found = {
        name: float(value.detach().abs().max())
        for name, value in run.model.named_parameters()
        if name.endswith("weight")
    }
    return {"names": list(found), "largest": list(found.values())}


def largest_figure(source: Any, options: Any) -> dict[str, Any] | None:
    """The same as bars."""
    found = source.view("largest")
    return found and {"data": [{"type": "bar", "x": found["names"], "y": found["largest"]}], "layout": {}}


LARGEST = View(
    name="largest", label="Largest weights", compute=largest, figure=largest_figure,
    alt=lambda source, options: f"Largest weight of {len(source.view('largest')['names'])} layers",
)  # fmt: skip


def register(monkeypatch: pytest.MonkeyPatch, optimizer: OptimizerEntry) -> Experiment:
    """Put each toy into its table, and nowhere else; gives an experiment made of all of them."""
    monkeypatch.setitem(DATASETS, "stripes", STRIPES)
    monkeypatch.setitem(ACTIVATIONS, "Sine", SINE)  # type: ignore[arg-type]
    monkeypatch.setitem(LAYERS, "Mirrored", MIRRORED)
    monkeypatch.setitem(LAYERS, "Averaged", AVERAGED)
    monkeypatch.setitem(OPTIMIZERS, "SignDescent", optimizer)
    monkeypatch.setitem(VIEWS, "largest", LARGEST)
    return Experiment(
        data=DataSpec(dataset="stripes", params={"columns": 7}),
        layers=(
            LayerSpec(type="Linear", params={"out_features": 5}),
            LayerSpec(type="Sine", params={"frequency": 2.0}),
            LayerSpec(type="Mirrored"),
            LayerSpec(type="Averaged"),
            LayerSpec(type="Linear"),
        ),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SignDescent"),
        training=TrainingSpec(batch_size=8),
    )
