"""Weights as a safetensors file that holds its experiment, and back.

A safetensors file is eight bytes (the length of the header), a JSON header (each tensor's type, shape and place,
and texts under `__metadata__`) and the numbers (https://huggingface.co/docs/safetensors). The header is read here,
within a limit, and compared with the experiment before memory is taken for a tensor. Nothing in such a file can
run, and there is no other format that this module falls back to.
"""

from __future__ import annotations

import io
import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mlp_core.catalog.parameters import shorten
from mlp_core.errors import SpecError, UserError
from mlp_core.export.preprocessing import Preprocessing
from mlp_core.export.state import Kind, check_finite, check_kinds, check_state, kind_of, missing_package, plan_tensors
from mlp_core.spec import Experiment
from mlp_core.strict_json import parse_json

if TYPE_CHECKING:
    from torch import Tensor


MAX_HEADER_BYTES = 2**20
LENGTH_BYTES = 8
_REMEDY = "Choose a .safetensors file that the playground wrote."
_METADATA = "__metadata__"
_BYTES = {"F32": 4, "I64": 8}


@dataclass(frozen=True, eq=False)
class Weights:
    """A copy of a network's weights and buffers, and the moment at which it was taken."""

    experiment: Experiment
    """The experiment as it was set then."""
    tensors: Mapping[str, Tensor]
    """By their names in the `nn.Sequential`'s state dict, on the CPU."""
    step: int | None = None
    """Mini-batches done; None where a file does not tell."""
    epoch: int | None = None
    """Epochs finished."""
    test_loss: float | None = None
    """The loss on the test samples with these weights, where it is known."""
    test_accuracy: float | None = None
    """The accuracy on the test samples with these weights, where it is known."""
    validation_loss: float | None = None
    """The loss on the validation samples with these weights, where there are such and it is known."""
    preprocessing: Preprocessing | None = None
    """How inputs are made ready; None where a file does not hold it."""
    operations: tuple[str, ...] = ()
    """What was done to layers and neurons while it was trained, in sentences; a file does not tell."""


def save(
    experiment: Experiment,
    tensors: Mapping[str, Tensor],
    *,
    step: int | None = None,
    test_loss: float | None = None,
    preprocessing: Preprocessing | None = None,
) -> bytes:
    """A safetensors file of the network's state dict, with the experiment inside.

    Raises `SpecError` if the tensors are not those of the experiment's network, or not finite.
    """
    check_state(experiment, tensors)
    facts = {"step": step, "test_loss": test_loss if test_loss is not None and math.isfinite(test_loss) else None}
    metadata = {"format": "pt", "experiment": experiment.to_json(), "facts": json.dumps(facts)}
    if preprocessing is not None:
        metadata["preprocessing"] = json.dumps(preprocessing.as_dict())
    return _written(tensors, metadata)


