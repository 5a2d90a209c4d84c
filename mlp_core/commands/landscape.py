"""`landscape PRESET|spec.json`: train, then the loss over a plane through the weights: in words, as JSON, as a page."""

from __future__ import annotations

import argparse
import json
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlp_core.catalog.landscape import DIRECTIONS, LANDSCAPE, PATH
from mlp_core.commands.reading import read_experiment
from mlp_core.data.parts import PARTS
from mlp_core.errors import UserError
from mlp_core.limits import ENDLESS_EPOCHS

if TYPE_CHECKING:
    from mlp_core.landscape import Landscape
    from mlp_core.landscape.path import Path as WeightsPath
    from mlp_core.run.build import Run


def add(commands: Any) -> None:
    """Register the command."""
    found = commands.add_parser("landscape", help="train, and print the loss over a plane through the weights")
    found.add_argument("experiment", metavar="PRESET|spec.json")
    found.add_argument("--epochs", type=int, help=f"default: the experiment's own, or {ENDLESS_EPOCHS}; 0 for none")
    found.add_argument("--directions", choices=list(DIRECTIONS), default=LANDSCAPE.parameter("directions").default,
                       help=_help("directions"))  # fmt: skip
    for name, kind in (("span", float), ("size", int), ("samples", int), ("seed", int)):
        default = LANDSCAPE.parameter(name).default
        found.add_argument(f"--{name}", type=kind, default=default, help=f"{_help(name)} Default: {default}.")
    found.add_argument("--part", choices=list(PARTS), action="append", dest="parts",
                       help="may be given several times; default: train and test")  # fmt: skip
    found.add_argument("--data-dir", type=Path, help="folder of downloaded sets; default: MLP_DATA_DIR, or data")
    found.add_argument("--download", action="store_true", help="fetch the data set first if it is not there")
    found.add_argument("--json", action="store_true", help="every number as JSON on standard output")
    found.add_argument("--figure", type=Path, metavar="FILE.html", help="write contour lines and surface of each part")
    found.set_defaults(command=_landscape)


def _help(name: str) -> str:
    return LANDSCAPE.parameter(name).help.replace("%", "%%")


def _landscape(options: argparse.Namespace) -> None:
    experiment = read_experiment(options.experiment)
    if options.figure and not options.figure.absolute().parent.is_dir():
        raise UserError(f"There is no folder {str(options.figure.parent)!r} to write the figure in. Make it first.")
    if options.epochs:
        experiment = experiment.updated(training=experiment.training.updated(epochs=options.epochs))

    from mlp_core import data
    from mlp_core.landscape import LandscapeSpec, about, loss_landscape, reading
    from mlp_core.run.build import build

    names = [parameter.name for parameter in LANDSCAPE.parameters]
    parts = tuple(dict.fromkeys(options.parts or ("train", "test")))
    spec = LandscapeSpec(parts=parts, **{name: getattr(options, name) for name in names})
    run = build(experiment, data.load(experiment.data, options.data_dir, download=options.download))
    with run.tuned():
        path = _trained(run, 0 if options.epochs == 0 else experiment.training.epochs or ENDLESS_EPOCHS)
        found = loss_landscape(run, spec, path.moments if spec.directions == PATH else (), _show)
    if options.json:
        print(json.dumps({"dataset": experiment.data.dataset, **found.as_dict()}, allow_nan=False))
    else:
        for part in parts:
            print(reading(found, part))
        print(" ".join([about(found), *found.notes]))
    if options.figure:
        options.figure.write_text(_page(found), encoding="utf-8")
        print(f"The figure is in {options.figure}", file=sys.stderr)


def _trained(run: Run, epochs: int) -> WeightsPath:
    """Train the run; gives its path."""
    from mlp_core.engines.choose import engine_for
    from mlp_core.landscape.path import Path as WeightsPath
    from mlp_core.processor import PROCESSOR
    from mlp_core.training.diagnosis import DivergenceGuard
    from mlp_core.training.events import Chunk, Diverged
    from mlp_core.training.loop import LoopState, train

    path = WeightsPath()
    path.add(run)
    if epochs == 0:
        return path
    engine, _ = engine_for(run, processor=PROCESSOR)
    for event in train(run, engine, LoopState(DivergenceGuard(run)), epochs=epochs):
        if isinstance(event, Chunk):
            path.add(run)
        elif isinstance(event, Diverged):
            print(event.message, file=sys.stderr)
    return path


def _show(done: float) -> None:
    """A line that moves, on a terminal."""
    if sys.stderr.isatty():
        print(f"\rlandscape {done:.0%}\033[K", end="\n" if done == 1 else "", file=sys.stderr, flush=True)


def _page(found: Landscape) -> str:
    """A web page that needs no server and no other file."""
    from plotly.graph_objects import Figure

    from mlp_core.landscape import about, reading
    from mlp_core.landscape.drawing import drawings

    pieces: list[str] = []
    for part in found.losses:
        pieces.append(f"<h2>{escape(PARTS[part].label)}</h2>\n<p>{escape(reading(found, part))}</p>")
        for drawing in drawings(found, part):
            html = Figure(drawing.figure).to_html(full_html=False, include_plotlyjs=len(pieces) == 1,
                                                  default_height="560px")  # fmt: skip
            pieces.append(f"{html}\n<p>{escape(drawing.alt)}</p>")
    said = escape(" ".join([about(found), *found.notes]))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Loss landscape</title></head>\n<body>\n'
        f"<h1>Loss landscape</h1>\n<p>{said}</p>\n" + "\n".join(pieces) + "\n</body>\n</html>\n"
    )
