"""`presets` and `catalog KIND`: what can be chosen, name first on each line."""

from __future__ import annotations

import argparse
from typing import Any

from mlp_core.catalog import KINDS, look_up
from mlp_core.catalog.parameters import shorten
from mlp_core.presets import PRESETS


def add(commands: Any) -> None:
    """Register the commands."""
    presets = commands.add_parser("presets", help="list the ready experiments, name first")
    presets.set_defaults(command=_presets)
    catalog = commands.add_parser("catalog", help="list what can be chosen, name first")
    catalog.add_argument("kind", metavar="KIND", help=f"one of: {', '.join(KINDS)}")
    catalog.set_defaults(command=_catalog)


def _presets(options: argparse.Namespace) -> None:
    for found in PRESETS.values():
        print(f"{found.name:<26}{found.summary}")


def _catalog(options: argparse.Namespace) -> None:
    for entry in look_up(KINDS, options.kind, "catalog").values():
        print(f"{entry.name:<28}{entry.summary}")
        for parameter in entry.parameters:
            print(f"{'':<22}{parameter.name} = {shorten(parameter.default)}: {parameter.rule()}")
