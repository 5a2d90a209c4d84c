"""Weights as safetensors: read back the same, and whatever else comes in is refused in one sentence."""

from __future__ import annotations

import json
import math
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from blocks import NETWORKS
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core import data
from mlp_core.errors import SpecError, UserError
from mlp_core.export import state, weights
from mlp_core.export.preprocessing import preprocessing_of
from mlp_core.presets import PRESETS, preset
from mlp_core.run.build import Run, build
from mlp_core.spec import LayerSpec

SMALL = [name for name, found in PRESETS.items() if found.experiment.data.entry.source != "downloaded"]


def run_of(name: str) -> Run:
    experiment = preset(name).experiment
    return build(experiment, data.load(experiment.data))


def saved(name: str = "batchnorm-block") -> bytes:
    run = run_of(name)
    preprocessing = preprocessing_of(run.experiment, run.dataset)
    return weights.save(run.experiment, state.state_of(run), step=7, test_loss=0.25, preprocessing=preprocessing)


GOOD = saved()
HEADER_BYTES = struct.unpack("<Q", GOOD[:8])[0]
HEADER: dict[str, Any] = json.loads(GOOD[8 : 8 + HEADER_BYTES])


def refused(content: bytes) -> str:
    with pytest.raises(SpecError) as caught:
        weights.load(content)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 1500
    assert said.endswith(".")
    return said


def with_header(change: Callable[[dict[str, Any]], object], rest: bytes | None = None) -> bytes:
    """The good file with another header, padded as the format asks for."""
    header = json.loads(json.dumps(HEADER))
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + (GOOD[8 + HEADER_BYTES :] if rest is None else rest)


@pytest.mark.parametrize("name", SMALL)
def test_what_is_saved_is_loaded(name: str) -> None:
    run = run_of(name)
    kept = state.state_of(run)
    preprocessing = preprocessing_of(run.experiment, run.dataset)
    content = weights.save(run.experiment, kept, step=3, test_loss=0.5, preprocessing=preprocessing)
    found = weights.load(content)
    assert found.experiment == run.experiment
    assert (found.step, found.test_loss, found.preprocessing) == (3, 0.5, preprocessing)
    assert set(found.tensors) == set(kept)
    for key, tensor in kept.items():
        assert found.tensors[key].dtype == tensor.dtype
        assert torch.equal(found.tensors[key], tensor)


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_inside_others_have_dotted_names(name: str) -> None:
    experiment = preset("spiral").experiment.updated(layers=NETWORKS[name])
    run = build(experiment, data.load(experiment.data))
    found = weights.load(weights.save(experiment, state.state_of(run)))
    assert found.experiment == experiment
    assert set(found.tensors) == set(run.model.state_dict())
    assert ("1.2.0.weight" in found.tensors) == (name == "nested")
    again = build(experiment.updated(training=experiment.training.updated(seed=9)), run.dataset)
    state.load_into(again, found.tensors)
    assert all(torch.equal(tensor, again.model.state_dict()[key]) for key, tensor in run.model.state_dict().items())


def test_the_safetensors_library_reads_the_file_as_any_other() -> None:
    run = run_of("batchnorm-block")
    found = safetensors.numpy.load(weights.save(run.experiment, state.state_of(run)))
    for key, tensor in run.model.state_dict().items():
        np.testing.assert_array_equal(found[key], tensor.numpy())


def test_tensors_that_share_memory_are_saved() -> None:
    run = run_of("plane")
    whole = torch.arange(3.0)
    content = weights.save(run.experiment, {"0.weight": whole[:2].view(1, 2), "0.bias": whole[2:]})
    assert weights.load(content).tensors["0.weight"].tolist() == [[0.0, 1.0]]


def test_loaded_weights_predict_as_the_run_that_they_came_from(tmp_path: Path) -> None:
    trained, fresh = run_of("moons"), run_of("moons")
    with torch.no_grad():
        for parameter in trained.model.parameters():
            parameter.add_(0.1)
    weights.save_file(tmp_path / "moons.safetensors", weights.save(trained.experiment, state.state_of(trained)))
    places = [parameter.data_ptr() for parameter in fresh.model.parameters()]
    state.load_into(fresh, weights.load(tmp_path / "moons.safetensors").tensors)
    assert [parameter.data_ptr() for parameter in fresh.model.parameters()] == places, "an engine holds the memory"
    x = trained.scaled(trained.x_test)
    assert torch.equal(fresh.model(x), trained.model(x))


