"""From a spec to a run: model, loss, optimizer, tensors and the stream of random numbers.

Runtime objects never live in a spec, and a run is never shared between sessions; its data is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mlp_core.batches import Batches, Position
from mlp_core.data.dataset import Dataset
from mlp_core.devices import resolve
from mlp_core.plan import Plan, plan, refuse
from mlp_core.randomness import RandomStream
from mlp_core.spec import Experiment


@dataclass
class Run:
    """One experiment in progress. Tensors are on `device`; `notes` are sentences for the page."""

    experiment: Experiment
    plan: Plan
    dataset: Dataset
    device: torch.device
    model: nn.Sequential
    loss: nn.Module
    optimizer: torch.optim.Optimizer
    x_test: Tensor
    y_test: Tensor
    stream: RandomStream
    batches: Batches
    notes: tuple[str, ...] = ()
    position: Position = field(default_factory=Position)

    @property
    def draws_in_training(self) -> bool:
        """Whether a training step draws random numbers inside the model."""
        return any(layer.entry.random for layer in self.experiment.layers)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = value

    def scaled(self, x: Tensor) -> Tensor:
        """Inputs as the model takes them: float32, images from bytes to [0, 1]."""
        return x if x.dtype == torch.float32 else x.to(torch.float32).div(self.dataset.divisor)


def build(experiment: Experiment, dataset: Dataset) -> Run:
    """Make a run of an experiment on loaded data, with initial weights drawn from the experiment's seed.

    Raises `SpecError` when the parts do not fit, before anything is built.
    """
    refuse(experiment, dataset.train_size)
    planned = plan(experiment)
    device, note = resolve(experiment.training.device)
    stream = RandomStream(experiment.training.seed, device)
    with stream.lend():
        model = build_model(planned)
    model.to(device).train()
    y_train = targets(experiment, planned, dataset.y_train).to(device)
    batches = Batches(_shared(dataset.x_train).to(device), y_train, experiment.training.batch_size, stream)
    return Run(
        experiment=experiment,
        plan=planned,
        dataset=dataset,
        device=device,
        model=model,
        loss=_make(nn, experiment.loss.type, **experiment.loss.params),
        optimizer=_make(torch.optim, experiment.optimizer.type, model.parameters(), **experiment.optimizer.params),
        x_test=_shared(dataset.x_test).to(device),
        y_test=targets(experiment, planned, dataset.y_test).to(device),
        stream=stream,
        batches=batches,
        notes=(*((note,) if note else ()), *dataset.notes),
    )


def build_model(planned: Plan) -> nn.Sequential:
    """The network as PyTorch's own modules, drawing initial weights from the global generator."""
    layers = [nn.Flatten()] if planned.flatten else []
    for layer in planned.layers:
        arguments = {**layer.spec.entry.inferred(layer.in_features), **layer.spec.params}
        layers.append(_make(nn, layer.spec.type, **arguments))
    return nn.Sequential(*layers)


def describe_model(planned: Plan) -> str:
    """What `print(model)` shows. Builds it without memory for its weights, and draws nothing."""
    with torch.device("meta"):
        return str(build_model(planned))


def _make(namespace: Any, name: str, *arguments: Any, **keywords: Any) -> Any:
    return getattr(namespace, name)(*arguments, **keywords)


def _shared(array: Any) -> Tensor:
    """A tensor on the array's own memory. Arrays are read-only because sessions share them; nothing writes."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def targets(experiment: Experiment, planned: Plan, y: Any) -> Tensor:
    """Targets as the loss takes them: int64 (N,) class indices, or float32 (N, outputs).

    For a loss that compares numbers, classes become 0 and 1 in one column when the network has one output,
    else one-hot rows.
    """
    given = _shared(y)
    if experiment.data.entry.task == "regression" or experiment.loss.entry.target == "index":
        return given
    if planned.outputs == 1:
        return given.to(torch.float32).unsqueeze(1)
    return nn.functional.one_hot(given, planned.outputs).to(torch.float32)
