"""Data sets that are made here: patterns of the plane, and tables."""

from __future__ import annotations

from mlp_core.catalog.datasets.entry import DatasetEntry, Describe, Params, table_facts
from mlp_core.catalog.facts import DataFacts, Task
from mlp_core.catalog.features import FEATURES
from mlp_core.catalog.parameters import Float, Int, Parameter, Subset


def _table_parameters(points: int) -> tuple[Parameter, ...]:
    return (
        Int(
            name="points",
            label="Points",
            help="How many samples to make, before they are split into training and test.",
            default=points,
            low=20,
            high=20_000,
            step=50,
            advice="Choose 20 to 20000 points.",
        ),
    )


def _plane_parameters(points: int, noise: float) -> tuple[Parameter, ...]:
    return (
        *_table_parameters(points),
        Float(
            name="noise",
            label="Noise",
            help="How far points stray from the pattern, as a share of its size. 0 is a clean pattern.",
            default=noise,
            low=0.0,
            high=1.0,
            step=0.05,
            advice="Choose a value from 0 (clean) to 1.",
        ),
        Subset(
            name="features",
            label="Input features",
            help="What the network sees of each point: its coordinates, or functions of them.",
            default=("x1", "x2"),
            choices={feature.name: feature.label for feature in FEATURES.values()},
            controls=("data", "features"),
        ),
    )


def _plane_facts(task: Task) -> Describe:
    def facts(params: Params) -> DataFacts:
        classes = task == "classification"
        return DataFacts(
            task=task,
            sample_shape=(len(params["features"]),),
            class_names=("class 0", "class 1") if classes else (),
            target_names=() if classes else ("value",),
            samples=params["points"],
            plane=True,
        )

    return facts


def _plane_set(name: str, label: str, summary: str, when: str, noise: float,
               task: Task = "classification") -> DatasetEntry:  # fmt: skip
    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        when=when,
        source="generated",
        loader=f"mlp_core.data.toy:{name}",
        facts=_plane_facts(task),
        parameters=_plane_parameters(400, noise),
    )


GENERATED: tuple[DatasetEntry, ...] = (
    _plane_set("circle", "Circle", "A disc of one class inside a ring of the other.",
               "Cannot be split by a straight line: needs a hidden layer, or the features x₁² and x₂².", 0.1),
    _plane_set("xor", "XOR", "Four quadrants: the class is whether the two coordinates' signs agree.",
               "The smallest problem that a network without hidden layer cannot solve.", 0.05),
    _plane_set("gaussians", "Two Gaussians", "Two round clouds, one for each class.",
               "One Linear layer is enough.", 0.2),
    _plane_set("spiral", "Spiral", "Two arms wound around each other.",
               "Hard: needs width, depth and patience.", 0.05),
    _plane_set("moons", "Two moons", "Two half circles that hook into each other.",
               "A gentle curve: a small hidden layer is enough.", 0.1),
    _plane_set("plane", "Plane", "A value that rises evenly in one direction.",
               "Regression that one Linear layer solves.", 0.05, task="regression"),
    _plane_set("bumps", "Gaussian bumps", "A flat landscape with round hills and hollows.",
               "Regression that needs hidden layers.", 0.05, task="regression"),
    DatasetEntry(
        name="blobs16", label="Sixteen features", source="generated",
        summary="Two overlapping clouds in sixteen dimensions, each made of two smaller ones.",
        when="A table for a binary network with one output.",
        loader="mlp_core.data.synthetic:blobs16", facts=table_facts(16, class_names=("no", "yes")),
        parameters=_table_parameters(1000),
    ),
    DatasetEntry(
        name="ones", label="All ones", source="generated",
        summary="Five features drawn around 1; both targets are 1 for every sample.",
        when="To watch a block of layers learn a constant.",
        loader="mlp_core.data.synthetic:ones", facts=table_facts(5, target_names=("target 1", "target 2")),
        parameters=_table_parameters(200),
    ),
)  # fmt: skip
