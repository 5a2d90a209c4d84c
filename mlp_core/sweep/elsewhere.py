"""Trials on the nodes of a cluster. A node is given all that one depends on, its judge included, and answers once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from mlp_core.catalog.sweep import OBJECTIVES, ObjectiveEntry
from mlp_core.cluster.cluster import Cluster, ClusterError, WorkError
from mlp_core.data.dataset import Dataset
from mlp_core.errors import UserError
from mlp_core.processor import Processor
from mlp_core.spec import Experiment
from mlp_core.sweep.choosing import Judge
from mlp_core.sweep.measuring import Measured, failure, measure
from mlp_core.training.record import PACKAGES, versions

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a node says of a trial."""

    measured: Measured | None = None
    """How it went, its draft without the data; None where it failed."""
    rungs: Mapping[str, float] | None = None
    """What the pruner remembers of it."""
    failed: str = ""
    """Why it failed; '' where it did not."""
    unfit: str = ""
    """Why this node gives other figures; '' where it does not."""


def measure_on(
    cluster: Cluster, experiment: Experiment, dataset: Dataset, objective: ObjectiveEntry, epochs: int,
    judge: Judge | None, *, wanted: Callable[[], bool], lost: Callable[[str], None],
) -> tuple[Measured, Mapping[str, float]] | None:  # fmt: skip
    """Train a trial on a node; what it came to, and what its pruner remembers. None where it was not wanted any more.

    Raises `ClusterError` where no trial can be trained there, and `WorkError` where this one cannot.
    """
    call = partial(_measure_here, experiment.to_json(), objective.name, epochs, judge, versions())
    cards = int(experiment.training.device == "cuda")
    answer: Answer | None = cluster.run(call, dataset, wanted=wanted, lost=lost, cards=cards)
    if answer is None:
        return None
    if answer.unfit:
        raise ClusterError(answer.unfit)
    if answer.failed or answer.measured is None:
        raise WorkError(answer.failed)
    measured = answer.measured
    if measured.draft is not None:
        measured = replace(measured, draft=replace(measured.draft, dataset=dataset))
    return measured, answer.rungs or {}


@cache
def _processor() -> Processor:
    """The core that Ray gives a trial; nobody looks at anything there, so it need not make way."""
    return Processor(1, background_niceness=0)


def _measure_here(
    experiment: str, objective: str, epochs: int, judge: Judge | None, asked: Mapping[str, str], dataset: Dataset
) -> Answer:
    """What the node does."""
    if unfit := difference(asked, versions()):
        return Answer(unfit=unfit)
    try:
        measured = measure(
            Experiment.from_json(experiment), dataset, OBJECTIVES[objective], epochs, processor=_processor(),
            report=judge.goes_on if judge else lambda epoch, value: True,
        )  # fmt: skip
    except Exception as error:
        if not isinstance(error, UserError):
            LOG.exception("a trial failed")
        return Answer(failed=failure(error))
    assert measured is not None, "it is wanted"
    if measured.draft is not None:
        there: Any = None  # they are where they came from
        measured = replace(measured, draft=replace(measured.draft, dataset=there))
    return Answer(measured, judge.rungs if judge else {})


def difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Why a node with these versions gives other figures; '' where it gives the same."""
    for package in PACKAGES:
        ours, theirs = (found.get(package, "none").partition("+")[0] for found in (here, there))
        if ours != theirs:
            return (
                f"A node of the cluster has {package} {theirs}, and here it is {ours}: figures would differ. Install "
                "the same one on every node."
            )
    return ""