def test_loading_into_another_network_changes_nothing() -> None:
    run = run_of("moons")
    before = state.state_of(run)
    with pytest.raises(SpecError, match=r"tensor '6\.weight' that the network has not"):
        state.load_into(run, state.state_of(run_of("spiral")))
    assert all(torch.equal(before[name], tensor) for name, tensor in run.model.state_dict().items())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_neither_saved_nor_loaded(value: float) -> None:
    run = run_of("batchnorm-block")
    kept = state.state_of(run)
    kept["0.weight"][1, 2] = value
    with pytest.raises(SpecError, match=r"'0.weight' of the weights holds 1 number"):
        weights.save(run.experiment, kept)
    end = GOOD[:-4] + struct.pack("<f", value)
    assert "NaN or infinite" in refused(end)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["no safetensors", "0 bytes"]),
        (b"\x00" * 7, ["no safetensors"]),
        (b"\x00" * 8, ["not valid JSON"]),
        (pickle.dumps({"0.weight": [1.0]}), ["no safetensors"]),
        (pickle.dumps(GOOD, protocol=2), ["no safetensors"]),
        (struct.pack("<Q", 2**63) + GOOD[8:], ["header has 9223372036854775808 bytes"]),
        (struct.pack("<Q", 2**20 + 1) + b" " * 2**21, ["1048577", "1048576"]),
        (struct.pack("<Q", 4) + b"\xff\xfe\xfd\xfc", ["UTF-8"]),
        (struct.pack("<Q", 200_000) + b"[" * 200_000, ["deep"]),
        (struct.pack("<Q", 2) + b"[]", ["JSON object"]),
        (struct.pack("<Q", 2) + b"{}", ["no experiment"]),
        (struct.pack("<Q", 15) + b'{"a":1,"a":2}  ', ["twice"]),
        (GOOD + b"\0", ["goes on"]),
        (GOOD[:-1], ["cut off"]),
    ],
)
def test_what_is_no_file_of_weights_is_refused(content: bytes, words: list[str]) -> None:
    said = refused(content)
    assert [word for word in words if word not in said] == [], said


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(mark),)

    for content in (pickle.dumps(Evil()), struct.pack("<Q", 40) + pickle.dumps(Evil())):
        (tmp_path / "evil.safetensors").write_bytes(content)
        with pytest.raises(SpecError):
            weights.load(tmp_path / "evil.safetensors")
    torch.save(Evil(), tmp_path / "evil.pt")
    with pytest.raises(SpecError):
        weights.load(tmp_path / "evil.pt")
    assert not mark.exists()


def metadata(header: dict[str, Any], key: str, value: object) -> None:
    header["__metadata__"][key] = value


def experiment_with(change: Callable[[dict[str, Any]], object]) -> str:
    values = json.loads(HEADER["__metadata__"]["experiment"])
    change(values)
    return json.dumps(values)


