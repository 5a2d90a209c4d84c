"""From a spec to a run: model, loss, optimizer, tensors and the stream of random numbers.

Runtime objects never live in a spec, and a run is never shared between sessions; its data is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from mlp_core.catalog import load_object
from mlp_core.data.dataset import Dataset, PartName
from mlp_core.params import Params
from mlp_core.plan import LayerPlan, Plan, plan
from mlp_core.problems import refuse
from mlp_core.processor import policy
from mlp_core.run import devices, scheduling
from mlp_core.run.batches import Batches, Position
from mlp_core.run.criterion import criterion, decided
from mlp_core.run.randomness import RandomStream
from mlp_core.spec import Experiment, OptimizerSpec
from mlp_core.timing import updates_per_epoch


@dataclass
class Run:
    """One experiment in progress."""

    experiment: Experiment
    """What is run, with what was changed while it ran."""
    plan: Plan
    """The network's shapes."""
    dataset: Dataset
    """The data."""
    device: torch.device
    """Where the tensors are."""
    model: nn.Sequential
    """One module per layer, after an `nn.Flatten` where the plan has one."""
    loss: nn.Module
    """The loss as a module."""
    loss_params: Params
    """Its parameters, with numbers where the training part decides about the weights of classes."""
    optimizer: torch.optim.Optimizer
    """The optimizer with its state."""
    x_test: Tensor
    """Inputs of the test samples, (N, ...)."""
    y_test: Tensor
    """Their targets."""
    stream: RandomStream
    """The run's own random numbers."""
    batches: Batches
    """The shuffled mini-batches of the training samples."""
    notes: tuple[str, ...] = ()
    """Sentences for the page."""
    position: Position = field(default_factory=Position)
    """Where the run stands."""
    scheduler: Any = None
    """PyTorch's scheduler, what changes the optimizer's learning rate, where the experiment has one."""
    x_validation: Tensor | None = None
    """Inputs of the validation samples, (N, ...); None without a validation part."""
    y_validation: Tensor | None = None
    """Their targets."""
    passes: Any = None
    """A `metrics.Passes` that an engine has compiled for the run; None for plain ones."""

    @property
    def trained(self) -> list[nn.Parameter]:
        """The parameters that training changes, in the model's order: all but those of frozen layers."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    @property
    def fixed(self) -> list[Tensor]:
        """The other numbers that a step works with: parameters of frozen layers, then buffers."""
        frozen = [parameter for parameter in self.model.parameters() if not parameter.requires_grad]
        return [*frozen, *self.model.buffers()]

    @property
    def trains(self) -> tuple[bool, ...]:
        """Whether each parameter is trained."""
        return tuple(parameter.requires_grad for parameter in self.model.parameters())

    @trains.setter
    def trains(self, values: Sequence[bool]) -> None:
        """Say which parameters are trained from now on. The optimizer holds these alone, and forgets the others."""
        for parameter, trained in zip(self.model.parameters(), values, strict=True):
            parameter.requires_grad_(trained)
            if not trained:
                parameter.grad = None
                self.optimizer.state.pop(parameter, None)
        groups, fresh = self.optimizer.param_groups, make_optimizer(self.experiment.optimizer, self.trained)
        if len(groups) == len(fresh.param_groups):
            for group, new in zip(groups, fresh.param_groups, strict=True):
                group["params"] = new["params"]
        else:  # a kind of parameters is frozen as a whole
            groups[0]["params"] = self.trained
            for group in groups[1:]:
                group["params"] = []

    @property
    def draws_in_training(self) -> bool:
        """Whether a training step draws random numbers inside the model."""
        return any(layer.spec.entry.random for layer in self.plan.walk())

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = value

    @property
    def base_learning_rate(self) -> float:
        """The learning rate that the schedule starts from; without one, that of the next step."""
        return self.learning_rate if self.scheduler is None else scheduling.base_rate(self.scheduler)

    @base_learning_rate.setter
    def base_learning_rate(self, value: float) -> None:
        """Change it while the run goes on: the schedule is then where it would be, had it started from this one."""
        if self.scheduler is not None:
            value = scheduling.set_base_rate(self.experiment, self.scheduler, value, self.updates_per_epoch)
        self.learning_rate = value

    def follow_schedule(self) -> None:
        """Let the schedule count the mini-batch that was just done, as a script calls `scheduler.step()` after it."""
        if self.schedule_counts and (self.position.batch == 0 or (self.scheduled_by_step and self.begins_update)):
            scheduling.count(self.scheduler)

    def tell_loss(self, loss: float) -> None:
        """Tell a schedule that looks at it the loss at the end of an epoch; it may change the learning rate."""
        if self.looks_at_loss:
            self.scheduler.step(loss)

    @property
    def schedule_counts(self) -> bool:
        """Whether there is a schedule that counts by itself."""
        return self.scheduler is not None and not self.looks_at_loss

    @property
    def looks_at_loss(self) -> bool:
        """Whether there is a schedule that must be told a loss after every epoch."""
        return scheduling.looks_at_loss(self.scheduler)

    @property
    def cycled(self) -> str:
        """What the schedule changes in the optimizer besides the rate: 'momentum', 'beta1' or '' for nothing."""
        if not getattr(self.scheduler, "cycle_momentum", False):
            return ""
        return "beta1" if self.scheduler.use_beta1 else "momentum"

    @property
    def begins_update(self) -> bool:
        """Whether the next mini-batch is the first of those whose gradients make an update together."""
        return self.position.batch % self.experiment.training.accumulate_grad_batches == 0

    @property
    def ends_update(self) -> bool:
        """Whether the weights are updated after the next mini-batch: the last of those, or of the epoch."""
        after = self.position.batch + 1
        return after % self.experiment.training.accumulate_grad_batches == 0 or after == self.batches.per_epoch

    @property
    def accumulates(self) -> bool:
        """Whether a mini-batch may add its gradient to that of earlier ones."""
        training = self.experiment.training
        return not training.zero_grad or training.accumulate_grad_batches > 1

    @property
    def updates_per_epoch(self) -> int:
        """How often the weights are updated in an epoch."""
        return -(-self.batches.per_epoch // self.experiment.training.accumulate_grad_batches)

    @property
    def scheduled_by_step(self) -> bool:
        """Whether the schedule counts steps; without one, or with one that counts epochs, False."""
        described = self.experiment.scheduler
        return described is not None and described.every == "step"

    @property
    def one_thread(self) -> bool:
        """Whether its steps are so small that one thread is fastest."""
        return policy.one_thread(self.plan.parameters, self.batches.batch_size)

    def tune_thread(self, *, alone: bool) -> int:
        """Set the calling thread up for its kernels; see `policy.tune_thread`."""
        return policy.tune_thread(self.plan.parameters, self.batches.batch_size, alone)

    def tuned(self) -> AbstractContextManager[None]:
        """The same for a block, in a thread that has other work as well."""
        return policy.tuned(self.plan.parameters, self.batches.batch_size)

    @cached_property
    def structure(self) -> Hashable:
        """What the formulas of a step and of a test pass depend on: equal for runs that may share compiled code."""
        return tuple((layer.spec, layer.in_features) for layer in self.plan.layers), self._surroundings

    @cached_property
    def layer_structures(self) -> tuple[Hashable, ...]:
        """The same for each layer: itself, whether it has weights before it, whether it is the last, and the rest."""
        weights = list(accumulate((layer.parameters for layer in self.plan.layers), initial=0))
        last = len(self.plan.layers) - 1
        return tuple(
            (layer.spec, layer.in_features, weights[i] > 0, i == last, self._surroundings)
            for i, layer in enumerate(self.plan.layers)
        )

    @cached_property
    def _surroundings(self) -> Hashable:
        """What they depend on besides layers."""
        return (
            self.plan.flatten,
            self.experiment.loss.type,
            self.loss_params,
            self.dataset.divisor,
            *((tensor.dtype, tuple(tensor.shape[1:])) for tensor in (self.batches.x, self.batches.y)),
        )

    @property
    def step_structure(self) -> Hashable:
        """What the code of a training step depends on besides the optimizer: structure, batch sizes and switches."""
        return self.structure, self.step_settings

    @property
    def step_settings(self) -> Hashable:
        """What of that is no part of the structure: batch sizes and switches."""
        training = self.experiment.training
        clipped = (training.max_grad_norm is not None, training.max_grad_value is not None)
        added = (training.accumulate_grad_batches, training.l1_penalty, training.l2_penalty)
        return self.batches.sizes, (training.zero_grad, self.schedule_counts, self.cycled, *clipped, *added)

    def part(self, name: PartName) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the part of that name, all samples, in a fixed order.

        Asserts that the run has that part: only a validation part may be missing.
        """
        if name == "train":
            return self.batches.x, self.batches.y
        if name == "test":
            return self.x_test, self.y_test
        assert self.x_validation is not None, "there is no validation part"
        assert self.y_validation is not None
        return self.x_validation, self.y_validation

    def scaled(self, x: Tensor) -> Tensor:
        """Inputs as the model takes them: float32, images from bytes to [0, 1]."""
        return x if x.dtype == torch.float32 else x.to(torch.float32).div(self.dataset.divisor)


