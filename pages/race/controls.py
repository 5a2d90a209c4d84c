"""What starts and steers a race."""

from __future__ import annotations

import streamlit as st

from mlp_core.race.race import Race
from mlp_core.race.words import Unit
from pages.live.runs import browser_runs
from pages.race.setup import MOST_LENGTH, Setup, changed, setup, start_again
from pages.race.slots import MEASURES
from pages.shared import editor

UNITS: dict[Unit, str] = {"epochs": "Epochs", "samples": "Samples", "seconds": "Seconds"}
SOON_SECONDS = 0.1
"""How long a press waits for its effect, which the page then shows at once."""


def actions(race: Race) -> None:
    """Start or Pause, and Reset: a press of one runs them alone."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        with st.container(key="main_action", width="content"):
            if race.trains:
                st.button("Pause", key="race-pause", icon=":material/pause:", type="primary", on_click=_pause,
                          args=(race,))  # fmt: skip
            elif race.over and race.begun:
                st.button("Again", key="race-again", icon=":material/replay:", type="primary", on_click=_again,
                          help="The same race from the same initial weights.")  # fmt: skip
            else:
                st.button("Start", key="race-start", icon=":material/sports_score:", type="primary",
                          on_click=_start, args=(race,))  # fmt: skip
        st.button("Reset", key="race-reset", icon=":material/replay:", on_click=_reset,
                  help="Back to the same initial weights. What was trained is kept among the runs.")  # fmt: skip


def _start(race: Race) -> None:
    race.play()


def _pause(race: Race) -> None:
    race.pause()
    race.wait(SOON_SECONDS)


def _again() -> None:
    start_again(play=True)
    st.rerun()


def _reset() -> None:
    start_again()
    st.rerun()


def choices(found: Setup) -> None:
    """What they are in step by, how far they go, and how fast."""
    key, first = editor.start("race-unit", found.unit)
    st.segmented_control(
        "In step by", list(UNITS), key=key, default=first, required=True, format_func=UNITS.__getitem__,
        help="What every variant has had as much of, whenever they are compared: passes over the training samples, "
        "samples, or seconds of training.", on_change=editor.once(lambda: _set_unit(st.session_state[key])),
    )  # fmt: skip
    length, far = editor.start(f"race-length-{found.unit}", float(found.length))
    st.number_input(
        f"Length, in {found.unit}", value=far, key=length, width=150, format="%g", step=_step(found),
        on_change=editor.once(lambda: _set_length(st.session_state[length])),
    )  # fmt: skip
    speed, fast = editor.start("race-full-speed", found.full_speed)
    st.toggle("Full speed", value=fast, key=speed,
              help="As fast as it goes. Else a race lasts long enough to be watched.",
              on_change=editor.once(lambda: _set_speed(st.session_state[speed])))  # fmt: skip


def _step(found: Setup) -> float:
    return {"epochs": 10.0, "samples": 10_000.0, "seconds": 1.0}[found.unit]


def _set_unit(unit: Unit) -> None:
    setup().unit = unit
    changed()


def _set_length(length: float | None) -> None:
    found, race = setup(), browser_runs().race
    least = 0.1 if found.unit == "seconds" else 1.0
    if length is None or not least <= length <= MOST_LENGTH or (found.unit != "seconds" and length != int(length)):
        kind = "a number" if found.unit == "seconds" else "a whole number"
        found.refused = f"The length of a race must be {kind} of {found.unit} of at least {least:g}."
        editor.start_over()
        return
    found.lengths[found.unit], found.refused = length, ""
    if race is not None:
        race.go_as_far_as(length)


def _set_speed(full: bool) -> None:
    setup().full_speed = full
    if (race := browser_runs().race) is not None:
        race.full_speed = full


def curve_choices(race: Race | None) -> tuple[str, bool]:
    """What the curves are of, and whether the axis of a loss is logarithmic."""
    classifies = race is None or race.measure.kind == "accuracy"
    known = [name for name in MEASURES if name != "accuracy" or classifies]
    if race is not None and race.measure.part == "training":
        known = ["train_loss"]
    with st.container(horizontal=True, vertical_alignment="center", key="race-curve-controls"):
        measure = st.segmented_control(
            "Curves", known, default=known[0], key=f"race-measure-{len(known)}", required=True,
            format_func=MEASURES.__getitem__, label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        log = st.toggle("Log scale", key="race-log", disabled=measure == "accuracy")
    return str(measure), bool(log)
