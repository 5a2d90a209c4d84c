"""`export PRESET|spec.json --style NAME`: an experiment as a script or a notebook of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mlp_core.catalog import STYLES
from mlp_core.commands.reading import read_experiment
from mlp_core.errors import UserError
from mlp_core.limits import ENDLESS_EPOCHS


def add(commands: Any) -> None:
    """Register the command."""
    export = commands.add_parser("export", help="write a preset or a JSON file as code that gives the same numbers")
    export.add_argument("experiment", metavar="PRESET|spec.json")
    export.add_argument("--style", metavar="NAME", default=next(iter(STYLES)),
                        help=f"one of: {', '.join(STYLES)}; default: %(default)s")  # fmt: skip
    export.add_argument("--epochs", type=int, help=f"default: the experiment's own, or {ENDLESS_EPOCHS}")
    export.add_argument("--notebook", action="store_true", help="a Jupyter notebook instead of a script")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    export.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> None:
    from mlp_core.export import exactness, notebook, script

    experiment = read_experiment(options.experiment)
    text = (notebook if options.notebook else script)(experiment, options.style, epochs=options.epochs)
    if warning := exactness(experiment, options.style):
        print(warning, file=sys.stderr)
    if options.output is None:
        print(text, end="")
        return
    try:
        options.output.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"The file {str(options.output)!r} cannot be written: {reason}. Name a file in a folder that you may "
            "write to."
        ) from None
