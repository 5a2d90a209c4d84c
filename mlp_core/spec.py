"""The spec: a frozen description of one experiment, from which everything else is made.

It turns into JSON and back without loss, carries a version number, and refuses what it does not know by name.
Parameters are checked against the catalog when a spec is made, so a spec that exists is one whose every value
follows its own rule; whether the parts fit together is `mlp_core.plan`'s question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, NoReturn, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mlp_core.catalog import ALL_LAYERS, DATASETS, LOSSES, OPTIMIZERS, SCHEDULERS, TRAINING, look_up
from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.layers import LayerEntry
from mlp_core.catalog.losses import LossEntry
from mlp_core.catalog.optimizers import OptimizerEntry
from mlp_core.catalog.parameters import shorten
from mlp_core.catalog.schedulers import EVERY, SchedulerEntry
from mlp_core.catalog.training import DATA_SEED, SEED, TEST_FRACTION
from mlp_core.errors import SpecError
from mlp_core.limits import BYTES_PER_NUMBER, MAX_LAYER_DEPTH, MAX_LAYERS

VERSION = 1
MAX_JSON_CHARACTERS = 200_000
MAX_JSON_DEPTH = 20

Path = tuple[int, ...]
"""Where a layer stands: positions from 0, first in the network's own list, then in that of each layer around it."""

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""What turns the values of a version into those of the next one, by the older version's number.

A new field with a default needs no new version. Anything else that would make an older file fail, or mean another
experiment (a renamed key, a changed default), needs `VERSION + 1` and an entry here.
"""

_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Params(Mapping[str, Any]):
    """The parameters of a catalog entry by name: a mapping that cannot be changed, and that can be hashed."""

    __slots__ = ("_values",)
    _values: dict[str, Any]

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", {name: _frozen(value) for name, value in values.items()})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("parameters cannot be changed; make a copy with `updated`")

    def __reduce__(self) -> tuple[type[Params], tuple[dict[str, Any]]]:
        return Params, (self._values,)

    def __repr__(self) -> str:
        return repr(self._values)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _read_params(value: Any) -> Params:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise PydanticCustomError("dict_type", "Input should be a valid dictionary")
    return Params(value)


ParamsField = Annotated[Mapping[str, Any], PlainValidator(_read_params), PlainSerializer(dict)]


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
            raise SpecError(conflict)
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
    """Which data set, made or split how. `test_fraction` does not apply to sets with an official split."""

    dataset: str = "spiral"
    params: ParamsField = Params({})
    test_fraction: float = TEST_FRACTION.default
    seed: int = DATA_SEED.default

    @model_validator(mode="after")
    def _fill(self) -> Self:
        owner = f"data set {self.entry.name}"
        self._set_params(self.entry.fill(self.params, owner))
        TEST_FRACTION.check(self.test_fraction, "the data")
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


LayersField = Annotated[
    tuple["LayerSpec", ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
]


class LayerSpec(_Chosen):
    """One layer of the network. Where `inside` is not given, a layer that holds others has those of its entry."""

    kind = "layer"
    entries = ALL_LAYERS

    inside: LayersField = Field(default=(), exclude_if=lambda layers: not layers)  # so that links stay short

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

    @property
    def entry(self) -> SchedulerEntry:
        """The scheduler's catalog entry."""
        return SCHEDULERS[self.type]

    @model_validator(mode="after")
    def _check_every(self) -> Self:
        EVERY.check(self.every, f"scheduler {self.type}")
        return self


class TrainingSpec(_Part):
    """How the run goes; every field is a parameter of `catalog.training.TRAINING`."""

    batch_size: int | None = 10
    epochs: int | None = None
    zero_grad: bool = True
    max_grad_norm: float | None = None
    report_every: int | None = None
    device: str = "cpu"
    seed: int = SEED.default

    @model_validator(mode="after")
    def _check(self) -> Self:
        TRAINING.fill({name: getattr(self, name) for name in type(self).model_fields}, "the training")
        return self


class Experiment(_Part):
    """Everything that one run depends on."""

    version: int = VERSION
    data: DataSpec = DataSpec()
    layers: LayersField
    loss: LossSpec
    optimizer: OptimizerSpec
    scheduler: SchedulerSpec | None = None
    training: TrainingSpec = TrainingSpec()

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
            return SpecError(str(inner))
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


def upgraded(
    values: Mapping[str, Any], steps: Mapping[int, Migration] = MIGRATIONS, newest: int = VERSION
) -> dict[str, Any]:
    """The values of an experiment of any version so far, as one of the newest version holds them.

    Raises `SpecError` for a version that is newer, or that never was; without a version, it is the newest.
    """
    found = dict(values)
    version = found.get("version", newest)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise SpecError(
            f"The 'version' of an experiment must be a whole number from 1 to {newest}. "
            f"Got {shorten(version)} instead. Choose the file that the playground wrote."
        )
    if version > newest:
        raise SpecError(
            f"This experiment has version {shorten(version)}, and this program reads up to {newest}. "
            "Open it with a newer MLP Playground."
        )
    for older in range(version, newest):
        found = {**steps[older](found), "version": older + 1}
    return found


def parse_json(text: str, what: str = "experiment", limit: int = MAX_JSON_CHARACTERS) -> Any:
    """Parsed JSON, refused with a `SpecError` sentence about `what` if it is long, deep, repeats a key or is broken."""
    if len(text) > limit:
        raise SpecError(
            f"An {what} must be at most {limit} characters of JSON. Got {len(text)} instead. "
            "Choose the file that the playground wrote."
        )
    depth = deepest = 0
    for character in _JSON_STRING.sub("", text):  # a bracket in a string is only a letter
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > MAX_JSON_DEPTH:
        raise SpecError(f"An {what} must be nested at most {MAX_JSON_DEPTH} deep. Got {deepest} instead.")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise SpecError(
            f"The {what} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}. "
            "Choose the file that the playground wrote."
        ) from None
    except ValueError as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"The {what} is not valid JSON: {error}.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise SpecError(f"The experiment has the key {shorten(key)} twice. Remove one.")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise SpecError(f"The experiment holds {name}, which is not a number. Replace it with a finite one.")
