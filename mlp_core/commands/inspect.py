"""`inspect PRESET|spec.json`: every layer in numbers, and what is wrong, as text or as JSON."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlp_core.commands.reading import read_experiment
from mlp_core.errors import UserError
from mlp_core.figures import percent, readable
from mlp_core.spec import Experiment, layer_number
from mlp_core.summary import FLOPS_RULE, LayerSummary, summary

if TYPE_CHECKING:
    from mlp_core.health import Finding, LayerStatistics
    from mlp_core.run.build import Run
    from mlp_core.training.snapshot import Snapshot

_GROUPS = {
    "weights": {"mean": "weight_mean", "std": "weight_std", "norm": "weight_norm"},
    "biases": {"mean": "bias_mean", "std": "bias_std"},
    "gradients": {"norm": "gradient_norm", "mean_absolute": "gradient_mean", "signal_norm": "signal_norm"},
    "activations": {"mean": "activation_mean", "std": "activation_std", "largest": "activation_largest"},
}
"""Groups of figures of a layer in the JSON: the key of each, and its field of `LayerStatistics`."""
_FIGURES = ("dead_share", "saturated_share", "update_size", "copies")
"""Fields that stand by themselves."""


def add(commands: Any) -> None:
    """Register the command."""
    inspect = commands.add_parser("inspect", help="print every layer of a network in numbers, and what is wrong in it")
    inspect.add_argument("experiment", metavar="PRESET|spec.json")
    inspect.add_argument("--epochs", type=int, default=0, metavar="N", help="epochs to train first; default: 0")
    inspect.add_argument("--json", action="store_true", help="as JSON instead of a table")
    inspect.add_argument("--data-dir", type=Path, help="folder of downloaded sets; default: MLP_DATA_DIR, or data")
    inspect.add_argument("--download", action="store_true", help="fetch the data set first if it is not there")
    inspect.set_defaults(command=_inspect)


def _inspect(options: argparse.Namespace) -> None:
    if options.epochs < 0:
        raise UserError(f"The number of epochs must be 0 or more. Got {options.epochs}. Leave it out to train none.")
    experiment = read_experiment(options.experiment)
    snapshot = _trained(experiment, options)
    from mlp_core.views.health import HEALTH, found

    measured = snapshot.view(HEALTH)
    assert measured is not None
    statistics: tuple[LayerStatistics, ...] = measured["layers"]
    wrong = found(snapshot) or ()
    if options.json:
        print(json.dumps(_record(experiment, snapshot, statistics, wrong), indent=2, allow_nan=False))
    else:
        _show(experiment, snapshot, statistics, wrong)


def _trained(experiment: Experiment, options: argparse.Namespace) -> Snapshot:
    """The run after so many epochs, with the figures of its layers."""
    from mlp_core import data
    from mlp_core.commands.figures import snapshot_of
    from mlp_core.engines.choose import engine_for
    from mlp_core.processor import PROCESSOR
    from mlp_core.run.build import build
    from mlp_core.training.diagnosis import DivergenceGuard
    from mlp_core.training.events import Chunk, Diverged, Evaluation
    from mlp_core.training.history import History
    from mlp_core.training.loop import LoopState, train
    from mlp_core.views.health import HEALTH

    run: Run = build(experiment, data.load(experiment.data, options.data_dir, download=options.download))
    for note in run.notes:
        print(note, file=sys.stderr)
    history, state = History(), LoopState(DivergenceGuard(run))
    with run.tuned():
        if options.epochs:
            engine, _ = engine_for(run, processor=PROCESSOR)
            for event in train(run, engine, state, epochs=options.epochs):
                if isinstance(event, Chunk):
                    history.add_chunk(event)
                elif isinstance(event, Evaluation):
                    history.add_evaluation(event)
                elif isinstance(event, Diverged):
                    print(event.message, file=sys.stderr)
        return snapshot_of(run, history, state.evaluation, views=[HEALTH])


# For programs


def _record(
    experiment: Experiment, snapshot: Snapshot, statistics: tuple[LayerStatistics, ...], wrong: tuple[Finding, ...]
) -> dict[str, Any]:
    found = summary(experiment)
    measured = {layer.name: layer for layer in statistics}
    return {
        "dataset": experiment.data.dataset,
        "step": snapshot.step,
        "epoch": snapshot.epoch,
        "parameters": found.parameters,
        "buffers": found.buffers,
        "flops": found.flops,
        "training_bytes": found.training_bytes,
        "layers": [_layer(layer, measured.get(layer.name)) for layer in found.layers],
        "findings": [finding.as_record() for finding in wrong],
    }


def _layer(layer: LayerSummary, figures: LayerStatistics | None) -> dict[str, Any]:
    """A layer as plain values; null where it has no such figure, and where that is no finite number."""
    known: dict[str, Any] = {
        "path": None if layer.path is None else list(layer.path),
        "layer": "" if layer.path is None else layer_number(layer.path),
        "name": layer.name,
        "type": layer.type,
        "input_shape": list(layer.input_shape),
        "output_shape": list(layer.output_shape),
        "parameters": layer.parameters,
        "buffers": layer.buffers,
        "flops": layer.flops,
        "training_bytes": layer.training_bytes,
    }
    for group, fields in _GROUPS.items():
        values = {key: _number(figures, field) for key, field in fields.items()}
        known[group] = None if all(value is None for value in values.values()) else values
    return known | {field: _number(figures, field) for field in _FIGURES}


def _number(figures: LayerStatistics | None, field: str) -> float | None:
    value = None if figures is None else getattr(figures, field)
    return value if value is not None and math.isfinite(value) else None


# For people


def _show(
    experiment: Experiment, snapshot: Snapshot, statistics: tuple[LayerStatistics, ...], wrong: tuple[Finding, ...]
) -> None:
    found = summary(experiment)
    measured = {layer.name: layer for layer in statistics}
    heads = ("name", "layer", "input", "output", "parameters", "FLOPs", "weights", "gradient", "activations", "update",
             "dead", "saturated")  # fmt: skip
    rows: list[tuple[str, ...]] = [heads, *(_row(layer, measured.get(layer.name)) for layer in found.layers)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if place < 4 else cell.rjust(width)
                 for place, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        print("  ".join(cells).rstrip())
    print(f"\n{found.parameters:,} parameters, {found.flops:,} FLOPs per sample, after {snapshot.step:,} steps.")
    print("Weights and activations: mean ± standard deviation. Gradient: norm, on one batch. Update: norm of the next "
          f"one over that of the weights. {FLOPS_RULE}")  # fmt: skip
    for finding in wrong:
        where = f" (layer {finding.layer})" if finding.layer else ""
        print(f"\n{finding.name}{where}: {finding.sentence}\n  {finding.remedy}")
    if not wrong:
        print("\nNothing wrong was found.")


def _row(layer: LayerSummary, figures: LayerStatistics | None) -> tuple[str, ...]:
    shapes = ["×".join(f"{size}" for size in shape) for shape in (layer.input_shape, layer.output_shape)]
    first = (layer.name, layer.type, *shapes, f"{layer.parameters:,}", f"{layer.flops:,}")
    if figures is None:
        return (*first, *["–"] * 6)
    return (
        *first,
        _spread(figures.weight_mean, figures.weight_std),
        "–" if figures.gradient_norm is None else readable(figures.gradient_norm),
        _spread(figures.activation_mean, figures.activation_std),
        *("–" if value is None else percent(value)
          for value in (figures.update_size, figures.dead_share, figures.saturated_share)),
    )  # fmt: skip


def _spread(mean: float | None, std: float | None) -> str:
    return "–" if mean is None or std is None else f"{readable(mean)} ± {readable(std)}"
