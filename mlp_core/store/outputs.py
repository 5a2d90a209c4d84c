"""What the network of a kept run makes of its data: the picture of the Playground's output, from stored weights."""

from __future__ import annotations

from pathlib import Path

from mlp_core import data
from mlp_core.export.weights import Weights
from mlp_core.processor.policy import tuned
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Drawing, Options, draw


def output_of(weights: Weights, options: Options, data_dir: Path | None = None) -> Drawing | None:
    """A decision boundary, or a fitted curve or surface; None for data that have no such picture.

    Raises `DataError` where the data are not there.
    """
    from mlp_core.run.build import build
    from mlp_core.training.views import ViewResult

    experiment = weights.experiment
    facts = experiment.data.facts
    view = next((view for view in VIEWS.values() if view.output and view.kind == "plot" and view.applies(facts)), None)
    if view is None:
        return None
    dataset = data.load(experiment.data, data_dir)
    run = build(experiment, dataset)
    run.model.load_state_dict(dict(weights.tensors))
    run.model.eval()
    with tuned(sum(tensor.numel() for tensor in weights.tensors.values()), dataset.train_size):
        arrays = view.arrays(run)
    step = weights.step or 0
    source = Snapshot(
        status="ready", run="kept", experiment=experiment, dataset=dataset, step=step, run_step=step,
        views={view.computed(options): ViewResult(step, arrays)},
    )  # fmt: skip
    return draw(view, source, options)
