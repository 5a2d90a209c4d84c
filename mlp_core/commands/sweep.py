"""`sweep PRESET|SPEC SPACE.json`: many trials of an experiment with other settings, a line or a record for each."""

from __future__ import annotations

import argparse
import json
import math
import queue
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlp_core.catalog.parameters import Choice
from mlp_core.catalog.sweep import SWEEP
from mlp_core.commands.reading import read_experiment
from mlp_core.errors import SpecError
from mlp_core.params import plain_values
from mlp_core.strict_json import MAX_JSON_CHARACTERS

if TYPE_CHECKING:
    from mlp_core.cluster.cluster import Cluster
    from mlp_core.sweep.measuring import TrialResult
    from mlp_core.sweep.spec import SweepSpec


def add(commands: Any) -> None:
    """Register the command."""
    sweep = commands.add_parser("sweep", help="train many trials of an experiment, with settings out of a space")
    sweep.add_argument("experiment", metavar="PRESET|spec.json")
    sweep.add_argument("space", type=Path, metavar="SPACE.json", help='a JSON object of settings, such as '
                       '{"optimizer.lr": {"low": 0.001, "high": 1, "log": true}, "layers.1.type": '
                       '{"choices": ["ReLU", "Tanh"]}}')  # fmt: skip
    for parameter in SWEEP.parameters:
        kind: dict[str, Any] = {"choices": parameter.choices} if isinstance(parameter, Choice) else {"type": int}
        sweep.add_argument(f"--{parameter.name.replace('_', '-')}", default=parameter.default,
                           help=f"{parameter.help} (default: %(default)s)", **kind)  # fmt: skip
    sweep.add_argument("--data-dir", type=Path, help="folder of downloaded sets; default: MLP_DATA_DIR, or data")
    sweep.add_argument("--ray", metavar="ADDRESS", help="train on a Ray cluster: HOST:PORT of its head, "
                       "ray://HOST:PORT, or auto; default: MLP_RAY_ADDRESS")  # fmt: skip
    sweep.add_argument("--jsonl", action="store_true", help="one JSON record per trial on standard output")
    sweep.set_defaults(command=_sweep)


def _sweep(options: argparse.Namespace) -> None:
    from mlp_core import data
    from mlp_core.cluster.cluster import cluster_at, cluster_of_server
    from mlp_core.sweep.space import read_space
    from mlp_core.sweep.spec import SweepSpec

    experiment = read_experiment(options.experiment)
    chosen = {parameter.name: getattr(options, parameter.name) for parameter in SWEEP.parameters}
    spec = SweepSpec(space=read_space(_text(options.space), experiment), **chosen)
    data.load(experiment.data, options.data_dir)  # raises where the data are missing, before anything begins
    if spec.warning:
        print(spec.warning, file=sys.stderr)
    cluster = cluster_at(options.ray) if options.ray else cluster_of_server()
    if cluster is not None:
        cluster.connect()
        print(f"Trials train on {cluster.words}.", file=sys.stderr)
    try:
        run(spec, options, cluster)
    finally:
        if cluster is not None:
            cluster.close()


def run(spec: SweepSpec, options: argparse.Namespace, cluster: Cluster | None = None) -> None:
    """Train all trials, printing each in the order of their numbers, and what was found at the end."""
    from mlp_core import data
    from mlp_core.sweep.summary import best, front
    from mlp_core.sweep.sweep import Sweep

    ended: queue.SimpleQueue[TrialResult] = queue.SimpleQueue()
    sweep = Sweep(
        spec, keep=lambda result, draft: ended.put(result), load=lambda part: data.load(part, options.data_dir),
        cluster=cluster, note=partial(print, file=sys.stderr),
    )  # fmt: skip
    sweep.start()
    waiting: dict[int, TrialResult] = {}
    shown = 0
    try:
        while shown < spec.size:
            try:
                result = ended.get(timeout=0.2)
            except queue.Empty:
                if sweep.progress.status == "paused" and ended.empty():
                    raise SpecError(sweep.progress.message or "The sweep ended early.") from None
                continue
            waiting[result.number] = result
            while (now := waiting.pop(shown, None)) is not None:
                _show(spec, now, options.jsonl)
                shown += 1
    finally:
        sweep.cancel()
        sweep.wait(60)
    results = sweep.results
    found = best(spec, results)
    if options.jsonl:
        last: dict[str, Any] = {"event": "finished", "trials": len(results), "best": found and _best(found)}
        if spec.objective_entry.counts_parameters:
            last["front"] = [_best(result) for result in front(spec, results)]
        print(json.dumps(last), flush=True)
    elif found is None:
        print("No trial came to its end with a figure.")
    else:
        print(f"Best of {len(results)}: trial {found.number + 1}, {_values(spec, found)}, {_settings(found)}")


def _best(result: TrialResult) -> dict[str, Any]:
    several = len(result.objectives) > 1
    return {"trial": result.number, "params": _plain(result),
            "value": list(result.objectives) if several else result.objectives[0]}  # fmt: skip


def _plain(result: TrialResult) -> dict[str, Any]:
    return {path: plain_values(value) for path, value in result.values.items()}


def _show(spec: SweepSpec, result: TrialResult, jsonl: bool) -> None:
    if jsonl:
        finite = [value if math.isfinite(value) else None for value in result.objectives]
        record = {"event": "trial", "trial": result.number, "state": result.state, "params": _plain(result),
                  "value": None if not finite else finite if len(finite) > 1 else finite[0], "epoch": result.epoch,
                  "parameters": result.parameters, "seconds": round(result.seconds, 4)}  # fmt: skip
        print(json.dumps(record | ({"message": result.message} if result.message else {})), flush=True)
    else:
        said = f"  {result.message}" if result.message else ""
        print(f"{result.number + 1:>5}  {result.state:<9} {_values(spec, result):<40} {_settings(result)}{said}",
              flush=True)  # fmt: skip


def _values(spec: SweepSpec, result: TrialResult) -> str:
    shown = [f"{name.lower()} {value:.6g}" for name, value in zip(spec.objectives, result.objectives, strict=False)]
    return ", ".join(shown)


def _settings(result: TrialResult) -> str:
    return "  ".join(f"{path}={value:.6g}" if isinstance(value, float) else f"{path}={plain_values(value)}"
                     for path, value in result.values.items())  # fmt: skip


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_JSON_CHARACTERS + 1)  # one more is refused, however many follow
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SpecError(f"The space {str(path)!r} cannot be read: {reason}. Name a JSON file.") from None
