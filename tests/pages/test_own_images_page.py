"""The Data page with a zip of images: brought, changed, refused; a link without its archive asks for it; Evaluate."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.catalog.images import archive_of
from mlp_core.presets import preset as ready
from mlp_core.problems import with_data
from mlp_core.training.session import STOPPED
from tests.pages.test_pages import LIMIT, ROOT, app, field, messages, settled  # noqa: F401

sys.path.insert(0, str(Path(__file__).parents[1] / "images"))

from picture_zip import digit_files, packed, spec_of

DATA, PLAY, EVALUATE = (str(ROOT / "pages" / name / "page.py") for name in ("data", "playground", "evaluate"))
ZIP = packed({**digit_files("split"), "set/train/<b>3/x.png": digit_files("split")["set/test/0/0000.png"],
              "set/test/3/$bad$.png": b"no"})  # fmt: skip


@pytest.fixture
def page(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:  # noqa: F811
    """The Data page, with a data folder of the test's own."""
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(app.session, "_data_dir", tmp_path, raising=False)
    app.switch_page(DATA).run()
    return app


def upload(page: AppTest, content: bytes, name: str = "mine.zip") -> AppTest:
    page.file_uploader(key="upload-file").set_value((name, content, "application/zip")).run()
    return settled(page)


def test_images_are_brought_changed_and_trained_on(page: AppTest, tmp_path: Path) -> None:
    upload(page, ZIP)
    assert not page.exception
    archive = archive_of(page.session_state["experiment"].data.params)
    assert archive is not None
    field(page, "button_group", "data_group").set_value("uploaded").run()
    assert any(archive.file.name in element.value.replace("\\", "") for element in page.caption)  # on its card
    assert (archive.images, archive.test_images, len(archive.classes)) == (121, 24, 11)
    assert len(list((tmp_path / "uploads").iterdir())) == 1
    shown = " ".join(element.value for element in page.markdown).replace("\\", "")
    assert "**mine.zip**: 121 images of 11 classes" in shown
    assert "97 training samples, 24 test samples" in shown
    assert any("images for training alone" in element.value for element in page.warning), list(page.warning)
    left_out = page.dataframe[2].value
    assert left_out.values.tolist() == [["set/test/3/$bad$.png", "it is no PNG or JPEG file"]]
    assert page.dataframe[0].value["class"].tolist() == sorted([*"0123456789", "<b>3"])
    field(page, "number_input", "data-images-height").set_value(5).run()
    field(page, "selectbox", "data-images-colours").set_value("colour").run()
    assert page.session_state["experiment"].data.facts.sample_shape == (3, 5, 8)
    assert settled(page).session.snapshot().dataset.x_train.shape == (97, 3, 5, 8)
    page.button(key="images-proposed").click().run()
    assert page.session_state["experiment"].data.facts.sample_shape == (1, 8, 8)
    page.button(key="image-network").click().run()
    assert page.session_state["experiment"].layers[0].params["out_features"] == 128
    assert "image-network" not in [button.key for button in page.button]
    settled(page).switch_page(PLAY).run()
    assert not page.exception
    assert any("121 images of 11 classes" in element.value.replace("\\", "") for element in page.markdown)
    page.session.step_epoch()
    assert page.session.wait(lambda now: now.epoch == 1 and not now.busy, LIMIT)
    page.switch_page(EVALUATE).run()
    assert not page.exception


def test_a_size_that_is_too_large_is_refused(page: AppTest) -> None:
    upload(page, ZIP)
    before = page.session_state["experiment"]
    field(page, "number_input", "data-images-height").set_value(513).run()
    assert "Height must be a whole number from 1 to 512, not 513." in messages(page)
    assert page.session_state["experiment"] == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"PK\x03\x04 torn", "is no zip archive"), (packed({"a/1.png": b"x", "b/1.png": b"y"}), "that can be decoded")],
)
def test_a_refused_archive_leaves_nothing(content: bytes, reason: str, page: AppTest, tmp_path: Path) -> None:
    before = page.session_state["experiment"]
    upload(page, content)
    assert reason in messages(page)
    assert page.session_state["experiment"] == before
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_link_asks_for_its_archive_and_takes_it(page: AppTest, tmp_path: Path) -> None:
    spec = spec_of(ZIP, tmp_path / "there", "theirs.zip", height=4)
    page.session_state["experiment"] = with_data(ready("spiral").experiment, spec)
    page.run()
    settled(page)
    assert not page.exception
    shown = " ".join(element.value for element in page.warning).replace("\\", "")
    assert "The file 'theirs.zip' is not on this server. Upload it again" in shown
    upload(page, ZIP, "theirs.zip")
    assert page.session_state["experiment"].data == spec
    assert page.session.snapshot().dataset.train_size == 97
    other = page.session_state["experiment"].updated(data=spec_of(packed(digit_files("split")), tmp_path / "there"))
    page.session_state["experiment"] = other
    page.run()
    settled(page)
    upload(page, packed(digit_files("folders", 50)), "digits.zip")
    said = " ".join(element.value for element in page.caption).replace("\\", "")
    assert "This is another file than the experiment asked for: 'digits.zip' has the SHA-256 sum" in said


def test_reading_that_is_stopped_can_be_started_again(page: AppTest) -> None:
    upload(page, ZIP)
    with page.session._mail.lock:  # as where it is cancelled before there is a run
        page.session._mail.take_trainer(None)
        page.session._mail.stay(STOPPED)
    page.run()
    assert "The data were not read to the end" in messages(page)
    page.button(key="read-file").click().run()
    assert settled(page).session.snapshot().status == "ready"


def test_without_an_archive_the_pages_say_where_to_bring_one(page: AppTest) -> None:
    page.switch_page(PLAY).run()
    field(page, "selectbox", "dataset").set_value("images").run()
    settled(page)
    assert not page.exception
    assert "No archive of images is chosen yet. Upload one on the Data page." in messages(page)
    page.switch_page(DATA).run()
    assert not page.exception
    assert "No images are chosen yet. Bring a zip above" in messages(page)
