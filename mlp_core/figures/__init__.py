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
from mlp_core.figures.boundary import decision_boundary, decision_boundary_alt
from mlp_core.figures.confusion import confusion_matrix, confusion_matrix_alt
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
from mlp_core.figures.layout import Figure
from mlp_core.figures.palette import Theme, class_colour, palette
from mlp_core.figures.regression import (
    predicted_vs_actual,
    predicted_vs_actual_alt,
    regression_surface,
    regression_surface_alt,
)
from mlp_core.figures.ridges import histograms, histograms_alt
from mlp_core.figures.text import escape_label, percent, plain, readable

__all__ = [
    "Curve",
    "Figure",
    "Theme",
    "accuracy_curves",
    "accuracy_curves_alt",
    "activation_costs",
    "activation_costs_alt",
    "activation_curves",
    "activation_curves_alt",
    "class_colour",
    "confusion_matrix",
    "confusion_matrix_alt",
    "decision_boundary",
    "decision_boundary_alt",
    "empty",
    "empty_alt",
    "escape_label",
    "fitted_curve",
    "fitted_curve_alt",
    "histograms",
    "histograms_alt",
    "layer_signal",
    "layer_signal_alt",
    "learning_rate_curve",
    "learning_rate_curve_alt",
    "loss_curves",
    "loss_curves_alt",
    "palette",
    "percent",
    "plain",
    "predicted_vs_actual",
    "predicted_vs_actual_alt",
    "readable",
    "regression_surface",
    "regression_surface_alt",
    "sketch",
    "smooth",
]
