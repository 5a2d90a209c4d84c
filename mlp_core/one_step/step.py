"""One training step of a run, taken apart. The run is left as it was."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlp_core.errors import SpecError
from mlp_core.limits import MAX_STEP_EVALUATIONS, MAX_STEP_PARAMETERS, STEP_SAMPLES, STEP_SAMPLES_SMALL, STEP_SMALL
from mlp_core.one_step import places as weight_places
from mlp_core.one_step.chain import chain_rule, layer_of
from mlp_core.one_step.numeric import DoublePrecision
from mlp_core.one_step.places import WeightPlace
from mlp_core.one_step.records import (
    ChainRule,
    LayerStep,
    LossStep,
    NumericCheck,
    OneStep,
    ParameterStep,
    UpdateLine,
    WeightStep,
)
from mlp_core.one_step.taking import Batch, take_step
from mlp_core.one_step.tape import Tape, array, record
from mlp_core.one_step.update import state_of_number, update_lines, written_update
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save
from mlp_core.run.objective import penalty
from mlp_core.spec import Experiment


def one_step(run: Run, weights: Sequence[WeightPlace] = (), seed: int | None = None) -> OneStep:
    """The next step of a run with all its numbers, and the chain rule for some weights. The run is left as it was.

    With a seed, the mini-batch is not the next one but one drawn with it. Of a mini-batch larger than
    `sample_limit` the first samples are taken, and a note says so. Raises `SpecError` for a network that is too large,
    and for a weight that it has not.
    """
    refuse_large(run.experiment, run.plan.parameters)
    known = weight_places.shapes(run.model)
    for place in weights:
        if place.parameter not in known:
            raise SpecError(f"The network has no parameter {place.parameter}. Choose one of: {', '.join(known)}.")
        weight_places.checked(place, known)
    before = save(run)
    try:
        return _take_apart(run, tuple(weights), seed)
    finally:
        restore(run, before)


def sample_limit(parameters: int) -> int:
    """How many samples of a mini-batch are taken at most, for a network with so many parameters."""
    return STEP_SAMPLES_SMALL if parameters <= STEP_SMALL else STEP_SAMPLES


def refuse_large(experiment: Experiment, parameters: int) -> None:
    """Raise `SpecError` where a step would take too long or too much memory to be taken apart while somebody waits."""
    if parameters > MAX_STEP_PARAMETERS:
        raise SpecError(
            f"A step is taken apart for networks of at most {MAX_STEP_PARAMETERS:,} parameters. "
            f"Got {parameters:,} instead. Make the widest layers narrower."
        )
    if not experiment.optimizer.entry.closure:
        return
    asked = experiment.optimizer.params.get("max_iter", 1)
    if asked > MAX_STEP_EVALUATIONS:
        raise SpecError(
            f"A step is taken apart where the optimizer's 'max_iter' is at most {MAX_STEP_EVALUATIONS}. "
            f"Got {asked:,} instead. Set it to {MAX_STEP_EVALUATIONS} or less."
        )


def _take_apart(run: Run, places: tuple[WeightPlace, ...], seed: int | None) -> OneStep:
    notes: list[str] = []
    x, y = choose_batch(run, seed, notes)
    begun = save(run)  # with the order of the epoch drawn
    tape = record(run, x, y)
    chains = [chain_rule(run, tape, place) for place in places]
    restore(run, begun)
    checks = _checks(run, tape, places)
    restore(run, begun)
    position = run.position
    layers, loss = _layers(run, tape), _loss(run, tape)
    held = {name: parameter.grad for name, parameter in run.model.named_parameters()}
    held = {name: None if gradient is None else gradient.clone() for name, gradient in held.items()}
    if run.experiment.training.zero_grad and (run.begins_update or run.experiment.optimizer.entry.closure):
        held = dict.fromkeys(held)
    step, epoch = position.step, position.epoch
    written = {name: written_update(run, shape) for name, shape in weight_places.shapes(run.model).items()}
    trained = {name for name, parameter in run.model.named_parameters() if parameter.requires_grad}
    parameters, update, iterations = take_step(run, tape, held, (x, y))
    by_name = {parameter.name: parameter for parameter in parameters}

    def lines(place: WeightPlace) -> tuple[UpdateLine, ...]:
        parameter, text = by_name[place.parameter], written[place.parameter]
        if place.parameter not in trained:
            return ()
        if iterations is not None:
            return iterations.lines(parameters, parameter, place.index)[0]
        return update_lines(text, parameter, place.index)[0] if text is not None and update.done else ()

    weights = tuple(
        _weight(place, chain, check, by_name[place.parameter], lines(place))
        for place, chain, check in zip(places, chains, checks, strict=True)
    )  # fmt: skip
    return OneStep(
        experiment=run.experiment,
        step=step,
        epoch=epoch,
        inputs=array(tape.x),
        input_gradient=array(tape.input_gradient),
        layers=layers,
        loss=loss,
        parameters=parameters,
        update=update,
        weights=weights,
        notes=tuple(notes),
    )


def choose_batch(run: Run, seed: int | None, notes: list[str]) -> Batch:
    """Inputs and targets of the next mini-batch, or of one drawn with a seed; adds to the notes what is to be said."""
    if seed is None:
        x, y = run.batches.get(run.position)
    else:
        drawn = torch.Generator().manual_seed(seed)
        rows = torch.randperm(len(run.batches.x), generator=drawn)[: run.batches.batch_size].to(run.batches.x.device)
        x, y = run.batches.x[rows], run.batches.y[rows]
    most = sample_limit(run.plan.parameters)
    if len(x) > most:
        notes.append(f"The mini-batch has {len(x):,} samples: its first {most} make this step, and all the run's own.")
        x, y = x[:most].clone(), y[:most].clone()
    return x, y


def _checks(run: Run, tape: Tape, places: Sequence[WeightPlace]) -> list[NumericCheck]:
    if not places:
        return []
    doubled = DoublePrecision(run, tape)
    return [doubled.check(place) for place in places]


def _layers(run: Run, tape: Tape) -> tuple[LayerStep, ...]:
    planned = {layer.name: layer for layer in run.plan.walk()}
    own: dict[str, list[str]] = {name: [] for name in tape.order}
    for name, _ in run.model.named_parameters():
        own[layer_of(run.plan, name).name].append(name)
    found = []
    for name in tape.order:
        layer = planned.get(name)
        found.append(
            LayerStep(
                path=() if layer is None else layer.path,
                name=name,
                type="Flatten" if layer is None else layer.spec.type,
                label="Flatten" if layer is None else layer.spec.entry.label,
                formula="" if layer is None else layer.spec.entry.formula,
                inputs=array(tape.inputs[name]),
                outputs=array(tape.outputs[name]),
                gradient=array(tape.output_gradients[name]),
                slopes=array(tape.slopes[name]) if name in tape.slopes else None,
                parameters=tuple(own[name]),
            )
        )
    return tuple(found)


def _loss(run: Run, tape: Tape) -> LossStep:
    training, spec = run.experiment.training, run.experiment.loss
    matrices = [p.detach() for p in run.model.parameters() if p.ndim > 1]
    added = penalty(matrices, training) if training.penalized else 0.0
    each, divisor = loss_of_each(run, tape.outcome.detach(), tape.y)
    return LossStep(
        type=spec.type,
        label=spec.entry.label,
        formula=spec.entry.formula,
        targets=tape.y.detach().cpu().numpy().copy(),
        each=each,
        divisor=divisor,
        value=tape.loss.item(),
        penalty=float(added),
        accumulated_batches=training.accumulate_grad_batches,
        objective=tape.total.item(),
    )


def loss_of_each(run: Run, outcome: Tensor, y: Tensor) -> tuple[Any, float]:
    """The loss of each sample, float64 (n,), and what their sum is divided by for the loss of the batch."""
    module: nn.Module = run.loss
    if hasattr(module, "reduction"):
        apart = copy.copy(module)
        apart.reduction = "none"  # type: ignore[assignment]
        found = apart(outcome, y)
    else:
        found = torch.stack([module(outcome[i : i + 1], y[i : i + 1]) for i in range(len(y))])
    each = found.detach().cpu().numpy().astype(np.float64).reshape(len(y), -1).mean(axis=1)
    weight = getattr(module, "weight", None)
    if weight is None or not run.experiment.loss.entry.weighted_mean:
        return each, float(len(y))
    return each, float(weight[y].sum().item())


def _weight(
    place: WeightPlace, chain: ChainRule, check: NumericCheck, parameter: ParameterStep, lines: tuple[UpdateLine, ...]
) -> WeightStep:
    at = place.index
    return WeightStep(
        place=place,
        before=float(parameter.before[at]),
        gradient=float(parameter.gradient[at]),
        chain=chain,
        numeric=check,
        held=0.0 if parameter.held is None else float(parameter.held[at]),
        used=float(parameter.used[at]),
        lines=lines,
        state_before=state_of_number(parameter.state_before, parameter.before.shape, at),
        state_after=state_of_number(parameter.state_after, parameter.before.shape, at),
        after=float(parameter.after[at]),
    )
