"""`train PRESET|spec.json`: one run, with a line per epoch for people or a JSON record per event."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from mlp_core.catalog import TRAINING
from mlp_core.catalog.facts import Task
from mlp_core.catalog.training import VALIDATION_FRACTION
from mlp_core.commands.images import add_options, on_images
from mlp_core.commands.reading import read_experiment
from mlp_core.commands.tables import on_table
from mlp_core.errors import UserError
from mlp_core.limits import ENDLESS_EPOCHS
from mlp_core.problems import mended, stopping_hints

if TYPE_CHECKING:
    from mlp_core.data import Progress
    from mlp_core.run.build import Run
    from mlp_core.training.events import Event
    from mlp_core.training.layer_history import LayerHistory
    from mlp_core.training.loop import LoopState


_SET_HERE = ("epochs", "device", "patience", "restore_best_weights")
"""Parameters of the training that have an option."""


def add(commands: Any) -> None:
    """Register the command."""
    train = commands.add_parser("train", help="train a preset, or an experiment from a JSON file")
    train.add_argument("experiment", metavar="PRESET|spec.json")
    train.add_argument("--epochs", type=int, help=f"default: the experiment's own, or {ENDLESS_EPOCHS}")
    train.add_argument("--device", help="cpu, cuda or mps; default: the experiment's own")
    train.add_argument("--validation-fraction", type=float, metavar="SHARE", help=VALIDATION_FRACTION.help)
    train.add_argument("--patience", type=int, metavar="EPOCHS", help=TRAINING.parameter("patience").help)
    train.add_argument("--restore-best-weights", action="store_true", default=None,
                       help=TRAINING.parameter("restore_best_weights").help)  # fmt: skip
    train.add_argument("--data-dir", type=Path, help="folder of downloaded sets; default: MLP_DATA_DIR, or data")
    train.add_argument("--download", action="store_true", help="fetch the data set first if it is not there")
    own = train.add_mutually_exclusive_group()
    own.add_argument("--table", type=Path, metavar="FILE", help="train on this CSV or Parquet file of yours instead")
    own.add_argument("--images", type=Path, metavar="FILE.zip", help="train on these PNG or JPEG images of yours: a "
                     "zip with a folder for each class, or with a CSV file of their names and labels")  # fmt: skip
    train.add_argument("--target", metavar="COLUMN", help="what to predict of it; default: its last column")
    train.add_argument("--columns", metavar="NAMES", help="what to predict it from: names or pieces of them, separated "
                       "by commas; 'first:last' for all from one to another; * and ? as in file names")  # fmt: skip
    train.add_argument("--task", choices=get_args(Task), help="default: as the target looks")
    add_options(train)
    train.add_argument("--jsonl", action="store_true", help="one JSON record per event on standard output")
    train.add_argument("--save", type=Path, metavar="FILE.safetensors", help="write the trained weights, at the end")
    train.add_argument("--figures", type=Path, metavar="FOLDER", help="write every view of the run, as web pages")
    train.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> None:
    experiment = read_experiment(options.experiment)
    if options.save and not options.save.absolute().parent.is_dir():
        raise UserError(f"There is no folder {str(options.save.parent)!r} to save the weights in. Make it first.")
    changes = {name: value for name in _SET_HERE if (value := getattr(options, name)) is not None}
    experiment = experiment.updated(training=experiment.training.updated(**changes))
    if options.validation_fraction is not None:
        data_spec = experiment.data.updated(validation_fraction=options.validation_fraction)
        experiment = experiment.updated(data=data_spec)
    experiment = on_images(on_table(experiment, options), options)
    for hint in stopping_hints(experiment):
        print(hint.message, file=sys.stderr)

    from mlp_core import data
    from mlp_core.engines.choose import engine_for
    from mlp_core.processor import PROCESSOR
    from mlp_core.run.build import build
    from mlp_core.training.diagnosis import DivergenceGuard
    from mlp_core.training.events import Chunk, Evaluation
    from mlp_core.training.history import History
    from mlp_core.training.loop import LoopState, train

    show = None if options.jsonl else _show_progress
    dataset = data.load(experiment.data, options.data_dir, progress=show, download=options.download)
    experiment = mended(experiment, dataset.train_size) if options.table or options.images else experiment
    run = build(experiment, dataset)
    engine, why_engine = engine_for(run, processor=PROCESSOR)
    for note in (*run.notes, why_engine):
        if note:
            print(note, file=sys.stderr)
    epochs = experiment.training.epochs or ENDLESS_EPOCHS
    history, state = History(), LoopState(DivergenceGuard(run))
    layers = _layer_history(run) if options.figures else None
    with run.tuned():
        for event in train(run, engine, state, epochs=epochs):
            if isinstance(event, Chunk):
                history.add_chunk(event)
                _look(layers, state)
            elif isinstance(event, Evaluation):
                history.add_evaluation(event)
            if options.jsonl:
                print(json.dumps(event.as_record()), flush=True)
            else:
                _show(event, epochs, run.batches.per_epoch)
    if options.save:
        _save(options.save, run, event)
    if layers is not None:
        from mlp_core.commands.figures import save_figures, snapshot_of

        _look(layers, state, now=True)
        written = save_figures(snapshot_of(run, history, state.evaluation, moments=layers.moments), options.figures)
        print(f"{len(written)} figures in {options.figures}", file=sys.stderr)


def _layer_history(run: Run) -> LayerHistory:
    from mlp_core.training.layer_history import LayerHistory

    return LayerHistory(run)


def _look(layers: LayerHistory | None, state: LoopState, *, now: bool = False) -> None:
    """Record what the layers do, where figures of that are wanted."""
    if layers is not None:
        layers.look(state.seconds, now=now)


def _save(path: Path, run: Run, last: Event) -> None:
    from mlp_core.export import weights
    from mlp_core.export.preprocessing import preprocessing_of
    from mlp_core.export.state import state_of

    content = weights.save(
        run.experiment,
        state_of(run),
        step=run.position.step,
        test_loss=getattr(last, "test_loss", None),
        preprocessing=preprocessing_of(run.experiment, run.dataset),
    )
    weights.save_file(path, content)


def _show_progress(progress: Progress) -> None:
    """A line that moves, on a terminal; a log would hold every step of it."""
    if sys.stderr.isatty():
        total = f" of {progress.total_bytes / 1e6:.1f}" if progress.total_bytes else ""
        end = "\n" if progress.total_bytes and progress.done_bytes >= progress.total_bytes else ""
        line = f"\r{progress.what}: {progress.done_bytes / 1e6:.1f}{total} MB\033[K"
        print(line, end=end, file=sys.stderr, flush=True)


def _show(event: Event, epochs: int, per_epoch: int) -> None:
    """One event for people: a line that moves while an epoch runs, one that stays for each test pass."""
    from mlp_core.training.events import Chunk, Diverged, EarlyStop, Evaluation, Finished

    moving = sys.stdout.isatty()
    if isinstance(event, Chunk) and moving:
        done = event.step % per_epoch or per_epoch
        print(f"\repoch {event.epoch + (done < per_epoch)}/{epochs}  {done}/{per_epoch} batches "
              f"loss {event.losses.mean():.4f}\033[K", end="", flush=True)  # fmt: skip
    elif isinstance(event, Evaluation):
        accuracy = "" if event.test_accuracy is None else f"  test accuracy {event.test_accuracy:.2%}"
        validation = "" if event.validation_loss is None else f"validation loss {event.validation_loss:.4f}  "
        if event.validation_accuracy is not None:
            validation += f"validation accuracy {event.validation_accuracy:.2%}  "
        start = "\r\033[K" if moving else ""
        print(f"{start}epoch {event.epoch}/{epochs}  train loss {event.train_loss:.4f}  "
              f"{validation}test loss {event.test_loss:.4f}{accuracy}", flush=True)  # fmt: skip
    elif isinstance(event, Diverged | EarlyStop):
        print(event.message)
    elif isinstance(event, Finished):
        print(f"{event.steps:,} steps in {event.train_seconds:.1f} s, {event.samples_per_second:,.0f} samples/s")
