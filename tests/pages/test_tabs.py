"""Tabs are areas of their own: what is chosen there is drawn there, and nothing is computed for the others."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.test_evaluate import parts
from tests.pages.test_pages import LIMIT, app  # noqa: F401


def test_what_is_set_in_a_tab_of_the_playground_is_how_its_views_are_drawn(app: AppTest) -> None:  # noqa: F811
    app.session.step_epoch()
    assert app.session.wait(lambda now: now.step > 0 and not now.busy, LIMIT)
    app.session_state["live_tab"] = "Curves"
    app.run()
    assert parts(app)["curves-loss"]["figure"]["layout"]["yaxis"].get("type") != "log"
    app.toggle(key="log_loss").set_value(True).run()
    assert not app.exception
    assert parts(app)["curves-loss"]["figure"]["layout"]["yaxis"]["type"] == "log"
    assert not {"confusion", "weights"} & set(app.session._mail.orders.views), "a closed tab costs nothing"
