"""The official files of image sets as arrays, read without trust: nothing in a file is ever run.

Each reader takes the data folder, the set's files and whether the training part is wanted, and gives images uint8
(N, H, W) or (N, C, H, W) and labels int64 (N,) from 0. Raises `ValueError` or `OSError` with the reason where a file
is not what it should be.
"""

from __future__ import annotations

import bz2
import math
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]

_IDX_TYPES: dict[int, np.dtype[Any]] = {8: np.dtype(np.uint8), 12: np.dtype(">i4")}
_MOST_IMAGES = 1_000_000
_MOST_TEXT_BYTES = 200_000_000


def idx(folder: Path, files: Sequence[str], train: bool) -> Images:
    """MNIST and its kin: files of images and of labels, for training and for testing."""
    images, labels = (read_idx(folder / file) for file in (files[:2] if train else files[2:]))
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(f"its images have the shape {images.shape}")
    # QMNIST's labels come with seven facts about the writer.
    return images, (labels[:, 0] if labels.ndim == 2 else labels).astype(np.int64)


def lying_idx(folder: Path, files: Sequence[str], train: bool) -> Images:
    """EMNIST's letters: as `idx`, with images that lie on their side and labels from 1."""
    images, labels = idx(folder, files, train)
    return images.transpose(0, 2, 1), labels - 1


def read_idx(path: Path) -> NDArray[Any]:
    """The array in a file of the IDX format (Y. LeCun): two zeros, type, dimensions, sizes, and the numbers."""
    content = path.read_bytes()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES or not 1 <= content[3] <= 3:
        raise ValueError(f"{path.name} does not begin as an IDX file does")
    dtype, start = _IDX_TYPES[content[2]], 4 + 4 * content[3]
    if len(content) < start:
        raise ValueError(f"{path.name} ends within its header")
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    wanted = start + math.prod(shape) * dtype.itemsize
    if len(content) != wanted:
        what = "ends too early" if len(content) < wanted else "is too long"
        raise ValueError(f"{path.name} {what}: its header promises {wanted} bytes, and it has {len(content)}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape)


def cifar(folder: Path, files: Sequence[str], train: bool) -> Images:
    """CIFAR-10 and CIFAR-100: pickled batches, of which the last but one is the test part, and names of classes."""
    found = [_batch(folder / file) for file in (files[:-2] if train else files[-2:-1])]
    images = np.concatenate([batch[0] for batch in found]).reshape(-1, 3, 32, 32)
    return images, np.concatenate([batch[1] for batch in found])


def _batch(path: Path) -> Images:
    with path.open("rb") as file:
        try:
            batch = _Arrays(file, encoding="latin1").load()
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise ValueError(f"{path.name} is no batch: {error}") from error
    labels = batch.get("labels", batch.get("fine_labels")) if isinstance(batch, dict) else None
    pixels = batch.get("data") if isinstance(batch, dict) else None
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != 3072:
        raise ValueError(f"{path.name} holds no rows of 3072 bytes")
    if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
        raise ValueError(f"{path.name} holds no list of labels")
    return pixels, np.array(labels, dtype=np.int64)


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """How newer pickles write bytes in an old protocol."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding!r} is none that a batch uses")
    return text.encode("latin1")


def _empty_array(*asked: object) -> NDArray[Any]:
    """What NumPy starts an array with before its content is set: whatever a pickle asks for, it has no elements."""
    return np.ndarray((0,), np.uint8)


def _dtype(code: object, *more: object) -> np.dtype[Any]:
    """Only plain numbers: an array of objects could hold anything."""
    found = np.dtype(code) if isinstance(code, str) else None
    if found is None or found.kind not in "biuf":
        raise pickle.UnpicklingError("it holds an array of something else than numbers")
    return found


def _fresh(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under a new name: a pickle may change what it is given, and so gets nothing that others use."""

    def called(*arguments: Any) -> Any:
        return function(*arguments)

    return called


class _Arrays(pickle.Unpickler):
    """Reads dicts, lists, numbers, text, and NumPy's arrays of numbers; calls nothing else."""

    _known: ClassVar[dict[tuple[str, str], Callable[..., Any]]] = {
        ("_codecs", "encode"): _latin1,
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _empty_array for core in ("core", "_core")},
        ("numpy", "ndarray"): lambda *asked: None,  # named as what an array is made of, and never called
        ("numpy", "dtype"): _dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch needs")
        function = self._known[module, name]
        return _fresh(function)


def usps(folder: Path, files: Sequence[str], train: bool) -> Images:
    """USPS: lines of a label from 1 and 256 pixels from -1 to 1, packed with bzip2."""
    path = folder / files[0 if train else 1]
    with bz2.open(path) as stream:
        try:
            text = stream.read(_MOST_TEXT_BYTES + 1)
        except EOFError as error:
            raise ValueError(f"{path.name} ends too early") from error
    if len(text) > _MOST_TEXT_BYTES:
        raise ValueError(f"{path.name} unpacks to more than {_MOST_TEXT_BYTES} bytes")
    rows = [line.split() for line in text.decode("ascii").splitlines()]
    if not rows or any(len(row) != 257 for row in rows):
        raise ValueError(f"{path.name} has lines of something else than a label and 256 pixels")
    pixels = np.array([[cell.split(":")[-1] for cell in row[1:]] for row in rows], dtype=np.float32)
    if not (np.abs(pixels) <= 1).all():
        raise ValueError(f"{path.name} has pixels that are not from -1 to 1")
    images = ((pixels.reshape(-1, 16, 16) + 1) / 2 * 255).astype(np.uint8)
    return images, np.array([int(row[0]) - 1 for row in rows], dtype=np.int64)


def svhn(folder: Path, files: Sequence[str], train: bool) -> Images:
    """SVHN: a MATLAB file of images X (32, 32, 3, N) and labels y (N, 1), in which 10 stands for the digit 0."""
    from scipy import io

    path = folder / files[0 if train else 1]
    try:
        shapes = {name: shape for name, shape, _ in io.whosmat(path)}
        shape = shapes.get("X", ())
        if len(shape) != 4 or shape[:3] != (32, 32, 3) or shapes.get("y") != (shape[3], 1) or shape[3] > _MOST_IMAGES:
            raise ValueError(f"{path.name} holds {shapes}")
        found = io.loadmat(path, variable_names=["X", "y"])
    except (OSError, ValueError):
        raise
    except Exception as error:  # SciPy meets a damaged file with whatever its parser stumbles over
        raise ValueError(f"{path.name} is no MATLAB file: {error}") from error
    if found["X"].dtype != np.uint8 or found["y"].dtype.kind not in "iuf":
        raise ValueError(f"{path.name} holds {found['X'].dtype} and {found['y'].dtype}")
    labels = found["y"][:, 0].astype(np.int64)
    return found["X"].transpose(3, 2, 0, 1), np.where(labels == 10, 0, labels)
