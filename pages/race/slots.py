"""What moves on the page of a race: the sentence, the curves of all, the table of figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from mlp_core.catalog.facts import DataFacts
from mlp_core.figures import Curve, RunCurve, Theme, empty, empty_alt, readable, run_curves, run_curves_alt
from mlp_core.race.lane import Lane
from mlp_core.race.race import Race
from mlp_core.race.words import progress_text, ranked
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Options
from pages.components.figure_table import Cell, figure_table
from pages.components.headline import headline
from pages.components.live_plot import plot
from pages.components.part import Part
from pages.live.slots import Slot, ViewSlot

BOARD = "race"
"""The name of the race as a whole among the runs of the page."""
POINTS = 160
"""Points of a curve at most."""
CURVE_HEIGHT, PICTURE_HEIGHT, TABLE_HEIGHT = 290, 215, 330
MEASURES = {
    "accuracy": "Accuracy", "loss": "Loss", "train_loss": "Training loss",
}  # fmt: skip
"""What curves are drawn of."""


@dataclass(frozen=True, eq=False)
class _BoardSlot:
    """A place that shows the race as a whole."""

    race: Race
    """The race."""

    def views(self, facts: DataFacts) -> Iterable[str]:
        """None: figures come with every lap."""
        return ()

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Never: it is drawn from all variants."""
        return False


@dataclass(frozen=True, eq=False)
class VerdictSlot(_BoardSlot):
    """The place of the sentence."""

    label: str = "The sentence on who leads"
    """Its name for people."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "race-verdict"

    def part(self, snapshot: Snapshot) -> Part:
        """The sentence as it is now."""
        race = self.race
        text = race.verdict or ("" if race.trains else "Press Start: the variants train side by side.")
        return headline(text, race.measure.reason, said=bool(race.verdict) and not race.trains, key="race-verdict")


@dataclass(frozen=True, eq=False)
class CurvesSlot(_BoardSlot):
    """The place of the curves of all variants."""

    measure: str = "loss"
    """What is drawn: a key of `MEASURES`."""
    log: bool = False
    """Whether the axis of a loss is logarithmic."""
    theme: Theme = "light"
    """The colours of the page."""
    label: str = "The curves"
    """Its name for people."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "race-curves"

    def part(self, snapshot: Snapshot) -> Part:
        """The curves as they are now."""
        race = self.race
        part = race.measure.part
        accuracy = self.measure == "accuracy"
        y = "training loss" if self.measure == "train_loss" or part == "training" else f"{part} {self.measure}"
        found = [
            RunCurve(lane.name, _curve(lane, self.measure, part), _steps_per(lane, race.unit)) for lane in race.lanes
        ]
        words = {"x": race.unit, "percents": accuracy}
        if not any(len(one.curve) for one in found):
            text = "The curves of all variants are drawn here as soon as they train."
            return plot(empty(text, theme=self.theme), key="race-curves", height=CURVE_HEIGHT, alt=empty_alt(text))
        figure = run_curves(found, y=y, log_y=self.log and not accuracy, theme=self.theme,
                            uirevision=f"{self.measure}-{self.log}-{race.unit}", **words)  # fmt: skip
        figure["layout"]["xaxis"]["range"] = [0, race.length]
        alt = run_curves_alt(found, y=y[:1].upper() + y[1:], **words)
        return plot(figure, key="race-curves", height=CURVE_HEIGHT, alt=alt)


class PictureSlot(ViewSlot):
    """The place of a variant's picture: small, so without what is the same in all of them."""

    def part(self, snapshot: Snapshot) -> Part:
        """The picture as it is now."""
        made = super().part(snapshot)
        figure = made.data.get("figure")
        if figure is None or snapshot.dataset is None:
            return made
        layout = {**figure["layout"], "showlegend": False}
        traces = figure["data"]
        if snapshot.dataset.facts.plane:
            small = {"visible": False}
            layout |= {"margin": {"l": 0, "r": 0, "t": 0, "b": 0},
                       "xaxis": {**layout.get("xaxis", {}), **small}, "yaxis": {**layout.get("yaxis", {}), **small}}
            traces = [trace for trace in traces if trace.get("uid") != "wrong"]
        return replace(made, data={**made.data, "figure": {**figure, "data": traces, "layout": layout}})


