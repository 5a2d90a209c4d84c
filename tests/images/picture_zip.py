"""Zips of small images, and the data set that one makes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from mlp_core.data.image_inspection import add_archive, propose
from mlp_core.spec import DataSpec


def png(pixels: NDArray[np.uint8], form: str = "PNG") -> bytes:
    """A file of an image (H, W) or (H, W, 3)."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def digits(count: int = 120) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The first bundled digits as bytes (N, 8, 8), and their classes."""
    x, y = load_digits(return_X_y=True)
    return (x[:count].reshape(-1, 8, 8) * 15).astype(np.uint8), y[:count]


def digit_files(form: str, count: int = 120) -> dict[str, bytes]:
    """The digits as files: in 'folders', with a 'split' of every fifth for testing, or with a 'table' of labels."""
    pixels, labels = digits(count)
    files = {}
    for place, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        part = {"split": "test/" if place % 5 == 0 else "train/"}.get(form, "")
        folder = "images/" if form == "table" else f"{part}{label}/"
        files[f"set/{folder}{place:04}.png"] = png(image)
    if form == "table":
        rows = [f"{label};images/{place:04}.png" for place, label in enumerate(labels)]
        files["set/labels.csv"] = "\n".join(["class;file", *rows]).encode()
    return files


def spec_of(content: bytes, folder: Path, name: str = "digits.zip", **params: Any) -> DataSpec:
    """The data set that a zip makes, once it is in the data folder."""
    inspection, _ = add_archive(io.BytesIO(content), name, folder)
    return DataSpec(dataset="images", params={**propose(inspection), **params})
