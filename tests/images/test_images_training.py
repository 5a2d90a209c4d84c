"""From an uploaded zip of images to arrays and a run: the very pixels that were packed, in the parts asked for."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from picture_zip import digit_files, digits, packed, png, spec_of

from mlp_core import data
from mlp_core.catalog.images import archive_of
from mlp_core.data import DataCancelled, DataMissing, Dataset, uploads
from mlp_core.data import uploaded_images as loader
from mlp_core.data.image_inspection import add_archive, differs, propose, warnings
from mlp_core.engines.eager import EagerEngine
from mlp_core.errors import DataError, SpecError
from mlp_core.link import decode, encode
from mlp_core.presets import image_network, preset
from mlp_core.problems import problems, with_data
from mlp_core.run.build import build
from mlp_core.spec import DataSpec, Experiment
from mlp_core.training.events import Evaluation
from mlp_core.training.loop import train


def pairs(dataset: Dataset, *parts: str) -> list[tuple[bytes, int]]:
    """Every image of these parts with its class, in an order of its own."""
    arrays = [dataset.part(part) for part in parts]  # type: ignore[arg-type]
    return sorted(
        (x.tobytes(), int(label)) for images, labels in arrays for x, label in zip(images, labels, strict=True)
    )


def wanted(places: object = slice(None)) -> list[tuple[bytes, int]]:
    pixels, labels = digits()
    return sorted((x.tobytes(), int(y)) for x, y in zip(pixels[places], labels[places], strict=True))  # type: ignore[index]


@pytest.mark.parametrize("form", ["folders", "split", "table"])
def test_a_zip_of_the_bundled_digits_gives_their_very_pixels(form: str, tmp_path: Path) -> None:
    spec = spec_of(packed(digit_files(form)), tmp_path)
    assert not data.is_present(DataSpec(dataset="images"))
    assert data.is_present(spec, tmp_path)
    dataset = data.load(spec, tmp_path)
    assert dataset.facts.class_names == tuple("0123456789")
    assert dataset.x_train.dtype == np.uint8
    assert dataset.x_train.shape[1:] == dataset.facts.sample_shape == (1, 8, 8)
    assert pairs(dataset, "train", "test") == wanted()
    if form == "split":
        assert dataset.facts.official_split
        assert pairs(dataset, "test") == wanted(slice(0, None, 5))
        assert (dataset.facts.train_size, dataset.facts.test_size) == (96, 24)
        assert len({int(label) for label in dataset.y_test[:12]}) > 3  # not one class after the other
    else:
        assert (dataset.train_size, dataset.test_size) == (60, 60)
        assert set(np.bincount(dataset.y_test) - np.bincount(dataset.y_train)) <= {-1, 0, 1}


@pytest.mark.parametrize("form", ["folders", "split"])
def test_a_validation_part_is_taken_from_the_training_part(form: str, tmp_path: Path) -> None:
    spec = spec_of(packed(digit_files(form)), tmp_path)
    with_part = data.load(spec.updated(validation_fraction=0.25), tmp_path)
    assert pairs(with_part, "test") == pairs(data.load(spec, tmp_path), "test")
    assert pairs(with_part, "train", "validation") == pairs(data.load(spec, tmp_path), "train")
    assert with_part.validation_size == round(0.25 * (96 if form == "split" else 60))


def test_another_split_is_made_of_the_same_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of(packed(digit_files("folders")), tmp_path)
    data.load(spec, tmp_path)
    monkeypatch.setattr(loader, "read_images", None)
    other = data.load(spec.updated(seed=5, test_fraction=0.2), tmp_path)
    assert other.test_size == 24
    assert pairs(other, "train", "test") == wanted()


def test_images_are_resized_and_coloured_as_pillow_does(tmp_path: Path) -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (4, 9, 14, 3), dtype=np.uint8)
    files = {f"{'ab'[n % 2]}/{n}.png": png(image) for n, image in enumerate(pixels)}
    spec = spec_of(packed(files), tmp_path, height=5, width=6)
    assert spec.params["colours"] == "colour"
    made = [Image.fromarray(image).resize((6, 5), Image.Resampling.BILINEAR) for image in pixels]
    for colours, mode in (("colour", "RGB"), ("grey", "L")):
        dataset = data.load(spec.updated(params={**spec.params, "colours": colours}), tmp_path)
        found = {x.tobytes() for x in np.concatenate([dataset.x_train, dataset.x_test])}
        if mode == "RGB":
            assert found == {np.asarray(image).transpose(2, 0, 1).tobytes() for image in made}
        else:
            greys = [Image.fromarray(image).convert("L").resize((6, 5), Image.Resampling.BILINEAR) for image in pixels]
            assert found == {np.asarray(image).tobytes() for image in greys}


def test_a_run_learns_them(tmp_path: Path) -> None:
    spec = spec_of(packed(digit_files("split", 600)), tmp_path)
    experiment = image_network(with_data(preset("circle").experiment, spec))
    assert not [problem for problem in problems(experiment) if problem.severity == "error"]
    run = build(experiment, data.load(spec, tmp_path))
    events = [event for event in train(run, EagerEngine(), epochs=20) if isinstance(event, Evaluation)]
    assert events[-1].test_accuracy is not None
    assert events[-1].test_accuracy > 0.85
    assert Experiment.from_json(experiment.to_json()) == experiment == decode(encode(experiment))


def test_what_is_proposed(tmp_path: Path) -> None:
    def proposed(*shapes: tuple[int, ...]) -> tuple[int, int, str]:
        made = [np.full(shape, 9, dtype=np.uint8) for shape in shapes]
        made[0][..., 0] = 200
        files = {f"{'ab'[n % 2]}/{n}.png": png(image) for n, image in enumerate(made)}
        found = propose(add_archive(io.BytesIO(packed(files)), "x.zip", tmp_path)[0])
        return found["height"], found["width"], found["colours"]

    assert proposed((20, 30), (20, 30), (99, 40)) == (20, 30, "grey")
    assert proposed((200, 100, 3), (200, 100, 3), (8, 8)) == (64, 32, "colour")
    assert proposed((1, 900), (1, 900)) == (1, 64, "grey")


def test_what_is_wrong_is_said_and_what_is_left_out_is_listed(tmp_path: Path) -> None:
    good = png(np.zeros((3, 3), np.uint8))
    files = {
        "train/a/1.png": good, "train/b/1.png": good, "train/b/2.png": b"no", "train/only <b>/1.png": good,
        "test/a/1.png": good, "val/new/1.png": good, "readme.txt": b"x",
    }  # fmt: skip
    inspection, _ = add_archive(io.BytesIO(packed(files)), "../x.zip", tmp_path)
    assert inspection.archive.file.name == "x.zip"
    assert inspection.counts == {"a": (1, 1), "b": (1, 0), "new": (0, 1), "only <b>": (1, 0)}
    assert {file.path for file in inspection.left_out} == {"train/b/2.png", "readme.txt"}
    said = " ".join(warnings(inspection))
    assert "The folders 'test', 'val' are all for testing." in said
    assert "1 class has images for testing alone, so that nothing is learned of it: 'new'" in said
    assert "2 classes have images for training alone" in said
    spec = DataSpec(dataset="images", params=propose(inspection))
    dataset = data.load(spec, tmp_path)
    assert (dataset.train_size, dataset.test_size) == (3, 2)
    assert any("2 files of the archive are left out" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a/1.png": b"no", "b/1.png": b"no"}, "at least two classes that can be decoded. Got 0 of 2 images"),
        ({"a/1.png": b""}, "at least two classes"),
    ],
)
def test_nothing_remains_of_a_refused_archive(files: dict[str, bytes], reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=reason):
        add_archive(io.BytesIO(packed(files)), "x.zip", tmp_path)
    with pytest.raises(DataCancelled):
        add_archive(io.BytesIO(packed(digit_files("split"))), "x.zip", tmp_path, cancelled=lambda: True)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_file_that_is_not_here_is_asked_for(tmp_path: Path) -> None:
    content = packed(digit_files("folders"))
    spec = spec_of(content, tmp_path / "there", "mine.zip")
    with pytest.raises(
        DataMissing, match=r"'mine\.zip' is not on this server\. Upload it again on the Data page.*--images"
    ):
        data.load(spec, tmp_path)
    with pytest.raises(DataMissing, match="No archive of images is chosen yet"):
        data.load(DataSpec(dataset="images"), tmp_path)
    spec_of(content, tmp_path, "renamed.zip")
    assert pairs(data.load(spec, tmp_path), "train", "test") == wanted()
    file = archive_of(spec.params).file  # type: ignore[union-attr]
    assert differs(file, replace(file, name="renamed.zip")) == ""
    assert "another file" in differs(file, replace(file, sha256="0" * 64))


def test_a_description_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    spec = spec_of(packed(digit_files("split")), tmp_path)
    values = dict(spec.params["archive"])
    with pytest.raises(DataError, match=r"holds other images than the experiment says \(119, and 24"):
        data.load(spec.updated(params={"archive": {**values, "images": 119}}), tmp_path)
    with pytest.raises(SpecError, match="at most 23 can be for testing"):
        spec.updated(params={"archive": {**values, "images": 24}})
    with pytest.raises(SpecError, match="more than once"):
        spec.updated(params={"archive": {**values, "classes": ["a", "a"]}})
    big = {**values, "images": 480}
    with pytest.raises(SpecError, match=r"must have at most 300 MB together\. Got 377 MB for colour images of 512×512"):
        spec.updated(params={"archive": big, "height": 512, "width": 512, "colours": "colour"})
    path = uploads.path_of(values["file"]["sha256"], tmp_path)
    path.write_bytes(b"torn")
    with pytest.raises(DataError, match="no zip archive"):
        data.load(spec.updated(params={"archive": values, "height": 3}), tmp_path)
