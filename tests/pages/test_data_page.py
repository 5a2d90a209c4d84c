"""The Data page: a table is brought, changed, refused; any other set is understood; a link without its file says so."""

from __future__ import annotations

import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mlp_core import data
from mlp_core.catalog import DATASETS
from mlp_core.catalog.datasets import GROUPS
from mlp_core.catalog.tables import table_of
from mlp_core.data import _cache, reading, uploads
from mlp_core.data.folder import data_folder
from mlp_core.limits import MAX_UPLOAD_BYTES
from mlp_core.link import encode
from mlp_core.presets import preset as ready
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec
from tests.pages.test_pages import LIMIT, ROOT, app, field, messages  # noqa: F401

DATA = str(ROOT / "pages" / "data" / "page.py")
CSV = "größe;<b>colour</b>;y\n" + "".join(f"{n},5;{['red', 'blue'][n % 2]};{'ab'[n % 2]}\n" for n in range(40))


@pytest.fixture
def page(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:  # noqa: F811
    """The Data page, with a data folder of the test's own."""
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    app.switch_page(DATA).run()
    return app


def upload(page: AppTest, content: bytes, name: str = "mine.csv") -> AppTest:
    return page.file_uploader(key="upload-file").set_value((name, content, "text/csv")).run()


def test_a_table_is_brought_and_trained_on(page: AppTest, tmp_path: Path) -> None:
    upload(page, CSV.encode("utf-16"))
    assert not page.exception
    experiment = page.session_state["experiment"]
    table = table_of(experiment.data.params)
    assert table is not None
    assert (table.file.name, table.target, table.classes) == ("mine.csv", "y", ("a", "b"))
    assert [column.kind for column in table.features] == ["number", "category"]
    assert page.session.snapshot().dataset.train_size == 20
    assert len(list((tmp_path / "uploads").iterdir())) == 1
    field(page, "selectbox", "table-target").set_value("größe").run()
    assert not page.exception
    changed = table_of(page.session_state["experiment"].data.params)
    assert changed is not None
    assert (changed.target, changed.task) == ("größe", "regression")
    assert page.session_state["experiment"].loss.type == "MSELoss"
    assert not page.session.snapshot().dataset.facts.classifies


def test_a_refused_file_leaves_the_experiment_and_nothing_on_the_disk(page: AppTest, tmp_path: Path) -> None:
    before = page.session_state["experiment"]
    upload(page, b"a,b\n1,2\n3\n")
    assert "Row 3 of the table 'mine.csv' has 1 cells" in messages(page)
    assert page.session_state["experiment"] == before
    assert list((tmp_path / "uploads").iterdir()) == []
    upload(page, b"x,y\n" + b"".join(b"%d,c%d\n" % (n % 3, n) for n in range(30_000)), "kinds.csv")
    assert "has no column to learn 'x' from: 'y' would be ignored" in messages(page)
    assert page.session_state["experiment"] == before
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_full_disk_is_said_and_nothing_has_changed(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    before = page.session_state["experiment"]
    monkeypatch.setattr(uploads.os, "fsync", full)
    upload(page, CSV.encode())
    assert "could not be saved on the server: no space left on device" in messages(page)
    assert page.session_state["experiment"] == before
    assert list((tmp_path / "uploads").iterdir()) == []


def test_data_on_their_way_can_be_given_up(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    before, load, given_up = page.session_state["experiment"], data.load, threading.Event()

    def read(spec: DataSpec, *arguments: Any, **keywords: Any) -> Any:
        if spec.dataset == "table":
            keywords["progress"](data.Progress("Reading mine.csv", 5, 10))
            given_up.wait(30)
        return load(spec, *arguments, **keywords)

    monkeypatch.setattr(data, "load", read)
    monkeypatch.setattr(reading, "SMALL_BYTES", 10)  # as one that takes long
    upload(page, CSV.encode())
    assert page.session_state["experiment"] != before
    page.button(key="cancel_download").click().run()
    given_up.set()
    assert not page.exception
    assert page.session_state["experiment"] == before
    assert page.session.snapshot().dataset.spec == before.data
    assert any("training samples" in element.value for element in page.markdown)


def test_how_a_file_is_read_can_be_put_right(page: AppTest) -> None:
    upload(page, b"a;b\n1,5;x\n2,5;y\n3;x\n4;y\n")
    field(page, "selectbox", "table-decimal").set_value(".").run()
    assert not page.exception
    table = table_of(page.session_state["experiment"].data.params)
    assert table is not None
    assert table.file.decimal == "."


@pytest.mark.parametrize("name", ["spiral", "iris", "diabetes"])
def test_every_set_can_be_understood(name: str, page: AppTest) -> None:
    page.session_state["experiment"] = with_data(ready("spiral").experiment, DataSpec(dataset=name))
    page.run()
    assert not page.exception
    assert any("training samples" in element.value for element in page.markdown)
    for tab in ("Samples", "Doubles", "Correlations"):
        page.session_state["data_tab"] = tab
        page.run()
        assert not page.exception


def test_a_link_whose_file_is_not_here_asks_for_it_and_other_work_goes_on(page: AppTest) -> None:
    values = {
        "file": {"name": "*gone*.csv", "sha256": "0" * 64, "size": 10, "rows": 5}, "features": [{"name": "x"}],
        "target": "y", "classes": ["n", "y"],
    }  # fmt: skip
    page.session_state["experiment"] = with_data(
        ready("spiral").experiment, DataSpec(dataset="table", params={"table": values})
    )
    page.run()
    assert not page.exception
    shown = " ".join(element.value for element in page.warning).replace("\\", "")
    assert "The file '*gone*.csv' is not on this server. Upload it again" in shown
    page.switch_page(str(ROOT / "pages" / "playground" / "page.py")).run()
    assert not page.exception
    assert "Upload it again on the Data page" in messages(page)
    assert not [button for button in page.button if button.key == "download"]
    assert encode(page.session_state["experiment"])


def button(page: AppTest, label: str) -> Any:
    """The button of that label; the first if there are more."""
    return next(found for found in page.button if found.label.replace("\\", "") == label)


def faults(page: AppTest) -> str:
    return " ".join(element.value for element in page.markdown).replace("\\", "")


MESSY = "id,<i>size</i>,one,y\n" + "".join(
    f"{n},{'abc' if n == 3 else f'{n}.5'},1,{'rare' if n == 9 else 'ab'[n % 2]}\n" for n in range(40)
)


def test_what_is_amiss_is_put_right_by_presses_here_and_in_the_playground(page: AppTest) -> None:
    upload(page, MESSY.encode())
    assert "Column '<i>size</i>': 1 cell is text (the first is 'abc' in row 4)" in faults(page)
    button(page, "Leave the rows out").click().run()
    button(page, "Ignore the column").click().run()
    assert not page.exception
    table = table_of(page.session_state["experiment"].data.params)
    assert table is not None
    assert [(column.name, column.missing) for column in table.features] == [("id", ""), ("<i>size</i>", "drop")]
    page.switch_page(str(ROOT / "pages" / "playground" / "page.py")).run()
    assert "Column 'id' seems to count the rows" in messages(page)
    assert "Class 'rare' of 'y' has a single row" in messages(page)
    button(page, "Leave its rows out").click().run()
    assert not page.exception
    assert page.session_state["experiment"].data.facts.class_names == ("a", "b")
    assert "Class 'rare'" not in messages(page)


def test_a_target_that_cannot_be_has_other_ways(page: AppTest) -> None:
    upload(page, MESSY.encode())
    before = page.session_state["experiment"]
    field(page, "selectbox", "table-target").set_value("one").run()
    assert "The target 'one' has one class, '1', so that nothing is to learn" in messages(page)
    assert page.session_state["experiment"] == before
    button(page, "Predict 'y' instead").click().run()
    assert not page.exception
    assert table_of(page.session_state["experiment"].data.params).target == "y"  # type: ignore[union-attr]
    assert "nothing is to learn" not in messages(page)


def test_blank_and_repeated_names_are_said(page: AppTest) -> None:
    upload(page, b",a,a,y\n" + b"".join(b"%d,%d,%d,%c\n" % (n * n, n % 5, n % 7, b"uv"[n % 2]) for n in range(40)))
    assert not page.exception
    said = faults(page)
    assert "Column 1 has no name and is called 'column 1'." in said
    assert "Column 3 is named 'a' like another one and is called 'a.1'." in said


def test_every_set_of_the_catalog_can_be_chosen_and_ones_own_comes_back(page: AppTest) -> None:
    upload(page, CSV.encode("utf-16"))
    mine = page.session_state["experiment"].data
    seen = []
    for group in GROUPS:
        field(page, "button_group", "data_group").set_value(group).run()
        assert not page.exception
        seen += [name for name in (key.key.rsplit("--", 1)[0] for key in page.button) if name.startswith("use-")]
    assert seen == [f"use-{name}" for name in sorted(DATASETS, key=lambda name: [*GROUPS].index(DATASETS[name].group))]
    field(page, "button_group", "data_group").set_value("bundled").run()
    field(page, "button", "use-diabetes").click().run()
    assert not page.exception
    experiment = page.session_state["experiment"]
    assert (experiment.data.dataset, experiment.loss.type) == ("diabetes", "MSELoss")
    assert page.session.wait(lambda now: now.dataset is not None and now.dataset.spec == experiment.data, LIMIT)
    field(page, "button_group", "data_group").set_value("uploaded").run()
    field(page, "button", "use-table").click().run()
    assert page.session_state["experiment"].data == mine
    assert page.session_state["experiment"].loss.type == "CrossEntropyLoss"


def test_what_was_drawn_comes_back_in_the_playground_too(app: AppTest) -> None:  # noqa: F811
    drawn = DataSpec(dataset="drawn", params={"samples": [[0, 0, 0], [9, 9, 1], [0, 9, 1], [9, 0, 0]]})
    app.session_state["experiment"] = with_data(ready("spiral").experiment, drawn)
    app.run()
    field(app, "selectbox", "dataset").set_value("circle").run()
    field(app, "selectbox", "dataset").set_value("drawn").run()
    assert app.session_state["experiment"].data == drawn


def test_a_file_that_a_link_asks_for_goes_with_the_links_own_choices(page: AppTest) -> None:
    upload(page, CSV.encode("utf-16"))
    field(page, "selectbox", "table-target").set_value("größe").run()
    chosen = page.session_state["experiment"]
    for path in (data_folder() / "uploads").iterdir():
        path.unlink()
    _cache.clear()
    page.session.reset()
    del page.session_state["table_inspection"]  # as in a browser that has opened a link
    assert page.session.wait(lambda now: now.status == "needs download", LIMIT)
    upload(page, CSV.encode("utf-16"))
    assert not page.exception
    assert page.session_state["experiment"] == chosen
    assert page.session.wait(lambda now: now.status == "ready", LIMIT), page.session.snapshot().status + messages(page)


def test_the_browser_and_the_server_have_one_limit() -> None:
    import app as entry

    assert st.get_option("server.maxUploadSize") * 1024**2 >= MAX_UPLOAD_BYTES
    assert entry.app is not None
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert "maxUploadSize" not in config["server"]
    assert data_folder().name


def test_columns_of_a_wide_table_are_chosen_by_their_names(page: AppTest) -> None:
    names = [f"f{place}" for place in range(20)]
    rows = "".join(",".join(str(n * place) for place in range(1, 21)) + f",{'ab'[n % 2]}\n" for n in range(30))
    upload(page, (",".join([*names, "y"]) + "\n" + rows).encode())

    def press(wanted: str, choice: str) -> list[str]:
        field(page, "text_input", "table-names").set_value(wanted)
        page.button(key=f"table-{choice}").click().run()
        assert not page.exception
        table = table_of(page.session_state["experiment"].data.params)
        assert table is not None
        return [column.name for column in table.features]

    assert press("f3:f5", "only") == ["f3", "f4", "f5"]
    assert press("f1?", "add") == ["f3", "f4", "f5", *names[10:]]
    assert press("nothing", "leave out") == ["f3", "f4", "f5", *names[10:]]
    assert any("No column matches 'nothing'" in error.value for error in page.error)
