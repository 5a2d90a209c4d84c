"""New rows as the user writes them are predicted as the run itself has them; so does the zip that predicts alone."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_training import MIXED, changed, spec_of

from mlp_core import data, predict
from mlp_core.catalog.tables import MISSING
from mlp_core.errors import DataError, SpecError
from mlp_core.export import standalone, weights
from mlp_core.export.bundle import bundle
from mlp_core.export.preprocessing import Preprocessing, preprocessing_of
from mlp_core.export.state import state_of
from mlp_core.presets import preset
from mlp_core.problems import with_data
from mlp_core.run.build import Run, build


def made(folder: Path) -> Run:
    spec = spec_of(MIXED, folder)
    return build(with_data(preset("spiral").experiment, spec), data.load(spec, folder))


def test_new_rows_become_the_inputs_that_the_run_had(tmp_path: Path) -> None:
    run = made(tmp_path)
    saved = weights.load(
        weights.save(run.experiment, state_of(run), preprocessing=preprocessing_of(run.experiment, run.dataset))
    )
    assert saved.preprocessing is not None
    path = tmp_path / "new.csv"
    path.write_text(MIXED, encoding="utf-16")
    samples, names = predict.read_files([path], saved.preprocessing)
    assert len(names) == 61
    inputs = {row.tobytes() for row in predict.inputs_of(samples, saved.preprocessing)}
    dataset = run.dataset
    assert inputs == {row.tobytes() for row in np.concatenate([dataset.x_train, dataset.x_test])}


def test_the_zip_predicts_what_the_playground_predicts(tmp_path: Path) -> None:
    run = made(tmp_path)
    preprocessing = preprocessing_of(run.experiment, run.dataset)
    state = state_of(run)
    zipfile.ZipFile(io.BytesIO(bundle(run.experiment, state, preprocessing))).extractall(tmp_path)
    path = tmp_path / "new.csv"
    path.write_text("when|colour|city|age\n01.01.2020|violet||4,5\n|red|x|NA\n")
    done = subprocess.run([sys.executable, "model.py", "predict", path], cwd=tmp_path, capture_output=True, text=True,
                          check=False)  # fmt: skip
    samples, names = predict.read_files([path], preprocessing)
    saved = weights.load(weights.save(run.experiment, state, preprocessing=preprocessing))
    assert done.stderr == ""
    assert done.stdout == predict.predict(saved, samples, preprocessing, names).as_csv()


def test_a_cell_that_leaves_a_row_out_cannot_be_missing_in_a_new_row(tmp_path: Path) -> None:
    spec = changed(spec_of(MIXED, tmp_path), age={"missing": "drop"})
    preprocessing = preprocessing_of(with_data(preset("spiral").experiment, spec), data.load(spec, tmp_path))
    path = tmp_path / "new.csv"
    path.write_text("when;colour;city;age\n01.01.2020;red;x;\n")
    with pytest.raises(DataError, match=r"column 'age' must hold a number\. Got an empty cell in line 2"):
        predict.read_files([path], preprocessing)
    path.write_text("when;colour;city\n01.01.2020;red;x\n")
    with pytest.raises(DataError, match="lacks the column 'age'"):
        predict.read_files([path], preprocessing)


@pytest.mark.parametrize(
    "change",
    [{"kinds": ["number"]}, {"fills": [1, 2, 3, 99]}, {"categories": [[], [], [], []]}, {"rest": [1, 0, 0, 0]},
     {"formats": ["", "", "%x", ""]}, {"kinds": ["number", "category", "date", "colour"]}, {"fills": "x"}],
)  # fmt: skip
def test_a_preparation_that_does_not_fit_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    run = made(tmp_path)
    good = preprocessing_of(run.experiment, run.dataset).as_dict()
    assert Preprocessing.from_dict(good, run.experiment)
    with pytest.raises(SpecError, match="does not fit"):
        Preprocessing.from_dict({**good, **change}, run.experiment)


def test_what_counts_as_missing_is_the_same_everywhere() -> None:
    assert set(MISSING) == standalone.MISSING


def test_a_row_as_cells_makes_the_sample_again(tmp_path: Path) -> None:
    spec = changed(spec_of(MIXED, tmp_path), colour={"categories": ["red"], "rest": True}, city={"missing": "none"})
    dataset = data.load(spec, tmp_path)
    preprocessing = preprocessing_of(with_data(preset("spiral").experiment, spec), dataset)
    for sample in dataset.part("train")[0][:10] * dataset.feature_std + dataset.feature_mean:
        cells = predict.cells_of(sample, preprocessing)
        assert cells[1] in ("red", predict.OTHER)
        assert cells[2].endswith(".2020")
        assert np.allclose(predict.sample_of(cells, preprocessing), sample, rtol=1e-5)
    empty = predict.sample_of(["", "", "NA", ""], preprocessing)
    assert empty[0] == pytest.approx(preprocessing.fills[0])
    assert empty[-2:].tolist() == [0, 0]
    with pytest.raises(DataError, match=r"'when' must hold a date such as 31\.12\.2024\. Got 'soon'"):
        predict.sample_of(["1", "red", "soon", "x"], preprocessing)
    with pytest.raises(DataError, match=r"'age' must hold a number\. Got '1,5'"):
        predict.sample_of(["1,5", "red", "", "x"], preprocessing)
