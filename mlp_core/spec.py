"""The spec: a frozen description of one experiment, from which everything else is made.

It turns into JSON and back without loss, carries a version number, and refuses what it does not know by name.
Parameters are checked against the catalog when a spec is made, so a spec that exists is one whose every value
follows its own rule; whether the parts fit together is `mlp_core.plan`'s question.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from mlp_core.catalog import ALL_LAYERS, DATASETS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULERS, TRAINING, look_up
from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.initializers import InitializerEntry
from mlp_core.catalog.layers import FROZEN, LayerEntry
from mlp_core.catalog.losses import LossEntry
from mlp_core.catalog.optimizers import OptimizerEntry
from mlp_core.catalog.parameters import shorten
from mlp_core.catalog.schedulers import EVERY, SchedulerEntry
from mlp_core.catalog.training import DATA_SEED, SEED, TEST_FRACTION, VALIDATION_FRACTION
from mlp_core.errors import ConflictError, ParameterError, SpecError
from mlp_core.limits import BYTES_PER_NUMBER, MAX_LAYER_DEPTH, MAX_LAYERS
from mlp_core.params import Params, ParamsField
from mlp_core.strict_json import parse_json
from mlp_core.versions import VERSION, upgraded

Path = tuple[int, ...]
"""Where a layer stands: positions from 0, first in the network's own list, then in that of each layer around it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ignored_types=(cached_property,))

    def __init__(self, /, **values: Any) -> None:
        """Check every value; raises `SpecError` naming the first fault."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _first_fault(error) from None

    def _set_params(self, values: Mapping[str, Any]) -> None:
        """Complete the parameters, while the part is being made."""
        self.__dict__["params"] = Params(values)

    def updated(self, **changes: Any) -> Self:
        """A checked copy with some fields replaced."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})


class _Chosen(_Part):
    """A catalog entry by name, with every one of its parameters."""

    kind: ClassVar[str]
    entries: ClassVar[Mapping[str, Entry]]

    type: str
    params: ParamsField = Params({})

    @model_validator(mode="after")
    def _fill(self) -> Self:
        entry = look_up(self.entries, self.type, self.kind)
        owner = f"{self.kind} {entry.name}"
        filled = entry.fill(self.params, owner)
        if conflict := entry.conflict(filled, owner):
            raise ConflictError(conflict, entry.parameters)
        self._set_params(filled)
        return self

    def changed_to(self, type: str) -> Self:
        """Another entry of the same kind with its defaults, but for what the user has set here and it has as well.

        Kept are values that are not this entry's default, and every live parameter, where the other entry accepts
        them. Where they do not fit together there, none is kept.
        """
        entry = look_up(self.entries, type, self.kind)
        kept = {}
        for parameter in look_up(self.entries, self.type, self.kind).parameters:
            value = self.params[parameter.name]
            chosen = parameter.live or value != parameter.convert(parameter.default)
            if chosen and parameter.name in entry.fill({}) and entry.parameter(parameter.name).accepts(value):
                kept[parameter.name] = value
        fits = not entry.conflict(entry.fill(kept), entry.name)
        return self.updated(type=type, params=kept if fits else {})

    def without_live(self) -> Self:
        """The same, with every live parameter at its default."""
        entry = look_up(self.entries, self.type, self.kind)
        return self.updated(params={**self.params, **_live_defaults(entry)})


def _live_defaults(entry: Entry) -> dict[str, Any]:
    return {parameter.name: parameter.default for parameter in entry.parameters if parameter.live}


class DataSpec(_Part):
    """Which data set, made or split how."""

    dataset: str = "spiral"
    """The name of the set."""
    params: ParamsField = Params({})
    """The parameters of its entry."""
    test_fraction: float = TEST_FRACTION.default
    """The share of samples to test on; does not apply to sets with an official split."""
    validation_fraction: float | None = Field(
        default=VALIDATION_FRACTION.default, exclude_if=lambda share: share is None  # so that links stay short
    )
    """The share of the training part to validate on; None for no validation part."""
    seed: int = DATA_SEED.default
    """What it is made and split from."""

    @model_validator(mode="after")
    def _fill(self) -> Self:
        owner = f"data set {self.entry.name}"
        filled = self.entry.fill(self.params, owner)
        if conflict := self.entry.conflict(filled, owner):
            raise ConflictError(conflict, self.entry.parameters)
        self._set_params(filled)
        TEST_FRACTION.check(self.test_fraction, "the data")
        VALIDATION_FRACTION.check(self.validation_fraction, "the data")
        DATA_SEED.check(self.seed, "the data")
        return self

    @property
    def entry(self) -> DatasetEntry:
        """The catalog entry of the data set."""
        return look_up(DATASETS, self.dataset, "data set")

    @cached_property
    def facts(self) -> DataFacts:
        """What is known of the data before it is loaded: task, shapes, classes, sizes."""
        return self.entry.facts(self.params)