def _written(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The file. The safetensors package puts metadata in another order each time; here equal states are equal bytes."""
    header: dict[str, Any] = {_METADATA: dict(metadata)}
    parts: list[bytes] = []
    end = 0
    for name in sorted(tensors, key=lambda name: (-tensors[name].element_size(), name)):  # so that all are aligned
        kind, shape = kind_of(tensors[name])
        parts.append(tensors[name].detach().cpu().contiguous().numpy().tobytes())
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": (end, end + len(parts[-1]))}
        end += len(parts[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    return b"".join([len(text).to_bytes(LENGTH_BYTES, "little"), text, *parts])


def save_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises `UserError` where the disk does not let it."""
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            temporary = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise UserError(f"The file {str(path)!r} cannot be written: {reason}. Choose another place.") from None


def load(source: bytes | Path | str) -> Weights:
    """Read weights from the bytes of a file, or from the file of that path.

    Raises `SpecError` in one sentence for whatever is wrong, shapes before any tensor is made.
    """
    if isinstance(source, bytes):
        return _read(io.BytesIO(source), len(source))
    path = Path(source)
    try:
        if path.exists() and not path.is_file():
            raise SpecError(f"{shorten(str(path))} is not a file. {_REMEDY}")
        with path.open("rb") as file:
            return _read(file, os.fstat(file.fileno()).st_size)
    except UserError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError(f"The weights {shorten(str(path))} cannot be read: {reason}. {_REMEDY}") from None


def _read(file: IO[bytes], size: int) -> Weights:
    header, header_bytes = _header(file, size)
    metadata = header.pop(_METADATA, None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("experiment"), str):
        raise SpecError(f"The weights hold no experiment, so nobody knows what network they belong to. {_REMEDY}")
    experiment = Experiment.from_json(metadata["experiment"])
    expected = plan_tensors(experiment)
    check_kinds(expected, {name: _declared(name, value) for name, value in header.items()})
    wanted = header_bytes + sum(_BYTES[kind] * math.prod(shape) for kind, shape in expected.values())
    if size != wanted:
        what = "was cut off" if size < wanted else "goes on after its last tensor"
        raise SpecError(f"The weights must have {wanted} bytes, and the file {what} at {size}. {_REMEDY}")
    facts = _facts(metadata)
    preprocessing = None
    if "preprocessing" in metadata:
        given = parse_json(_text(metadata, "preprocessing"), "entry 'preprocessing'", MAX_HEADER_BYTES)
        preprocessing = Preprocessing.from_dict(given, experiment)
    file.seek(0)
    tensors = _tensors(file.read(wanted))
    check_finite(tensors)
    return Weights(
        experiment, tensors, step=facts.get("step"), test_loss=facts.get("test_loss"), preprocessing=preprocessing
    )


def _header(file: IO[bytes], size: int) -> tuple[dict[str, Any], int]:
    """The parsed header, and the bytes before the first number."""
    start = file.read(LENGTH_BYTES)
    length = int.from_bytes(start, "little")
    if len(start) < LENGTH_BYTES or length > size - LENGTH_BYTES or length > MAX_HEADER_BYTES:
        said = f"says that its header has {length} bytes" if len(start) == LENGTH_BYTES else f"has {size} bytes"
        raise SpecError(
            f"This is no safetensors file, or only a part of one: it {said}; there may be {MAX_HEADER_BYTES}, "
            f"all inside the file. {_REMEDY}"
        )
    try:
        text = file.read(length).decode("utf-8")
    except UnicodeDecodeError:
        raise SpecError(f"This is no safetensors file: its header is not UTF-8 text. {_REMEDY}") from None
    header = parse_json(text, "header of weights", MAX_HEADER_BYTES)
    if not isinstance(header, dict):
        raise SpecError(f"The header of weights must be a JSON object. Got {shorten(header)} instead. {_REMEDY}")
    return header, LENGTH_BYTES + length


def _declared(name: str, value: Any) -> Kind:
    """The type and shape that the header gives for a tensor."""
    if isinstance(value, dict) and isinstance(value.get("dtype"), str) and isinstance(value.get("shape"), list):
        return value["dtype"], tuple(value["shape"])
    raise SpecError(f"The header of weights says {shorten(value)} of {shorten(name)}, not a type and shape. {_REMEDY}")


def _facts(metadata: Mapping[str, Any]) -> dict[str, Any]:
    facts = parse_json(_text(metadata, "facts"), "entry 'facts'") if "facts" in metadata else {}
    fits = isinstance(facts, dict) and all(
        facts.get(name) is None or (type(facts[name]) in kinds and abs(facts[name]) < 1e300)
        for name, kinds in (("step", (int,)), ("test_loss", (int, float)))
    )
    if not fits:
        raise SpecError(f"The 'facts' of weights must be a step and a test loss. Got {shorten(facts)}. {_REMEDY}")
    return dict(facts)


def _text(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata[name]
    if not isinstance(value, str):
        raise SpecError(f"The entry {name!r} of weights must be text. Got {shorten(value)} instead. {_REMEDY}")
    return value


def _tensors(content: bytes) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load as from_bytes
    except ImportError:
        raise missing_package("safetensors") from None
    try:
        return from_bytes(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise SpecError(f"The weights are not a sound safetensors file ({shorten(str(error))}). {_REMEDY}") from None
