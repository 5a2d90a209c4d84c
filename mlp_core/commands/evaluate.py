"""`evaluate WEIGHTS.safetensors`: every figure of the Evaluate page, as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from mlp_core.commands.tables import bring_table
from mlp_core.data.parts import PARTS
from mlp_core.errors import DataError


def add(commands: Any) -> None:
    """Register the command."""
    evaluate = commands.add_parser("evaluate", help="print how good trained weights are on their data, as JSON")
    evaluate.add_argument("weights", type=Path, metavar="WEIGHTS.safetensors", help="as 'train --save' writes them")
    evaluate.add_argument("--part", choices=list(PARTS), default="test", help="the samples to look at; default: test")
    evaluate.add_argument("--data-dir", type=Path, help="folder of downloaded sets; default: MLP_DATA_DIR, or data")
    evaluate.add_argument(
        "--table", type=Path, metavar="FILE", help="the table that they were trained on, if it is not in that folder"
    )
    evaluate.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from mlp_core import data
    from mlp_core.evaluation import finish
    from mlp_core.export import weights
    from mlp_core.export.state import load_into
    from mlp_core.run.build import build
    from mlp_core.views.answers import answers

    saved = weights.load(options.weights)
    if options.table is not None:
        bring_table(options.table, saved.experiment, options.data_dir)
    run = build(saved.experiment, data.load(saved.experiment.data, options.data_dir))
    if not PARTS[options.part].exists(run.dataset):
        has = ", ".join(name for name, part in PARTS.items() if part.exists(run.dataset))
        raise DataError(f"The data of these weights has no {options.part} part. Choose one of: {has}.")
    load_into(run, saved.tensors)
    with run.tuned():
        report = finish(answers(run, options.part))["report"]
    about = {"dataset": saved.experiment.data.dataset, "part": options.part, "step": saved.step}
    print(json.dumps(about | report.as_dict(), indent=2, allow_nan=False))
