"""The record of a run: what it was, what was changed while it ran, and how it went. It can be written and read."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlp_core.errors import SpecError
from mlp_core.spec import Experiment
from mlp_core.strict_json import parse_json
from mlp_core.surgery import Operation
from mlp_core.training.events import Evaluation
from mlp_core.training.history import Buckets, Curves

FORMAT = 1
"""The version of the JSON form."""
MAX_RECORD_CHARACTERS = 4_000_000
"""A record with a full history has about 200,000."""
PACKAGES = ("torch", "numpy")
"""Packages whose version the digits of a run depend on."""

Start = Literal["seed", "weights", "checkpoint"]
End = Literal["epochs", "early stopping", "diverged", "failed"]


Pair = tuple[float | None, float | None]
"""A figure before and after; None where it is not finite, or there is none."""


@dataclass(frozen=True)
class Effect:
    """What an operation did to the figures, on the same samples before and right after it."""

    train_loss: Pair
    """The mean over training samples."""
    test_loss: Pair
    """The mean over the test samples."""
    train_accuracy: Pair
    """The share of right answers among training samples, in [0, 1]; None in regression."""
    test_accuracy: Pair
    """The share among the test samples."""

    def __post_init__(self) -> None:
        for item in fields(self):
            found = (None if value is None else _finite(float(value)) for value in getattr(self, item.name))
            object.__setattr__(self, item.name, tuple(found))


@dataclass(frozen=True)
class Surgery:
    """An operation on a layer or a neuron while the run went on."""

    step: int
    """Mini-batches done before it."""
    type: str
    """Its name in the catalog's `SURGERY`."""
    path: tuple[int, ...]
    """The layer."""
    neuron: int | None
    """The neuron, counted from 0; None where it was done to the layer."""
    effect: Effect
    """What it did to the figures."""
    fresh_optimizer: str = ""
    """The label of the optimizer if that started afresh, without what it kept of earlier steps; '' where it went on."""

    @property
    def done(self) -> str:
        """What was done: 'Split neuron 3 of layer 2'."""
        return Operation(self.type, self.path, self.neuron).sentence

    @property
    def sentence(self) -> str:
        """What was done, and its effect: 'Split neuron 3 of layer 2: test loss 0.213 → 0.213, ….', and whether the
        optimizer lost what it kept."""
        effect = self.effect
        said = [f"test loss {_change(effect.test_loss, _loss)}", f"train loss {_change(effect.train_loss, _loss)}"]
        if effect.test_accuracy[0] is not None:
            said.insert(1, f"test accuracy {_change(effect.test_accuracy, _share)}")
        afresh = f" {self.fresh_optimizer} started afresh." if self.fresh_optimizer else ""
        return f"{self.done}: {', '.join(said)}.{afresh}"


MOST_TOLD = 10
"""Operations that are told one by one."""


def told(surgeries: Sequence[Surgery]) -> tuple[str, ...]:
    """Operations as sentences with their steps, the newest `MOST_TOLD` of them."""
    found = [f"Step {one.step:,}: {one.sentence}" for one in surgeries[-MOST_TOLD:]]
    earlier = len(surgeries) - len(found)
    return (*([f"{earlier:,} earlier operations."] if earlier else []), *found)


def _change(pair: Pair, text: Callable[[float], str]) -> str:
    return " → ".join("not finite" if value is None else text(value) for value in pair)


def _loss(value: float) -> str:
    return f"{value:.3f}" if 0.01 <= abs(value) < 1000 else f"{value:.3g}"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


@dataclass(frozen=True)
class Change:
    """A setting that was changed while the run went on."""

    step: int
    """Mini-batches done before it."""
    setting: str
    """Where it lies in the experiment, such as 'optimizer.lr'."""
    before: Any
    """Its value until then."""
    after: Any
    """Its value from then on."""
    surgery: Surgery | None = None
    """The operation that changed it; None for a setting that was changed by itself. One that changes weights alone has
    no values."""


@dataclass(frozen=True)
class Score:
    """The figures of a test pass."""

    step: int
    """Mini-batches done."""
    epoch: int
    """Epochs finished."""
    train_loss: float | None
    """The mean over the epoch's batches so far; None before the first step."""
    test_loss: float | None
    """The mean over the test samples; None where it is not finite."""
    test_accuracy: float | None
    """The share of right answers in [0, 1]; None in regression."""
    validation_loss: float | None = None
    """The mean over the validation samples; None without such, and where it is not finite."""
    validation_accuracy: float | None = None
    """The share of right answers among them in [0, 1]; None in regression and without such."""

    @classmethod
    def of(cls, evaluation: Evaluation) -> Score:
        """The figures of an evaluation."""
        return cls(
            evaluation.step,
            evaluation.epoch,
            _finite(evaluation.train_loss),
            _finite(evaluation.test_loss),
            evaluation.test_accuracy,
            None if evaluation.validation_loss is None else _finite(evaluation.validation_loss),
            evaluation.validation_accuracy,
        )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def versions() -> dict[str, str]:
    """The versions that a run's digits depend on, by package."""
    return dict(_versions())


@cache
def _versions() -> Mapping[str, str]:
    found = {"python": python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, eq=False, kw_only=True)