def build(experiment: Experiment, dataset: Dataset) -> Run:
    """Make a run of an experiment on loaded data, with initial weights drawn from the experiment's seed.

    Raises `SpecError` when the parts do not fit, before anything is built.
    """
    refuse(experiment, dataset.train_size)
    validates = dataset.x_validation is not None
    planned = plan(experiment)
    device, note = devices.resolve(experiment.training.device)
    stream = RandomStream(experiment.training.seed, device)
    with stream.lend():
        model = build_model(planned)
        initialise(model, planned)
    if device.type != "cpu":
        model.to(device)
    model.train()
    freeze(model, planned)
    counts = experiment.loss.entry.counts
    y_train = _on(device, targets(experiment, planned, dataset.targets("train", counts)))
    loss_params = Params(decided(experiment.loss, y_train, planned.outputs))
    batches = Batches(
        _on(device, _shared(dataset.x_train)), y_train, experiment.training.batch_size, stream,
        evaluation_loaders=1 + validates,
    )  # fmt: skip
    optimizer = make_optimizer(experiment.optimizer, [p for p in model.parameters() if p.requires_grad])
    updates = updates_per_epoch(experiment, len(y_train))
    return Run(
        experiment=experiment,
        plan=planned,
        dataset=dataset,
        device=device,
        model=model,
        loss=criterion(loss_params, experiment.loss).to(device),
        loss_params=loss_params,
        optimizer=optimizer,
        x_test=_on(device, _shared(dataset.x_test)),
        y_test=_on(device, targets(experiment, planned, dataset.targets("test", counts))),
        x_validation=_on(device, _shared(dataset.x_validation)) if validates else None,
        y_validation=_on(device, targets(experiment, planned, dataset.targets("validation", counts)))
        if validates
        else None,
        stream=stream,
        batches=batches,
        notes=(*((note,) if note else ()), *dataset.notes, *((_COUNTS,) if counts else ())),
        scheduler=scheduling.make(experiment, optimizer, updates),
    )


