"""A user's own table on the command line: put into the data folder, described, and said what was found."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from mlp_core.catalog.tables import Table, table_of
from mlp_core.errors import DataError, UserError
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec, Experiment

if TYPE_CHECKING:
    from mlp_core.data.inspection import Inspection


def on_table(experiment: Experiment, options: argparse.Namespace) -> Experiment:
    """The experiment on the table that the options name, if they name one; raises `UserError`."""
    if options.table is None:
        if any(value is not None for value in (options.target, options.task, options.columns)):
            raise UserError(
                "The options --target, --task and --columns belong to a table. Name its file with --table."
            )
        return experiment
    from mlp_core.data.column_choice import choose_columns
    from mlp_core.data.faults import find_faults
    from mlp_core.data.inspection import propose

    def described(found: Inspection) -> Table:
        table = propose(found, options.target, options.task)
        return table if options.columns is None else choose_columns(table, found, options.columns, "only")

    inspection, removed = _add(options.table, options.data_dir, described)
    table = described(inspection)
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


def bring_table(path: Path, experiment: Experiment, data_dir: Path | None) -> None:
    """Put the file of the experiment's table into the data folder; raises `DataError` for another file."""
    table = table_of(experiment.data.params) if experiment.data.dataset == "table" else None
    if table is None:
        raise DataError("These weights were not trained on a table of yours. Leave the option --table away.")
    with _opened(path) as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == table.file.sha256
    if not same:
        raise DataError(
            f"The table {str(path)!r} is not the one that these weights were trained on ({table.file.name!r}): its "
            "content differs. Name that file, or use 'predict' for new rows."
        )
    _add(path, data_dir)


def _add(
    path: Path, data_dir: Path | None, accept: Callable[[Inspection], object] = lambda found: None
) -> tuple[Inspection, tuple[str, ...]]:
    from mlp_core.data import data_folder
    from mlp_core.data.inspection import add_table

    with _opened(path) as file:
        folder = data_dir.expanduser().resolve() if data_dir else data_folder()
        return add_table(file, path.name, folder, accept=accept)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise DataError(
            f"The table {str(path)!r} cannot be read: {error.strerror}. Name a CSV or Parquet file."
        ) from None
