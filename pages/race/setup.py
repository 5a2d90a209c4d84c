"""What is raced: the variants that a reader has put together, and the race of them that this browser has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from mlp_core.changes import changes
from mlp_core.data import is_present
from mlp_core.errors import SpecError, UserError
from mlp_core.plan import plan
from mlp_core.race.race import LEAST, MOST, Entrant, Race
from mlp_core.race.rivals import raced
from mlp_core.race.variant import Variant, names_of, rival
from mlp_core.race.words import Unit
from mlp_core.settings import ACTIVATION, Setting, settings_of
from mlp_core.spec import Experiment
from pages.live.runs import BrowserRuns, browser_runs
from pages.shared import editor
from pages.shared.link import hidden, locked

_SETUP = "race_setup"
USUAL_LENGTHS: dict[Unit, float] = {"epochs": 200, "samples": 50_000, "seconds": 5}
"""How far a race goes where nobody has said otherwise."""
IMAGE_EPOCHS = 5
"""The same on sets of images, which take longer."""
MOST_LENGTH = 1_000_000_000.0
SMALL = 200_000
"""Numbers that all variants learn together, up to which they are got ready before anybody presses Start."""


@dataclass
class Setup:
    """What is raced."""

    base: Experiment
    """The experiment that variants differ from."""
    variants: dict[int, Variant]
    """The variants by a number that stays theirs."""
    unit: Unit = "epochs"
    """What they are in step by."""
    lengths: dict[Unit, float] = field(default_factory=dict)
    """How far they go in each unit."""
    full_speed: bool = False
    """Whether they go as fast as they can."""
    refused: str = ""
    """Why the last change was not taken; '' where it was."""
    next: int = 0
    """The number of the next variant."""

    @property
    def length(self) -> float:
        """How far they go."""
        return self.lengths[self.unit]

    @property
    def names(self) -> list[str]:
        """What the variants are called."""
        return names_of(self.base, list(self.variants.values()))

    def add(self, variant: Variant) -> None:
        """One more."""
        self.variants[self.next] = variant
        self.next += 1


def setup() -> Setup:
    """That of this browser. While nothing is raced, it is of the experiment at hand."""
    if _SETUP not in st.session_state:
        st.session_state[_SETUP] = _first(editor.experiment())
        _vary(st.session_state[_SETUP], None)
    found: Setup = st.session_state[_SETUP]
    runs, now = browser_runs(), editor.experiment()
    if found.base != now and (runs.race is None or not (runs.race.begun or runs.race.trains)):
        end_race(runs)
        rebase(found)
    return found


def _first(base: Experiment) -> Setup:
    made = Setup(base, {}, lengths=dict(USUAL_LENGTHS))
    epochs = base.training.epochs
    made.lengths["epochs"] = epochs or (IMAGE_EPOCHS if base.data.facts.holds_images else USUAL_LENGTHS["epochs"])
    made.add(Variant())
    return made


def rebase(found: Setup) -> None:
    """Race the experiment at hand; variants that it cannot have are left out, which is said."""
    base, gone = editor.experiment(), []
    kept = {}
    for number, variant in found.variants.items():
        try:
            variant.of(base)
            kept[number] = variant
        except SpecError as error:
            if variant.choices:
                gone.append(str(error))
            else:
                kept[number] = variant  # what is wrong with the experiment itself is said where it is raced
    fresh = _first(base)
    fresh.variants, fresh.next, fresh.unit, fresh.full_speed = kept, found.next, found.unit, found.full_speed
    fresh.refused = gone[0] if gone else ""
    if base.data.facts.holds_images == found.base.data.facts.holds_images:
        fresh.lengths = found.lengths
    if len(kept) < LEAST and not gone:
        _vary(fresh, None)
    st.session_state[_SETUP] = fresh
    found.__dict__.update(fresh.__dict__)


def race_against(path: str) -> None:
    """Begin with the experiment at hand and one variant that has another value of this setting."""
    made = _first(editor.experiment())
    _vary(made, path)
    st.session_state[_SETUP] = made
    end_race(browser_runs())


def settings_to_race(base: Experiment) -> dict[str, Setting]:
    """What may be raced: all that the link neither hides nor locks."""
    return {
        path: one for path, one in raced(base).items()
        if not hidden(*one.rule.controls) and not locked(*one.rule.controls)
    }  # fmt: skip


def add(path: str) -> None:
    """One more variant, with another value of a setting."""
    found = setup()
    if len(found.variants) >= MOST:
        found.refused = f"A race has at most {MOST} variants. Remove one first."
        return
    if _vary(found, path):
        changed()


def remove(number: int) -> None:
    """One less."""
    found = setup()
    if found.variants.pop(number, None) is not None:
        found.refused = ""
        changed()


def choose(number: int, path: str, value: Any) -> None:
    """Give a variant another value of a setting, or say why not."""
    found = setup()
    if number not in found.variants:
        return
    try:
        variant = found.variants[number].with_choice(path, value)
        variant.of(found.base)
    except SpecError as error:
        found.refused = error.on_page()
        editor.start_over()
        return
    found.variants[number], found.refused = variant, ""
    changed()


def _vary(found: Setup, path: str | None) -> bool:
    """Add a variant with another value of a setting; without one, of the first that has such."""
    paths = [path] if path is not None else [ACTIVATION, *settings_to_race(found.base)]
    for one in paths:
        try:
            found.add(rival(found.base, one, list(found.variants.values())))
        except SpecError as error:
            found.refused = str(error) if path is not None else ""
        else:
            found.refused = ""
            return True
    return False


def changed() -> None:
    """The race at hand is one of other variants: it ends, and what it has trained is kept. One of the new variants
    trains if it did."""
    runs = browser_runs()
    trained = runs.race is not None and runs.race.trains
    end_race(runs)
    if trained and not (found := current(runs, setup()))[1] and found[0] is not None:
        found[0].play()


def end_race(runs: BrowserRuns) -> None:
    """End the race at hand."""
    if runs.race is not None:
        runs.race.close()
        runs.race = None


def start_again(*, play: bool = False) -> None:
    """Go back to the initial weights, with the experiment at hand; `play` to train at once."""
    runs = browser_runs()
    end_race(runs)
    found = setup()
    rebase(found)
    if play and (race := current(runs, found)[0]) is not None:
        race.play()


def current(runs: BrowserRuns, found: Setup) -> tuple[Race | None, str]:
    """The race of what is set up, made where there is none; or why there can be none."""
    if runs.race is None:
        variants = list(found.variants.values())
        try:
            entrants = [Entrant(name, one.of(found.base)) for name, one in zip(found.names, variants, strict=True)]
            missing = next((one for one in entrants if not is_present(one.experiment.data)), None)
            if missing is not None:
                label = missing.experiment.data.entry.label
                return None, f"{label} is not on this machine yet. Open it in the Playground first."
            runs.race = Race(
                entrants, unit=found.unit, length=found.length, full_speed=found.full_speed, test=not hidden("test"),
                lease=runs.lease, keeper=runs.keeper,
            )  # fmt: skip
        except UserError as error:
            return None, str(error)
        if sum(plan(one.experiment).parameters for one in entrants) <= SMALL:
            runs.race.preview()
    return runs.race, ""


def differences(base: Experiment, variants: Sequence[Variant]) -> list[str]:
    """What had to change with the settings of each variant, in words; '' where that is nothing more."""
    found = []
    for variant in variants:
        try:
            made = variant.of(base)
            asked = base
            for path, value in variant.choices:
                asked = settings_of(asked)[path].put(asked, value)
            besides = changes(asked, made)
            found.append(f"Also {'; '.join(besides)}, which it needs." if besides else "")
        except SpecError as error:
            found.append(str(error))
    return found
