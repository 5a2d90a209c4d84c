"""What a sweep has found: its best trial, the Pareto front, how a trial compares."""

from __future__ import annotations

from collections.abc import Sequence

from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.spec import SweepSpec


def best(spec: SweepSpec, results: Sequence[TrialResult]) -> TrialResult | None:
    """The trial with the best first objective, the earliest of equal ones; None where none has ended well."""
    sign = -1 if spec.objective_entry.accuracy else 1
    found = [result for result in results if result.counts]
    return min(found, key=lambda result: (sign * result.objectives[0], *result.objectives[1:], result.number),
               default=None)  # fmt: skip


def front(spec: SweepSpec, results: Sequence[TrialResult]) -> list[TrialResult]:
    """The trials that no other one beats in all objectives, by the first one."""
    sign = -1 if spec.objective_entry.accuracy else 1
    places = [((sign * result.objectives[0], *result.objectives[1:]), result) for result in results if result.counts]
    places.sort(key=lambda pair: (pair[0], pair[1].number))
    kept: list[tuple[tuple[float, ...], TrialResult]] = []
    for place, result in places:
        if not any(all(a <= b for a, b in zip(other, place, strict=True)) for other, _ in kept):
            kept.append((place, result))
    return [result for _, result in kept]
