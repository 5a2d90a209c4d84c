"""The benchmark that walks the catalog: whole rows for every entry, and a table of them."""

from __future__ import annotations

import pytest

from benchmarks import catalog
from benchmarks.options import Options
from mlp_core.catalog import ACTIVATIONS, LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS
from mlp_core.problems import problems

CASES = [(kind, name) for kind, (names, _) in catalog.KINDS.items() for name in names]


def test_the_whole_catalog_is_walked() -> None:
    entries = [*ACTIVATIONS, *LAYERS, *LOSSES, *OPTIMIZERS, *SCHEDULERS]
    assert [name for _, name in CASES] == entries


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_entry_has_a_network_that_can_run(kind: str, name: str) -> None:
    experiment = catalog.repaired(catalog.KINDS[kind][1](name))
    assert [problem for problem in problems(experiment) if problem.severity == "error"] == []
    chosen = {layer.type for _, layer in experiment.walk()} | {experiment.loss.type, experiment.optimizer.type}
    assert name in chosen or (experiment.scheduler is not None and experiment.scheduler.type == name)


def test_rows_and_table() -> None:
    wanted = Options(rounds=2, seconds=0.001, only=("ReLU6", "NAdam", "BCELoss"))
    rows = list(catalog.rows(wanted))
    assert [row["entry"] for row in rows] == ["ReLU6", "BCELoss", "NAdam"]
    relu6, bce, nadam = rows
    for row in rows:
        assert row["eager_us"] > 0
    assert relu6["fast"] > 0
    assert bce["fast"] > 0
    for engine, reason in nadam.get("why_not", {}).items():
        assert nadam[engine] is None
        assert reason
    made = catalog.table(rows)
    assert [line.split("|")[2].strip() for line in made.splitlines() if line.startswith("| ")][2:] == [
        "`ReLU6`", "`BCELoss`", "`NAdam`",
    ]  # fmt: skip
    for reason in nadam.get("why_not", {}).values():
        assert reason in made


def test_an_entry_that_does_not_fit_is_told_and_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ValueError("no such network")

    monkeypatch.setitem(catalog.KINDS, "activation", (("ReLU",), broken))
    rows = list(catalog.rows(Options(rounds=1, seconds=0.001, only=("ReLU", "StepLR"))))
    assert rows[0] == {"kind": "activation", "entry": "ReLU", "skipped": "no such network"}
    assert rows[1]["entry"] == "StepLR"
    assert "no such network" in catalog.table(rows)
