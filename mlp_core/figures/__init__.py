"""Figures as plain dicts that Plotly draws: pure functions of arrays, with NumPy alone.

Each figure function has a partner with the suffix `_alt` that says the same in words, for people who cannot
see it.
"""

from mlp_core.figures.activation import (
    activation_costs,
    activation_costs_alt,
    activation_curves,
    activation_curves_alt,
    layer_signal,
    layer_signal_alt,
    sketch,
)
from mlp_core.figures.along import (
    layer_lines,
    layer_lines_alt,
    spread_map,
    spread_map_alt,
    spread_ridge,
    spread_ridge_alt,
)
from mlp_core.figures.boundary import decision_boundary, decision_boundary_alt
from mlp_core.figures.calibration import (
    calibration_curve,
    calibration_curve_alt,
    confidence_histogram,
    confidence_histogram_alt,
)
from mlp_core.figures.confusion import Normalise, confusion_matrix, confusion_matrix_alt
from mlp_core.figures.curve import Curve, smooth
from mlp_core.figures.curves import (
    accuracy_curves,
    accuracy_curves_alt,
    learning_rate_curve,
    learning_rate_curve_alt,
    loss_curves,
    loss_curves_alt,
)
from mlp_core.figures.empty import empty, empty_alt
from mlp_core.figures.fit import fitted_curve, fitted_curve_alt
from mlp_core.figures.hidden import component_axes, hidden_space, hidden_space_alt
from mlp_core.figures.influence import class_bars, class_bars_alt, influence_map, influence_map_alt
from mlp_core.figures.landscape import (
    Way,
    can_be_logarithmic,
    loss_contour,
    loss_landscape_alt,
    loss_range,
    loss_surface,
)
from mlp_core.figures.layout import Figure
from mlp_core.figures.matrix import matrix, matrix_alt, weight_images, weight_images_alt
from mlp_core.figures.network import network, network_alt
from mlp_core.figures.palette import Theme, class_colour, palette
from mlp_core.figures.ranking import precision_recall, precision_recall_alt, roc, roc_alt
from mlp_core.figures.regression import (
    predicted_vs_actual,
    predicted_vs_actual_alt,
    regression_surface,
    regression_surface_alt,
)
from mlp_core.figures.residuals import residuals, residuals_alt
from mlp_core.figures.ridges import histograms, histograms_alt
from mlp_core.figures.runs import (
    Dimension,
    RunCurve,
    confusion_difference,
    confusion_difference_alt,
    parallel_runs,
    parallel_runs_alt,
    run_colour,
    run_curves,
    run_curves_alt,
    run_scatter,
    run_scatter_alt,
)
from mlp_core.figures.sweep import (
    Trials,
    pareto_front,
    pareto_front_alt,
    sweep_history,
    sweep_history_alt,
    sweep_parallel,
    sweep_parallel_alt,
    sweep_slice,
    sweep_slice_alt,
)
from mlp_core.figures.text import escape_label, percent, plain, readable
from mlp_core.figures.tuning import (
    Band,
    rate_ramp,
    rate_ramp_alt,
    seed_bands,
    seed_bands_alt,
    value_scan,
    value_scan_alt,
)
from mlp_core.figures.values import value_map, value_map_alt

__all__ = [
    "Band",
    "Curve",
    "Dimension",
    "Figure",
    "Normalise",
    "RunCurve",
    "Theme",
    "Trials",
    "Way",
    "accuracy_curves",
    "accuracy_curves_alt",
    "activation_costs",
    "activation_costs_alt",
    "activation_curves",
    "activation_curves_alt",
    "calibration_curve",
    "calibration_curve_alt",
    "can_be_logarithmic",
    "class_bars",
    "class_bars_alt",
    "class_colour",
    "component_axes",
    "confidence_histogram",
    "confidence_histogram_alt",
    "confusion_difference",
    "confusion_difference_alt",
    "confusion_matrix",
    "confusion_matrix_alt",
    "decision_boundary",
    "decision_boundary_alt",
    "empty",
    "empty_alt",
    "escape_label",
    "fitted_curve",
    "fitted_curve_alt",
    "hidden_space",
    "hidden_space_alt",
    "histograms",
    "histograms_alt",
    "influence_map",
    "influence_map_alt",
    "layer_lines",
    "layer_lines_alt",
    "layer_signal",
    "layer_signal_alt",
    "learning_rate_curve",
    "learning_rate_curve_alt",
    "loss_contour",
    "loss_curves",
    "loss_curves_alt",
    "loss_landscape_alt",
    "loss_range",
    "loss_surface",
    "matrix",
    "matrix_alt",
    "network",
    "network_alt",
    "palette",
    "parallel_runs",
    "parallel_runs_alt",
    "pareto_front",
    "pareto_front_alt",
    "percent",
    "plain",
    "precision_recall",
    "precision_recall_alt",
    "predicted_vs_actual",
    "predicted_vs_actual_alt",
    "rate_ramp",
    "rate_ramp_alt",
    "readable",
    "regression_surface",
    "regression_surface_alt",
    "residuals",
    "residuals_alt",
    "roc",
    "roc_alt",
    "run_colour",
    "run_curves",
    "run_curves_alt",
    "run_scatter",
    "run_scatter_alt",
    "seed_bands",
    "seed_bands_alt",
    "sketch",
    "smooth",
    "spread_map",
    "spread_map_alt",
    "spread_ridge",
    "spread_ridge_alt",
    "sweep_history",
    "sweep_history_alt",
    "sweep_parallel",
    "sweep_parallel_alt",
    "sweep_slice",
    "sweep_slice_alt",
    "value_map",
    "value_map_alt",
    "value_scan",
    "value_scan_alt",
    "weight_images",
    "weight_images_alt",
]
