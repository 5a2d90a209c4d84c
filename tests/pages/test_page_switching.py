"""Presets and data sets chosen on the page at random moments while it trains: it always can be used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from mlp_core.catalog import DATASETS
from mlp_core.presets import PRESETS
from mlp_core.training.session import Session
from tests.pages.test_pages import LIMIT, ROOT, field, preset, settled, use

HERE = [name for name, entry in DATASETS.items() if entry.source in ("generated", "bundled")]
"""Data sets that need no download."""
PRESETS_HERE = [name for name, preset in PRESETS.items() if preset.experiment.data.dataset in HERE]
MOST_SNAPSHOTS = 3
"""As many new snapshots at most go by between two actions."""

Action = Callable[[AppTest], None]


def choose_preset(name: str) -> Action:
    return lambda app: preset(app).set_value(name)


def choose_data(name: str) -> Action:
    return lambda app: field(app, "selectbox", "dataset").set_value(name)


def press(app: AppTest) -> None:
    """Press Train, or Pause where it trains; what cannot be trained, nobody can press."""
    found = next(button for button in app.button if button.key in ("train", "pause"))
    if not found.disabled:
        found.click()


def look(app: AppTest) -> None:
    """Do nothing: the page is drawn again as it is."""


ACTIONS = st.one_of(
    st.sampled_from(PRESETS_HERE).map(choose_preset),
    st.sampled_from(HERE).map(choose_data),
    st.sampled_from([press, look]),
)


@contextmanager
def opened() -> Iterator[AppTest]:
    """The app, training the default preset."""
    session = Session()
    with pytest.MonkeyPatch.context() as patch:
        use(patch, session)
        patch.chdir(ROOT)
        app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT).run()
        app.session = session  # type: ignore[attr-defined]
        settled(app)
        press(app)
        try:
            yield app.run()
        finally:
            assert session.close(LIMIT)


def can_be_used(app: AppTest) -> None:
    """Whether the page has its buttons, its tabs and every part, by a run of the page and by its stream."""
    assert not app.exception
    assert {"train", "pause"} & {button.key for button in app.button}
    assert {"step", "epoch", "reset"} <= {button.key for button in app.button}
    assert [tab.label for tab in app.tabs][:2] == ["Overview", "Curves"]
    answer = json.loads(app.session_state["live_page"].answer())
    assert answer["parts"].get("notice", {"text": ""})["text"] == ""


def let_pass(session: Session, snapshots: int) -> None:
    """Wait until so many new snapshots were seen, or nothing goes on."""
    versions: set[int] = set()

    def enough(now: object) -> bool:
        snapshot = session.snapshot()
        versions.add(snapshot.version)
        return len(versions) > snapshots or not snapshot.busy

    assert session.wait(enough, LIMIT)


@settings(max_examples=4)
@given(st.lists(st.tuples(ACTIONS, st.integers(0, MOST_SNAPSHOTS)), min_size=2, max_size=4))
def test_whatever_is_chosen_while_it_trains_the_page_can_be_used(actions: list[tuple[Action, int]]) -> None:
    with opened() as app:
        can_be_used(app)
        for act, snapshots in actions:
            act(app)
            can_be_used(app.run())
            let_pass(app.session, snapshots)
            can_be_used(app.run())
        assert settled(app).session.snapshot().status != "preparing"
        can_be_used(app)


def test_three_classes_trained_then_two() -> None:
    with opened() as app:
        for name in ("two-hidden-relu", "binary-16-12-10-1", "two-hidden-relu", "plane", "batchnorm-block"):
            choose_preset(name)(app)
            can_be_used(app.run())
            assert app.session.wait(lambda now, name=name: now.experiment == PRESETS[name].experiment, LIMIT)
            assert app.session.wait(lambda now: now.step > 0 or now.status == "failed", LIMIT)
            assert app.session.snapshot().status != "failed"
            can_be_used(app.run())
