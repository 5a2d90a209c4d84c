"""The One step page without a browser: every stage, a weight of each layer, autograd, and a step taken in the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.presets import PRESETS
from mlp_core.spec import LayerSpec, OptimizerSpec
from mlp_core.training.session import Session
from tests.pages.test_pages import LIMIT, ROOT, use

PAGE = """
import streamlit as st
from pages.shared.editor import entered
entered("one-step")
exec(compile(open("pages/one_step/page.py").read(), "page.py", "exec"))
"""
LAYERS = (
    LayerSpec(type="Linear", params={"out_features": 20}), LayerSpec(type="Tanh"), LayerSpec(type="BatchNorm1d"),
    LayerSpec(type="Residual"), LayerSpec(type="Linear"),
)  # fmt: skip


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    session = Session()
    use(monkeypatch, session)
    monkeypatch.chdir(ROOT)
    test = AppTest.from_string(PAGE, default_timeout=LIMIT)
    test.session = session  # type: ignore[attr-defined]
    test.session_state["experiment"] = PRESETS["spiral"].experiment.updated(
        layers=LAYERS, optimizer=OptimizerSpec(type="Adam")
    )
    test.run()
    assert session.wait(lambda snapshot: snapshot.status != "preparing", LIMIT)
    yield sound(test.run())
    assert session.close(timeout=LIMIT)


def sound(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


def words(app: AppTest) -> str:
    return " ".join(element.value for kind in ("markdown", "caption", "info") for element in getattr(app, kind))


def button(app: AppTest, key: str) -> Any:
    return next(each for each in app.button if each.key == key)


def stage(app: AppTest) -> str:
    return next(each.value for each in app.markdown if each.value.startswith("####"))


def test_stages_forward_and_back(app: AppTest) -> None:
    seen = [stage(app)]
    while not button(app, "one_step_next").disabled:
        sound(button(app, "one_step_next").click().run())
        seen.append(stage(app))
    layers = ["1 Linear", "2 Tanh", "3 BatchNorm1d", "4.1 Linear", "4.2 ReLU", "4.3 Linear", "4 Residual", "5 Linear"]
    expected = ["Data", *(f"Forward · {name}" for name in layers), "Loss",
                *(f"Backward · {name}" for name in reversed(layers)),
                *(f"Update · {name}" for name in layers if name.split()[1] in ("Linear", "BatchNorm1d"))]  # fmt: skip
    assert [name.removeprefix("#### ").replace("\\", "") for name in seen] == expected
    sound(button(app, "one_step_back").click().run())
    assert stage(app) == seen[-2]
    assert "more neurons" in words(app) or "more inputs" in words(app), "a layer of 20 is folded"


def test_a_weight_of_each_parameter(app: AppTest) -> None:
    app.session_state["one_step_tab"] = "One weight"
    sound(app.run())
    choice = next(each for each in app.selectbox if (each.key or "").startswith("one_step_parameter"))
    for name in choice.options:
        sound(next(each for each in app.selectbox if each.key == choice.key).set_value(name.split(" ")[0]).run())
        figures = {metric.label: metric.value for metric in app.metric}
        assert figures["dL/dw by the chain rule"][:5] == figures["dL/dw by autograd"][:5]
    assert "exp_avg" in str(app.dataframe[-1].value)
    sound(button(app, "one_step_other").click().run())


def test_autograd_and_a_step_in_the_run(app: AppTest) -> None:
    app.session_state["one_step_tab"] = "Autograd"
    sound(app.run())
    assert "Gradients add up" in words(app)
    assert len(app.code) == 4
    before = app.session.snapshot().step  # type: ignore[attr-defined]
    sound(button(app, "one_step_take").click().run())
    assert app.session.snapshot().step == before + 1  # type: ignore[attr-defined]
    assert "Step 2, from the weights after 1 step " in words(app)
    sound(app.run())
    group = next(each for each in app.button_group if each.key == "one_step_which")
    sound(group.set_value("Drawn by seed").run())
    assert button(app, "one_step_take").disabled
