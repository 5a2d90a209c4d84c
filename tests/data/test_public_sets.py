"""Every public set from its official files, held against torchvision's and scikit-learn's own code, and own copies."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import official
import pytest
import torch

from mlp_core.catalog import DATASETS
from mlp_core.data import DataMissing, Dataset, is_present, load
from mlp_core.data.download import download, install
from mlp_core.data.formats import _batch
from mlp_core.data.published import archives_of, image_class
from mlp_core.errors import DataError
from mlp_core.export import weights
from mlp_core.export.preprocessing import preprocessing_of
from mlp_core.export.state import state_of
from mlp_core.predict import predict
from mlp_core.run.build import build
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec
from mlp_core.torchvision_compat import import_torchvision

NAMES = list(official.MAKERS)
IMAGES = [name for name in NAMES if name != "california_housing"]
Publish = Callable[[str], dict[str, bytes]]


@pytest.fixture
def publish(host: Any, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Puts the small official files of a set on the host, and makes their publisher's code know them from there."""

    def put(name: str) -> dict[str, bytes]:
        archives = official.MAKERS[name]()
        host.files |= {path.rsplit("/", 1)[-1]: content for path, content in archives.items()}
        if name != "california_housing":
            for attribute, value in official.lists(name, archives, host.url).items():
                monkeypatch.setattr(image_class(name), attribute, value)
            return archives
        from sklearn.datasets import _california_housing as housing

        (content,) = archives.values()
        remote = housing.ARCHIVE._replace(
            url=f"{host.url}cal_housing.tgz", checksum=hashlib.sha256(content).hexdigest()
        )
        monkeypatch.setattr(housing, "ARCHIVE", remote)
        return archives

    return put


def written_to(folder: Path, archives: dict[str, bytes]) -> None:
    for path, content in archives.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def experiment(spec: DataSpec) -> Experiment:
    loss = "CrossEntropyLoss" if spec.facts.classifies else "MSELoss"
    return Experiment(
        data=spec,
        layers=(LayerSpec(type="Linear"),),
        loss=LossSpec(type=loss),
        optimizer=OptimizerSpec(type="Adam", params={"lr": 0.0003}),
    )


def training_loss_falls(dataset: Dataset) -> None:
    run = build(experiment(dataset.spec), dataset)
    before = None
    for _ in range(30):
        run.optimizer.zero_grad()
        loss = run.loss(run.model(run.scaled(run.batches.x)), run.batches.y)
        loss.backward()
        run.optimizer.step()
        before = before or float(loss.detach())
    assert float(loss.detach()) < before


