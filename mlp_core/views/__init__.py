"""Views: what can be seen of a run, in one table. A new view is a figure function and an entry here.

Tabs, what a session computes, its share of the time, text alternatives and exports of figures all read the table. It
needs no PyTorch; what a view computes from a run is imported when it is first computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mlp_core import diagram
from mlp_core.catalog.facts import DataFacts
from mlp_core.data.parts import PARTS
from mlp_core.evaluation.slices import Slices
from mlp_core.views import curves, evaluation, health, outputs
from mlp_core.views.view import (
    CURVE_POINTS,
    USUAL_THRESHOLD,
    Arrays,
    Drawing,
    Kind,
    Options,
    Source,
    View,
    draw,
    sentence,
)

if TYPE_CHECKING:
    from mlp_core.run.build import Run

__all__ = [
    "CURVE_POINTS",
    "TRAIN_ACCURACY",
    "USUAL_THRESHOLD",
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

TRAIN_ACCURACY = "train_accuracy"
_NEEDS_CLASSES = "A confusion matrix needs classes; this set has numbers as targets."


def _is_rows(facts: DataFacts) -> bool:
    return facts.classifies and not facts.plane and not facts.holds_images


def _is_line(facts: DataFacts) -> bool:
    return not facts.classifies and not facts.plane and facts.sample_shape == (1,)


def _answers(part: str, run: Run) -> Slices[Arrays]:
    """`mlp_core.views.answers.answers`, which needs PyTorch."""
    from mlp_core.views.answers import answers

    return answers(run, part)


def _classifies(facts: DataFacts) -> bool:
    return facts.classifies


def _regresses(facts: DataFacts) -> bool:
    return not facts.classifies


def _evaluation(name: str, label: str, applies: Callable[[DataFacts], bool], text: str) -> View:
    """A view of the Evaluate page, drawn by the function of that name in `evaluation`."""
    return View(
        name=f"evaluation_{name}",
        label=label,
        figure=getattr(evaluation, name),
        alt=getattr(evaluation, f"{name}_alt"),
        applies=applies,
        reads=evaluation.ANSWERS,
        page="evaluate",
        help=text,
        wait="It appears here as soon as all samples of the part were answered.",
    )


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            name="loss", label="Loss", figure=curves.loss, alt=curves.loss_alt, options=("log_loss", "smoothing"),
            wait="Press Train: the loss is drawn here.",
        ),
        View(
            name="progress", label="Loss and accuracy", figure=curves.progress, alt=curves.progress_alt, page="",
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
            name=health.HEALTH, label="Health", compute=health.health, kind="health", figure=health.board,
            alt=health.board_alt, wait="What is wrong is said here as soon as the network is built.",
        ),
        View(
            name=health.LAYERS, label="Layers", reads=health.HEALTH, kind="table", figure=health.table,
            alt=health.table_alt, wait="The figures of every layer stand here as soon as the network is built.",
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
        View(
            name="neurons", label="Network", compute="mlp_core.views.neurons:neurons", kind="network", page="",
            figure=outputs.neurons, alt=outputs.neurons_alt,
            argument=lambda options: diagram.write_shown(options.shown_neurons),
        ),
        View(
            name=TRAIN_ACCURACY, label="Train accuracy", page="", compute="mlp_core.views.arrays:train_accuracy",
            applies=lambda facts: facts.classifies,
        ),
        View(name=evaluation.NETWORK, label="The network", page="", compute="mlp_core.views.answers:network"),
        *(
            View(name=evaluation.ANSWERS.format(part=name), label=f"Answers: {part.label}", page="",
                 compute=partial(_answers, name))
            for name, part in PARTS.items()
        ),
        _evaluation("confusion", "Confusion matrix", _classifies,
                    "Rows are true classes, columns predicted ones: what lies off the diagonal is wrong."),
        _evaluation("roc", "ROC curve", _classifies,
                    "Every threshold at once: how many samples of the class are found against how many false alarms "
                    "that costs. The dotted line is guessing."),
        _evaluation("precision_recall", "Precision-recall curve", _classifies,
                    "Every threshold at once: how many of those found are right against how many are found. Says more "
                    "than the ROC curve where a class is rare."),
        _evaluation("calibration", "Calibration", _classifies,
                    "Of the answers with 80 % confidence, are 80 % right? Below the dotted line the network is surer "
                    "than it should be."),
        _evaluation("confidence", "Confidence", _classifies,
                    "How sure the answers are. Wrong answers that are very sure are the dangerous ones."),
        _evaluation("values", "Predicted against actual values", _regresses,
                    "A perfect network puts every point on the dotted line."),
        _evaluation("residuals", "Residuals against predictions", _regresses,
                    "Predicted less actual value. A bend, or a funnel, is something that the network has not learned."),
        _evaluation("feature_residuals", "Residuals against a feature", _regresses,
                    "Where the mean leaves zero, the network uses this feature too little, or too much."),
    )
}  # fmt: skip
"""Everything that can be seen of a run, by name."""


def computed(facts: DataFacts) -> list[str]:
    """The views that have something to compute from a run on such data."""
    return [name for name, view in VIEWS.items() if view.compute and view.applies(facts)]
