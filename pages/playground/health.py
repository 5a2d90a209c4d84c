"""The place that says what is wrong in a run, with remedies at one press."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS
from mlp_core.views.health import HEALTH, found
from pages.components.health_board import with_remedies
from pages.components.part import Part
from pages.live import runs
from pages.live.slots import ViewSlot
from pages.shared import editor


@dataclass(frozen=True, eq=False)
class HealthSlot(ViewSlot):
    """The list of what is wrong, whose buttons change the experiment that the browser edits."""

    def part(self, snapshot: Snapshot) -> Part:
        """The list as it is now."""
        made = super().part(snapshot)
        return with_remedies(made, try_remedy) if "checks" in made.data else made


def health_slot(slot: ViewSlot) -> ViewSlot:
    """The slot, with buttons that work where it shows what is wrong."""
    if slot.alternatives != (HEALTH,):
        return slot
    return HealthSlot(slot.name, slot.alternatives, slot.options, slot.height, slot.label)


def try_remedy(name: str) -> None:
    """Change the experiment as the finding of that name, in the run at hand, proposes it."""
    snapshot = runs.browser_runs().session.snapshot()
    finding = next((one for one in found(snapshot) or () if one.name == name), None)
    if finding is None or finding.change is None or snapshot.experiment is None:
        return  # it was put right a moment ago
    if snapshot.experiment.without_live() != editor.experiment().without_live():
        editor.say("controls", f"The network was changed since. Look at {VIEWS[HEALTH].label} again when it has run.")
        return
    change = finding.change
    editor.edit("controls", lambda old: change(old) or old)
    st.rerun()  # all of the page, and not the area of the list alone
