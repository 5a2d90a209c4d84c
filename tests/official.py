"""Small public sets in the official formats: the bytes of each archive by its path in the data folder."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
from functools import cache
from typing import Any

import numpy as np

SIZES = {True: 60, False: 20}
"""Samples of the training and of the test part."""


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def idx(array: np.ndarray) -> bytes:
    """An array of bytes or of 32-bit numbers in the format of the MNIST files."""
    code, stored = (8, array) if array.dtype == np.uint8 else (12, array.astype(">i4"))
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + stored.tobytes()


def grey(train: bool, classes: int, side: int = 28, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, side, side) whose brightness grows with the class, brighter on the left, and labels from 0."""
    labels = np.arange(SIZES[train]) % classes
    noise = np.random.default_rng([seed, train]).integers(0, 64, (SIZES[train], side, side))
    images = noise + (labels * (120 // classes))[:, None, None] + np.linspace(60, 0, side).astype(int)
    return images.astype(np.uint8), labels


def colour(train: bool, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) likewise."""
    images, labels = grey(train, classes, 32, seed)
    return np.stack([images, images // 2, 255 - images], axis=1), labels


def qmnist() -> dict[str, bytes]:
    found = {}
    for part, train in (("train", True), ("test", False)):
        images, labels = grey(train, 10)
        facts = np.concatenate([labels[:, None], np.full((len(labels), 7), 300_000)], axis=1).astype(np.int32)
        found[f"QMNIST/raw/qmnist-{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images))
        found[f"QMNIST/raw/qmnist-{part}-labels-idx2-int.gz"] = gzip.compress(idx(facts))
    return found


def emnist() -> dict[str, bytes]:
    """One zip of all splits, of which the letters are wanted, with a member that must not be written."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("gzip/emnist-digits-train-images-idx3-ubyte.gz", b"another split")
        archive.writestr("../outside.gz", b"evil")
        for part, train in (("train", True), ("test", False)):
            images, labels = grey(train, 26)
            for kind, array in (("images-idx3", images), ("labels-idx1", (labels + 1).astype(np.uint8))):
                archive.writestr(f"gzip/emnist-letters-{part}-{kind}-ubyte.gz", gzip.compress(idx(array)))
    return {"EMNIST/raw/gzip.zip": content.getvalue()}


def usps() -> dict[str, bytes]:
    found = {}
    for name, train in (("usps.bz2", True), ("usps.t.bz2", False)):
        images, labels = grey(train, 10, 16)
        lines = [
            " ".join([str(label + 1), *(f"{k + 1}:{pixel / 127.5 - 1:.6f}" for k, pixel in enumerate(image.ravel()))])
            for image, label in zip(images, labels, strict=True)
        ]
        found[name] = bz2.compress("\n".join([*lines, ""]).encode())
    return found


def svhn() -> dict[str, bytes]:
    from scipy import io as matlab

    found = {}
    for name, train in (("train_32x32.mat", True), ("test_32x32.mat", False)):
        images, labels = colour(train, 10)
        content = io.BytesIO()
        y = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        matlab.savemat(content, {"X": images.transpose(2, 3, 1, 0), "y": y}, do_compression=True)
        found[name] = content.getvalue()
    return found


def cifar100_files() -> dict[str, bytes]:
    """The files of the archive."""
    found: dict[str, Any] = {"meta": {"fine_label_names": [f"thing {k}" for k in range(100)]}}
    for name, train in (("train", True), ("test", False)):
        images, labels = colour(train, 100)
        coarse = [label // 5 for label in labels.tolist()]
        found[name] = {
            "data": images.reshape(len(images), -1), "fine_labels": labels.tolist(), "coarse_labels": coarse
        }  # fmt: skip
    return {f"cifar-100-python/{name}": pickle.dumps(content, protocol=2) for name, content in found.items()}


def tarred(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def cifar100() -> dict[str, bytes]:
    return {"cifar-100-python.tar.gz": tarred(cifar100_files())}


def housing_lines() -> np.ndarray:
    """Eighty districts: longitude, latitude, age, rooms, bedrooms, people, households, income, value."""
    random = np.random.default_rng(0)
    low = np.array([-124, 32, 1, 100, 50, 100, 40, 0.5, 20_000])
    return low + random.random((80, 9)) * np.array([10, 9, 50, 5000, 900, 3000, 900, 10, 400_000])


def housing() -> dict[str, bytes]:
    text = "\n".join(",".join(f"{value:.6f}" for value in line) for line in housing_lines())
    files = {"CaliforniaHousing/cal_housing.domain": b"names", "CaliforniaHousing/cal_housing.data": text.encode()}
    return {"CaliforniaHousing/cal_housing.tgz": tarred(files)}


MAKERS = {
    "EMNIST": cache(emnist), "QMNIST": cache(qmnist), "USPS": cache(usps), "SVHN": cache(svhn),
    "CIFAR100": cache(cifar100), "california_housing": cache(housing),
}  # fmt: skip
"""The archives of each set by its name; made once, for some hold the time at which they were made."""


def lists(name: str, archives: dict[str, bytes], host: str = "http://127.0.0.1:1/") -> dict[str, Any]:
    """What torchvision's class of that name must have as attributes to know these archives, from that host."""
    by_name = {path.rsplit("/", 1)[-1]: md5(content) for path, content in archives.items()}
    if name == "QMNIST":
        pairs = [(host + file, digest) for file, digest in by_name.items()]
        return {"resources": {"train": pairs[:2], "test": pairs[2:], "nist": []}}
    if name == "EMNIST":
        return {"url": host + "gzip.zip", "md5": by_name["gzip.zip"]}
    if name in ("USPS", "SVHN"):
        parts = zip(("train", "test"), by_name.items(), strict=True)
        return {"split_list": {part: [host + file, file, digest] for part, (file, digest) in parts}}
    sums = {path.rsplit("/", 1)[-1]: md5(content) for path, content in cifar100_files().items()}
    return {
        "url": host + "cifar-100-python.tar.gz",
        "tgz_md5": by_name["cifar-100-python.tar.gz"],
        "train_list": [["train", sums["train"]]],
        "test_list": [["test", sums["test"]]],
        "meta": {"filename": "meta", "key": "fine_label_names", "md5": sums["meta"]},
    }
