"""The Data page: a table is brought, changed, refused; any other set is understood; a link without its file says so."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.catalog.tables import table_of
from mlp_core.data.folder import data_folder
from mlp_core.limits import MAX_UPLOAD_BYTES
from mlp_core.link import encode
from mlp_core.presets import preset as ready
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec
from tests.pages.test_pages import ROOT, app, field, messages  # noqa: F401

DATA = str(ROOT / "pages" / "data" / "page.py")
CSV = "größe;<b>colour</b>;y\n" + "".join(f"{n},5;{['red', 'blue'][n % 2]};{'ab'[n % 2]}\n" for n in range(40))


@pytest.fixture
def page(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:  # noqa: F811
    """The Data page, with a data folder of the test's own."""
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    app.switch_page(DATA).run()
    return app


def upload(page: AppTest, content: bytes, name: str = "mine.csv") -> AppTest:
    return page.file_uploader(key="upload-table").set_value((name, content, "text/csv")).run()


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


def test_the_browser_and_the_server_have_one_limit() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["maxUploadSize"] * 1_000_000 == MAX_UPLOAD_BYTES
    assert data_folder().name
