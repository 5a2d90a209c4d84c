"""Public sets that are downloaded on request, each read from its official files."""

from __future__ import annotations

from mlp_core.catalog.datasets.entry import DatasetEntry, Params, table_facts
from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.parameters import Int, Parameter

TEST_IMAGES = 10_000
"""Test images of an image set that says nothing else."""


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


def _raw(name: str, *files: str) -> tuple[str, ...]:
    """Files where MNIST and its kin lie."""
    return tuple(f"{name}/raw/{file}" for file in files)


def _idx_files(name: str) -> tuple[str, ...]:
    """The files of MNIST and its kin."""
    kinds = ("images-idx3", "labels-idx1")
    return _raw(name, *(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in kinds))


def _packed(files: tuple[str, ...]) -> tuple[str, ...]:
    """The archives of files that are packed one by one."""
    return tuple(f"{file}.gz" for file in files)


_CIFAR10_FILES = tuple(
    f"cifar-10-batches-py/{file}"
    for file in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
)
_CIFAR100_FILES = tuple(f"cifar-100-python/{file}" for file in ("train", "test", "meta"))
_QMNIST_FILES = _raw(
    "QMNIST",
    *(f"qmnist-{part}-{kind}" for part in ("train", "test") for kind in ("images-idx3-ubyte", "labels-idx2-int")),
)
_EMNIST_FILES = _raw(
    "EMNIST",
    *(f"emnist-letters-{part}-{kind}-ubyte" for part in ("train", "test") for kind in ("images-idx3", "labels-idx1")),
)


def _images(name: str, label: str, summary: str, when: str, shape: tuple[int, int, int], train_size: int,
            classes: tuple[str, ...], megabytes: float, files: tuple[str, ...] = (), test_size: int = TEST_IMAGES,
            reader: str = "idx", **fields: object) -> DatasetEntry:  # fmt: skip
    def facts(params: Params) -> DataFacts:
        return DataFacts(
            task="classification",
            sample_shape=shape,
            class_names=classes,
            train_size=params["train_samples"] or train_size,
            test_size=params["test_samples"] or test_size,
        )

    files = files or _idx_files(name)
    fields.setdefault("archives", _packed(files))
    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        when=when,
        source="downloaded",
        loader="mlp_core.data.vision:load_images",
        reader=f"mlp_core.data.formats:{reader}",
        facts=facts,
        download_bytes=int(megabytes * 1e6),
        files=files,
        parameters=_subset_sizes(train_size, test_size),
        **fields,  # type: ignore[arg-type]
    )


_DIGITS = tuple(str(digit) for digit in range(10))
_CIFAR100_TEXT = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can "
    "castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin "
    "elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster "
    "man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck "
    "pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk "
    "skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger "
    "tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
)
_CIFAR100_CLASSES = tuple(_CIFAR100_TEXT.split())

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
            _CIFAR10_FILES, reader="cifar", archives=("cifar-10-python.tar.gz",)),
    _images("EMNIST", "EMNIST letters", "145,600 handwritten letters, 28×28 grey, large and small ones together.",
            "As MNIST, with 26 classes. Some letters cannot be told apart: I and l.", (1, 28, 28), 124_800,
            tuple("abcdefghijklmnopqrstuvwxyz"), 561.8, _EMNIST_FILES, 20_800, "lying_idx",
            archives=_raw("EMNIST", "gzip.zip"), first_label=1, lying=True,
            parts=({"split": "letters", "train": True}, {"split": "letters", "train": False})),
    _images("QMNIST", "QMNIST", "120,000 handwritten digits, 28×28 grey: MNIST with its whole test part.",
            "MNIST with a test part of 60,000, so that small differences count.", (1, 28, 28), 60_000, _DIGITS, 20.4,
            _QMNIST_FILES, 60_000, labels="targets[:, 0]"),
    _images("USPS", "USPS", "9,298 handwritten digits from envelopes, 16×16 grey.",
            "Small images: fast, and a hard test part.", (1, 16, 16), 7291, _DIGITS, 8.4, ("usps.bz2", "usps.t.bz2"),
            2007, "usps", archives=("usps.bz2", "usps.t.bz2")),
    _images("SVHN", "SVHN", "99,289 house numbers from street photographs, 32×32 colour.",
            "Digits as in MNIST, in the wild: colours and neighbours mislead an MLP.", (3, 32, 32), 73_257, _DIGITS,
            246.3, ("train_32x32.mat", "test_32x32.mat"), 26_032, "svhn",
            archives=("train_32x32.mat", "test_32x32.mat"), labels="labels",
            parts=({"split": "train"}, {"split": "test"})),
    _images("CIFAR100", "CIFAR-100", "60,000 colour photographs of a hundred things, 32×32.",
            "As CIFAR-10, with 500 training images for each class.", (3, 32, 32), 50_000, _CIFAR100_CLASSES, 169.0,
            _CIFAR100_FILES, reader="cifar", archives=("cifar-100-python.tar.gz",)),
    DatasetEntry(
        name="california_housing", label="California housing", source="downloaded", publisher="scikit-learn",
        summary="20,640 districts, eight facts each; the median value of a house.",
        when="A table large enough for a network to gain on simpler models.",
        loader="mlp_core.data.tabular:load_housing", reader="mlp_core.data.tabular:read_housing",
        facts=table_facts(8, target_names=("median house value",), target_unit="100,000 $", samples=20_640),
        download_bytes=441_963, files=("CaliforniaHousing/cal_housing.data",),
        archives=("CaliforniaHousing/cal_housing.tgz",),
    ),
)  # fmt: skip
