"""From an uploaded table to a run: the bundled table written out as CSV gives the bundled table's very numbers."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

from mlp_core import data
from mlp_core.catalog.tables import Table
from mlp_core.data import DataMissing, uploads
from mlp_core.data.inspection import add_table, propose, with_kind, with_target
from mlp_core.engines.eager import EagerEngine
from mlp_core.errors import DataError
from mlp_core.presets import preset
from mlp_core.problems import problems, with_data
from mlp_core.run.build import build
from mlp_core.spec import DataSpec, Experiment
from mlp_core.training.events import Evaluation
from mlp_core.training.loop import train

MIXED = (
    "age;colour;when;city;y\n"
    + "".join(
        f"{n},5;{['red', 'green', 'blue'][n % 3]};{n % 28 + 1:02d}.03.2020;{'x' if n % 4 else ''};"
        f"{['no', 'yes'][n % 2]}\n"
        for n in range(60)
    )
    + ";red;01.04.2020;y;yes\n"
)


def spec_of(content: str | bytes, folder: Path, target: str | None = None, **fields: Any) -> DataSpec:
    content = content.encode() if isinstance(content, str) else content
    inspection, _ = add_table(io.BytesIO(content), "t.csv", folder)
    return DataSpec(dataset="table", params={"table": propose(inspection, target).values()}, **fields)


def evaluations(experiment: Experiment, folder: Path) -> list[Evaluation]:
    run = build(experiment, data.load(experiment.data, folder))
    return [event for event in train(run, EagerEngine(), epochs=3) if isinstance(event, Evaluation)]


@pytest.mark.parametrize("form", ["csv", "csv with semicolons and decimal commas in UTF-16", "parquet"])
def test_the_bundled_table_written_out_gives_the_bundled_numbers(form: str, tmp_path: Path) -> None:
    frame = load_breast_cancer(as_frame=True).frame
    if form == "parquet":
        out = io.BytesIO()
        frame.to_parquet(out)
        content = out.getvalue()
    elif form == "csv":
        content = frame.to_csv(index=False).encode()
    else:
        content = frame.to_csv(index=False, sep=";", decimal=",").encode("utf-16")
    for seed in (0, 7):
        mine = spec_of(content, tmp_path, test_fraction=0.3, seed=seed)
        theirs = DataSpec(dataset="breast_cancer", test_fraction=0.3, seed=seed)
        found, wanted = data.load(mine, tmp_path), data.load(theirs)
        for name in ("x_train", "y_train", "x_test", "y_test"):
            assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
            assert getattr(found, name).dtype == getattr(wanted, name).dtype
        assert found.feature_names == wanted.feature_names
    base = preset("two-hidden-relu").experiment
    one, other = (evaluations(with_data(base, spec), tmp_path) for spec in (mine, theirs))
    assert [(e.train_loss, e.test_loss, e.test_accuracy) for e in one] == [
        (e.train_loss, e.test_loss, e.test_accuracy) for e in other
    ]


def test_a_regression_written_out_gives_the_bundled_numbers(tmp_path: Path) -> None:
    frame = load_diabetes(as_frame=True, scaled=False).frame
    found = data.load(spec_of(frame.to_csv(index=False), tmp_path, seed=3), tmp_path)
    wanted = data.load(DataSpec(dataset="diabetes", seed=3))
    for name in ("x_train", "y_train", "x_test", "y_test"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
    assert found.facts.task == "regression"
    assert found.facts.target_names == ("target",)


@pytest.mark.parametrize("scaling", ["standard", "robust", "none"])
def test_preparing_is_what_scikit_learn_does_fitted_on_the_training_part(scaling: str, tmp_path: Path) -> None:
    spec = spec_of(MIXED, tmp_path, seed=1)
    spec = spec.updated(params={**spec.params, "scaling": scaling})
    found = data.load(spec, tmp_path)
    assert spec.facts.sample_shape == found.x_train.shape[1:] == (len(found.feature_names),)
    assert found.feature_names == (
        "age", "colour = blue", "colour = green", "colour = red", "when", "city = x", "city = y",
    )  # fmt: skip
    rows = [line.split(";") for line in MIXED.splitlines()[1:]]
    dates = np.array(["-".join(row[2].split(".")[::-1]) for row in rows], dtype="datetime64[D]")
    days = dates.astype(np.int64)
    table = np.array(
        [[float(row[0].replace(",", ".")) if row[0] else np.nan, row[1], float(day), row[3] or None]
         for row, day in zip(rows, days, strict=True)], dtype=object,
    )  # fmt: skip
    labels = np.array([row[4] == "yes" for row in rows]).astype(np.int64)
    from mlp_core.data.split import stratified_split

    train_rows, test_rows = stratified_split(labels, spec.test_fraction, 1)
    scaler = {"standard": StandardScaler(), "robust": RobustScaler(), "none": "passthrough"}[scaling]
    prepared = ColumnTransformer([
        ("age", make_pipeline(SimpleImputer(), scaler), [0]),
        ("colour", OneHotEncoder(categories=[["blue", "green", "red"]], sparse_output=False), [1]),
        ("when", make_pipeline(SimpleImputer(), scaler), [2]),
        ("city", make_pipeline(SimpleImputer(missing_values=None, strategy="most_frequent"),
                               OneHotEncoder(categories=[["x", "y"]], sparse_output=False)), [3]),
    ]).fit(table[train_rows])  # fmt: skip
    assert np.allclose(found.x_train, prepared.transform(table[train_rows]).astype(float), atol=1e-6)
    assert np.allclose(found.x_test, prepared.transform(table[test_rows]).astype(float), atol=1e-6)
    assert np.array_equal(found.y_test, labels[test_rows])


def changed(spec: DataSpec, **columns: dict[str, Any]) -> DataSpec:
    values = {**spec.params["table"]}
    values["features"] = [{**column, **columns.get(column["name"], {})} for column in values["features"]]
    return spec.updated(params={**spec.params, "table": values})


def test_rows_can_be_left_out_for_what_they_miss(tmp_path: Path) -> None:
    spec = spec_of(MIXED, tmp_path)
    found = data.load(changed(spec, age={"missing": "drop"}, city={"missing": "drop"}), tmp_path)
    assert found.train_size + found.test_size == 45
    assert any(note.startswith("16 rows were left out") for note in found.notes)
    found = data.load(changed(spec, city={"missing": "none"}), tmp_path)
    assert found.train_size + found.test_size == 61
    assert (np.concatenate([found.x_train, found.x_test])[:, -2:].sum(axis=1) == 0).sum() == 15


def test_a_category_that_is_none_of_the_vocabulary_is_all_zeros_or_the_rest(tmp_path: Path) -> None:
    spec = changed(spec_of(MIXED, tmp_path), colour={"categories": ["red"]}, city={"categories": ["x"], "rest": True})
    found = data.load(spec, tmp_path)
    assert found.feature_names == ("age", "colour = red", "when", "city = x", "city = other")
    x = np.concatenate([found.x_train, found.x_test])
    # A text outside of the vocabulary is missing where there is no rest, and the most frequent one stands for it.
    assert x[:, 1].sum() == 61
    assert x[:, 4].sum() == 1


def test_a_class_without_a_row_that_is_used_is_named(tmp_path: Path) -> None:
    spec = spec_of("a,b,y\n1,2,x\n2,3,x\n3,4,z\n4,5,z\n,6,w\n,7,w\n", tmp_path)
    with pytest.raises(DataError, match="The class 'w' of the target 'y' has no row that is used"):
        data.load(changed(spec, a={"missing": "drop"}), tmp_path)


def test_a_spec_opened_where_the_file_is_not_says_to_upload_it_again(tmp_path: Path) -> None:
    spec = spec_of(MIXED, tmp_path / "here")
    assert data.is_present(spec, tmp_path / "here")
    assert not data.is_present(spec, tmp_path / "there")
    with pytest.raises(DataMissing, match=r"'t.csv' is not on this server. Upload it again"):
        data.load(spec, tmp_path / "there")
    with pytest.raises(DataMissing, match="No table is chosen yet"):
        data.load(DataSpec(dataset="table"), tmp_path)
    assert spec.facts.class_names == ("no", "yes")
    assert not [found for found in problems(with_data(preset("spiral").experiment, spec)) if found.severity == "error"]


def test_kind_and_target_can_be_changed(tmp_path: Path) -> None:
    inspection, _ = add_table(io.BytesIO(MIXED.encode()), "t.csv", tmp_path)
    table = propose(inspection)
    without = with_kind(table, inspection, "when", "ignored")
    assert [column.name for column in without.features] == ["age", "colour", "city"]
    as_text = with_kind(without, inspection, "when", "category")
    assert [column.kind for column in as_text.features] == ["number", "category", "category", "category"]
    other = with_target(without, inspection, "age")
    assert (other.task, [column.name for column in other.features]) == ("regression", ["colour", "city", "y"])
    with pytest.raises(DataError, match="'colour' holds no number"):
        with_kind(table, inspection, "colour", "number")
    assert isinstance(other, Table)


def test_uploads_longest_unused_make_room_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = spec_of("a,b\n1,2\n3,4\n", tmp_path)
    second = spec_of("a,b\n1,2\n3,5\n", tmp_path)
    sums = [spec.params["table"]["file"]["sha256"] for spec in (first, second)]
    os.utime(uploads.path_of(sums[1], tmp_path), (1, 1))
    monkeypatch.setattr(uploads, "MAX_UPLOADS_BYTES", 26)
    _, removed = add_table(io.BytesIO(b"a,b\n1,2\n3,6\n"), "third.csv", tmp_path)
    assert "one file longest unused made room" in removed[0]
    assert uploads.path_of(sums[0], tmp_path).is_file()
    assert not uploads.path_of(sums[1], tmp_path).exists()
    # The other two were used just now: none of them is taken from whoever works on it.
    with pytest.raises(DataError, match=r"no room for this file: .* those of the last 8 hours are kept"):
        add_table(io.BytesIO(b"a,b\n1,2\n3,7\n"), "fourth.csv", tmp_path)
    assert len(list((tmp_path / "uploads").iterdir())) == 2
    assert add_table(io.BytesIO(b"a,b\n1,2\n3,6\n"), "third.csv", tmp_path)[1] == ()  # it is there already


def test_a_file_beyond_the_limit_is_refused_before_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 10)
    with pytest.raises(DataError, match="the limit is"):
        add_table(io.BytesIO(b"a,b\n1,2\n3,6\n"), "t.csv", tmp_path)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="could not be saved on the server"):
        add_table(io.BytesIO(b"a,b\n1,2\n3,6\n"), "t.csv", tmp_path)


def test_a_disk_that_is_full_is_a_named_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads.os, "fsync", full)
    with pytest.raises(DataError, match="could not be saved on the server: no space left on device"):
        add_table(io.BytesIO(b"a,b\n1,2\n3,6\n"), "t.csv", tmp_path)
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_a_folder_that_is_read_only_is_a_named_error(
    error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DataError, match=f"could not be saved on the server: {str(error.strerror).lower()}. Make room"):
        add_table(io.BytesIO(b"a,b\n1,2\n3,6\n"), "t.csv", tmp_path)
