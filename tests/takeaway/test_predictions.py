"""Predictions for new rows and images: the run's own answers, in the data's own units, or a sentence."""

from __future__ import annotations

import csv
import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mlp_core import data
from mlp_core.__main__ import main
from mlp_core.errors import DataError
from mlp_core.export import standalone, weights
from mlp_core.export.preprocessing import Preprocessing, preprocessing_of
from mlp_core.export.state import state_of
from mlp_core.export.weights import Weights
from mlp_core.plan import plan
from mlp_core.predict import inputs_of, predict, read_files, with_preprocessing
from mlp_core.presets import mlp, preset
from mlp_core.run.build import Run, build, build_model
from mlp_core.spec import DataSpec, Experiment, LossSpec, OptimizerSpec

Capture = pytest.CaptureFixture[str]
COLUMNS = ("a", "b c", "=d")


def run_of(dataset: str, loss: str = "CrossEntropyLoss", **params: Any) -> Run:
    experiment = Experiment(
        data=DataSpec(dataset=dataset, params=params),
        layers=mlp((6,), "Tanh"),
        loss=LossSpec(type=loss),
        optimizer=OptimizerSpec(type="SGD"),
    )
    return build(experiment, data.load(experiment.data))


def weights_of(run: Run) -> Weights:
    return Weights(run.experiment, state_of(run), preprocessing=preprocessing_of(run.experiment, run.dataset))


def outputs_of(run: Run, x: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = run.model.eval()(torch.as_tensor(x))
    return found


def test_points_become_the_features_of_the_run() -> None:
    features = ["x2", "x1^2", "x1*x2", "sin(5*x1)"]
    run = run_of("moons", features=features)
    assert run.dataset.points_test is not None
    found = predict(weights_of(run), run.dataset.points_test)
    assert found.preprocessing.columns == ("x1", "x2")
    assert found.probabilities is not None
    np.testing.assert_array_equal(found.outputs, outputs_of(run, run.dataset.x_test))
    np.testing.assert_allclose(found.probabilities, outputs_of(run, run.dataset.x_test).softmax(dim=1), atol=1e-6)
    assert found.labels[0] in run.dataset.facts.class_names


def test_rows_are_standardised_as_in_training(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.preprocessing import StandardScaler

    run = run_of("iris")
    raw = load_iris().data
    training = inputs_back(run)
    expected = outputs_of(run, StandardScaler().fit(training).transform(raw).astype(np.float32))
    found = predict(weights_of(run), raw)
    np.testing.assert_allclose(found.outputs, expected, atol=1e-4)
    assert found.classes is not None
    assert found.classes.tolist() == expected.argmax(dim=1).tolist()


def inputs_back(run: Run) -> np.ndarray:
    """The training rows in their own units."""
    kept = run.dataset
    assert kept.feature_mean is not None
    assert kept.feature_std is not None
    return kept.x_train.astype(np.float64) * kept.feature_std + kept.feature_mean


def test_values_of_a_regression_are_in_the_unit_of_the_data() -> None:
    from sklearn.datasets import load_diabetes

    run = run_of("diabetes", "MSELoss")
    raw = load_diabetes(scaled=False).data[:5]
    found = predict(weights_of(run), raw)
    kept = run.dataset
    assert kept.target_mean is not None
    assert kept.target_std is not None
    assert found.values is not None
    np.testing.assert_allclose(found.values, found.outputs * kept.target_std + kept.target_mean, rtol=1e-6)
    assert 0 < found.values.mean() < 350
    assert found.classes is None
    header, *rows = csv.reader(io.StringIO(found.as_csv()))
    assert header == ["row", "disease progression"]
    np.testing.assert_allclose([float(row[1]) for row in rows], found.values[:, 0], rtol=1e-6)


@pytest.mark.parametrize("loss", ["BCEWithLogitsLoss", "MSELoss"])
def test_one_output_for_two_classes(loss: str) -> None:
    run = run_of("circle", loss)
    points = np.array([[0.0, 0.0], [1.0, 1.0], [-0.3, 0.8]])
    found = predict(weights_of(run), points)
    outputs = outputs_of(run, points.astype(np.float32))
    assert found.classes is not None
    assert found.probabilities is not None
    limit = 0.0 if loss == "BCEWithLogitsLoss" else 0.5
    assert found.classes.tolist() == (outputs[:, 0] > limit).long().tolist()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0, atol=1e-6)


def test_without_preprocessing_in_the_weights_the_data_set_gives_it() -> None:
    run = run_of("wine")
    bare = replace(weights_of(run), preprocessing=None)
    assert with_preprocessing(bare) == weights_of(run).preprocessing
    rows = inputs_back(run)[:3]
    np.testing.assert_array_equal(predict(bare, rows).outputs, predict(weights_of(run), rows).outputs)


def test_samples_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(N, 4\). Got \(2, 3\)"):
        predict(weights_of(run_of("iris")), np.zeros((2, 3)))


TABLE = [[1.5, -2.0, 3e-5], [0.0, 10.0, 7.0]]


@pytest.mark.parametrize(
    "content",
    [
        b"a,b c,=d\n1.5,-2,3e-5\n0,10,7\n",
        b"\xef\xbb\xbfa,b c,=d\r\n1.5,-2,3e-5\r\n\r\n0,10,7",
        b"=d;x;b c;a\n0,00003;text;-2;1,5\n7;;10;0\n",
        b"a\tb c\t=d\n1.5\t-2\t.00003\n+0\t1e1\t7.\n",
        b' a ,"b c", =d\n 1.5 ,"-2", 3E-05\n0,10,7\n',
        b"1.5,-2,3e-5\n0,10,7\n",
        "a,b c,=d\n1.5,-2,3e-5\n0,10,7\n".encode("utf-16"),
    ],
    ids=["plain", "mark", "semicolon", "tab", "spaces", "no header", "utf-16"],
)
def test_tables_as_people_save_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    samples, names = read_files([tmp_path / "rows.csv"], Preprocessing(columns=COLUMNS))
    np.testing.assert_array_equal(samples, TABLE)
    assert names == ("1", "2")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["lacks the column 'a' and 2 more"]),
        (b"a,b c,=d\n", ["no rows"]),
        (b"a,b c\n1,2\n", ["lacks the column '=d'"]),
        (b"a,b c,=d,a\n1,2,3,4\n", ["'a' more than once"]),
        (b"a,b c,=d\n1,2,x\n", ["'=d'", "'x'", "line 2"]),
        (b"a,b c,=d\n1,2,3\n1,,3\n", ["'b c'", "an empty cell", "line 3"]),
        (b"a,b c,=d\n1,2\n", ["'=d'", "an empty cell", "line 2"]),
        (b"a,b c,=d\n1,2,nan\n", ["'nan'"]),
        (b"a,b c,=d\n1,2,1e400\n", ["'1e400'"]),
        (b"a,b c,=d\n1,2,1_000\n", ["'1_000'"]),
        (b"a,b c,=d\n1,2,2e06918610327a\n", ["'2e06918610327a'"]),
        (b"a,b c,=d\n1,2," + b"9" * 200_000 + b"\n", ["valid CSV"]),
        (b"a,b c,=d\n1,2,\x00\n", ["'=d'"]),
        (b"\xff\xfea", ["UTF-8"]),
        (b"\x89PNG\r\n\x1a\n\xff\xff", ["UTF-8"]),
    ],
)
def test_tables_that_do_not_fit_are_named(tmp_path: Path, content: bytes, words: list[str]) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_files([tmp_path / "rows.csv"], Preprocessing(columns=COLUMNS))
    said = str(caught.value)
    assert [word for word in words if word not in said] == [], said
    assert said.endswith(".")