_COUNTS = "The loss is for counts, so targets stay in the unit of the data, whatever is done to inputs."


def _on(device: torch.device, tensor: Tensor) -> Tensor:
    """The tensor where the run is. Even an operator that has nothing to do gives the interpreter lock away."""
    return tensor if tensor.device == device else tensor.to(device)


def build_model(planned: Plan) -> nn.Sequential:
    """The network as PyTorch's own modules, drawing initial weights from the global generator."""
    first = [nn.Flatten()] if planned.flatten else []
    return nn.Sequential(*first, *map(_build_layer, planned.layers))


def initialise(model: nn.Module, planned: Plan) -> None:
    """Give weights and biases the initial values that were chosen for them, layer after layer, drawing from the global
    generator what a script draws that calls `nn.init` after it has made the model."""
    for layer in planned.walk():
        module = model.get_submodule(layer.name)
        for name, init in (("weight", layer.spec.init), ("bias", layer.spec.bias_init)):
            parameter = getattr(module, name, None)
            if init is not None and parameter is not None:
                load_object(init.entry.target)(parameter, **init.params)


def freeze(model: nn.Module, planned: Plan) -> None:
    """Let training leave the own parameters of frozen layers as they are."""
    for layer in planned.walk():
        if layer.spec.frozen:
            model.get_submodule(layer.name).requires_grad_(False)


def _build_layer(layer: LayerPlan) -> nn.Module:
    arguments = layer.spec.entry.arguments(layer.spec.params, layer.in_features)
    made: nn.Module = load_object(layer.spec.entry.target)(*map(_build_layer, layer.inside), **arguments)
    return made


def describe_model(planned: Plan) -> str:
    """What `print(model)` shows. Builds it without memory for its weights, and draws nothing."""
    with torch.device("meta"):
        return str(build_model(planned))


def make_optimizer(chosen: OptimizerSpec, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of some parameters, without any state yet."""
    made: torch.optim.Optimizer = load_object(chosen.entry.target)(parameters, **chosen.params)
    return made


def _shared(array: Any) -> Tensor:
    """A tensor on the array's own memory. Arrays are read-only because sessions share them; nothing writes."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def targets(experiment: Experiment, planned: Plan, y: Any) -> Tensor:
    """Targets as the loss takes them: int64 (N,) class indices, or float32 (N, outputs).

    For a loss that compares numbers, classes become 0 and 1 in one column when the network has one output,
    else one-hot rows; -1 stands for 0 where the loss takes signs.
    """
    given = _shared(y)
    if experiment.data.facts.task == "regression" or experiment.loss.entry.target_form == "index":
        return given
    if planned.outputs == 1:
        chances = given.to(torch.float32).unsqueeze(1)
    else:
        chances = nn.functional.one_hot(given, planned.outputs).to(torch.float32)
    return 2 * chances - 1 if experiment.loss.entry.target_form == "sign" else chances
