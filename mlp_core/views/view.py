"""What a view is, and what it is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from mlp_core.catalog.facts import DataFacts
from mlp_core.data.dataset import Dataset
from mlp_core.evaluation.slices import Slices, finish
from mlp_core.figures import Normalise, Theme, empty, empty_alt
from mlp_core.views.moments import Moments
from mlp_core.views.space import USUAL_SPACE, Space

if TYPE_CHECKING:
    from mlp_core.run.build import Run

Arrays = dict[str, Any]
Kind = Literal["plot", "images", "rows", "network", "health", "table"]
Points = Literal["train", "test", "both"]
Page = Literal["playground", "evaluate", "inspect", ""]

USUAL_THRESHOLD = 0.5
CURVE_POINTS = 250
"""The most points of a curve that is drawn."""


class Buckets(Protocol):
    """A curve thinned to buckets of neighbouring steps; all arrays have the same length."""

    @property
    def steps(self) -> np.ndarray:
        """The last step of each bucket."""

    @property
    def mean(self) -> np.ndarray:
        """The mean value of each bucket."""

    @property
    def low(self) -> np.ndarray:
        """The lowest value of each bucket."""

    @property
    def high(self) -> np.ndarray:
        """The highest value of each bucket."""

    @property
    def tenth(self) -> np.ndarray | None:
        """The value below which a tenth of each bucket lies; None where it is not known."""

    @property
    def ninetieth(self) -> np.ndarray | None:
        """The value above which a tenth of each bucket lies; None where it is not known."""


class Curves(Protocol):
    """The curves of a run."""

    @property
    def train_loss(self) -> Buckets:
        """The loss of every step."""

    @property
    def evaluations(self) -> np.ndarray:
        """Rows of step, test loss, test accuracy."""

    @property
    def learning_rates(self) -> np.ndarray:
        """Rows of the first step done at a learning rate, and that rate."""

    @property
    def validations(self) -> np.ndarray:
        """Rows of step, validation loss, validation accuracy; none without a validation part."""


class Surgery(Protocol):
    """Something that was done to a layer or a neuron."""

    @property
    def step(self) -> int:
        """Mini-batches done before it."""

    @property
    def done(self) -> str:
        """What it was."""


class Source(Protocol):
    """What views are drawn from: a run at one moment. A session's snapshot is one."""

    @property
    def run(self) -> str:
        """The identity of the run."""

    @property
    def dataset(self) -> Dataset | None:
        """The run's data; None before there is a run."""

    @property
    def step(self) -> int:
        """Mini-batches done."""

    @property
    def run_step(self) -> int:
        """Mini-batches that the run has done in all; more than `step` while an earlier checkpoint of it is shown."""

    @property
    def batches_per_epoch(self) -> int:
        """Mini-batches of an epoch."""

    @property
    def epoch_marks(self) -> Sequence[tuple[int, int]]:
        """Mini-batches and epochs done when the batch size was changed."""

    @property
    def surgeries(self) -> Sequence[Surgery]:
        """What was done to layers and neurons while it ran, in order."""

    @property
    def confusion(self) -> np.ndarray | None:
        """Counts (K, K) of the newest test pass, true classes in rows."""

    @property
    def moments(self) -> Moments | None:
        """What was seen of every layer along the run; None where nothing was recorded."""

    def curves(self, points: int) -> Curves | None:
        """The run's curves in at most about so many points each; None before there is a run."""

    def origin_curves(self, points: int) -> Curves | None:
        """Those of the run that this one goes on from; None for a run of its own."""

    def planned_rates(self) -> np.ndarray:
        """Rows of the first step done at a learning rate, and that rate, as the schedule plans the whole run; none
        without a schedule that can be known ahead."""

    def view(self, name: str) -> Mapping[str, Any] | None:
        """What the view's function computed last; None before that."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a reader wants views to be drawn."""

    theme: Theme = "light"
    """The colours of the page around them."""
    test: bool = True
    """Whether figures of the test samples are shown."""
    log_loss: bool = False
    """Whether the axis of the loss is logarithmic."""
    smoothing: float = 0.0
    """How far the train curve is averaged over its past, from 0 to below 1."""
    normalise: Normalise = ""
    """What a confusion matrix shows shares of instead of counts: the true class ('true') or the predicted ('pred')."""
    points: Points = "both"
    """Which samples are drawn on a plane."""
    discretise: bool = False
    """Whether a plane shows steps instead of smooth changes."""
    part: str = "test"
    """The part of the data that is evaluated: a key of `mlp_core.data.parts.PARTS`."""
    threshold: float = USUAL_THRESHOLD
    """The probability above which class 1 of two is predicted; the usual one leaves that to the loss's own rule."""
    cell: tuple[int, int] | None = None
    """True and predicted class of the cell of a confusion matrix that is looked at."""
    classes: tuple[int, ...] = ()
    """The classes that are looked at where there are many; () for all."""
    target: int = 0
    """Which target of a regression is drawn."""
    feature: int = 0
    """Which feature residuals are drawn against."""
    shown_neurons: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Columns of the network's picture with the neurons that a reader has chosen to see in them."""
    layer: str = ""
    """The name in the model of the layer that is looked at; '' for the first that has what is shown."""
    moment: float = 1.0
    """Where in the run a reader looks, from 0, its start, to 1, now."""
    first_image: int = 0
    """The first neuron whose weights are shown as an image."""
    space: Space = USUAL_SPACE
    """Which hidden space is shown."""


