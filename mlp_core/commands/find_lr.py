"""`find-lr PRESET|spec.json`: the learning rate grows with every update; a record per update, then what to take."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from mlp_core.catalog.tuning import RATE_RAMP
from mlp_core.commands.reading import read_experiment


def add(commands: Any) -> None:
    """Register the command."""
    found = commands.add_parser("find-lr", help="let the learning rate grow, and say which one to take")
    found.add_argument("experiment", metavar="PRESET|spec.json")
    for parameter in RATE_RAMP.parameters:
        kind = type(parameter.default)
        found.add_argument(f"--{parameter.name}", type=kind, default=parameter.default,
                           help=f"{parameter.help} Default: {parameter.default:g}.")  # fmt: skip
    found.add_argument("--data-dir", type=Path, help="folder of downloaded sets; default: MLP_DATA_DIR, or data")
    found.add_argument("--download", action="store_true", help="fetch the data set first if it is not there")
    found.add_argument("--jsonl", action="store_true", help="one JSON record per update on standard output")
    found.set_defaults(command=_find)


def _find(options: argparse.Namespace) -> None:
    experiment = read_experiment(options.experiment)

    from mlp_core import data
    from mlp_core.engines.choose import engine_for
    from mlp_core.processor import PROCESSOR
    from mlp_core.tuning.rate_ramp import RampCurve, copy_of, ramp, rates_of, suggest

    rates = rates_of({parameter.name: getattr(options, parameter.name) for parameter in RATE_RAMP.parameters})
    run = copy_of(experiment, data.load(experiment.data, options.data_dir, download=options.download))
    engine, _ = engine_for(run, processor=PROCESSOR)
    curve = RampCurve()
    with run.tuned():
        for _ in ramp(run, engine, rates, curve):
            rate, loss, smoothed = curve.rates[-1], curve.losses[-1], curve.smoothed[-1]
            if options.jsonl:
                record = {"event": "step", "lr": rate, "loss": _finite(loss), "smoothed": _finite(smoothed)}
                print(json.dumps(record), flush=True)
            else:
                print(f"{rate:12.4g}  loss {loss:.4f}  smoothed {smoothed:.4f}")
    found = suggest(curve)
    if options.jsonl:
        print(json.dumps({
            "event": "finished", "steps": len(curve), "exploded": curve.exploded, "suggestion": found.value,
            "reason": found.reason,
        }))  # fmt: skip
    else:
        print(found.reason)


def _finite(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else None
