"""Image sets: the arrays are what torchvision's own pipeline sees."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mlp_core.catalog.datasets import DATASETS
from mlp_core.data import DataMissing, Dataset, is_present, load
from mlp_core.data.published import archives, image_class
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec
from mlp_core.torchvision_compat import import_torchvision

IMAGE_SETS = [name for name in DATASETS if DataSpec(dataset=name).facts.official_split]


def assert_as_to_tensor(dataset: Dataset, name: str, folder: Path, indices: range) -> None:
    """x / 255 equals, bit for bit, what a DataLoader with ToTensor gives."""
    to_tensor = import_torchvision().transforms.ToTensor()
    for train, x, y in ((True, dataset.x_train, dataset.y_train), (False, dataset.x_test, dataset.y_test)):
        official = image_class(name)(folder, train=train, transform=to_tensor)
        for index in indices:
            image, label = official[index]
            ours = x[index].astype(np.float32) / np.float32(dataset.divisor)
            assert ours.tobytes() == image.numpy().tobytes()
            assert ours.shape == tuple(image.shape)
            assert y[index] == label


@pytest.mark.parametrize(("name", "mean"), [("MNIST", 0.1307), ("FashionMNIST", 0.2860)])
def test_real_files(real_data: Path, name: str, mean: float) -> None:
    spec = DataSpec(dataset=name)
    assert is_present(spec, real_data)
    dataset = load(spec, real_data)
    assert dataset.x_train.shape == (60_000, 1, 28, 28)
    assert dataset.x_test.shape == (10_000, 1, 28, 28)
    assert dataset.x_train.dtype == np.uint8
    assert dataset.y_train.dtype == np.int64
    assert dataset.divisor == 255
    assert dataset.x_train.mean() / 255 == pytest.approx(mean, abs=5e-5)
    assert_as_to_tensor(dataset, name, real_data, range(0, 10_000, 97))


def test_to_tensor_for_every_byte() -> None:
    from PIL import Image

    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tensor = import_torchvision().transforms.ToTensor()(Image.fromarray(pixels))
    assert (pixels.astype(np.float32) / np.float32(255)).tobytes() == tensor.numpy().tobytes()


def test_subsets_are_views_of_one_copy(mnist: object, tmp_path: Path) -> None:
    whole = load(DataSpec(dataset="MNIST"), tmp_path, download=True)
    part = load(DataSpec(dataset="MNIST", params={"train_samples": 20, "test_samples": 10}), tmp_path)
    assert (part.train_size, part.test_size) == (20, 10)
    assert np.shares_memory(part.x_train, whole.x_train)
    assert np.shares_memory(part.y_test, whole.y_test)
    assert part.notes[-2:] == (
        "Only the first 20 of 300 training images are used.",
        "Only the first 10 of 40 test images are used.",
    )
    assert whole.notes[0] == "300 training images are here, and the published set has 60,000."
    assert part.spec.params["train_samples"] == 20
    for array in (part.x_train, part.y_train, whole.x_test):
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_cifar_is_turned_to_channels_first(cifar: object, tmp_path: Path) -> None:
    dataset = load(DataSpec(dataset="CIFAR10"), tmp_path, download=True)
    assert dataset.x_train.shape == (100, 3, 32, 32)
    assert dataset.x_train.flags.c_contiguous
    assert_as_to_tensor(dataset, "CIFAR10", tmp_path, range(20))
    assert tuple(image_class("CIFAR10")(tmp_path).classes) == dataset.facts.class_names


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_catalog_agrees_with_torchvision(name: str) -> None:
    entry, images = DATASETS[name], image_class(name)
    assert tuple(archive.path for archive in archives(images)) == entry.archives
    if hasattr(images, "train_list"):
        listed = [*images.train_list, *images.test_list, [images.meta["filename"]]]
        expected = {f"{images.base_folder}/{file}" for file, *_ in listed}
    elif name == "EMNIST":
        made = [images.__new__(images) for _ in range(2)]
        for part, train in zip(made, (True, False), strict=True):
            part.root, part.split, part.train = "", "letters", train
        expected = {file for part in made for file in (part.images_file, part.labels_file)}
    else:
        expected = {archive.path.removesuffix(".gz") for archive in archives(images)}
    if hasattr(images, "resources") and name != "EMNIST":
        classes = [label.split(" - ")[0] for label in images.classes]
        assert list(DataSpec(dataset=name).facts.class_names) == classes
    assert set(entry.files) == expected


def test_missing_set_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = DataSpec(dataset="CIFAR10")
    assert not is_present(spec, tmp_path)
    with pytest.raises(DataMissing, match=r"CIFAR-10 is not in the folder .* Press Download \(170.5 MB\).*--download"):
        load(spec, tmp_path)
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path / "elsewhere"))
    with pytest.raises(DataMissing, match="elsewhere"):
        load(spec)
    assert not (tmp_path / "elsewhere").exists()


def test_a_part_of_the_files_is_not_present(mnist: object, tmp_path: Path) -> None:
    spec = DataSpec(dataset="MNIST")
    load(spec, tmp_path, download=True)
    assert is_present(spec, tmp_path)
    (tmp_path / "MNIST/raw/t10k-labels-idx1-ubyte").unlink()
    assert not is_present(spec, tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("MNIST/raw/train-images-idx3-ubyte", b""),
        ("MNIST/raw/train-images-idx3-ubyte", b"not an image file at all"),
        ("MNIST/raw/t10k-labels-idx1-ubyte", bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 2])),
        ("MNIST/raw/t10k-labels-idx1-ubyte", bytes([0, 0, 8, 1, 0, 0, 0, 40, *[200] * 40])),
        ("MNIST/raw/t10k-images-idx3-ubyte", bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 7, 7])),
    ],
)
def test_damaged_files_are_named(mnist: object, tmp_path: Path, file: str, content: bytes) -> None:
    load(DataSpec(dataset="MNIST"), tmp_path, download=True)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "MNIST", copy / "MNIST")
    (copy / file).write_bytes(content)
    with pytest.raises(DataError, match=r"The files of MNIST in the folder .*raw are damaged .* Delete that folder"):
        load(DataSpec(dataset="MNIST"), copy)


def test_changed_cifar_files_are_refused_before_they_are_unpickled(cifar: object, tmp_path: Path) -> None:
    load(DataSpec(dataset="CIFAR10"), tmp_path, download=True)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "cifar-10-batches-py", copy / "cifar-10-batches-py")
    marker = tmp_path / "was-run"
    evil = b"cposix\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR."
    (copy / "cifar-10-batches-py/data_batch_1").write_bytes(evil)
    with pytest.raises(DataError, match=r"CIFAR-10 .* damaged"):
        load(DataSpec(dataset="CIFAR10"), copy)
    assert not marker.exists()
