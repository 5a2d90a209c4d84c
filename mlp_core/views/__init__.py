"""Views: what can be seen of a run, in one table. A new view is a figure function and an entry here.

Tabs, what a session computes, its share of the time, text alternatives and exports of figures all read the table. It
needs no PyTorch; what a view computes from a run is imported when it is first computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mlp_core import diagram, figures
from mlp_core.catalog.facts import DataFacts
from mlp_core.data.parts import PARTS
from mlp_core.evaluation.slices import Slices
from mlp_core.views import curves, evaluation, health, inspection, outputs
from mlp_core.views.moments import SPREADS
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
    return facts.classifies and not facts.plane and facts.picture_shape is None


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


def _layer(
    name: str, label: str, unit: str, text: str, *, rows: str = "neuron", columns: str = "input",
    lacks: str = "has no weights. Choose a layer that has some, such as Linear.",
    wait: str = "It appears here as soon as the network is built.",
) -> View:  # fmt: skip
    """A matrix of the chosen layer, computed by the function of that name in `layers`."""
    figure, alt = inspection.matrix(name, unit, rows=rows, columns=columns, lacks=lacks)
    return View(
        name=name, label=label, figure=figure, alt=alt, compute=f"mlp_core.views.layers:{name}", page="inspect",
        argument=lambda options: options.layer, options=("layer",), help=text, wait=wait,
    )  # fmt: skip


def _along(name: str) -> tuple[View, View]:
    """Something of the chosen layer along the run: as a heat map, and as a ridge."""
    spread = SPREADS[name]
    views = []
    for form, label, drawn, said in (
        ("map", "heat map", figures.spread_map, figures.spread_map_alt),
        ("ridge", "ridge", figures.spread_ridge, figures.spread_ridge_alt),
    ):
        figure, alt = inspection.spread(name, drawn, said)
        views.append(View(
            name=f"{name}_{form}", label=f"{spread.label} over time, {label}", figure=figure, alt=alt, page="inspect",
            drawn_from=inspection.moments_of, options=("layer", "moment"), help=spread.help,
            wait="It is drawn here while the network trains, for layers that have it.",
        ))  # fmt: skip
    return views[0], views[1]


def _line(name: str, label: str, text: str) -> View:
    """A figure of every layer along the run."""
    figure, alt = inspection.lines(name)
    return View(
        name=name, label=label, figure=figure, alt=alt, page="inspect", drawn_from=inspection.moments_of,
        help=text, wait="It is drawn here while the network trains.",
    )  # fmt: skip


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
            name=health.HEALTH, label="Health", compute=health.health, patience=4, kind="health", figure=health.board,
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
            applies=lambda facts: facts.classifies and facts.picture_shape is not None,
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
        View(
            name="activations", label="Activations", compute="mlp_core.views.layers:activations", page="inspect",
            figure=curves.histograms("activations", "activation"),
            alt=curves.histograms_alt("activations", "activation"),
            wait="What every layer puts out is drawn here as soon as the network is built.",
            help="What each layer puts out for training samples. Piled up at the ends of its range: saturated. All at "
            "zero: dead.",
        ),
        _layer("weight_matrix", "Weight matrix", "weight",
               "A row for each neuron, a column for each input: orange weights are below zero, teal ones above."),
        _layer("gradient_matrix", "Gradient matrix", "gradient",
               "The gradient of the last step for each weight: where the loss wants it to move, and how much.",
               wait="The gradients of the layer are drawn here after the first step."),
        _layer("activation_matrix", "Activations of samples", "activation",
               "A row for each of some training samples, sorted by class or target, a column for each neuron. A column "
               "of one colour says nothing about the sample.", rows="sample", columns="neuron"),
        View(
            name="weight_images", label="First layer as images", compute="mlp_core.views.layers:weight_images",
            figure=inspection.weight_images, alt=inspection.weight_images_alt, page="inspect",
            argument=inspection.first_image, options=("first_image",),
            applies=lambda facts: facts.picture_shape is not None,
            help="What each neuron of the first layer looks for: bright where it wants light (teal), or dark (orange).",
            wait="They appear here where the first layer has a weight for each pixel.",
            needs="Only networks on images have weights that are images.",
        ),
        View(
            name="hidden_space", label="Hidden space", compute="mlp_core.views.layers:hidden_space", page="inspect",
            figure=inspection.hidden_space, alt=inspection.hidden_space_alt,
            argument=lambda options: options.space.write(), options=("space",),
            help="Each point is a sample, where the layer puts it. Layer by layer, classes that are tangled in the "
            "input come apart, until a straight line parts them.",
        ),
        *(view for name in SPREADS for view in _along(name)),
        _line("update_size", "Update to weight ratio",
              "How far the next update moves the weights of each layer, as a share of their size. About a thousandth "
              "(dotted) is healthy for most networks."),
        _line("gradient_norm", "Gradient norm",
              "How long the gradient of each layer is. Far smaller in the first layers than in the last: it vanishes "
              "on the way back."),
        _line("activation_std", "Spread of activations",
              "How far apart the values lie that each layer puts out. Shrinking from layer to layer: the signal dies "
              "out."),
        View(
            name="parameters", label="Parameters", compute="mlp_core.views.layers:parameters", kind="table",
            page="inspect", figure=inspection.parameters, alt=inspection.parameters_alt,
            help="Every parameter, as PyTorch has it.",
            wait="The parameters are listed here as soon as the network is built.",
        ),
    )
}  # fmt: skip
"""Everything that can be seen of a run, by name."""


def computed(facts: DataFacts) -> list[str]:
    """The views that have something to compute from a run on such data."""
    return [name for name, view in VIEWS.items() if view.compute and view.applies(facts)]
