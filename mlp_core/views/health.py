"""The health of a run: the figures of its layers, what is wrong, and a line beside each layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from mlp_core.figures import percent, readable
from mlp_core.health import FINDINGS, Evidence, Finding, LayerHealth, LayerStatistics, findings, strip
from mlp_core.views.view import CURVE_POINTS, Arrays, Options, Source

if TYPE_CHECKING:
    from mlp_core.run.build import Run

HEALTH, LAYERS = "health", "layer_health"
"""The view with the figures, and the one that shows them layer by layer."""


def health(run: Run) -> Arrays:
    """'layers' is a tuple of `LayerStatistics`, 'strip' a dict of `LayerHealth` by the layer's path, and 'experiment'
    what they belong to."""
    from mlp_core.run.layer_statistics import layer_statistics

    layers = layer_statistics(run)
    return {"layers": layers, "strip": strip(layers, run.position.step), "experiment": run.experiment}


def evidence(source: Source) -> Evidence | None:
    """What is known of a run; None before its layers were looked at."""
    found, curves = source.view(HEALTH), source.curves(CURVE_POINTS)
    if not found:
        return None
    given: dict[str, Any] = {"experiment": found["experiment"], "step": source.step, "layers": found["layers"]}
    if curves is not None:
        validated = len(curves.validations) > 0
        given |= {
            "losses": curves.train_loss.mean.astype(np.float64),
            "loss_steps": curves.train_loss.steps,
            "tests": (curves.validations if validated else curves.evaluations)[:, :2],
            "tested": "validation" if validated else "test",
        }
    epochs = source.step / source.batches_per_epoch if source.batches_per_epoch else 0.0
    return Evidence(**given, epochs=epochs)


def found(source: Source) -> tuple[Finding, ...] | None:
    """What is wrong in a run; None before its layers were looked at."""
    known = evidence(source)
    return None if known is None else findings(known)


def board(source: Source, options: Options) -> dict[str, Any] | None:
    """One row of 'checks' per thing that is looked for, wrong or not, always in the same order."""
    raised = found(source)
    if raised is None:
        return None
    by_name = {finding.name: finding for finding in raised}
    return {"checks": [_row(name, by_name.get(name)) for name in FINDINGS]}


def _row(name: str, finding: Finding | None) -> dict[str, str]:
    check = FINDINGS[name]
    given = {"name": name, "label": check.label, "why": check.why, "remedy": check.remedy}
    if finding is None:
        return {**given, "level": "good", "layer": "", "sentence": check.fine, "fix": ""}
    return {**given, "level": finding.level, "layer": finding.layer, "sentence": finding.sentence,
            "fix": finding.fix_label}  # fmt: skip


def board_alt(source: Source, options: Options) -> str:
    """What is wrong, in words."""
    raised = found(source) or ()
    return " ".join(f"{FINDINGS[one.name].label}: {one.sentence}" for one in raised) or "Nothing wrong was found."


COLUMNS = (
    ("layer", "The layer as it stands in the network."),
    ("weights", "The standard deviation of its weights."),
    ("outputs", "The mean of its outputs ± their standard deviation."),
    ("gradient", "The norm of the gradient by its weights, on one batch. Below it: by its outputs, as a share of that "
                 "of the last layer with weights."),
    ("update", "How much the next step changes its weights, as a share of their size. About 0.1 % is usual."),
    ("dead", "Units that put out the same flat value for every sample looked at."),
    ("saturated", "Outputs within 2 % of an end of an S-curve."),
    ("copies", "Neurons with the same weights as another one of the layer."),
)  # fmt: skip
"""Columns of the table of layers, each with how to read it."""


def table(source: Source, options: Options) -> dict[str, Any] | None:
    """'columns' and 'rows' of the layers' figures, as `pages` draw tables; None before they were measured."""
    known = source.view(HEALTH)
    if not known:
        return None
    return {"columns": list(COLUMNS), "rows": [_cells(layer, known["strip"][layer.path]) for layer in known["layers"]]}


def _cells(layer: LayerStatistics, health: LayerHealth) -> list[tuple[str, str, str]]:
    def cell(value: float | None, show: Callable[[float], str] = _short, note: str = "") -> tuple[str, str, str]:
        return ("–" if value is None else show(value), note, "")

    gradient = "" if health.gradient is None else f"outputs {_short(health.gradient)}"
    mark = {"good": "", "warning": "▲ ", "bad": "✕ "}[health.level]
    return [
        (f"{layer.number} {layer.type}", f"{mark}{health.sentence}" if mark else "", ""),
        cell(layer.weight_std),
        cell(layer.activation_mean, note=f"± {_short(layer.activation_std)}"),
        cell(layer.gradient_norm, note=gradient),
        cell(layer.update_size, _percent),
        cell(layer.dead_share, _percent),
        cell(layer.saturated_share, _percent),
        cell(layer.copies, lambda count: f"{count:.0f}"),
    ]


def _short(value: float) -> str:
    return readable(value, 2)


def _percent(share: float) -> str:
    return percent(share, 2)


def table_alt(source: Source, options: Options) -> str:
    """The health of every layer in words."""
    known = source.view(HEALTH) or {"layers": ()}
    return "; ".join(f"{layer.title}: {known['strip'][layer.path].sentence}" for layer in known["layers"])
