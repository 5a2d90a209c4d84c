"""What a network answers for a whole part of its data, with the report on it. This module needs PyTorch."""

from __future__ import annotations

import numpy as np
import torch

from mlp_core.data.parts import PARTS
from mlp_core.evaluation import Slices, classification_slices, regression_slices
from mlp_core.run.build import Run
from mlp_core.run.metrics import EVALUATION_BATCH, passes_of
from mlp_core.run.nogil import copies
from mlp_core.run.values import values_of
from mlp_core.views.view import Arrays


def network(run: Run) -> Arrays:
    """A copy of the network: 'tensors' is its state dict on the CPU, 'experiment' what it belongs to."""
    state = run.model.state_dict()
    tensors = [tensor.cpu() for tensor in copies([one.detach() for one in state.values()])]
    return {"tensors": dict(zip(state, tensors, strict=True)), "experiment": run.experiment}


def answers(run: Run, part: str = "test") -> Slices[Arrays]:
    """The answers for all N samples of a part, and a report on them, in slices.

    Training may go on between two of them: all answers are those of the weights at the first.

    With classes: 'true' and 'predicted' int64 (N,), 'probabilities' float32 (N, K), 'report' a `ClassificationReport`.
    Else 'actual' and 'predicted' float64 (N, T) in the data's own unit, 'deviation' likewise the standard deviation
    that the network gives each value, None where it gives none, and 'report' a `RegressionReport`. Empty where the data
    has no such part.
    """
    data, chosen = run.dataset, PARTS[part]
    if not chosen.exists(data):
        return {}
    inputs, targets = chosen.arrays(data)
    passes, facts = passes_of(run).still(), data.facts
    starts = range(0, len(inputs), EVALUATION_BATCH)
    # Copies, because the arrays that sessions share are closed for writing, which PyTorch does not take.
    batches = (torch.from_numpy(inputs[start : start + EVALUATION_BATCH].copy()).to(run.device) for start in starts)
    if facts.classifies:
        found = []
        for batch in batches:
            found.append(tuple(one.cpu().numpy() for one in passes.classified(batch)))
            yield
        probabilities, predicted = (np.concatenate(one) for one in zip(*found, strict=True))
        return {
            "true": targets,
            "predicted": predicted,
            "probabilities": probabilities,
            "report": (yield from classification_slices(targets, predicted, probabilities, facts.class_names)),
        }
    pieces = []
    for batch in batches:
        pieces.append(passes.outputs(batch))
        yield
    values = values_of(run, torch.cat(pieces))
    actual = targets.astype(np.float64)
    if data.target_mean is not None and data.target_std is not None:
        actual = actual * data.target_std + data.target_mean
    report = yield from regression_slices(
        actual, values.predicted, facts.target_names, facts.target_unit, deviation=values.deviation
    )
    return {"actual": actual, "predicted": values.predicted, "deviation": values.deviation, "report": report}
