"""The playground without a browser: `python -m mlp_core COMMAND`; `--help` lists the commands.

Exit status: 0 finished, 2 bad input (one sentence on standard error).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mlp_core.commands import (
    evaluate,
    export,
    find_lr,
    inspect,
    landscape,
    link,
    listing,
    one_step,
    predict,
    runs,
    sweep,
    train,
)
from mlp_core.errors import UserError

BAD_INPUT = 2
COMMANDS = (listing, train, inspect, evaluate, one_step, landscape, export, predict, link, runs, sweep, find_lr)
"""Modules that add commands, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except UserError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        sys.stderr.close()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlp_core", description="MLP Playground without a browser.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