@pytest.mark.parametrize("name", NAMES)
def test_downloads_loads_trains_and_predicts_from_saved_weights(name: str, publish: Publish, tmp_path: Path) -> None:
    publish(name)
    spec, folder = DataSpec(dataset=name), tmp_path / "in" / "data"
    with pytest.raises(DataMissing, match="Press Download"):
        load(spec, folder)
    dataset = load(spec, folder, download=True)
    assert is_present(spec, folder)
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == sorted(f"in/data/{file}" for file in DATASETS[name].files)
    assert dataset.x_train.shape[1:] == spec.facts.sample_shape
    assert Experiment.from_json(experiment(spec).to_json()) == experiment(spec)
    training_loss_falls(dataset)
    run = build(experiment(spec), dataset)
    content = weights.save(run.experiment, state_of(run), preprocessing=preprocessing_of(run.experiment, dataset))
    if spec.facts.holds_images:
        samples: np.ndarray = dataset.x_test[:3]
    else:
        assert dataset.feature_mean is not None
        samples = dataset.x_test[:3] * dataset.feature_std + dataset.feature_mean
    answers = predict(weights.load(content), samples)
    with torch.inference_mode():
        expected = run.model(run.scaled(run.x_test[:3]))
    np.testing.assert_allclose(answers.outputs, expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("name", IMAGES)
def test_arrays_are_those_of_torchvision(name: str, publish: Publish, tmp_path: Path) -> None:
    publish(name)
    dataset, entry = load(DataSpec(dataset=name), tmp_path, download=True), DATASETS[name]
    to_tensor = import_torchvision().transforms.ToTensor()
    parts = ((dataset.x_train, dataset.y_train, True), (dataset.x_test, dataset.y_test, False))
    for (x, y, train), chosen in zip(parts, entry.parts, strict=True):
        theirs = image_class(name)(tmp_path, transform=to_tensor, **chosen)
        assert len(theirs) == len(x) == official.SIZES[train]
        for index in range(len(x)):
            image, label = theirs[index]
            image = image.transpose(1, 2) if entry.lying else image
            ours = x[index].astype(np.float32) / np.float32(255)
            assert ours.tobytes() == image.contiguous().numpy().tobytes()
            assert y[index] == label - entry.first_label
    assert set(dataset.y_train) <= set(range(dataset.facts.classes))
    assert dataset.y_train.min() == 0
    assert any("and the published set has" in note for note in dataset.notes)


def test_housing_is_that_of_scikit_learn(publish: Publish, tmp_path: Path) -> None:
    from sklearn.datasets import fetch_california_housing

    publish("california_housing")
    theirs = fetch_california_housing(data_home=str(tmp_path / "theirs"))
    dataset = load(DataSpec(dataset="california_housing", test_fraction=0.25), tmp_path, download=True)
    assert list(dataset.feature_names) == theirs.feature_names
    assert dataset.feature_std is not None
    assert dataset.target_std is not None
    x = np.concatenate([dataset.x_train, dataset.x_test]) * dataset.feature_std + dataset.feature_mean
    y = np.concatenate([dataset.y_train, dataset.y_test]) * dataset.target_std + dataset.target_mean
    assert np.allclose(np.sort(x, axis=0), np.sort(theirs.data, axis=0), rtol=1e-4, atol=1e-4)
    assert np.allclose(np.sort(y[:, 0]), np.sort(theirs.target), rtol=1e-4)
    assert (dataset.train_size, dataset.test_size) == (60, 20)
    assert load(DataSpec(dataset="california_housing", test_fraction=0.5), tmp_path).train_size == 40


@pytest.mark.parametrize("name", NAMES)
def test_archives_are_where_the_catalog_says(name: str) -> None:
    assert tuple(archive.path for archive in archives_of(DATASETS[name])) == DATASETS[name].archives


def test_classes_are_those_of_torchvision() -> None:
    assert DATASETS["EMNIST"].facts(DATASETS["EMNIST"].fill({})).class_names == tuple(
        image_class("EMNIST").classes_split_dict["letters"][1:]
    )


# A user's own copy


@pytest.mark.parametrize("name", NAMES)
def test_own_archives_need_no_internet(name: str, publish: Publish, host: Any, tmp_path: Path) -> None:
    archives = publish(name)
    host.files.clear()
    install(DATASETS[name], tmp_path, {path.rsplit("/", 1)[-1]: io.BytesIO(c) for path, c in archives.items()})
    dataset = load(DataSpec(dataset=name), tmp_path)
    assert not any("published one" in note for note in dataset.notes)
    assert host.requests == []
    assert not list(tmp_path.glob("*differs*"))


@pytest.mark.parametrize("name", NAMES)
def test_own_archives_in_the_folder_are_used_by_a_download(
    name: str, publish: Publish, host: Any, tmp_path: Path
) -> None:
    written_to(tmp_path, publish(name))
    host.files.clear()
    download(DATASETS[name], tmp_path)
    assert is_present(DataSpec(dataset=name), tmp_path)
    assert host.requests == []


def repacked(name: str) -> dict[str, bytes]:
    """The same files, packed otherwise."""
    found = {}
    for path, content in official.MAKERS[name]().items():
        if path.endswith(".bz2"):
            found[path] = bz2.compress(bz2.decompress(content), 1)
        elif path.endswith(".zip"):
            found[path] = content + b""  # a comment at its end
            found[path] = content[:-2] + (4).to_bytes(2, "little") + b"mine"
        else:
            found[path] = gzip.compress(gzip.decompress(content), 1, mtime=7)
    return found


@pytest.mark.parametrize("name", ["EMNIST", "QMNIST", "USPS", "CIFAR100", "california_housing"])
def test_a_copy_with_another_sum_is_read_with_a_remark(name: str, publish: Publish, tmp_path: Path) -> None:
    publish(name)
    other = repacked(name)
    install(DATASETS[name], tmp_path, {path.rsplit("/", 1)[-1]: io.BytesIO(c) for path, c in other.items()})
    notes = " ".join(load(DataSpec(dataset=name), tmp_path).notes)
    first = next(iter(other)).rsplit("/", 1)[-1]
    assert "not the published one" in notes
    assert first in notes


def test_without_internet_a_copy_with_another_sum_is_taken(publish: Publish, host: Any, tmp_path: Path) -> None:
    publish("USPS")
    host.files.clear()
    written_to(tmp_path, repacked("USPS"))
    (tmp_path / "usps.t.bz2").unlink()
    with pytest.raises(DataError, match=r"USPS could not be downloaded .*404.* put the file .*usps.t.bz2 into"):
        download(DATASETS["USPS"], tmp_path)
    written_to(tmp_path, repacked("USPS"))
    download(DATASETS["USPS"], tmp_path)
    notes = " ".join(load(DataSpec(dataset="USPS"), tmp_path).notes)
    assert "Read although the MD5 sum is not the published one: usps.bz2, usps.t.bz2" in notes


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, r"usps.bz2 of USPS is missing. Choose usps.bz2 and usps.t.bz2 as well, or put them into the folder"),
        ({"usps.bz2": None}, r"usps.t.bz2 of USPS is missing. Choose usps.t.bz2 as well, or put it into"),
        ({"other.zip": b""}, r"'other.zip' is no file of USPS. Choose usps.bz2 and usps.t.bz2, as they were published"),
        ({"usps.bz2": None, "usps.t.bz2": b""}, "could not be unpacked: usps.t.bz2 ends too early|has lines"),
        ({"usps.bz2": None, "usps.t.bz2": b"text"}, "could not be unpacked: Invalid data stream"),
        ({"usps.bz2": None, "usps.t.bz2": bz2.compress(b"1 1:0.5")}, "lines of something else than a label and 256"),
    ],
)
def test_what_is_wrong_with_a_copy_is_named(
    given: dict[str, bytes | None], said: str, publish: Publish, tmp_path: Path
) -> None:
    archives = publish("USPS")
    files = {name: io.BytesIO(archives[name] if content is None else content) for name, content in given.items()}
    with pytest.raises(DataError, match=said) as caught:
        install(DATASETS["USPS"], tmp_path, files)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_truncated_and_swollen_archives_are_refused(publish: Publish, mnist: Any, tmp_path: Path) -> None:
    entry, files = DATASETS["MNIST"], dict(mnist.files)
    image = "t10k-images-idx3-ubyte.gz"
    for content, said in (
        (files[image][:-20], "MNIST was found but could not be unpacked: Compressed file ended"),
        (gzip.compress(bytes(100_000_000), 1), "unpacks to more than the expected"),
        (files["t10k-labels-idx1-ubyte.gz"], "40 labels for an array|its images have the shape"),
        (gzip.compress(gzip.decompress(files[image])[:-5]), "ends too early: its header promises 31376 bytes"),
    ):
        with pytest.raises(DataError, match=said):
            install(entry, tmp_path, {name: io.BytesIO(c) for name, c in {**files, image: content}.items()})
        assert list(tmp_path.iterdir()) == []