@settings(max_examples=200)
@given(st.text(max_size=80) | st.text(alphabet='ab c=d,;\t\n"0123456789.eE+-\r\x00', max_size=80))
def test_any_text_is_a_table_or_a_sentence(text: str) -> None:
    for given_text in (text, "a,b c,=d\n" + text):
        try:
            found = standalone.read_table(given_text, COLUMNS)
        except ValueError:
            pass  # the sentences have their own tests
        else:
            assert found.shape[1:] == (3,)
            assert np.isfinite(found).all()


def test_a_table_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standalone, "MAX_FILE_BYTES", 100)
    (tmp_path / "rows.csv").write_bytes(b"x" * 101)
    with pytest.raises(DataError, match="more than 100 bytes"):
        read_files([tmp_path / "rows.csv"], Preprocessing(columns=COLUMNS))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-x", "'-x"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("＝1", "'＝1"), ("-1.5", "-1.5"), ("+2e3", "+2e3"), ("plain", "plain"), ("a=b", "a=b"), (-1.5, -1.5), ("", ""),
    ],
)  # fmt: skip
def test_cells_are_safe_in_a_spreadsheet(value: object, cell: object) -> None:
    assert standalone.safe_cell(value) == cell


@given(st.text(max_size=20))
def test_written_tables_read_back_as_one_cell(value: str) -> None:
    text = standalone.write_table(["name"], [[value]])
    (_, row) = list(csv.reader(io.StringIO(text, newline="")))
    (cell,) = row or [""]
    assert cell.removeprefix("'") == value.replace("\r\n", "\n").replace("\r", "\n").removeprefix("'")
    assert not cell.startswith(tuple("=@\t\n"))


