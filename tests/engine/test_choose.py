"""Which engine is chosen, and what the page is told when it is not the fast one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from comparing import assert_same, experiment, layer, make

from mlp_core.engines import fast
from mlp_core.engines.cache import BuildCache
from mlp_core.engines.choose import engine_for
from mlp_core.engines.native import engine as native
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.engines.verdicts import Verdicts
from mlp_core.run.build import Run


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "PROGRAMS", BuildCache(4))
    monkeypatch.setattr(native, "VERDICTS", Verdicts(4, passed=True))


def small() -> Run:
    return make(experiment([layer("Linear", out_features=4), layer("Tanh"), layer("Linear")]))


class Branching(torch.nn.Module):
    """A layer that decides by the data, which a graph of operators cannot."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


class Noise(torch.nn.Module):
    """A layer that draws from the global generator alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.rand_like(x)


class Idle(torch.nn.Module):
    """A layer with a weight that the output does not depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def _with(extra: torch.nn.Module) -> Callable[[Run], None]:
    def change(run: Run) -> None:
        run.model.append(extra)
        run.optimizer = torch.optim.SGD(run.model.parameters())

    return change


def _lbfgs(run: Run) -> None:
    run.optimizer = torch.optim.LBFGS(run.model.parameters())


def _groups(run: Run) -> None:
    run.optimizer = torch.optim.SGD([{"params": [p]} for p in run.model.parameters()])


def _foreach(run: Run) -> None:
    run.optimizer = torch.optim.SGD(run.model.parameters(), foreach=True)


def _frozen(run: Run) -> None:
    for parameter in run.model.parameters():
        parameter.requires_grad_(False)


def _elsewhere(run: Run) -> None:
    run.device = torch.device("meta")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_with(Branching()), "could not be traced"),
        (_with(Noise()), "run's own stream"),
        (_with(Idle()), "does not depend"),
        (_lbfgs, "LBFGS"),
        (_groups, "parameter groups"),
        (_foreach, "special implementation"),
        (_frozen, "could not be traced"),
        (_elsewhere, "meta"),
    ],
)
def test_what_the_fast_engine_cannot_run_falls_back_and_says_why(change: Callable[[Run], None], words: str) -> None:
    run, untouched = small(), small()
    change(run)
    stream = run.stream.state()[0]
    engine, why = engine_for(run)
    assert engine.name == "eager"
    assert words in why
    assert why.startswith("The plain engine runs this experiment")
    assert why.endswith(".")
    assert torch.equal(stream, run.stream.state()[0])
    for name, value in untouched.model.state_dict().items():
        assert torch.equal(value, run.model.state_dict()[name])


@pytest.mark.parametrize("make_engine", [native.NativeEngine, fast.FastEngine])
def test_an_engine_changes_nothing_before_it_runs(make_engine: Callable[[], Any]) -> None:
    run, untouched = small(), small()
    make_engine().prepare(run)
    assert_same(run, untouched)


def test_a_faster_engine_needs_no_reason() -> None:
    engine, why = engine_for(small())
    assert engine.name in ("native", "fast")
    assert why == ""


def test_the_next_engine_takes_what_one_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, run: Run) -> None:
        raise UnsupportedError("it does not want to")

    monkeypatch.setattr(native.NativeEngine, "prepare", refuse)
    assert (engine_for(small())[0].name, engine_for(small())[1]) == ("fast", "")


def test_no_steps_are_no_steps() -> None:
    run, untouched = small(), small()
    result = engine_for(run)[0].run(run, 0)
    assert (len(result.losses), result.samples) == (0, 0)
    assert_same(run, untouched)