@dataclass(frozen=True, kw_only=True)
class View:
    """Something to see of a run. An entry of `VIEWS` is all that a view needs to be on the page."""

    name: str
    """Its key everywhere."""
    label: str
    """Its name for people."""
    figure: Callable[[Source, Options], Mapping[str, Any] | None] = lambda source, options: None
    """What it shows, as its kind wants it; None while there is nothing to show."""
    alt: Callable[[Source, Options], str] = lambda source, options: ""
    """The same in words. Asked only where there is something to show."""
    applies: Callable[[DataFacts], bool] = lambda facts: True
    """Whether runs on such data have it."""
    compute: Callable[..., Arrays | Slices[Arrays]] | str = ""
    """From a run to plain arrays, as a function or as 'module:function' of one that needs PyTorch; '' for a view that
    needs nothing but the run's curves and test passes. One that takes long gives its work in slices."""
    argument: Callable[[Options], str] | None = None
    """What a reader's options tell `compute`, as a text, its second argument; None where they tell it nothing."""
    reads: str = ""
    """The view whose arrays it is drawn from, if that is another one; '{part}' stands for the part that is chosen."""
    patience: float = 1.0
    """How many times as old as its cost alone would have it, it may be shown. Above 1, a run's first steps come before
    it too."""
    page: Page = "playground"
    """The page that it belongs to; '' for a view that others read and nobody draws."""
    drawn_from: Callable[[Source], object] | None = None
    """Which object of a run the view is drawn from, beside the data set: while it is the same one, the view is not
    drawn again. None for what `compute` gave; a view without that is drawn from the whole source."""
    kind: Kind = "plot"
    """What draws it: a chart, the grid of sample images, the table of sample rows, the picture of the network, the list
    of what is wrong, or a table of figures."""
    output: bool = False
    """Whether it shows what the network makes of the data, so that its place is the output area."""
    needs_test: bool = False
    """Whether it shows nothing but figures of the test samples."""
    options: tuple[str, ...] = ()
    """The fields of `Options`, besides the theme, that a reader may want to set for it."""
    help: str = ""
    """How to read it."""
    wait: str = "Predictions appear here as soon as the network is built."
    """What a reader is told while there is nothing to show."""
    needs: str = "This data set has no such view."
    """What a reader is told where it does not apply."""

    def work(self, run: Run, argument: str = "") -> Slices[Arrays]:
        """What it has to compute from a run, with the argument that its name asks for, in slices."""
        function = self.compute
        if isinstance(function, str):
            module, name = function.split(":")
            function = getattr(import_module(module), name)
        found: Arrays | Slices[Arrays] = function(run) if self.argument is None else function(run, argument)
        return (yield from found) if isinstance(found, Generator) else found

    def arrays(self, run: Run, argument: str = "") -> Arrays:
        """All of it at once."""
        return finish(self.work(run, argument))

    def computed(self, options: Options) -> str:
        """The name of the arrays that it is drawn from, its own or another view's; '' if from none.

        An argument stands behind an '@' there.
        """
        if not self.compute:
            return self.reads.format(part=options.part)
        argument = "" if self.argument is None else self.argument(options)
        return f"{self.name}@{argument}" if argument else self.name

    def same(self, before: Source, now: Source, options: Options) -> bool:
        """Whether it shows the same of two moments, as far as what it is drawn from tells."""
        return (
            before.run == now.run
            and before.dataset is now.dataset
            and self._drawn_from(before, options) is self._drawn_from(now, options)
        )

    def _drawn_from(self, source: Source, options: Options) -> object:
        if self.drawn_from is not None:
            return self.drawn_from(source)
        arrays = self.computed(options)
        return source.view(arrays) if arrays else source


@dataclass(frozen=True)
class Drawing:
    """A view as it is to be drawn."""

    kind: Kind
    """What draws it."""
    data: Mapping[str, Any]
    """What that draws: a Plotly figure, or the items of a grid or table."""
    alt: str
    """The same in words."""


def draw(view: View, source: Source, options: Options) -> Drawing:
    """The view of a run at one moment, or a sentence on what has to happen first."""
    if source.dataset is None:
        return sentence("The data appears here as soon as it is loaded.", options)
    if not view.applies(source.dataset.facts):
        return sentence(view.needs, options)
    data = view.figure(source, options)
    return sentence(view.wait, options) if data is None else Drawing(view.kind, data, view.alt(source, options))


def sentence(text: str, options: Options) -> Drawing:
    """A sentence where a chart would be."""
    return Drawing("plot", empty(text, theme=options.theme), empty_alt(text))
