"""The update of one training step: the textbook's, with a look at gradients and at what the optimizer keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mlp_core.one_step.chain import layer_of
from mlp_core.one_step.curvature import ClosureStep
from mlp_core.one_step.records import Array, ParameterStep, State, UpdateStep
from mlp_core.one_step.tape import Tape, array
from mlp_core.run.build import Run
from mlp_core.run.objective import clip, objective

Batch = tuple[Tensor, Tensor]
"""Inputs and targets."""


def take_step(
    run: Run, tape: Tape, held: dict[str, Tensor | None], batch: Batch
) -> tuple[tuple[ParameterStep, ...], UpdateStep, ClosureStep | None]:
    """Make the step as a run does, and tell what it did to every parameter; with the iterations of L-BFGS."""
    named = dict(run.model.named_parameters())
    before = {name: array(parameter) for name, parameter in named.items()}
    state_before = _states(run.optimizer, named)
    settings = {name: value for name, value in run.optimizer.param_groups[0].items() if name != "params"}
    taken = _StepTaken(run, batch)
    taken.make()
    state_after = _states(run.optimizer, named)
    run.batches.advance(run.position)
    run.follow_schedule()
    parameters = tuple(
        ParameterStep(
            name=name,
            layer=layer_of(run.plan, name).name,
            before=before[name],
            gradient=array(tape.gradients[name]),
            held=None if held[name] is None else array(held[name]),
            used=taken.used[name],
            after=array(parameter),
            state_before=state_before[name],
            state_after=state_after[name],
        )
        for name, parameter in named.items()
    )
    training, spec = run.experiment.training, run.experiment.optimizer
    update = UpdateStep(
        type=spec.type,
        label=spec.entry.label,
        formula=spec.entry.formula,
        settings=settings,
        done=taken.done,
        evaluations=taken.evaluations,
        norm=taken.norm,
        max_norm=training.max_grad_norm,
        max_value=training.max_grad_value,
        next_learning_rate=run.learning_rate,
    )
    return parameters, update, taken.iterations


class _StepTaken:
    """The textbook step of `engines.eager`, with a look at gradients before and after they are clipped."""

    def __init__(self, run: Run, batch: Batch) -> None:
        self._run, (self._x, self._y) = run, batch
        self.used: dict[str, Array] = {}
        self.norm = 0.0
        self.evaluations = 0
        self.done = False
        self.iterations: ClosureStep | None = None

    def make(self) -> None:
        run, training = self._run, self._run.experiment.training
        if run.experiment.optimizer.entry.closure:
            self.done = True
            assert isinstance(run.optimizer, torch.optim.LBFGS)
            self.iterations = ClosureStep(run.optimizer)
            with self.iterations.watched():
                self._with_stream(lambda: run.optimizer.step(self._closure))  # type: ignore[arg-type]
            return
        if training.zero_grad and run.begins_update:
            run.optimizer.zero_grad()
        self._with_stream(self._backward)
        if run.ends_update:
            self.done = True
            self._look(clipped=True)
            run.optimizer.step()
        else:
            self._look(clipped=False)

    def _with_stream(self, work: Callable[[], Any]) -> None:
        if not self._run.draws_in_training:
            work()
            return
        with self._run.stream.lend():
            work()

    def _backward(self) -> Tensor:
        run = self._run
        loss = run.loss(run.model(run.scaled(self._x)), self._y)
        total = objective(loss, run.model.parameters(), run.experiment.training)
        total.backward()  # type: ignore[no-untyped-call]
        self.evaluations += 1
        return total

    def _closure(self) -> Tensor:
        run = self._run
        if run.experiment.training.zero_grad:
            run.optimizer.zero_grad()
        total = self._backward()
        if self.evaluations == 1:
            self._look(clipped=True)
        else:
            clip(run.model.parameters(), run.experiment.training)
        assert self.iterations is not None
        self.iterations.seen()
        return total

    def _look(self, *, clipped: bool) -> None:
        """Keep the gradients that the optimizer takes, and their norm before they are clipped."""
        model = self._run.model
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        self.norm = float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0
        if clipped:
            clip(model.parameters(), self._run.experiment.training)
        self.used = {
            name: array(torch.zeros_like(p) if p.grad is None else p.grad) for name, p in model.named_parameters()
        }


def _states(optimizer: torch.optim.Optimizer, named: dict[str, nn.Parameter]) -> dict[str, State]:
    """Copies of what an optimizer keeps for each parameter.

    L-BFGS keeps everything with the first one, vectors of all weights laid end to end: each parameter gets its part.
    """
    total = sum(parameter.numel() for parameter in named.values())
    shared = next((state for state in optimizer.state.values() if "func_evals" in state), None)
    found: dict[str, State] = {}
    start = 0
    for name, parameter in named.items():
        own = optimizer.state.get(parameter, {}) if shared is None else shared
        part = slice(start, start + parameter.numel())
        kept: dict[str, Array | float] = {}
        for key, value in own.items():
            if isinstance(value, Tensor) and shared is not None and value.numel() == total and value.ndim == 1:
                kept[key] = array(value[part].reshape(parameter.shape))
            elif isinstance(value, Tensor):
                kept[key] = array(value) if value.ndim else value.item()
            elif isinstance(value, int | float):
                kept[key] = float(value)
            elif isinstance(value, list):
                kept[f"{key}, how many"] = float(sum(item is not None for item in value))
        found[name] = kept
        start += parameter.numel()
    return found
