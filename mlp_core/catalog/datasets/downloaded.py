"""Public sets that are downloaded on request, each read from its official files."""

from __future__ import annotations

from mlp_core.catalog.datasets.entry import DatasetEntry, Params
from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.parameters import Int, Parameter

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


_DIGITS = tuple(str(digit) for digit in range(10))

DOWNLOADED: tuple[DatasetEntry, ...] = (
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
