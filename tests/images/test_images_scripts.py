"""Exported scripts read the user's own zip as the run does, and print its digits; new images are predicted."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_zip import digit_files, packed, png, spec_of

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))

import exported
from exported import expressible, printed, recorded, run

from mlp_core import data, predict
from mlp_core.data.image_archive import list_images
from mlp_core.data.image_archive import read_images as read_in_the_run
from mlp_core.errors import DataError, SpecError
from mlp_core.export import archives, notebook, script, weights
from mlp_core.export.bundle import bundle
from mlp_core.export.preprocessing import preprocessing_of
from mlp_core.export.state import state_of
from mlp_core.presets import preset
from mlp_core.problems import with_data
from mlp_core.run.build import build
from mlp_core.spec import DataSpec, Experiment


def experiment(form: str, folder: Path, **fields: object) -> Experiment:
    """An experiment on digits, with the zip where it is run and in the data folder; one image is damaged."""
    files = {**digit_files(form), "set/train/3/bad.png": b"no", "set/.hidden.png": b"", "set/note.txt": b"x"}
    content = packed(files)
    (folder / "digits.zip").write_bytes(content)
    spec = spec_of(content, folder, height=6).updated(**fields)
    return with_data(preset("spiral").experiment, spec)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_style_prints_what_the_run_records(here: Path) -> None:
    found = experiment("split", here)
    figures = recorded(found, 1, here)[0]
    assert len(figures) == 3
    for style in expressible(found):
        assert printed(script(found, style, epochs=1)) == figures, style
    cells = json.loads(notebook(found, "sequential", epochs=1))["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert exported.figures(run(*codes)) == figures


@pytest.mark.parametrize("form", ["folders", "split", "table"])
@pytest.mark.parametrize("validation", [None, 0.25])
def test_every_form_of_archive_and_split(form: str, validation: float | None, here: Path) -> None:
    found = experiment(form, here, validation_fraction=validation, seed=3)
    code = script(found, "sequential", epochs=1)
    assert printed(code) == recorded(found, 1, here)[0]
    (here / "s.py").write_text(code)
    for command in (["check", "--select", "I,E,F,W"], ["format", "--check"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "s.py"],
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_without_an_archive_there_is_no_script() -> None:
    with pytest.raises(SpecError, match="No archive of images is chosen yet"):
        script(with_data(preset("spiral").experiment, DataSpec(dataset="images")), "sequential")


GOOD = png(np.arange(12, dtype=np.uint8).reshape(3, 4))
FOLDERS = ["", "a/", "b/", "b /", "train/a/", "train/b/", "Test/a/", "x/a/", ".h/a/", "../a/", "__MACOSX/"]
NAMES = [f"{name}{suffix}" for name in ("1", "2", "é", "3\t") for suffix in (".png", ".JPG", ".txt")]
FILES = st.dictionaries(
    st.builds("{}{}".format, st.sampled_from(FOLDERS), st.sampled_from(NAMES)),
    st.sampled_from([GOOD, b"no", b""]),
    min_size=2,
    max_size=10,
)
NAMED = ["a/1.png", "1.png", "./b/1.png", "gone.png", "é.png", "x"]
CLASSES = ["cat", "dog", "", " dog "]
ROWS = st.lists(
    st.builds("{}{}{}".format, st.sampled_from(NAMED), st.sampled_from([",", ";"]), st.sampled_from(CLASSES)),
    max_size=6,
)


@given(FILES, st.none() | ROWS, st.sampled_from(["", "file,label", "label;file"]))
def test_a_script_reads_what_the_run_reads(files: dict[str, bytes], rows: list[str] | None, header: str) -> None:
    if rows is not None:
        files = {**files, "labels.csv": "\n".join([*([header] if header else []), *rows]).encode()}
    content = packed(files)
    try:
        listing = list_images(io.BytesIO(content), "x.zip")
    except DataError:
        return
    opened = zipfile.ZipFile(io.BytesIO(content))
    paths = archives.image_paths(opened)
    if listing.table:
        found = archives.classes_by_table(opened, listing.table, paths)
    else:
        found = archives.classes_by_folder(paths, listing.depth)
    found = {path: label for path, label in found.items() if label in listing.class_names}
    assert [*found.items()] == [(member.path, member.label) for member in listing.images]
    if listing.official_split:
        assert [archives.is_tested(path, listing.depth) for path in found] == [m.test for m in listing.images]
    wanted = read_in_the_run(io.BytesIO(content), "x.zip", listing.images, (1, 2, 2))
    if wanted.members:
        pixels, good = archives.read_images(opened, [*found], (1, 2, 2))
        assert good == [member.path for member in wanted.members]
        assert np.array_equal(pixels, wanted.pixels)


def test_new_images_are_resized_as_those_of_the_run_and_the_zip_predicts_the_same(here: Path) -> None:
    found = experiment("split", here)
    made = build(found, data.load(found.data, here))
    preprocessing = preprocessing_of(found, made.dataset)
    content = weights.save(found, state_of(made), preprocessing=preprocessing)
    saved = weights.load(content)
    assert saved.preprocessing == preprocessing
    new = here / "new.png"
    new.write_bytes(digit_files("split")["set/test/0/0000.png"])
    samples, names = predict.read_files([new], preprocessing)
    assert samples[0].tobytes() in {x.tobytes() for x in made.dataset.x_test}
    zipfile.ZipFile(io.BytesIO(bundle(found, state_of(made), preprocessing))).extractall(here / "bundle")
    command = [sys.executable, "model.py", "predict", new]
    done = subprocess.run(command, cwd=here / "bundle", capture_output=True, text=True, check=False)
    assert done.stdout == predict.predict(saved, samples, preprocessing, names).as_csv(), done.stderr
