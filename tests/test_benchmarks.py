"""The benchmarks run and give complete rows; what they measure is nobody's test."""

from __future__ import annotations

import pytest

from benchmarks import throughput
from benchmarks.options import Options


def test_throughput_gives_a_row_for_every_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(throughput, "ROUNDS", 1)
    monkeypatch.setattr(throughput, "SECONDS", 0.01)
    threads = torch.get_num_threads()
    try:
        rows = list(throughput.rows(Options()))
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
    assert len({row["network"] for row in rows}) == len(rows) == 5
    assert all(row["ratio"] > 0 for row in rows)