class RunRecord:
    """All that is kept of a run but its weights."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Its identity: the same wherever it is stored."""
    experiment: Experiment
    """The experiment as the run's first step was done."""
    changes: tuple[Change, ...] = ()
    """What was changed while it ran, in order."""
    start: Start = "seed"
    """Whether its first weights were drawn from its seed, or loaded, or it goes on from a checkpoint of another run."""
    parent: str | None = None
    """The identity of the run that it goes on from; None for a run of its own."""
    parent_step: int | None = None
    """Mini-batches of that run that were done: what the record says of them is of that run."""
    started: float | None = None
    """When its first step was done, in Unix seconds; None before that."""
    ended: float | None = None
    """When it last trained, in Unix seconds."""
    end: End | None = None
    """Why it ended; None while it may go on."""
    versions: Mapping[str, str] = field(default_factory=versions)
    """What its digits depend on, by package."""
    device: str = ""
    """Where it was trained, such as 'CPU'."""
    engines: tuple[str, ...] = ()
    """The engines that ran its steps, in order."""
    inexact: tuple[str, ...] = ()
    """Sentences on why a script of its experiment will not repeat it to the last digit."""
    step: int = 0
    """Mini-batches done."""
    epoch: int = 0
    """Epochs finished."""
    seconds: float = 0.0
    """Seconds that its steps took."""
    samples: int = 0
    """Training samples seen in them."""
    best: Score | None = None
    """The pass with the lowest validation loss, or without a validation part, test loss."""
    last: Score | None = None
    """The newest test pass."""
    curves: Curves | None = None
    """Its bounded history."""

    def to_json(self) -> str:
        """The record as JSON; `from_json` reads it back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        form = _Form(**{**values, "curves": None if self.curves is None else _CurvesForm.of(self.curves)})
        return form.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> RunRecord:
        """Read a record; raises `SpecError` naming what is wrong."""
        values = parse_json(text, "run record", MAX_RECORD_CHARACTERS)
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise SpecError(f"This is no run record of format {FORMAT}. Choose a file that the playground wrote.")
        if "experiment" in values:
            values = {**values, "experiment": Experiment.from_dict(values["experiment"])}
        try:
            form = _Form.model_validate(values)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            path = ".".join(map(str, fault["loc"]))
            raise SpecError(
                f"The key {path[:100]!r} of the run record is wrong: {fault['msg']}. "
                "Choose a file that the playground wrote."
            ) from None
        read = {item.name: getattr(form, item.name) for item in fields(cls)}
        return cls(**{**read, "curves": None if form.curves is None else form.curves.curves()})


Number = float | None
"""A number in JSON, which has no NaN and no infinity: None stands for them."""


class _CurvesForm(BaseModel):
    """Curves as lists."""

    model_config = ConfigDict(extra="forbid")

    steps: list[Number]
    mean: list[Number]
    low: list[Number]
    high: list[Number]
    evaluations: list[tuple[Number, Number, Number]]
    learning_rates: list[tuple[Number, Number]]
    validations: list[tuple[Number, Number, Number]] = Field(default=[], exclude_if=lambda rows: not rows)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({len(self.steps), len(self.mean), len(self.low), len(self.high)}) > 1:
            raise ValueError("a curve must have as many means, lows and highs as steps")
        return self

    @classmethod
    def of(cls, curves: Curves) -> Self:
        loss = curves.train_loss
        return cls(
            steps=_numbers(loss.steps),
            mean=_numbers(loss.mean),
            low=_numbers(loss.low),
            high=_numbers(loss.high),
            evaluations=[tuple(_numbers(row)) for row in curves.evaluations],
            learning_rates=[tuple(_numbers(row)) for row in curves.learning_rates],
            validations=[tuple(_numbers(row)) for row in curves.validations],
        )

    def curves(self) -> Curves:
        singles = (np.array(values, dtype=np.float32) for values in (self.mean, self.low, self.high))
        return Curves(
            Buckets(np.array(self.steps, dtype=np.float64), *singles),
            np.array(self.evaluations, dtype=np.float64).reshape(-1, 3),
            np.array(self.learning_rates, dtype=np.float64).reshape(-1, 2),
            np.array(self.validations, dtype=np.float64).reshape(-1, 3),
        )


class _Form(BaseModel):
    """A record as JSON holds it: the fields of `RunRecord`, and the version of this form."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    id: str
    experiment: Experiment
    changes: tuple[Change, ...] = ()
    start: Start = "seed"
    parent: str | None = Field(default=None, exclude_if=lambda value: value is None)
    parent_step: int | None = Field(default=None, ge=0, exclude_if=lambda value: value is None)
    started: float | None = None
    ended: float | None = None
    end: End | None = None
    versions: dict[str, str] = {}
    device: str = ""
    engines: tuple[str, ...] = ()
    inexact: tuple[str, ...] = ()
    step: int = Field(0, ge=0)
    epoch: int = Field(0, ge=0)
    seconds: float = 0.0
    samples: int = Field(0, ge=0)
    best: Score | None = None
    last: Score | None = None
    curves: _CurvesForm | None = None


def _numbers(values: np.ndarray) -> list[Number]:
    return [float(value) if np.isfinite(value) else None for value in values]
