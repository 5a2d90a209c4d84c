"""A user's own table on the command line: put into the data folder, described, and said what was found."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mlp_core.errors import DataError, UserError
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec, Experiment


def on_table(experiment: Experiment, options: argparse.Namespace) -> Experiment:
    """The experiment on the table that the options name, if they name one; raises `UserError`."""
    if options.table is None:
        if options.target is not None or options.task is not None:
            raise UserError("The options --target and --task belong to a table. Name its file with --table.")
        return experiment
    from mlp_core.data import data_folder
    from mlp_core.data.faults import find_faults
    from mlp_core.data.inspection import add_table, propose

    path: Path = options.table
    folder = options.data_dir.expanduser().resolve() if options.data_dir else data_folder()
    try:
        with path.open("rb") as file:
            inspection, removed = add_table(file, path.name, folder)
    except OSError as error:
        raise DataError(
            f"The table {str(path)!r} cannot be read: {error.strerror}. Name a CSV or Parquet file."
        ) from None
    table = propose(inspection, options.target, options.task)
    found = find_faults(inspection, table, experiment.data.validation_fraction is not None)
    for sentence in (*removed, *(fault.message for fault in found)):
        print(sentence, file=sys.stderr)
    if not options.jsonl:
        what = f"one of {len(table.classes)} classes" if table.classes else "a number"
        print(f"{table.file.name}: {table.file.rows:,} rows; predicts {table.target!r} ({what}) from "
              f"{len(table.features):,} columns.", file=sys.stderr)  # fmt: skip
    before = experiment.data
    data = DataSpec(
        dataset="table", params={"table": table.values()}, test_fraction=before.test_fraction, seed=before.seed,
        validation_fraction=before.validation_fraction,
    )  # fmt: skip
    return with_data(experiment, data)
