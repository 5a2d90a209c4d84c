"""What a program is to be written for, and the pieces of text that several styles share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mlp_core.catalog.weighting import BALANCED
from mlp_core.data import load
from mlp_core.export.calls import constructor, import_of
from mlp_core.export.pieces import Piece, pieces, walk
from mlp_core.export.python import Group, Keyword, call, literal
from mlp_core.export.samples import target_form
from mlp_core.plan import Plan, plan
from mlp_core.run.build import targets
from mlp_core.run.criterion import decided, weights_of
from mlp_core.spec import Experiment
from mlp_core.timing import planned_epochs, schedule_arguments


@dataclass(frozen=True)
class TrainedWeights:
    """Weights to load instead of training."""

    file: str
    """The safetensors file."""
    test_loss: float | None = None
    """The loss that they must give on the test samples; None to leave that open."""
    accuracy: float | None = None
    """The accuracy that they must give there."""


@dataclass(frozen=True)
class Job:
    """One program."""

    experiment: Experiment
    """What it does."""
    epochs: int
    """For how many epochs it trains."""
    trained: TrainedWeights | None = None
    """The weights that it loads instead."""
    operations: tuple[str, ...] = ()
    """Sentences on what was done to layers and neurons in the run that it is exported from."""

    @cached_property
    def plan(self) -> Plan:
        """The network's shapes."""
        return plan(self.experiment)

    @cached_property
    def network(self) -> Sequence[Piece]:
        """The network's layers."""
        return pieces(self.plan)

    def unfrozen(self, parameters: str) -> str:
        """Those of some parameters, an expression, that the optimizer gets: all but those of frozen layers."""
        if not any(piece.frozen for piece in walk(self.network)):
            return parameters
        return f"[p for p in {parameters} if p.requires_grad]"

    @property
    def classifies(self) -> bool:
        """Whether there is an accuracy."""
        return self.experiment.data.facts.task == "classification"

    @property
    def validates(self) -> bool:
        """Whether there is a validation part to evaluate: a program that loads weights only tests them."""
        return self.experiment.data.validation_fraction is not None and self.trained is None

    @property
    def device(self) -> str:
        """'' for the CPU, else the accelerator."""
        return "" if self.experiment.training.device == "cpu" else self.experiment.training.device

    @property
    def loss(self) -> Group:
        """The loss as a call. Weights of classes stand there as numbers, also where the training part decided them."""
        loss = self.experiment.loss
        weights = weights_of(self.loss_params, loss)
        plain = {name: value for name, value in loss.params.items() if name not in weights}
        made = constructor(loss.entry.target, plain)
        tensors = tuple(
            Keyword(name, call("torch.tensor", Group("[", tuple(map(literal, numbers)), "]")))
            for name, numbers in weights.items()
            if numbers is not None
        )
        return replace(made, items=(*made.items, *tensors))

    @cached_property
    def loss_params(self) -> Mapping[str, Any]:
        """The loss's parameters, with numbers where the training part decides about the weights of classes."""
        experiment = self.experiment
        if not any(weights_of(experiment.loss.params, experiment.loss).values()):
            return experiment.loss.params
        y_train = targets(experiment, self.plan, load(experiment.data).y_train)
        return decided(experiment.loss, y_train, self.plan.outputs)

    @property
    def weighs(self) -> bool:
        """Whether the loss has weights of classes or outputs, which are tensors."""
        loss = self.experiment.loss
        return any(value is not None for value in weights_of(loss.params, loss).values())

    @property
    def weighted_mean(self) -> bool:
        """Whether the loss of a batch is divided by the sum of its samples' weights, not by their number."""
        return self.experiment.loss.entry.weighted_mean and self.weighs

    @property
    def how_weighed(self) -> str:
        """A comment on where the weights come from; '' where a user gave them."""
        chosen = weights_of(self.experiment.loss.params, self.experiment.loss)
        if BALANCED not in chosen.values():
            return ""
        what = "n / (classes * samples of the class)" if "weight" in chosen else "targets of 0 / targets of 1"
        return f"# balanced by the training part: {what}"

    def optimizer(self, parameters: str) -> Group:
        """The optimizer as a call; the first setting, the learning rate, is always written."""
        chosen = self.experiment.optimizer
        shown = [parameter.name for parameter in chosen.entry.parameters[:1]]
        return constructor(chosen.entry.target, chosen.params, first=(parameters,), shown=shown)

    def scheduler(self, optimizer: str) -> Group | None:
        """The schedule of the learning rate as a call."""
        chosen = self.experiment.scheduler
        if chosen is None:
            return None
        values = schedule_arguments(self.experiment, 1)
        more: dict[str, str] = {}
        if self.lasts_the_run and chosen.every == "step":
            del values["total_steps"]
            more = {"epochs": str(planned_epochs(self.experiment)), "steps_per_epoch": self.updates_per_epoch}
        made = constructor(chosen.entry.target, values, first=(optimizer,))
        return replace(made, items=(*made.items[:2], *(Keyword(*item) for item in more.items()), *made.items[2:]))

    @property
    def lasts_the_run(self) -> bool:
        """Whether the schedule takes its length from that of the run."""
        chosen = self.experiment.scheduler
        return chosen is not None and chosen.params.get("total_steps", 0) is None

    @property
    def updates_per_epoch(self) -> str:
        """How often the weights are updated in an epoch, as an expression."""
        every = self.experiment.training.accumulate_grad_batches
        return "len(train_loader)" if every == 1 else f"-(-len(train_loader) // {every})"

    @property
    def schedule_ends(self) -> bool:
        """Whether the program may go on after the end of the schedule, where PyTorch's raises an error."""
        chosen = self.experiment.scheduler
        if chosen is None or "total_steps" not in chosen.params:
            return False
        return not self.lasts_the_run or self.epochs > planned_epochs(self.experiment)

    @property
    def choice_loss(self) -> str:
        """The loss that choices look at, by its name."""
        return "validation_loss" if self.validates else "test_loss"

    @property
    def looks_at_loss(self) -> bool:
        """Whether the schedule must be told a loss after every epoch."""
        return self.experiment.scheduler is not None and self.experiment.scheduler.entry.looks_at_loss

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The classes that a program may make, as 'module:class'."""
        experiment = self.experiment
        entries = [layer.entry for _, layer in experiment.walk()] + [experiment.loss.entry, experiment.optimizer.entry]
        entries += [experiment.scheduler.entry] if experiment.scheduler else []
        return tuple(dict.fromkeys(entry.target for entry in entries))

    @property
    def imports(self) -> frozenset[str]:
        """Import lines of classes that are neither PyTorch's nor this project's."""
        return frozenset(filter(None, map(import_of, self.targets)))

    @property
    def right_answers(self) -> str:
        """The right answers among `outputs` for `y`, as a tensor of truth values."""
        form = target_form(self.experiment, self.plan)
        if form == "column":
            return f"(outputs > {self.experiment.loss.entry.threshold:g}) == (y == 1)"
        return "outputs.argmax(dim=1) == " + ("y" if form == "index" else "y.argmax(dim=1)")

    @property
    def checks(self) -> list[str]:
        """Assertions that the loaded weights give what was shown."""
        assert self.trained
        lines = []
        for name, value in (("test_loss", self.trained.test_loss), ("accuracy", self.trained.accuracy)):
            if value is not None and (name == "test_loss" or self.classifies):
                lines.append(f"assert abs({name} - {literal(round(value, 6))}) < 1e-4, {name}")
        return lines
