"""A session operates on layers and neurons while it trains, says what that did, and goes back."""

from __future__ import annotations

import math

import pytest
import torch
from waiting import LIMIT, at_rest, experiment, until, until_step

from mlp_core.errors import SpecError
from mlp_core.export.weights import load, save
from mlp_core.spec import Experiment
from mlp_core.surgery import Operation
from mlp_core.training.record import RunRecord, Surgery, told
from mlp_core.training.session import Session


def operate(session: Session, operation: Operation) -> Surgery:
    """Do it, and wait until its effect is known and the run has gone on."""
    count = len(session.snapshot().surgeries)
    changed = session.operate(operation)
    assert session.experiment == changed
    assert session.wait(lambda now: len(now.surgeries) > count or now.status == "failed", LIMIT)
    now = session.snapshot()
    assert now.status != "failed", now.message
    assert now.experiment == changed
    return now.surgeries[-1]


def test_a_run_that_trains_is_operated_on_and_goes_on(session: Session) -> None:
    with pytest.raises(SpecError, match="no run yet"):
        session.operate(Operation("split", (0,), 0))
    session.apply(experiment())
    until(session, "ready")
    session.play()
    first = until_step(session, 40)
    split = operate(session, Operation("split", (0,), 2))
    assert split.done == "Split neuron 3 of layer 1"
    assert split.sentence.startswith("Split neuron 3 of layer 1: test loss ")
    for before, after in (split.effect.test_loss, split.effect.train_loss):
        assert before is not None
        assert after is not None
        assert math.isclose(before, after, abs_tol=1e-6)
    wider = until_step(session, split.step + 40)
    assert wider.run != first.run
    assert wider.origin is not None
    assert (wider.origin.run, wider.origin.step) == (first.run, split.step)
    assert wider.experiment is not None
    assert wider.experiment.layers[0].params["out_features"] == 9
    frozen = operate(session, Operation("freeze", (2,)))
    assert frozen.effect.test_loss[0] == frozen.effect.test_loss[1]
    same = until_step(session, frozen.step + 40)
    assert same.run == wider.run, "the same run goes on where the network is as wide as before"
    assert same.status == "running"
    ablated = operate(session, Operation("ablate", (4,), 0))
    assert ablated.effect.train_loss[0] != ablated.effect.train_loss[1]
    session.pause()
    now = at_rest(session)
    assert [one.type for one in now.surgeries] == ["split", "freeze", "ablate"]
    assert len(told(now.surgeries)) == 3
    record = session.record()
    assert record is not None
    settings = [(change.setting, change.before, change.after) for change in record.changes]
    assert settings == [("layers.0.params.out_features", 8, 9), ("layers.2.frozen", False, True),
                        ("layers.4", None, None)]  # fmt: skip
    assert record.inexact[0] == "A neuron of it was split while it was trained."
    assert RunRecord.from_json(record.to_json()).changes == record.changes
    weights = session.weights("current", LIMIT)
    assert weights is not None
    assert weights.operations == told(now.surgeries)
    read = load(save(weights.experiment, weights.tensors))
    assert read.experiment == now.experiment
    assert session.undo_operation() is not None
    back = at_rest(session)
    assert [one.type for one in back.surgeries] == ["split", "freeze"]
    assert back.step == ablated.step
    assert back.status == "ready"
    session.step_epoch()
    assert at_rest(session).epoch > back.epoch - 1


def test_nothing_is_lost_by_what_is_refused(session: Session) -> None:
    session.apply(experiment())
    until(session, "ready")
    session.step_epoch()
    before = at_rest(session)
    with pytest.raises(SpecError, match="network's outputs"):
        session.operate(Operation("split", (6,), 0))
    assert session.undo_operation() is None
    session.step_epoch()
    assert at_rest(session).run == before.run


def test_two_presses_in_a_row_and_the_past(session: Session) -> None:
    session.apply(experiment())
    until(session, "ready")
    session.step_epoch()
    at_rest(session)
    session.operate(Operation("add_neuron", (0,)))
    last = session.operate(Operation("add_neuron", (0,)))
    now = at_rest(session)
    assert len(now.surgeries) == 2
    assert now.experiment == last
    assert last.layers[0].params["out_features"] == 10
    session.step_epoch()
    at_rest(session)
    session.look_at(now.step)
    at_rest(session)
    reset = operate(session, Operation("reset_layer", (2,)))
    assert reset.step == now.step
    assert not at_rest(session).looks_back


def test_before_the_first_step_freezing_is_a_setting(session: Session) -> None:
    session.apply(experiment())
    until(session, "ready")
    frozen: Experiment = session.operate(Operation("freeze", (0,)))
    now = until(session, "ready")
    at_rest(session)
    assert now.experiment == frozen
    assert not session.snapshot().surgeries
    before = session.weights("current", LIMIT)
    session.step_epoch()
    at_rest(session)
    after = session.weights("current", LIMIT)
    assert before is not None
    assert after is not None
    assert torch.equal(before.tensors["0.weight"], after.tensors["0.weight"])
    assert not torch.equal(before.tensors["2.weight"], after.tensors["2.weight"])
    assert session.snapshot().inexact == ()