class InitSpec(_Chosen):
    """What a weight or a bias is before training."""

    kind = "initializer"
    entries = INITIALIZERS

    @property
    def entry(self) -> InitializerEntry:
        """The initialiser's catalog entry."""
        return INITIALIZERS[self.type]


LayersField = Annotated[
    tuple["LayerSpec", ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
]


class LayerSpec(_Chosen):
    """One layer of the network. Where `inside` is not given, a layer that holds others has those of its entry."""

    kind = "layer"
    entries = ALL_LAYERS

    inside: LayersField = Field(default=(), exclude_if=lambda layers: not layers)  # so that links stay short
    """The layers that it holds, in order."""
    init: InitSpec | None = Field(default=None, exclude_if=lambda init: init is None)
    """What its weight is before training; None for what PyTorch's layer draws."""
    bias_init: InitSpec | None = Field(default=None, exclude_if=lambda init: init is None)
    """The same for its bias, where it has one."""
    frozen: bool = Field(default=FROZEN.default, exclude_if=lambda frozen: not frozen)
    """Whether training leaves its own weights as they are."""

    @property
    def entry(self) -> LayerEntry:
        """The layer's catalog entry."""
        return ALL_LAYERS[self.type]

    @cached_property
    def depth(self) -> int:
        """How many layers hold one another here, this one included; 0 for a layer that holds none."""
        return 1 + max(layer.depth for layer in self.inside) if self.inside else 0

    @model_validator(mode="after")
    def _check_inside(self) -> Self:
        entry = self.entry
        if entry.holds_layers and "inside" not in self.model_fields_set:
            self.__dict__["inside"] = tuple(LayerSpec(type=name) for name in entry.inside)
        if entry.holds_layers and not self.inside:
            raise SpecError(
                f"The 'inside' of layer {entry.name} must hold at least one layer. Got none. "
                f"Put a Linear inside, or remove the {entry.name}."
            )
        if self.inside and not entry.holds_layers:
            holders = ", ".join(name for name, other in ALL_LAYERS.items() if other.holds_layers)
            raise SpecError(
                f"The 'inside' of layer {entry.name} must be empty. Got {len(self.inside)} layers instead. "
                f"Put them after it, or inside of: {holders}."
            )
        if self.depth > MAX_LAYER_DEPTH:
            raise _too_deep(self.depth)
        return self

    @model_validator(mode="after")
    def _check_initializers(self) -> Self:
        for name, init in (("init", self.init), ("bias_init", self.bias_init)):
            if init is None:
                continue
            if not self.entry.initialised:
                holders = ", ".join(other for other, entry in ALL_LAYERS.items() if entry.initialised)
                raise SpecError(
                    f"The {name!r} of layer {self.type} must be empty, since only these layers take an initialiser: "
                    f"{holders}. Got {init.type} instead. Remove it."
                )
            if name == "bias_init" and not init.entry.vectors:
                usable = ", ".join(other for other, entry in INITIALIZERS.items() if entry.vectors)
                raise SpecError(
                    f"The 'bias_init' of layer {self.type} must be an initialiser of vectors: {usable}. "
                    f"Got {init.type}, which needs a matrix. Choose one of those."
                )
        return self

    @model_validator(mode="after")
    def _check_frozen(self) -> Self:
        if self.frozen and not self.entry.trains:
            raise SpecError(
                f"The 'frozen' of layer {self.type} must be false, since it has no weights of its own. "
                "Got true instead. Freeze a layer that has weights."
            )
        return self

    def walk(self, path: Path) -> Iterator[tuple[Path, LayerSpec]]:
        """This layer, which stands at `path`, and every layer inside, each with its path."""
        yield path, self
        for position, layer in enumerate(self.inside):
            yield from layer.walk((*path, position))


class LossSpec(_Chosen):
    """What training makes small."""

    kind = "loss"
    entries = LOSSES

    @property
    def entry(self) -> LossEntry:
        """The loss's catalog entry."""
        return LOSSES[self.type]


class OptimizerSpec(_Chosen):
    """How a step moves the weights."""

    kind = "optimizer"
    entries = OPTIMIZERS

    @property
    def entry(self) -> OptimizerEntry:
        """The optimizer's catalog entry."""
        return OPTIMIZERS[self.type]


class SchedulerSpec(_Chosen):
    """How the learning rate changes by itself: after every epoch, or after every step."""

    kind = "scheduler"
    entries = SCHEDULERS

    every: str = EVERY.default
    """What a step of the schedule is: an epoch, or a mini-batch."""

    @property
    def entry(self) -> SchedulerEntry:
        """The scheduler's catalog entry."""
        return SCHEDULERS[self.type]

    @model_validator(mode="after")
    def _check_every(self) -> Self:
        owner = f"scheduler {self.type}"
        EVERY.check(self.every, owner)
        if self.every not in self.entry.counts:
            raise SpecError(
                f"The 'every' parameter of {owner} must be {' or '.join(map(repr, self.entry.counts))}. "
                f"Got {self.every!r} instead. It is told a loss after every epoch, and not in between."
            )
        return self

    def with_type(self, type: str) -> SchedulerSpec:
        """Another schedule with its defaults, which counts as is usual for it, unless this one was set otherwise."""
        counts = look_up(SCHEDULERS, type, self.kind).counts
        kept = self.every != self.entry.counts[0] and self.every in counts
        return SchedulerSpec(type=type, every=self.every if kept else counts[0])


class TrainingSpec(_Part):
    """How the run goes; every field is a parameter of `catalog.training.TRAINING`."""

    batch_size: int | None = 10
    """Samples of a mini-batch; None for all."""
    epochs: int | None = None
    """After how many epochs to stop; None to go on until paused."""
    zero_grad: bool = True
    """Whether gradients are zeroed before every step."""
    max_grad_norm: float | None = None
    """The norm to which gradients are clipped; None for no clipping."""
    max_grad_value: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """The size to which the numbers of gradients are clipped; None for no clipping."""
    accumulate_grad_batches: int = Field(default=1, exclude_if=lambda value: value == 1)
    """After how many mini-batches weights are updated."""
    l1_penalty: float = Field(default=0.0, exclude_if=lambda value: value == 0)
    """What the sum of all absolute weights is multiplied by and added to the loss."""
    l2_penalty: float = Field(default=0.0, exclude_if=lambda value: value == 0)
    """What the sum of all squared weights is multiplied by and added to the loss."""
    patience: int | None = Field(default=None, exclude_if=lambda value: value is None)  # as in `DataSpec`
    """After how many epochs without an improvement to stop early; None for never."""
    min_delta: float = Field(default=0.0, exclude_if=lambda value: value == 0.0)
    """By how much the loss must fall for an improvement."""
    restore_best_weights: bool = Field(default=False, exclude_if=lambda value: not value)
    """Whether an early stop goes back to the weights of the best epoch."""
    report_every: int | None = None
    """After how many batches exported code prints the loss; None for once an epoch."""
    device: str = "cpu"
    """Where it is trained."""
    seed: int = SEED.default
    """What weights and the order of samples are drawn from."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        filled = TRAINING.fill({name: getattr(self, name) for name in type(self).model_fields}, "the training")
        if conflict := TRAINING.conflict(filled, "the training"):
            raise ConflictError(conflict, TRAINING.parameters)
        return self

    @property
    def penalized(self) -> bool:
        """Whether the weights' size is added to the loss."""
        return self.l1_penalty > 0 or self.l2_penalty > 0


class Experiment(_Part):
    """Everything that one run depends on."""

    version: int = VERSION
    """The version of this form."""
    data: DataSpec = DataSpec()
    """The data set."""
    layers: LayersField
    """The network, from the input to the output."""
    loss: LossSpec
    """What training makes small."""
    optimizer: OptimizerSpec
    """How a step moves the weights."""
    scheduler: SchedulerSpec | None = None
    """How the learning rate changes by itself; None where it does not."""
    training: TrainingSpec = TrainingSpec()
    """How the run goes."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.version != VERSION:
            raise SpecError(
                f"This experiment has version {shorten(self.version)}, and this program reads version {VERSION}. "
                "Open it with the MLP Playground that wrote it."
            )
        if not self.layers:
            raise SpecError(f"A network must have 1 to {MAX_LAYERS} layers. Got 0 instead. Add a Linear layer.")
        layers = [(layer.type, layer.params) for _, layer in self.walk()]
        if len(layers) > MAX_LAYERS:
            raise _too_many(layers)
        return self

    def walk(self) -> Iterator[tuple[Path, LayerSpec]]:
        """Every layer with its path: depth first, a layer before those inside it."""
        for position, layer in enumerate(self.layers):
            yield from layer.walk((position,))

    def layer_at(self, path: Path) -> LayerSpec:
        """The layer at a path; raises IndexError where there is none."""
        return self.layers_inside(path[:-1])[path[-1]]

    def layers_inside(self, outer: Path) -> tuple[LayerSpec, ...]:
        """The layers inside the one at a path; the network's own for ()."""
        return self.layer_at(outer).inside if outer else self.layers

    def replace_layer(self, path: Path, layer: LayerSpec) -> Experiment:
        """A copy with another layer at a path."""
        return self._with_list(path, lambda layers, at: (*layers[:at], layer, *layers[at + 1 :]))

    def insert_layers(self, path: Path, *new: LayerSpec) -> Experiment:
        """A copy with more layers, the first of which stands at the path."""
        return self._with_list(path, lambda layers, at: (*layers[:at], *new, *layers[at:]))

    def remove_layer(self, path: Path) -> Experiment:
        """A copy without the layer at a path; raises `SpecError` for the only one of its list."""
        return self._with_list(path, lambda layers, at: (*layers[:at], *layers[at + 1 :]))

    def move_layer(self, path: Path, by: int) -> Experiment:
        """A copy in which a layer stands so many places later in its list."""

        def move(layers: tuple[LayerSpec, ...], at: int) -> tuple[LayerSpec, ...]:
            rest = [*layers[:at], *layers[at + 1 :]]
            rest.insert(at + by, layers[at])
            return tuple(rest)

        return self._with_list(path, move)

    def move_layers(self, places: Collection[int], to: int) -> Experiment:
        """A copy in which some layers of the network's own list stand together in front of the one at place `to`, or at
        the end."""
        moved = tuple(self.layers[place] for place in sorted(places))
        before = tuple(layer for place, layer in enumerate(self.layers[:to]) if place not in places)
        after = tuple(layer for place, layer in enumerate(self.layers[to:], to) if place not in places)
        return self.updated(layers=(*before, *moved, *after))

    def _with_list(
        self, path: Path, change: Callable[[tuple[LayerSpec, ...], int], tuple[LayerSpec, ...]]
    ) -> Experiment:
        changed = change(self.layers_inside(path[:-1]), path[-1])
        if len(path) == 1:
            return self.updated(layers=changed)
        outer = path[:-1]
        return self.replace_layer(outer, self.layer_at(outer).updated(inside=changed))

    def without_live(self) -> Experiment:
        """The experiment with every parameter that may change while a run goes on at its default.

        It is equal for two experiments when a run of one can go on as a run of the other.
        """
        return self.updated(
            loss=self.loss.without_live(),
            optimizer=self.optimizer.without_live(),
            scheduler=self.scheduler and self.scheduler.without_live(),
            training=self.training.updated(**_live_defaults(TRAINING)),
        )

    def live_changes_since(self, before: Experiment) -> list[tuple[str, Any, Any]]:
        """What may change while a run goes on and differs: where it lies, its value before, and its value here.

        Both experiments must be equal but for their live parameters.
        """
        pairs = zip(before._live_values(), self._live_values(), strict=True)
        return [(place, old, new) for (place, old), (_, new) in pairs if old != new]

    def _live_values(self) -> list[tuple[str, Any]]:
        """Where each live parameter lies, and its value."""
        found = []
        for place in ("loss", "optimizer", "scheduler"):
            if (chosen := getattr(self, place)) is not None:
                entry = look_up(chosen.entries, chosen.type, chosen.kind)
                found += [(f"{place}.{name}", chosen.params[name]) for name in _live_defaults(entry)]
        return found + [(f"training.{name}", getattr(self.training, name)) for name in _live_defaults(TRAINING)]

    def to_json(self, indent: int | None = None) -> str:
        """The experiment as JSON; `from_json` reads it back to an equal one."""
        return self.model_dump_json(indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Experiment:
        """Read an experiment.

        Raises `SpecError` naming the first key that is unknown, repeated, of a wrong type or out of range, and
        refuses text that is too long or too deeply nested before it is parsed.
        """
        return cls.from_dict(parse_json(text))

    @classmethod
    def from_dict(cls, values: Any) -> Experiment:
        """Read an experiment from plain dicts and lists; raises `SpecError`."""
        if not isinstance(values, dict):
            raise SpecError(f"An experiment must be a JSON object. Got {shorten(values)} instead.")
        values = upgraded(values)
        layers = list(_types_and_params(values.get("layers"), 0))
        if len(layers) > MAX_LAYERS:
            raise _too_many(layers)
        return cls(**values)


def layer_number(path: Path) -> str:
    """How people count layers: '3.2' is the second layer inside the third."""
    return ".".join(str(position + 1) for position in path)


def _types_and_params(layers: Any, depth: int) -> Iterator[tuple[Any, Any]]:
    """Type and parameters of every layer in plain values that may be layers, depth first."""
    if depth > MAX_LAYER_DEPTH:
        raise _too_deep(depth)
    for layer in layers if isinstance(layers, list) else ():
        found = layer if isinstance(layer, dict) else {}
        yield found.get("type"), found.get("params", {})
        if found.get("inside"):
            yield from _types_and_params(found["inside"], depth + 1)


def _too_deep(depth: int) -> SpecError:
    return SpecError(
        f"Layers must hold one another at most {MAX_LAYER_DEPTH} deep. Got {depth} instead. "
        "Put the innermost layers one level further out."
    )


def _too_many(layers: list[tuple[Any, Any]]) -> SpecError:
    """The refusal of so many layers, with what they would need at the least: those that make sense, from one input."""
    parameters, features = 0, 1
    for name, params in layers:
        entry = ALL_LAYERS.get(name) if isinstance(name, str) else None
        try:
            filled = entry.fill(params) if entry is not None else {}
        except (SpecError, TypeError):
            continue
        if entry is not None and filled.get("out_features", features) is not None:
            parameters += entry.count(filled, features)
            features = entry.out_features(filled, features)
    return SpecError(
        f"A network must have 1 to {MAX_LAYERS} layers. Got {len(layers):,} instead, with at least {parameters:,} "
        f"parameters, {parameters * BYTES_PER_NUMBER / 2**20:,.1f} MiB of weights alone. Remove some."
    )


class _LayerError(SpecError):
    """What is wrong with the layer at a path."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"Layer {layer_number(path)}: {message}")
        self.path, self.message = path, message


def _first_fault(error: ValidationError) -> SpecError:
    """The first schema error as a sentence with the path of the key."""
    fault = error.errors(include_url=False)[0]
    place = fault["loc"]
    if fault["type"] == "value_error":
        inner = fault["ctx"]["error"]
        if len(place) < 2 or not isinstance(place[1], int):
            return inner if isinstance(inner, ParameterError | ConflictError) else SpecError(str(inner))
        if isinstance(inner, _LayerError):
            return _LayerError((place[1], *inner.path), inner.message)
        return _LayerError((place[1],), str(inner))
    path = ".".join(map(str, place))
    if fault["type"] == "extra_forbidden":
        return SpecError(f"The experiment has an unknown key {shorten(path)}. Remove it, or check its spelling.")
    if fault["type"] == "missing":
        return SpecError(f"The experiment lacks the key {path!r}. Add it.")
    rule = fault["msg"].removeprefix("Input should be ")
    return SpecError(
        f"The key {shorten(path)} of the experiment must be {rule}. Got {shorten(fault['input'])} instead."
    )
