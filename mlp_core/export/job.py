"""What a program is to be written for, and the pieces of text that several styles share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mlp_core.export.calls import constructor, import_of
from mlp_core.export.pieces import Piece, pieces
from mlp_core.export.python import Group, Named, literal
from mlp_core.export.samples import target_form
from mlp_core.plan import Plan, plan
from mlp_core.spec import Experiment
from mlp_core.timing import planned_epochs, schedule_arguments


@dataclass(frozen=True)
class Trained:
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
    trained: Trained | None = None
    """The weights that it loads instead."""

    @cached_property
    def plan(self) -> Plan:
        """The network's shapes."""
        return plan(self.experiment)

    @cached_property
    def network(self) -> Sequence[Piece]:
        """The network's layers."""
        return pieces(self.plan)

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
        """The loss as a call."""
        loss = self.experiment.loss
        return constructor(loss.entry.target, loss.params)

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
        return replace(made, items=(*made.items[:2], *(Named(*item) for item in more.items()), *made.items[2:]))

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
