"""Running exported code, and the figures that a run of the same experiment records."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from untraced import untraced

from mlp_core import data
from mlp_core.catalog import STYLES
from mlp_core.engines.eager import EagerEngine
from mlp_core.export import refuses
from mlp_core.run.build import build
from mlp_core.spec import Experiment
from mlp_core.torchvision_compat import import_torchvision
from mlp_core.training.events import Diverged, EarlyStop, Evaluation, Events, Report
from mlp_core.training.loop import train

NUMBER = re.compile(r"-?\d+\.\d{6}\b|\bnan\b|\binf\b")


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Whatever a script sets in PyTorch is put back."""
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.random.set_rng_state(state)
        torch.use_deterministic_algorithms(False)


def run(*cells: str) -> str:
    """What pieces of code print, run one after the other in a namespace of their own."""
    import_torchvision()  # torchmetrics, which Lightning imports, needs it as well
    logging.getLogger("lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    out = io.StringIO()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with untouched(), untraced(), contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for code in cells:
            exec(compile(code, "exported.py", "exec"), namespace)
    return out.getvalue()


def printed(code: str) -> list[str]:
    """Every figure that the code prints, as text."""
    return figures(run(code))


def figures(text: str) -> list[str]:
    """Every number with six decimals."""
    return NUMBER.findall(text)


def recorded(experiment: Experiment, epochs: int, folder: Path | None = None) -> tuple[list[str], bool]:
    """The figures of a run in the order in which a script prints them, and whether it diverged after them."""
    made = build(experiment, data.load(experiment.data, folder))
    with made.tuned():
        return _figures(train(made, EagerEngine(), epochs=epochs))


def _figures(events: Events) -> tuple[list[str], bool]:
    found: list[str] = []
    for event in events:
        if isinstance(event, Diverged):
            return found, True
        if isinstance(event, Report):
            found.append(f"{event.loss:.6f}")
        elif isinstance(event, Evaluation):
            found.append(f"{event.train_loss:.6f}")
            validated = (event.validation_loss, event.validation_accuracy)
            found += [f"{value:.6f}" for value in validated if value is not None]
            found.append(f"{event.test_loss:.6f}")
            found += [] if event.test_accuracy is None else [f"{event.test_accuracy:.6f}"]
        elif isinstance(event, EarlyStop):
            found.append(f"{event.best_loss:.6f}")
    return found, False


def expressible(experiment: Experiment) -> list[str]:
    """The styles that can express the experiment's network."""
    return [style for style in STYLES if not refuses(experiment, style)]
