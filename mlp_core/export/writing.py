"""The public functions: an experiment as a script, as a notebook, or its network alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mlp_core.catalog.training import TRAINING
from mlp_core.errors import SpecError
from mlp_core.export.refusals import refuses
from mlp_core.limits import ENDLESS_EPOCHS
from mlp_core.spec import Experiment


def script(
    experiment: Experiment,
    style: str,
    *,
    epochs: int | None = None,
    weights: str = "",
    test_loss: float | None = None,
    accuracy: float | None = None,
    operations: Sequence[str] = (),
) -> str:
    """The experiment as the text of a Python file, formatted as `ruff format` does.

    It trains for `epochs` (default: the experiment's own, or `ENDLESS_EPOCHS`) and prints the mean loss of an epoch,
    test loss and accuracy (a share in [0, 1]) with six decimals, and the losses of `training.report_every`. With
    `weights`, the name of a safetensors file made by `mlp_core.export.weights`, it loads them instead of training and
    asserts the given test loss and accuracy. `operations` are sentences on what was done to layers and neurons in the
    run that it is exported from: its first words say so. Raises `SpecError` for a style that cannot express the
    network.
    """
    from mlp_core.export.program import program
    from mlp_core.export.sections import as_script

    job = _job(experiment, style, epochs, weights, test_loss, accuracy, operations)
    found = program(job, style)
    return as_script(found.words, found.imports, found.sections)


def notebook(
    experiment: Experiment,
    style: str,
    *,
    epochs: int | None = None,
    weights: str = "",
    test_loss: float | None = None,
    accuracy: float | None = None,
    operations: Sequence[str] = (),
) -> str:
    """The same program as a Jupyter notebook: JSON in nbformat 4.5, with a text cell before each part."""
    from mlp_core.export.program import program

    job = _job(experiment, style, epochs, weights, test_loss, accuracy, operations)
    found = program(job, style)
    cells = [_text(f"# {found.words}"), _code("\n".join(found.imports))]
    for section in found.sections:
        cells.append(_text("\n\n".join(filter(None, [f"## {section.title}", section.text]))))
        cells.append(_code(section.code))
    for number, cell in enumerate(cells, start=1):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def file_name(experiment: Experiment, style: str, suffix: str = ".py") -> str:
    """A name for the file, which no module has that a script may import."""
    return f"{experiment.data.dataset.lower()}_{style.replace('-', '_')}{suffix}"


def network_code(experiment: Experiment, style: str) -> str:
    """Only the part of the script that makes the network, for comparing styles."""
    from mlp_core.export.program import program

    found = program(_job(experiment, style, None, "", None, None), style)
    return next(section for section in found.sections if section.title.startswith("Network")).code + "\n"


def _job(
    experiment: Experiment,
    style: str,
    epochs: int | None,
    weights: str,
    test_loss: float | None,
    accuracy: float | None,
    operations: Sequence[str] = (),
) -> Any:
    from mlp_core.export.job import Job, TrainedWeights

    if reason := refuses(experiment, style):
        raise SpecError(reason)
    epochs = TRAINING.parameter("epochs").check(epochs, "the training") or experiment.training.epochs or ENDLESS_EPOCHS
    trained = TrainedWeights(weights, test_loss, accuracy) if weights else None
    return Job(experiment, epochs, trained, tuple(operations))


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": "", "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": "",
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }
