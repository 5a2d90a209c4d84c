"""`link PRESET|spec.json`: the URL that opens the playground with an experiment."""

from __future__ import annotations

import argparse
from typing import Any

from mlp_core.catalog import CONTROLS
from mlp_core.commands.reading import read_experiment

BASE = "http://localhost:8501/"
"""Where `make run` serves the playground."""


def add(commands: Any) -> None:
    """Register the command."""
    link = commands.add_parser("link", help="print the link that opens the playground with an experiment")
    link.add_argument("experiment", metavar="PRESET|spec.json")
    names = f"comma-separated names of: {', '.join(CONTROLS)}"
    link.add_argument("--hide", metavar="NAMES", default="", help=f"what the page leaves out; {names}")
    link.add_argument("--lock", metavar="NAMES", default="", help="what the page shows and does not let change")
    link.add_argument("--base", metavar="URL", default=BASE, help=f"address of the playground; default: {BASE}")
    link.set_defaults(command=_link)


def _link(options: argparse.Namespace) -> None:
    from mlp_core.link import url

    experiment = read_experiment(options.experiment)
    print(url(options.base, experiment, _names(options.hide), _names(options.lock)))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