def test_names_of_classes_are_text_in_the_table() -> None:
    run = run_of("moons")
    kept = replace(weights_of(run).preprocessing or Preprocessing(), class_names=("=1+1", '<img src=x>","'))
    text = predict(weights_of(run), np.zeros((1, 2)), kept).as_csv()
    header = next(csv.reader(io.StringIO(text)))
    assert header == ["row", "prediction", "'=1+1", '<img src=x>","']


GREY, COLOUR = Preprocessing(image_shape=(1, 28, 28), divisor=255.0), Preprocessing(image_shape=(3, 8, 8))


def read_one(path: Path, preprocessing: Preprocessing) -> np.ndarray:
    samples, names = read_files([path], preprocessing)
    assert names == (str(path),)
    assert samples.dtype == np.uint8
    assert samples.shape == (1, *preprocessing.image_shape)
    return np.asarray(samples[0])


def test_an_image_of_the_right_size_is_taken_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_one(tmp_path / "a.png", GREY)[0], pixels)
    colours = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "b.PNG")
    np.testing.assert_array_equal(read_one(tmp_path / "b.PNG", COLOUR), colours.transpose(2, 0, 1))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_image_is_converted(tmp_path: Path, mode: str) -> None:
    light = 200 * 257 if mode.startswith("I") else 200
    picture = Image.new(mode, (50, 40), light if mode not in {"RGB", "RGBA", "CMYK", "LA"} else None)
    if mode in {"RGB", "RGBA", "LA"}:
        picture.paste({"RGB": (200,) * 3, "RGBA": (200, 200, 200, 255), "LA": (200, 255)}[mode], (0, 0, 50, 40))
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    picture.save(path)
    expected = 255 if mode in {"1", "CMYK"} else 200
    for preprocessing in (GREY, COLOUR):
        found = read_one(path, preprocessing)
        if mode != "P":  # the palette decides
            assert abs(int(found.min()) - expected) <= 2
            assert abs(int(found.max()) - expected) <= 2


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert read_one(tmp_path / "a.png", GREY).min() == 255


def huge_png() -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    start = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", huge_png(), b"\xff\xd8\xff\xe0" * 9],
    ids=["empty", "gif", "svg", "pdf", "huge", "torn jpeg"],
)
def test_what_is_no_image_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.jpg.*cannot be read: .*Choose a PNG or JPEG file\."):
        read_files([tmp_path / "a.jpg"], GREY)


def test_a_truncated_image_is_named(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    for length in range(0, len(whole) - 20, 97):
        (tmp_path / "a.png").write_bytes(whole[:length])
        with pytest.raises(DataError, match="cannot be read"):
            read_files([tmp_path / "a.png"], GREY)


def test_tables_and_images_are_not_mixed_up(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="takes an image"):
        read_files([tmp_path / "rows.csv"], GREY)
    with pytest.raises(DataError, match="takes a table"):
        read_files([tmp_path / "a.png"], Preprocessing(columns=COLUMNS))


def test_images_are_scaled_as_in_training() -> None:
    experiment = preset("fashion-mnist-quickstart").experiment.updated(layers=mlp((4,), "ReLU"))
    model = build_model(plan(experiment)).eval()
    names = experiment.data.facts.class_names
    kept = Preprocessing(image_shape=(1, 28, 28), divisor=255.0, class_names=names)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), dtype=np.uint8)
    assert inputs_of(pixels, kept).max() <= 1.0
    found = predict(Weights(experiment, model.state_dict(), preprocessing=kept), pixels)
    with torch.no_grad():
        expected = model(torch.from_numpy(pixels).float().div(255))
    np.testing.assert_array_equal(found.outputs, expected)


def test_from_training_to_predictions_on_the_command_line(capsys: Capture, tmp_path: Path) -> None:
    path, rows = tmp_path / "iris.safetensors", tmp_path / "rows.csv"
    assert main(["train", "two-hidden-relu", "--epochs", "100", "--save", str(path)]) == 0
    saved = weights.load(path)
    assert saved.step == 700
    assert saved.test_loss is not None
    header = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"
    rows.write_text(f"{header}\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", str(path), str(rows)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "row,prediction,setosa,versicolor,virginica"
    assert [line.split(",")[1] for line in lines[1:]] == ["setosa", "virginica"]
    assert main(["predict", str(path), str(rows), str(rows)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    for wrong in (["predict", str(rows), str(rows)], ["predict", str(path), str(path)],
                  ["train", "xor", "--epochs", "1", "--save", str(tmp_path / "no" / "w.safetensors")]):  # fmt: skip
        assert main(wrong) == 2
        found = capsys.readouterr()
        assert found.out == ""
        assert len(found.err.splitlines()) == 1
