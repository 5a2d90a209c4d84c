"""Areas of the Playground that are drawn by themselves: what is edited there leaves all other widgets as they are."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from pages.live.warm import COLLECT_AFTER
from tests.pages.test_pages import ROOT, app, field, messages, preset  # noqa: F401

pytestmark = pytest.mark.layer_list

RATE, WIDTH, TYPE = (
    ("number_input", "lr"),
    ("number_input", "layer-0-Linear-out_features"),
    ("selectbox", "layer-1-type"),
)
OPTIMIZER = "selectbox", "optimizer"


def keys(app: AppTest, *names: tuple[str, str]) -> list[str]:  # noqa: F811
    return [field(app, kind, name).key for kind, name in names]


def test_a_layer_of_another_type_starts_the_networks_widgets_over_and_no_others(app: AppTest) -> None:  # noqa: F811
    width, *others = keys(app, WIDTH, RATE, OPTIMIZER)
    field(app, *TYPE).set_value("ReLU").run()
    assert app.session.experiment.layers[1].type == "ReLU"
    assert preset(app).value is None
    assert not any((box.key or "").startswith("optimizer") for box in app.selectbox), "nothing else ran"
    app.run()
    assert keys(app, RATE, OPTIMIZER) == others
    assert keys(app, WIDTH) != [width]


def test_a_width_leaves_all_widgets_as_they_are(app: AppTest) -> None:  # noqa: F811
    before = keys(app, WIDTH, TYPE, RATE)
    field(app, *WIDTH).set_value(5).run()
    assert app.session.experiment.layers[0].params["out_features"] == 5
    assert keys(app.run(), WIDTH, TYPE, RATE) == before


def test_a_refused_width_starts_the_networks_widgets_over(app: AppTest) -> None:  # noqa: F811
    before = keys(app, RATE)
    field(app, *WIDTH).set_value(-1).run()
    assert "-1" in messages(app)
    assert field(app, *WIDTH).value == 8
    assert keys(app.run(), RATE) == before


def test_an_error_in_the_network_greys_the_buttons_and_its_fix_brings_them_back(app: AppTest) -> None:  # noqa: F811
    last = len(app.session.experiment.layers) - 1
    field(app, "number_input", f"layer-{last}-Linear-out_features").set_value(5).run()
    assert app.button(key="train").disabled
    app.button(key="fix-0").click().run()
    assert not app.button(key="train").disabled


def test_a_server_collects_garbage_seldom() -> None:
    code = "import app, gc; print(*gc.get_threshold())"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert tuple(map(int, found.split())) == COLLECT_AFTER != gc.get_threshold()
