"""Places on a page whose content moves: which views each needs, and what it shows of a run at one moment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Protocol

from mlp_core.catalog.facts import DataFacts
from mlp_core.data.dataset import Dataset
from mlp_core.data.pixel_rows import pictures_of
from mlp_core.limits import SHOWN_SAMPLES
from mlp_core.spec import DataSpec
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Drawing, Options, View, draw
from pages.components.figure_table import figure_table
from pages.components.health_board import health_board
from pages.components.image_grid import image_grid, image_store
from pages.components.live_plot import plot
from pages.components.part import Part
from pages.components.sample_rows import sample_rows

HEIGHT = 255
"""The height of a chart in a row of charts, in pixels."""


class Slot(Protocol):
    """A place on a page whose content moves. Nothing in it may ask Streamlit: streams call it from other threads."""

    @property
    def label(self) -> str:
        """Its name for people."""

    def views(self, facts: DataFacts) -> Iterable[str]:
        """The views that it shows of runs on such data."""

    def key(self, snapshot: Snapshot) -> str:
        """The key of its part on the page: where it changes, the page must be drawn again."""

    def part(self, snapshot: Snapshot) -> Part:
        """What it shows now."""

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Whether it shows the same now as before. False where nobody knows: then its part is made again."""


@dataclass(frozen=True, eq=False)
class ViewSlot:
    """A place for one view of a run: the first of some alternatives that applies to the data, else the last."""

    name: str
    """Its key on the page."""
    alternatives: tuple[str, ...]
    """Views in the order of preference."""
    options: Options = field(default_factory=Options)
    """How the view is drawn."""
    height: int = HEIGHT
    """The height of a chart or table, in pixels."""
    label: str = ""
    """Its name for people; '' for that of the view that is preferred."""

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", VIEWS[self.alternatives[0]].label)

    def views(self, facts: DataFacts) -> Iterable[str]:
        """The view that is shown, if it has something to compute."""
        return (self._chosen(facts).computed(self.options),)

    def key(self, snapshot: Snapshot) -> str:
        """One for charts, one for each other kind of view, and one for each set of images."""
        dataset = snapshot.dataset
        view = None if dataset is None else self._chosen(dataset.facts)
        if dataset is None or view is None or view.kind == "plot":
            return self.name
        if snapshot.view(view.computed(self.options)) is None:
            return self.name
        return f"{self.name}-{view.kind}{'-' + _identity(dataset.spec) if view.kind == 'images' else ''}"

    def part(self, snapshot: Snapshot) -> Part:
        """The view of the run as it is now."""
        view = self._chosen(None if snapshot.dataset is None else snapshot.dataset.facts)
        return _part(draw(view, snapshot, self.options), self.key(snapshot), self.height, snapshot.dataset)

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Whether the view is drawn from the same."""
        return self._chosen(None if now.dataset is None else now.dataset.facts).same(before, now, self.options)

    def _chosen(self, facts: DataFacts | None) -> View:
        views = [VIEWS[name] for name in self.alternatives]
        return next((view for view in views if facts is None or view.applies(facts)), views[-1])


def output_views() -> tuple[str, ...]:
    """The views of what a network makes of the data, as alternatives for one place."""
    return tuple(name for name, view in VIEWS.items() if view.output)


def _part(drawing: Drawing, key: str, height: int, dataset: Dataset | None) -> Part:
    """The component that shows a drawing."""
    if drawing.kind == "plot":
        return plot(dict(drawing.data), key=key, height=height, alt=drawing.alt)
    if drawing.kind == "rows":
        return sample_rows(**drawing.data, alt=drawing.alt, height=height, key=key)
    if drawing.kind == "table":
        return figure_table(drawing.data["columns"], drawing.data["rows"], alt=drawing.alt, height=height, key=key)
    if drawing.kind == "health":
        return health_board(drawing.data["checks"], alt=drawing.alt, key=key)
    assert dataset is not None, "without data there are no images"
    store = f"sample_images-{_identity(dataset.spec)}"
    images = image_grid(store, drawing.data["items"], alt=drawing.alt, key=key)
    return replace(images, first=partial(image_store, pictures_of(dataset, dataset.x_test[:SHOWN_SAMPLES]), key=store))


@lru_cache(maxsize=64)  # every tick asks for it
def _identity(spec: DataSpec) -> str:
    """A short text that differs for different data."""
    return f"{spec.dataset}-{hashlib.sha256(spec.model_dump_json().encode()).hexdigest()[:8]}"
