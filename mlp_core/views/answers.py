"""What a network answers for a whole part of its data, with the report on it. This module needs PyTorch."""

from __future__ import annotations

import numpy as np
import torch

from mlp_core.data.parts import PARTS
from mlp_core.evaluation import classification_report, regression_report
from mlp_core.run.build import Run
from mlp_core.run.metrics import EVALUATION_BATCH, passes_of
from mlp_core.run.values import values_of
from mlp_core.views.view import Arrays


def answers(run: Run, part: str = "test") -> Arrays:
    """The answers for all N samples of a part, and a report on them.

    With classes: 'true' and 'predicted' int64 (N,), 'probabilities' float32 (N, K), 'report' a `ClassificationReport`.
    Else 'actual' and 'predicted' float64 (N, T) in the data's own unit, 'deviation' likewise the standard deviation
    that the network gives each value, None where it gives none, and 'report' a `RegressionReport`. Empty where the data
    has no such part.
    """
    data, chosen = run.dataset, PARTS[part]
    if not chosen.exists(data):
        return {}
    inputs, targets = chosen.arrays(data)
    passes, facts = passes_of(run), data.facts
    starts = range(0, len(inputs), EVALUATION_BATCH)
    # Copies, because the arrays that sessions share are closed for writing, which PyTorch does not take.
    batches = (torch.from_numpy(inputs[start : start + EVALUATION_BATCH].copy()).to(run.device) for start in starts)
    if facts.classifies:
        found = [tuple(one.cpu().numpy() for one in passes.classified(batch)) for batch in batches]
        probabilities, predicted = (np.concatenate(one) for one in zip(*found, strict=True))
        return {
            "true": targets,
            "predicted": predicted,
            "probabilities": probabilities,
            "report": classification_report(targets, predicted, probabilities, facts.class_names),
        }
    values = values_of(run, torch.cat([passes.outputs(batch) for batch in batches]))
    actual = targets.astype(np.float64)
    if data.target_mean is not None and data.target_std is not None:
        actual = actual * data.target_std + data.target_mean
    report = regression_report(
        actual, values.predicted, facts.target_names, facts.target_unit, deviation=values.deviation
    )
    return {"actual": actual, "predicted": values.predicted, "deviation": values.deviation, "report": report}
