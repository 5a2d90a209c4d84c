"""`python -m benchmarks [NAME …] [--jsonl]`: each comparison in one run, interleaved, as medians."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from benchmarks import classroom, throughput

Row = dict[str, Any]
BENCHMARKS: dict[str, Callable[[], Iterator[Row]]] = {"throughput": throughput.rows, "classroom": classroom.rows}


def main() -> None:
    """Run the named benchmarks, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--jsonl", action="store_true", help="one JSON record per row")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; choose of {', '.join(BENCHMARKS)}")
    machine = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "streamlit": version("streamlit"),
    }
    show(machine, options.jsonl)
    for name in options.names or BENCHMARKS:
        for row in BENCHMARKS[name]():
            show({"benchmark": name, **row}, options.jsonl)


def show(row: Row, jsonl: bool) -> None:
    """Print a row."""
    print(json.dumps(row) if jsonl else "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
