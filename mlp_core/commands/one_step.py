"""`one-step PRESET|spec.json`: every number of one training step, with the chain rule and a numeric check."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from mlp_core.commands.reading import read_experiment
from mlp_core.errors import UserError

SAMPLED = 4
"""Weights that are looked at where none is named."""


def add(commands: Any) -> None:
    """Register the command."""
    one_step = commands.add_parser("one-step", help="show every number of one training step, as the One step page does")
    one_step.add_argument("experiment", metavar="PRESET|spec.json")
    one_step.add_argument("--weight", action="append", default=[], metavar="PATH[i][j]", help="a weight whose gradient "
                          f"is taken apart, such as 0.weight[3][1]; default: {SAMPLED} of them")  # fmt: skip
    one_step.add_argument("--after", type=int, default=0, metavar="STEPS", help="train so many mini-batches first")
    one_step.add_argument("--batch-seed", type=int, metavar="SEED", help="draw the mini-batch with this seed; default: "
                          "the next one of the run")  # fmt: skip
    one_step.add_argument("--data-dir", type=Path, help="folder of downloaded sets; default: MLP_DATA_DIR, or data")
    one_step.add_argument("--json", action="store_true", help="every number as JSON")
    one_step.add_argument("--full", action="store_true", help="with --json: large arrays in full, too")
    one_step.set_defaults(command=_one_step)


def _one_step(options: argparse.Namespace) -> None:
    experiment = read_experiment(options.experiment)
    if options.after < 0:
        raise UserError(f"The number of --after must be 0 or more. Got {options.after} instead. Leave it out.")
    if options.batch_seed is not None and not 0 <= options.batch_seed < 2**63:
        raise UserError(f"The number of --batch-seed must be from 0 to 2^63 - 1. Got {options.batch_seed} instead. "
                        "Choose another one.")  # fmt: skip
    from mlp_core import data
    from mlp_core.engines.eager import EagerEngine
    from mlp_core.one_step.autograd import explore
    from mlp_core.one_step.forms import as_dict, as_lines
    from mlp_core.one_step.places import read_place, sampled, shapes
    from mlp_core.one_step.step import one_step, refuse_large
    from mlp_core.plan import plan
    from mlp_core.run.build import build

    refuse_large(experiment, plan(experiment).parameters)
    experiment = experiment.updated(training=experiment.training.updated(device="cpu"))
    run = build(experiment, data.load(experiment.data, options.data_dir))
    known = shapes(run.model)
    places = [read_place(text, known) for text in options.weight] or list(sampled(known, SAMPLED))
    with run.tuned():
        if options.after:
            EagerEngine().run(run, options.after)
        step = one_step(run, places, options.batch_seed)
        found = explore(run, options.batch_seed) if known else None
    if options.json:
        print(json.dumps(as_dict(step, found, full=options.full), indent=2, allow_nan=False))
    else:
        print("\n".join(as_lines(step, found)))