@dataclass(frozen=True, eq=False)
class TableSlot(_BoardSlot):
    """The place of the table of figures."""

    label: str = "The table of figures"
    """Its name for people."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "race-table"

    def part(self, snapshot: Snapshot) -> Part:
        """The table as it is now."""
        race = self.race
        columns = [("Variant", "What differs"), ("Place", "By the figure that decides; equal ones share a place"),
                   (_title(race.measure.label), race.measure.reason), ("Training loss", "Mean over the last epoch"),
                   ("Epochs", "How often every training sample was seen"),
                   ("Seconds", "That its steps took; the test passes are left out"),
                   ("Parameters", "Numbers that it learns")]  # fmt: skip
        places = _places(race)
        rows = [_row(race, lane, places.get(lane.name, "")) for lane in race.lanes]
        alt = "Figures of the race. " + (race.verdict or "It has not begun.")
        return figure_table(columns, rows, alt=alt, height=TABLE_HEIGHT, key="race-table")


def lane_slots(race: Race, theme: Theme, *, test: bool) -> dict[str, list[Slot]]:
    """The place of each variant's picture by the name of its run on the page: what it makes of the data, else which
    classes it takes for which."""
    views = tuple(name for name, view in VIEWS.items() if view.output and view.kind == "plot")
    options = Options(theme=theme, test=test, points="both" if test else "train")
    return {
        f"lane-{place}": [PictureSlot(f"race-picture-{place}", (*views, *(("confusion",) if test else ())), options,
                                      PICTURE_HEIGHT, label=f"The picture of {lane.name}")]
        for place, lane in enumerate(race.lanes)
    }  # fmt: skip


def _title(label: str) -> str:
    return label[:1].upper() + label[1:]


def _curve(lane: Lane, measure: str, part: str) -> Curve:
    curves = lane.snapshot().curves(POINTS)
    if curves is None:
        return Curve.of([], [])
    if measure == "train_loss" or part == "training":
        loss = curves.train_loss
        return Curve(loss.steps, loss.mean, loss.low, loss.high)
    rows = curves.validations if part == "validation" else curves.evaluations
    values = rows[:, 2 if measure == "accuracy" else 1]
    known = np.isfinite(values)
    return Curve.of(rows[known, 0], values[known])


def _steps_per(lane: Lane, unit: str) -> float:
    """Steps of a unit of the axis."""
    now = lane.snapshot()
    done = {"epochs": now.epoch + now.batch / max(1, now.batches_per_epoch), **lane.amounts}[unit]
    return now.step / done if done and now.step else 1.0


def _places(race: Race) -> dict[str, str]:
    """The place of each variant that has one; equal ones share it."""
    found: dict[str, str] = {}
    texts: list[str] = []
    if not race.verdict:
        return found
    for one in ranked(race.standings, race.measure):
        texts.append(race.measure.text(one.value))
        found[one.name] = str(texts.index(texts[-1]) + 1)
    return found


def _row(race: Race, lane: Lane, place: str) -> list[Cell]:
    now, value = lane.snapshot(), next(one.value for one in race.standings if one.name == lane.name)
    why = lane.out or lane.stopped
    epochs = now.epoch + now.batch / max(1, now.batches_per_epoch)
    return [
        (lane.name, "out" if lane.out else "stopped early" if lane.stopped else "", why),
        place or "–",
        race.measure.text(value) if np.isfinite(value) else "–",
        "–" if now.train_loss is None else readable(now.train_loss, 4),
        progress_text(epochs, "epochs").split(" ")[0] if now.step else "0",
        readable(lane.amounts["seconds"]) if now.step else "0",
        f"{lane.parameters:,}" if lane.parameters else "–",
    ]
