"""Data sets: what each holds, where it comes from, and its parameters.

An entry says enough (shape, classes, sizes) to plan a network before a byte is loaded; `loader` names the
function, as 'module:function', that makes or reads the arrays, so that the catalog imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlp_core.catalog.entry import Entry, table
from mlp_core.catalog.parameters import Float, Int, Parameter, Subset

Source = Literal["generated", "bundled", "downloaded"]

FEATURES: dict[str, str] = {
    "x1": "x₁",
    "x2": "x₂",
    "x1^2": "x₁²",
    "x2^2": "x₂²",
    "x1*x2": "x₁x₂",
    "sin(5*x1)": "sin 5x₁",
    "sin(5*x2)": "sin 5x₂",
}
"""Inputs that can be made of the two coordinates of a generated set, with their labels.

The sine has a 5 in it because coordinates lie in about [-1, 1], where sin x itself is nearly a straight line.
"""


@dataclass(frozen=True, kw_only=True)
class DatasetEntry(Entry):
    """A data set of the playground.

    `sample_shape`: (features,) of a table, (channels, height, width) of images, () where the parameter
    'features' decides. `class_names` is empty for regression, where `target_names` has one name per output.
    `train_size` and `test_size` are given where the set comes with an official split (the spec's
    `test_fraction` then does not apply). `download_bytes` is what a first use fetches, and `files` are what
    it leaves in the data folder, as paths with '/'. `load_options` are arguments of scikit-learn's function for a
    bundled set.
    """

    task: Literal["classification", "regression"]
    source: Source
    loader: str
    sample_shape: tuple[int, ...] = ()
    class_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    target_unit: str = ""
    train_size: int | None = None
    test_size: int | None = None
    download_bytes: int = 0
    files: tuple[str, ...] = ()
    load_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def two_features(self) -> bool:
        """Whether samples are points of the plane, so that a decision boundary can be drawn."""
        return self.source == "generated" and self.sample_shape == ()

    @property
    def holds_images(self) -> bool:
        """Whether a sample is an image."""
        return len(self.sample_shape) == 3

    @property
    def official_split(self) -> bool:
        """Whether the set says itself which samples are for testing."""
        return self.train_size is not None


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
            choices=FEATURES,
        ),
    )


def _plane_set(name: str, label: str, summary: str, when: str, noise: float, **other: object) -> DatasetEntry:
    fields: dict[str, object] = {"task": "classification", "class_names": ("class 0", "class 1"), **other}
    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        when=when,
        source="generated",
        loader=f"mlp_core.data.toy:{name}",
        parameters=_plane_parameters(400, noise),
        **fields,  # type: ignore[arg-type]
    )


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
    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        when=when,
        task="classification",
        source="downloaded",
        loader="mlp_core.data.vision:load_images",
        sample_shape=shape,
        class_names=classes,
        train_size=train_size,
        test_size=10_000,
        download_bytes=int(megabytes * 1e6),
        files=files or _idx_files(name),
        parameters=_subset_sizes(train_size, 10_000),
    )


def _bundled(name: str, label: str, summary: str, features: int, **fields: object) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        source="bundled",
        loader="mlp_core.data.tabular:load_table",
        sample_shape=(features,),
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
               "Regression that one Linear layer solves.", 0.05,
               task="regression", class_names=(), target_names=("value",)),
    _plane_set("bumps", "Gaussian bumps", "A flat landscape with round hills and hollows.",
               "Regression that needs hidden layers.", 0.05,
               task="regression", class_names=(), target_names=("value",)),
    DatasetEntry(
        name="blobs16", label="Sixteen features", source="generated", task="classification",
        summary="Two overlapping clouds in sixteen dimensions, each made of two smaller ones.",
        when="A table for a binary network with one output.",
        loader="mlp_core.data.synthetic:blobs16", sample_shape=(16,), class_names=("no", "yes"),
        parameters=_table_parameters(1000),
    ),
    DatasetEntry(
        name="ones", label="All ones", source="generated", task="regression",
        summary="Five features drawn around 1; both targets are 1 for every sample.",
        when="To watch a block of layers learn a constant.",
        loader="mlp_core.data.synthetic:ones", sample_shape=(5,), target_names=("target 1", "target 2"),
        parameters=_table_parameters(200),
    ),
    _bundled("iris", "Iris", "150 flowers of three species, four lengths in centimetres each.", 4,
             task="classification", class_names=("setosa", "versicolor", "virginica")),
    _bundled("wine", "Wine", "178 wines of three growers, 13 chemical measurements each.", 13,
             task="classification", class_names=("class_0", "class_1", "class_2")),
    _bundled("breast_cancer", "Breast cancer", "569 tumours, benign or malignant, 30 measurements each.", 30,
             task="classification", class_names=("malignant", "benign")),
    _bundled("digits", "Digits 8×8", "1,797 handwritten digits as 8×8 grey images.", 64,
             task="classification", class_names=_DIGITS),
    _bundled("diabetes", "Diabetes",
             "442 patients, ten measurements each; how far the disease went in a year.", 10,
             task="regression", target_names=("disease progression",), target_unit="points",
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