def preprocessing_with(**changes: object) -> str:
    return json.dumps({**json.loads(HEADER["__metadata__"]["preprocessing"]), **changes})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h.pop("0.weight"), ["lack the tensor '0.weight'"]),
        (lambda h: h.update({"9.weight": h["0.weight"]}), ["'9.weight'", "has not"]),
        (lambda h: h["0.weight"].update(shape=[5, 2]), ["'0.weight'", "[2, 5]", "[5, 2]"]),
        (lambda h: h["0.weight"].update(shape=[10**12, 10**12]), ["'0.weight'", "1000000000000"]),
        (lambda h: h["0.weight"].update(dtype="F64"), ["'0.weight'", "F32", "F64"]),
        (lambda h: h["0.weight"].update(dtype=7), ["'0.weight'"]),
        (lambda h: h["0.weight"].update(shape="big"), ["'0.weight'"]),
        (lambda h: h.update({"0.weight": None}), ["'0.weight'"]),
        (lambda h: h["0.weight"].update(data_offsets=[0, 4]), ["sound safetensors"]),
        (lambda h: h["0.weight"].update(data_offsets=[-8, 4]), ["sound safetensors"]),
        (lambda h: h.pop("__metadata__"), ["no experiment"]),
        (lambda h: metadata(h, "experiment", 7), ["no experiment"]),
        (lambda h: metadata(h, "experiment", "{}"), ["lacks the key"]),
        (lambda h: metadata(h, "experiment", experiment_with(lambda v: v.update(version=99))), ["version", "99"]),
        (lambda h: metadata(h, "experiment", experiment_with(lambda v: v["layers"][0]["params"].update(
            out_features=10**9))), ["parameters", "limit"]),
        (lambda h: metadata(h, "facts", "[]"), ["facts"]),
        (lambda h: metadata(h, "facts", '{"step": 1e400}'), ["facts"]),
        (lambda h: metadata(h, "facts", '{"step": "x"}'), ["facts"]),
        (lambda h: metadata(h, "facts", 1), ["facts"]),
        (lambda h: metadata(h, "preprocessing", "[]"), ["preprocessing"]),
        (lambda h: metadata(h, "preprocessing", '{"nose": 1}'), ["'nose'"]),
        (lambda h: metadata(h, "preprocessing", '{"columns": ["a"]}'), ["columns"]),
        (lambda h: metadata(h, "preprocessing", '{"mean": [NaN]}'), ["NaN"]),
        (lambda h: metadata(h, "preprocessing", '{"columns": ["\\ud800"]}'), ["columns"]),
        (lambda h: metadata(h, "preprocessing", preprocessing_with(class_names=["a"])), ["class_names"]),
        (lambda h: metadata(h, "preprocessing", preprocessing_with(target_names=["a"] * 3)), ["target_names"]),
        (lambda h: metadata(h, "preprocessing", preprocessing_with(target_mean=[1.0], target_std=[1.0])),
         ["target_mean"]),
        (lambda h: metadata(h, "preprocessing", preprocessing_with(target_mean=[1, 1], target_std=[1, 0])),
         ["target_std"]),
        (lambda h: metadata(h, "preprocessing", preprocessing_with(image_shape=[1, 5, 1])), ["image_shape"]),
        (lambda h: metadata(h, "preprocessing", preprocessing_with(divisor=0)), ["divisor"]),
        (lambda h: metadata(h, "preprocessing", '{"mean": ["x"]}'), ["mean"]),
    ],
)  # fmt: skip
def test_a_header_that_does_not_fit_is_refused(change: Callable[[dict[str, Any]], object], words: list[str]) -> None:
    said = refused(with_header(change))
    assert [word for word in words if word not in said] == [], said


def test_the_test_of_headers_can_pass() -> None:
    assert weights.load(with_header(lambda header: None)).step == 7


def test_shapes_are_checked_before_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_tensor(*arguments: Any, **keywords: Any) -> Any:
        raise AssertionError("a tensor was made")

    monkeypatch.setattr(weights, "_tensors", no_tensor)
    assert "'0.weight'" in refused(with_header(lambda h: h["0.weight"].update(shape=[5, 2])))


@settings(max_examples=150)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_a_changed_number(place: int, bit: int) -> None:
    changed = bytearray(GOOD)
    changed[place] ^= 1 << bit
    try:
        found = weights.load(bytes(changed))
    except SpecError:
        pass  # the sentences have their own tests
    else:
        assert all(bool(torch.isfinite(tensor).all()) for tensor in found.tensors.values())
        assert {name: tensor.shape for name, tensor in found.tensors.items()} == {
            name: torch.Size(shape) for name, (_, shape) in state.plan_tensors(found.experiment).items()
        }


@settings(max_examples=60)
@given(st.integers(0, len(GOOD) - 1))
def test_a_part_of_a_file_is_refused(length: int) -> None:
    refused(GOOD[:length])


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_anything_else_is_refused(content: bytes) -> None:
    refused(content)


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.safetensors", "nul\0byte"):
        with pytest.raises(SpecError):
            weights.load(path)
    with pytest.raises(UserError, match="cannot be written"):
        weights.save_file(tmp_path / "no such folder" / "w.safetensors", GOOD)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.safetensors"
    weights.save_file(path, GOOD)

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        weights.save_file(path, b"other")
    assert path.read_bytes() == GOOD
    assert list(tmp_path.iterdir()) == [path]


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors.torch", None)
    with pytest.raises(UserError, match="pip install safetensors"):
        weights.load(GOOD)


def test_equal_states_are_equal_files() -> None:
    assert saved() == saved() == GOOD


def test_state_of_another_network_is_not_saved() -> None:
    run = run_of("plane")
    wider = run.experiment.updated(layers=(LayerSpec(type="Linear"), LayerSpec(type="Linear")))
    with pytest.raises(SpecError):
        weights.save(wider, state.state_of(run))
