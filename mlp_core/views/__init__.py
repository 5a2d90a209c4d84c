"""Views: what can be seen of a run, in one table. A new view is a figure function and an entry here.

Tabs, what a session computes, its share of the time, text alternatives and exports of figures all read the table. It
needs no PyTorch; what a view computes from a run is imported when it is first computed.
"""

from __future__ import annotations

from mlp_core.catalog.facts import DataFacts
from mlp_core.views import curves, outputs
from mlp_core.views.view import CURVE_POINTS, Arrays, Drawing, Kind, Options, Source, View, draw, sentence

__all__ = [
    "CURVE_POINTS",
    "VIEWS",
    "Arrays",
    "Drawing",
    "Kind",
    "Options",
    "Source",
    "View",
    "computed",
    "draw",
    "sentence",
]

_NEEDS_CLASSES = "A confusion matrix needs classes; this set has numbers as targets."


def _is_rows(facts: DataFacts) -> bool:
    return facts.classifies and not facts.plane and not facts.holds_images


def _is_line(facts: DataFacts) -> bool:
    return not facts.classifies and not facts.plane and facts.sample_shape == (1,)


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            name="loss", label="Loss", figure=curves.loss, alt=curves.loss_alt, options=("log_loss", "smoothing"),
            wait="Press Train: the loss is drawn here.",
        ),
        View(
            name="accuracy", label="Accuracy", figure=curves.accuracy, alt=curves.accuracy_alt, needs_test=True,
            applies=lambda facts: facts.classifies,
            wait="The accuracy is drawn here as soon as the network is built.", needs="Accuracy needs classes.",
        ),
        View(
            name="learning_rate", label="Learning rate", figure=curves.learning_rate, alt=curves.learning_rate_alt,
            wait="The learning rate of every step is drawn here.",
        ),
        View(
            name="confusion", label="Confusion matrix", figure=curves.confusion, alt=curves.confusion_alt,
            applies=lambda facts: facts.classifies, needs_test=True, options=("normalise",), needs=_NEEDS_CLASSES,
            drawn_from=lambda source: source.confusion,
            wait="The confusion matrix is drawn here as soon as the network is built.",
        ),
        View(
            name="weights", label="Weights", compute="mlp_core.views.arrays:weights",
            figure=curves.histograms("weights", "weight"), alt=curves.histograms_alt("weights", "weight"),
            wait="The weights of every layer are drawn here as soon as the network is built.",
            help="How the weights of each layer are spread. Training widens the spread; weights that explode run off.",
        ),
        View(
            name="gradients", label="Gradients", compute="mlp_core.views.arrays:gradients",
            figure=curves.histograms("gradients", "gradient"), alt=curves.histograms_alt("gradients", "gradient"),
            wait="The gradients of every layer are drawn here after the first step.",
            help="How the last step wanted to move the weights. All near zero in the first layers: vanishing "
            "gradients.",
        ),
        View(
            name="boundary", label="Decision boundary", compute="mlp_core.views.arrays:boundary",
            figure=outputs.boundary, alt=outputs.boundary_alt, applies=lambda facts: facts.plane, output=True,
            options=("points", "discretise"),
        ),
        View(
            name="samples", label="Sample images", compute="mlp_core.views.arrays:samples", kind="images",
            figure=outputs.samples("samples"), alt=outputs.samples_alt("samples"), output=True,
            applies=lambda facts: facts.classifies and facts.holds_images,
        ),
        View(
            name="rows", label="Sample rows", compute="mlp_core.views.arrays:samples", kind="rows",
            figure=outputs.samples("rows"), alt=outputs.samples_alt("rows"), output=True, applies=_is_rows,
        ),
        View(
            name="fit", label="Fitted curve", compute="mlp_core.views.arrays:fit", figure=outputs.fit,
            alt=outputs.fit_alt, output=True, options=("points",), applies=_is_line,
            help="The network as a function of its input. Beyond the samples nothing tells it what to do.",
        ),
        View(
            name="regression", label="Predicted and actual values", compute="mlp_core.views.arrays:regression",
            figure=outputs.regression, alt=outputs.regression_alt, output=True,
            applies=lambda facts: not facts.classifies and not facts.plane,
        ),
    )
}  # fmt: skip
"""Everything that can be seen of a run, by name."""


def computed(facts: DataFacts) -> list[str]:
    """The views that have something to compute from a run on such data."""
    return [name for name, view in VIEWS.items() if view.compute and view.applies(facts)]
