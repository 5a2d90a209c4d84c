"""`python -m benchmarks [NAME …] [--jsonl]`: each comparison in one run, interleaved, as medians."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

from benchmarks.machine import machine
from benchmarks.options import Options, Row, add_to, chosen

BENCHMARKS = (
    "startup", "throughput", "contention", "page", "growth", "classroom", "editing", "table", "catalog", "health",
    "sweep", "beside", "browser",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Run the named benchmarks, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--jsonl", action="store_true", help="one JSON record per row")
    add_to(parser)
    parsed = parser.parse_args(arguments)
    unknown = sorted(set(parsed.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}; choose of {', '.join(BENCHMARKS)}")
    show({"benchmark": "machine", **machine()}, parsed.jsonl)
    for name in parsed.names or BENCHMARKS:
        run(name, chosen(parsed), parsed.jsonl)


def run(name: str, options: Options, jsonl: bool) -> None:
    """Run one benchmark, showing each row as soon as it is there."""
    module, shown = import_module(f"benchmarks.{name}"), []
    for row in module.rows(options):
        show({"benchmark": name, **row}, jsonl)
        shown.append(row)
    if not jsonl and hasattr(module, "table"):
        print(module.table(shown))


def show(row: Row, jsonl: bool) -> None:
    """Print a row."""
    print(json.dumps(row) if jsonl else "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