def test_files_of_another_set_are_told(mnist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = image_class("MNIST").resources
    monkeypatch.setattr(image_class("FashionMNIST"), "resources", resources)
    monkeypatch.setattr(image_class("MNIST"), "resources", [(name, "0" * 32) for name, _ in resources])
    with pytest.raises(DataError, match=r"This train-images-\S+ is the published file of Fashion-MNIST, not of MNIST"):
        install(DATASETS["MNIST"], tmp_path, {name: io.BytesIO(c) for name, c in mnist.files.items()})
    assert list(tmp_path.iterdir()) == []


def test_a_repaired_copy_loses_its_remark(publish: Publish, tmp_path: Path) -> None:
    archives = publish("california_housing")
    entry = DATASETS["california_housing"]
    (name,) = (path.rsplit("/", 1)[-1] for path in archives)
    (other,) = repacked("california_housing").values()
    install(entry, tmp_path, {name: io.BytesIO(other)})
    assert (tmp_path / "california_housing-differs.txt").is_file()
    (content,) = archives.values()
    install(entry, tmp_path, {name: io.BytesIO(content)})
    assert not list(tmp_path.glob("*differs*"))


# Pickles


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_batch_never_runs_what_is_in_it(tmp_path: Path) -> None:
    marker, file = tmp_path / "was-run", tmp_path / "batch"
    good = {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}
    file.write_bytes(pickle.dumps(good, protocol=2))
    images, labels = _batch(file)
    assert images.shape == (2, 3072)
    assert labels.tolist() == [0, 1]
    for content, said in (
        ({**good, "more": Evil(marker)}, "asks for .*which no batch needs"),
        ({**good, "data": np.array([[Evil(marker)] * 3072], dtype=object)}, "something else than numbers|asks for"),
        ({**good, "data": np.zeros((2, 3071), np.uint8)}, "no rows of 3072 bytes"),
        ({**good, "data": np.zeros((2, 3072), np.int64)}, "no rows of 3072 bytes"),
        ({**good, "labels": ["a", "b"]}, "no list of labels"),
        ([1, 2], "no rows of 3072"),
    ):
        file.write_bytes(pickle.dumps(content, protocol=2))
        with pytest.raises(ValueError, match=said):
            _batch(file)
    for raw in (b"", b"cos\nsystem\n(S'true'\ntR.", b"\x80\x02.", b"cnumpy\nndarray\n(I10\ntR."):
        file.write_bytes(raw)
        with pytest.raises(ValueError, match="batch"):
            _batch(file)
    assert not marker.exists()


@pytest.mark.parametrize("cut", [0, 1, 4, 100, -1])
def test_damaged_matlab_files_are_named(cut: int, publish: Publish, tmp_path: Path) -> None:
    archives = publish("SVHN")
    written_to(tmp_path, archives)
    content = archives["test_32x32.mat"]
    (tmp_path / "test_32x32.mat").write_bytes(content[:cut])
    with pytest.raises(DataError, match=r"files of SVHN in the folder .* are damaged .*Delete train_32x32.mat and"):
        load(DataSpec(dataset="SVHN"), tmp_path)
