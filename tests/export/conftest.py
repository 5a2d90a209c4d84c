"""Small image sets in the official formats, for scripts in this process and in others."""

from __future__ import annotations

import hashlib
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import official
import pytest

from mlp_core import data
from mlp_core.catalog import DATASETS
from mlp_core.data.published import image_class
from mlp_core.data.unpack import unpack

SITE = """
import builtins, sys
import torch

library = torch.library.Library("torchvision", "FRAGMENT")
for schema in (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
):
    if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
        library.define(schema)

from torchvision import datasets

for images, attributes in {lists!r}.items():
    for name, value in attributes.items():
        setattr(getattr(datasets, images), name, value)
"""
"""A `sitecustomize` module: torchvision beside a PyTorch it was not built for, and the sums of the small sets."""


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture(scope="session")
def small_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 60 training and 20 test images of each set that is downloaded; classes are easy to tell."""
    root = tmp_path_factory.mktemp("sets")
    generator = np.random.default_rng(0)
    for name in ("MNIST", "FashionMNIST", "KMNIST"):
        folder = root / name / "raw"
        folder.mkdir(parents=True)
        for part, size in (("train", 60), ("t10k", 20)):
            labels = np.arange(size, dtype=np.uint8) % 10
            images = generator.integers(0, 128, (size, 28, 28)) + labels[:, None, None] * 12
            (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images.astype(np.uint8)))
            (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    files: dict[str, Any] = {"batches.meta": {"label_names": names}}
    for number, file in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        labels = [(number + place) % 10 for place in range(20)]
        pixels = generator.integers(0, 128, (20, 3072)) + np.array(labels)[:, None] * 12
        files[file] = {"data": pixels.astype(np.uint8), "labels": labels}
    for file, content in files.items():
        (folder / file).write_bytes(pickle.dumps(content, protocol=2))
    for name, make in official.MAKERS.items():
        _unpacked(name, make(), root)
    return root


def _unpacked(name: str, archives: dict[str, bytes], root: Path) -> None:
    """What a download leaves of these archives, and scikit-learn's own copy of a table."""
    for path, content in archives.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    unpack(DATASETS[name], root, lambda: None)
    if name == "california_housing":
        import joblib

        columns = [8, 7, 2, 3, 4, 5, 6, 1, 0]  # as scikit-learn keeps them
        lines = np.loadtxt(root / DATASETS[name].files[0], delimiter=",")
        joblib.dump(lines[:, columns], root / "cal_housing_py3.pkz", compress=6)


def class_lists(root: Path) -> dict[str, dict[str, Any]]:
    """torchvision's lists of files and their sums by the names of its classes, for the small sets."""
    folder = root / "cifar-10-batches-py"
    sums = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    found = {
        name: official.lists(name, make()) for name, make in official.MAKERS.items() if name != "california_housing"
    }
    found["CIFAR10"] = {
        "train_list": [[name, sums[name]] for name in sorted(sums) if name.startswith("data")],
        "test_list": [["test_batch", sums["test_batch"]]],
        "meta": {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]},
    }
    return found


@pytest.fixture
def images(small_sets: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`small_sets` as the folder of downloaded sets, for this process."""
    for images, attributes in class_lists(small_sets).items():
        for name, value in attributes.items():
            monkeypatch.setattr(image_class(images), name, value)
    monkeypatch.setenv("MLP_DATA_DIR", str(small_sets))
    data._cache.clear()
    yield small_sets
    data._cache.clear()


@pytest.fixture(scope="session")
def site(small_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that lets another process read `small_sets`."""
    folder = tmp_path_factory.mktemp("site")
    text = SITE.replace("{lists!r}", repr(class_lists(small_sets)))
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return folder
