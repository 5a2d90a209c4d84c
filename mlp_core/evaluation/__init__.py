"""How good answers are: the figures of a test pass, from arrays to records, by scikit-learn.

Importing this package needs NumPy only: scikit-learn takes three seconds, and is imported when a figure is first
computed.
"""

from mlp_core.evaluation.classes import CLASS_FIGURES, ClassFigures, Undefined, class_figures
from mlp_core.evaluation.classification import ClassificationReport, classification_report
from mlp_core.evaluation.regression import RegressionReport, TargetFigures, regression_report

__all__ = [
    "CLASS_FIGURES",
    "ClassFigures",
    "ClassificationReport",
    "RegressionReport",
    "TargetFigures",
    "Undefined",
    "class_figures",
    "classification_report",
    "regression_report",
]
