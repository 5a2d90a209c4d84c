"""`runs`: list, show, compare, export and import the runs that are kept."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlp_core.errors import SpecError

if TYPE_CHECKING:
    from mlp_core.store.runs import RunStore, StoredRun

COMMAND_LINE = "command line"
"""Whose runs those are that were imported here and belong to no browser."""
ID_SHOWN = 12
"""Characters of an identity that are shown: enough to name a run by."""


def add(commands: Any) -> None:
    """Register the commands."""
    runs = commands.add_parser("runs", help="the runs that are kept: list, show, compare, export, import")
    what = runs.add_subparsers(required=True, metavar="WHAT")
    listing = what.add_parser("list", help="a line per run, the newest first")
    listing.add_argument("--where", action="append", default=[], metavar="CONDITION",
                         help="such as 'optimizer.lr>=0.01' or 'loss.type=CrossEntropyLoss'; may be repeated")
    listing.add_argument("--search", default="", metavar="WORDS", help="words in name, tags, note or settings")
    listing.add_argument("--sort", default="started", metavar="FIELD", help="a setting or a figure (default: started)")
    listing.add_argument("--ascending", action="store_true", help="the smallest first")
    listing.add_argument("--starred", action="store_true", help="starred runs only")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="lines at most (default: %(default)s)")
    show = what.add_parser("show", help="everything that is known of a run")
    show.add_argument("run", metavar="RUN", help="its identity, or the beginning of it")
    compare = what.add_parser("compare", help="the settings in which runs differ, and their figures")
    compare.add_argument("runs", nargs="+", metavar="RUN")
    export = what.add_parser("export", help="write runs into one file, which the Runs page and `runs import` read")
    export.add_argument("runs", nargs="+", metavar="RUN")
    export.add_argument("-o", "--out", type=Path, default=Path("runs.zip"), metavar="FILE",
                        help="the file (default: %(default)s)")
    take = what.add_parser("import", help="keep the runs of a file")
    take.add_argument("file", type=Path, metavar="FILE")
    for parser, command in ((listing, _list), (show, _show), (compare, _compare), (export, _export), (take, _import)):
        parser.set_defaults(command=command)
        parser.add_argument("--data-dir", type=Path, metavar="FOLDER", help="the folder of runs.sqlite")
        parser.add_argument("--jsonl", action="store_true", help="print JSON, one record a line")


def _open(options: argparse.Namespace) -> RunStore:
    """The store; raises `SpecError` where there is none yet."""
    from mlp_core.store.opening import open_store, store_url
    from mlp_core.store.runs import RunStore

    url = store_url(options.data_dir)
    made = options.command is _import
    if not made and url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SpecError(f"There are no runs in {url.database}. Train in the playground, or name another --data-dir.")
    return RunStore(open_store(url))


def _list(options: argparse.Namespace) -> None:
    from mlp_core.store.query import Query, parse_condition

    if options.limit < 1:
        raise SpecError(f"The option --limit must be at least 1. Got {options.limit} instead.")
    conditions = tuple(parse_condition(text) for text in options.where)
    query = Query(options.search, conditions, options.starred, options.sort, not options.ascending)
    try:
        found = _open(options).runs(None, query, limit=options.limit)
    except SpecError as error:
        found = []
        if not options.jsonl:
            print(error)
            return
    for run in found:
        if options.jsonl:
            print(json.dumps(_record(run)))
        else:
            accuracy = run.figures.get("best_test_accuracy")
            best = f"{100 * accuracy:.1f} %" if accuracy is not None else _short(run.figures.get("best_test_loss"))
            when = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M")
            star = "*" if run.starred else " "
            print(f"{run.id[:ID_SHOWN]} {star} {when}  {int(run.figures.get('step') or 0):>9,} steps  {best:>9}  "
                  f"{run.label}")
    if not found and not options.jsonl:
        print("No run fits.")


def _show(options: argparse.Namespace) -> None:
    from mlp_core.store.settings import label_of

    store = _open(options)
    run = store.find(None, options.run)
    if options.jsonl:
        print(json.dumps(_record(run)))
        return
    record = store.record(run.owner, run.id)
    print(f"{run.id}  {run.label}")
    for name, text in (("Tags", ", ".join(run.tags)), ("Note", run.note), ("Device", record.device),
                       ("Engines", ", ".join(record.engines)), ("End", record.end or "")):
        if text:
            print(f"{name:<32}{text}")
    for name, value in (*run.figures.items(), *run.settings.items()):
        if value is not None:
            print(f"{label_of(name):<32}{_short(value)}")
    for change in record.changes:
        print(f"Step {change.step:,}: {change.setting} {_short(change.before)} -> {_short(change.after)}")


def _compare(options: argparse.Namespace) -> None:
    from mlp_core.store.comparison import differing
    from mlp_core.store.settings import FIGURES, label_of

    store = _open(options)
    runs = [store.find(None, start) for start in options.runs]
    paths = differing([run.settings for run in runs])
    if options.jsonl:
        for run in runs:
            different = {path: run.settings.get(path) for path in paths}
            print(json.dumps({"run": run.id, "name": run.name, "settings": different, "figures": dict(run.figures)}))
        return
    rows = [("", *(run.id[:ID_SHOWN] for run in runs))]
    rows += [(label_of(path), *(_short(run.settings.get(path)) for run in runs)) for path in paths]
    rows += [(FIGURES[name], *(_short(run.figures.get(name)) for run in runs)) for name in FIGURES
             if any(run.figures.get(name) is not None for run in runs)]
    for row in rows:
        print(f"{row[0]:<28}" + "".join(f"{cell:>20}" for cell in row[1:]))


def _export(options: argparse.Namespace) -> None:
    from mlp_core.export.weights import save_file
    from mlp_core.store.archive import write_runs

    store = _open(options)
    runs = [store.find(None, start) for start in options.runs]
    if len({run.owner for run in runs}) > 1:
        raise SpecError("These runs belong to different owners. Export those of each by themselves.")
    content = write_runs(store, runs[0].owner, [run.id for run in runs])
    save_file(options.out, content)
    said = {"event": "exported", "file": str(options.out), "runs": [run.id for run in runs], "bytes": len(content)}
    print(json.dumps(said) if options.jsonl else f"{options.out}: {len(runs)} runs, {len(content):,} bytes")


def _import(options: argparse.Namespace) -> None:
    from mlp_core.store.archive import keep, read_runs
    from mlp_core.store.keeper import digest

    try:
        content = options.file.read_bytes()
    except OSError as error:
        raise SpecError(f"The file {str(options.file)!r} cannot be read: {error.strerror or error}.") from None
    kept = keep(_open(options), digest(COMMAND_LINE), read_runs(content))
    for run in kept:
        print(json.dumps({"event": "kept", "run": run}) if options.jsonl else f"{run[:ID_SHOWN]} is kept")


def _record(run: StoredRun) -> Mapping[str, Any]:
    return {
        "run": run.id, "name": run.name, "note": run.note, "tags": list(run.tags), "starred": run.starred,
        "started": run.started, "saved": run.saved, "settings": dict(run.settings), "figures": dict(run.figures),
        "bytes": run.bytes,
    }  # fmt: skip


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
