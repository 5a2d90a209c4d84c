"""Data sets: what each holds, where it comes from, and its parameters.

An entry's `facts` say enough (task, shape, classes, sizes) to plan a network before a byte is loaded; `loader` names
the function that makes or reads the arrays, so that the catalog imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mlp_core.catalog.entry import Entry, table
from mlp_core.catalog.facts import DataFacts, Task
from mlp_core.catalog.features import FEATURES
from mlp_core.catalog.parameters import Float, Int, Parameter, Subset

Source = Literal["generated", "bundled", "downloaded"]

Params = Mapping[str, Any]
Describe = Callable[[Params], DataFacts]


@dataclass(frozen=True, kw_only=True)
class DatasetEntry(Entry):
    """A data set of the playground. Its shapes, task and classes are its `facts`, which its parameters decide."""

    source: Source
    """Where the samples come from."""
    loader: str
    """The function that makes or reads the arrays, as 'module:function'."""
    facts: Describe
    """The facts of the set, given its parameters (each of them checked and present)."""
    download_bytes: int = 0
    """What a first use fetches."""
    files: tuple[str, ...] = ()
    """What a download leaves in the data folder, as paths with '/'."""
    load_options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of scikit-learn's function for a bundled set."""

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("data", "dataset")

    @property
    def parameter_controls(self) -> tuple[str, ...]:
        return ("data",)


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


def _table_facts(features: int, *, class_names: tuple[str, ...] = (), target_names: tuple[str, ...] = (),
                 target_unit: str = "", samples: int | None = None) -> Describe:  # fmt: skip
    """The facts of a table with so many columns; one with the parameter 'points' has as many samples."""
    known = DataFacts(
        task="classification" if class_names else "regression",
        sample_shape=(features,),
        class_names=class_names,
        target_names=target_names,
        target_unit=target_unit,
        samples=samples,
    )
    return lambda params: replace(known, samples=params["points"]) if "points" in params else known


TEST_IMAGES = 10_000
"""Test images of each image set here."""


def _subset_sizes(train_size: int, test_size: int) -> tuple[Parameter, ...]:
    return (
        Int(
            name="train_samples",
            label="Training images",
            help="Use only the first so many training images; empty uses all.",
            default=None,
            low=10,
            high=train_size,
            step=1000,
            optional=True,
            none_means=f"all {train_size}",
        ),
        Int(
            name="test_samples",
            label="Test images",
            help="Use only the first so many test images; empty uses all.",
            default=None,
            low=10,
            high=test_size,
            step=1000,
            optional=True,
            none_means=f"all {test_size}",
        ),
    )


def _idx_files(name: str) -> tuple[str, ...]:
    """The files of MNIST and its kin."""
    kinds = ("images-idx3", "labels-idx1")
    return tuple(f"{name}/raw/{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in kinds)


_CIFAR10_FILES = tuple(
    f"cifar-10-batches-py/{file}"
    for file in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
)


def _images(name: str, label: str, summary: str, when: str, shape: tuple[int, int, int], train_size: int,
            classes: tuple[str, ...], megabytes: float,
            files: tuple[str, ...] = ()) -> DatasetEntry:  # fmt: skip
    def facts(params: Params) -> DataFacts:
        return DataFacts(
            task="classification",
            sample_shape=shape,
            class_names=classes,
            train_size=params["train_samples"] or train_size,
            test_size=params["test_samples"] or TEST_IMAGES,
        )

    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        when=when,
        source="downloaded",
        loader="mlp_core.data.vision:load_images",
        facts=facts,
        download_bytes=int(megabytes * 1e6),
        files=files or _idx_files(name),
        parameters=_subset_sizes(train_size, TEST_IMAGES),
    )


def _bundled(name: str, label: str, summary: str, facts: Describe, **fields: object) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        source="bundled",
        loader="mlp_core.data.tabular:load_table",
        facts=facts,
        **fields,  # type: ignore[arg-type]
    )


_DIGITS = tuple(str(digit) for digit in range(10))

DATASETS: dict[str, DatasetEntry] = table(
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
        loader="mlp_core.data.synthetic:blobs16", facts=_table_facts(16, class_names=("no", "yes")),
        parameters=_table_parameters(1000),
    ),
    DatasetEntry(
        name="ones", label="All ones", source="generated",
        summary="Five features drawn around 1; both targets are 1 for every sample.",
        when="To watch a block of layers learn a constant.",
        loader="mlp_core.data.synthetic:ones", facts=_table_facts(5, target_names=("target 1", "target 2")),
        parameters=_table_parameters(200),
    ),
    _bundled("iris", "Iris", "150 flowers of three species, four lengths in centimetres each.",
             _table_facts(4, class_names=("setosa", "versicolor", "virginica"), samples=150)),
    _bundled("wine", "Wine", "178 wines of three growers, 13 chemical measurements each.",
             _table_facts(13, class_names=("class_0", "class_1", "class_2"), samples=178)),
    _bundled("breast_cancer", "Breast cancer", "569 tumours, benign or malignant, 30 measurements each.",
             _table_facts(30, class_names=("malignant", "benign"), samples=569)),
    _bundled("digits", "Digits 8×8", "1,797 handwritten digits as 8×8 grey images.",
             _table_facts(64, class_names=_DIGITS, samples=1797)),
    _bundled("diabetes", "Diabetes",
             "442 patients, ten measurements each; how far the disease went in a year.",
             _table_facts(10, target_names=("disease progression",), target_unit="points", samples=442),
             load_options={"scaled": False}),
    _images("MNIST", "MNIST", "70,000 handwritten digits, 28×28 grey.", "The classic first image set.",
            (1, 28, 28), 60_000, _DIGITS, 11.6),
    _images("FashionMNIST", "Fashion-MNIST", "70,000 pieces of clothing, 28×28 grey.",
            "As MNIST, and harder.", (1, 28, 28), 60_000,
            ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
             "Ankle boot"),
            30.9),
    _images("KMNIST", "KMNIST", "70,000 handwritten Japanese characters, 28×28 grey.",
            "As MNIST, and harder.", (1, 28, 28), 60_000,
            ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"), 21.2),
    _images("CIFAR10", "CIFAR-10", "60,000 colour photographs of ten things, 32×32.",
            "Hard for an MLP: about half of the test images can be learned.", (3, 32, 32), 50_000,
            ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"), 170.5,
            _CIFAR10_FILES),
)  # fmt: skip
