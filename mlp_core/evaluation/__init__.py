"""How good answers are: the figures of a test pass, from arrays to records, by scikit-learn.

Importing this package needs NumPy only: scikit-learn takes three seconds, and is imported when a figure is first
computed.
"""

from mlp_core.evaluation.classes import CLASS_FIGURES, ClassFigures, UndefinedFigure, class_figures
from mlp_core.evaluation.classification import ClassificationReport, classification_report, classification_slices
from mlp_core.evaluation.regression import RegressionReport, TargetFigures, regression_report, regression_slices
from mlp_core.evaluation.slices import Slices, finish

__all__ = [
    "CLASS_FIGURES",
    "ClassFigures",
    "ClassificationReport",
    "RegressionReport",
    "Slices",
    "TargetFigures",
    "UndefinedFigure",
    "class_figures",
    "classification_report",
    "classification_slices",
    "finish",
    "regression_report",
    "regression_slices",
]
