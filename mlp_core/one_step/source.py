"""A run like another one, to take a step of it apart where nobody trains."""

from __future__ import annotations

from dataclasses import replace

from mlp_core.data.dataset import Dataset
from mlp_core.run.build import Run, build
from mlp_core.run.checkpoint import Checkpoint, restore
from mlp_core.spec import Experiment


def run_at(experiment: Experiment, dataset: Dataset, checkpoint: Checkpoint | None = None) -> Run:
    """A run of its own on the CPU, where the checkpoint was saved; without one, with the experiment's first weights.

    What a GPU draws at random is drawn anew there. Raises `SpecError` where the parts of the experiment do not fit.
    """
    on_cpu = experiment.updated(training=experiment.training.updated(device="cpu"))
    run = build(on_cpu, dataset)
    if checkpoint is not None:
        tensors = [tensor.cpu() for tensor in checkpoint.tensors]
        order = None if checkpoint.order is None else checkpoint.order.cpu()
        restore(run, replace(checkpoint, tensors=tensors, order=order))
    return run
