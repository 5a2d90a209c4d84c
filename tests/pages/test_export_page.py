"""The Export page without a browser: every style, every file there and back, and the link."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from streamlit.testing.v1 import AppTest

from mlp_core.export import STYLES, refuses, script, weights
from mlp_core.presets import PRESETS
from tests.pages.test_pages import LIMIT, field, messages, opened, settled


@pytest.fixture
def export(app: AppTest) -> AppTest:
    """The Export page, of a run of some steps."""
    app.button(key="step").click().run()
    assert app.session.wait(lambda snapshot: snapshot.step == 1 and not snapshot.busy, LIMIT)
    app.switch_page("../export/page.py").run()
    assert not app.exception
    return app


def show_tab(app: AppTest, name: str) -> None:
    app.session_state["export_tab"] = name
    app.run()
    assert not app.exception


def test_every_style_is_shown_or_refused_with_a_reason(export: AppTest) -> None:
    for style in STYLES:
        export.selectbox(key="export_style").set_value(style).run()
        assert not export.exception
        reason = refuses(export.session.experiment, style)
        if reason:
            assert reason in messages(export)
        else:
            assert export.code[0].value == script(export.session.experiment, style).strip()


def test_two_styles_stand_side_by_side_with_their_differences_marked(export: AppTest) -> None:
    export.selectbox(key="export_other").set_value("bare-tensors").run()
    shown = next(block.value for block in export.get("html") if "code-compare" in block.value)
    assert 'class="differs"' in shown
    assert "equal lines" in shown
    assert not export.code


def test_a_script_that_cannot_repeat_the_run_says_so(export: AppTest) -> None:
    assert "prints the numbers" in messages(export)
    session = export.session
    changed = session.experiment.updated(
        optimizer=session.experiment.optimizer.updated(params={**session.experiment.optimizer.params, "lr": 0.5})
    )
    edited = changed.to_json()
    show_tab(export, "Experiment and link")
    export.get("file_uploader")[0].upload("experiment.json", edited.encode(), "application/json").run()
    session.step()
    assert session.wait(lambda snapshot: snapshot.step == 2 and not snapshot.busy, LIMIT)
    show_tab(export, "Code")
    assert "changed by hand" in export.warning[0].value
    export.toggle(key="export_trained").set_value(True).run()
    assert "load_file" in export.code[0].value


@pytest.mark.parametrize("kind", ["weights", "onnx", "zip"])
def test_files_of_the_trained_network(export: AppTest, kind: str) -> None:
    show_tab(export, "Weights and models")
    export.selectbox(key="export_kind").set_value(kind).run()
    export.button(key="make-file").click().run()
    assert not export.exception
    assert not export.error
    name, content, said = export.session_state["made_file"]
    assert "step 1" in said
    if kind == "weights":
        assert weights.load(content).experiment == export.session.experiment
    else:
        assert content.startswith(b"PK" if kind == "zip" else b"\x08")
    assert any(name in button.label for button in export.get("download_button"))


def test_weights_come_back_and_a_bad_file_costs_nothing(export: AppTest) -> None:
    session = export.session
    state = session.weights("current", LIMIT)
    content = weights.save(state.experiment, state.tensors, step=1)
    show_tab(export, "Weights and models")
    export.get("file_uploader")[0].upload("w.safetensors", b"\x80\x04pickle", "application/octet-stream").run()
    assert "safetensors" in messages(export)
    assert session.snapshot().step == 1
    session.reset()
    assert session.wait(lambda snapshot: snapshot.step == 0 and not snapshot.busy, LIMIT)
    export.get("file_uploader")[0].upload("w.safetensors", content, "application/octet-stream").run()
    assert not export.error
    settled(export)
    back = session.weights("current", LIMIT)
    assert all(torch.equal(back.tensors[name], tensor) for name, tensor in state.tensors.items())
    assert any("loaded" in reason for reason in session.snapshot().inexact)


def test_an_experiment_comes_back_and_a_bad_one_is_explained(export: AppTest) -> None:
    show_tab(export, "Experiment and link")
    export.get("file_uploader")[0].upload("e.json", b'{"layers": [], "surprise": 1}', "application/json").run()
    assert "lacks the key 'loss'" in messages(export)
    assert export.session.experiment == PRESETS["spiral"].experiment
    wanted = PRESETS["xor"].experiment
    export.get("file_uploader")[0].upload("e.json", wanted.to_json().encode(), "application/json").run()
    assert export.session.experiment == wanted


@pytest.mark.layer_list
def test_the_link_on_the_page_opens_the_experiment(export: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    show_tab(export, "Experiment and link")
    export.multiselect(key="link_lock").set_value(["network"]).run()
    link = next(block.value for block in export.code if block.value.startswith("http"))
    query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    other = opened(monkeypatch, **query)
    assert other.session.experiment == export.session.experiment
    assert field(other, "selectbox", "layer-0-type").disabled
    assert other.session.close(timeout=LIMIT)
