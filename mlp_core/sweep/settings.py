"""Settings of an experiment by their paths: 'optimizer.lr', 'layers.0.out_features', 'hidden.width'.

Each has the rule of its catalog parameter, and can be put into an experiment. Paths are those of
`mlp_core.store.settings`, and `hidden.layers`, `hidden.width` and `hidden.activation` for all hidden layers together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog import ACTIVATIONS, ALL_LAYERS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULERS, TRAINING
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.layers import FROZEN, LAYERS
from mlp_core.catalog.parameters import Choice, Int, Parameter
from mlp_core.catalog.schedulers import EVERY
from mlp_core.catalog.training import DATA_SEED, TEST_FRACTION, VALIDATION_FRACTION
from mlp_core.errors import SpecError
from mlp_core.limits import MAX_LAYERS
from mlp_core.spec import Experiment, InitSpec, LayerSpec, SchedulerSpec, layer_number

NONE = "none"
"""What stands for no scheduler, and for an initialiser that is PyTorch's own."""
Put = Callable[[Experiment, Any], Experiment]
Chosen = Mapping[str, Sequence[Any]]
"""The types that a space chooses from, by the path of the part, such as 'optimizer' or 'layers.1'."""


@dataclass(frozen=True, eq=False)
class Setting:
    """One setting of an experiment."""

    path: str
    """Where it lies."""
    label: str
    """What a page calls it."""
    rules: tuple[Parameter, ...]
    """The rules that its values follow: one for each type that the part may have."""
    put: Put
    """Gives an experiment with this value. One whose part has no such parameter is left as it is."""
    get: Callable[[Experiment], Any]
    """Its value in an experiment; None where it has none."""
    rank: int = 2
    """When it is put: the lower number first."""

    @property
    def rule(self) -> Parameter:
        """The rule, of the type that is now."""
        return self.rules[0]

    @property
    def owner(self) -> str:
        """Whose it is, for an error."""
        return self.path.rpartition(".")[0] or "the experiment"


def settings(experiment: Experiment, chosen: Chosen | None = None) -> dict[str, Setting]:
    """Every setting of an experiment by its path; `chosen` are types that parts of it may have beside their own."""
    chosen = chosen or {}
    found = [
        *_hidden(experiment), *_part(experiment, "optimizer", "Optimizer", OPTIMIZERS, chosen),
        *_part(experiment, "loss", "Loss function", LOSSES, chosen), *_schedule(experiment, chosen), *_training(),
        *_data(experiment), *_layers(experiment, chosen),
    ]  # fmt: skip
    return {setting.path: setting for setting in found if setting.rules}


# Parts that are one entry of a catalog


def _part(
    experiment: Experiment, name: str, label: str, entries: Mapping[str, Entry], chosen: Chosen
) -> Iterator[Setting]:
    """The type of a part, and the parameters of every type that it may have."""

    def put_type(experiment: Experiment, value: Any) -> Experiment:
        return experiment.updated(**{name: getattr(experiment, name).changed_to(value)})

    yield Setting(f"{name}.type", label, (_types(entries, label),), put_type,
                  lambda experiment: getattr(experiment, name).type, rank=1)  # fmt: skip
    types = chosen.get(name, [getattr(experiment, name).type])
    yield from _parameters(name, label, entries, types, lambda e: getattr(e, name),
                           lambda e, part: e.updated(**{name: part}))  # fmt: skip


def _parameters(
    path: str, label: str, entries: Mapping[str, Entry], types: Iterable[Any],
    get: Callable[[Experiment], Any], replace: Callable[[Experiment, Any], Experiment],
) -> Iterator[Setting]:  # fmt: skip
    """The parameters of a part, of all types that it may have."""
    rules: dict[str, list[Parameter]] = {}
    for type in types:
        for parameter in entries[type].parameters if type in entries else ():
            rules.setdefault(parameter.name, []).append(parameter)
    for name, found in rules.items():

        def put(experiment: Experiment, value: Any, name: str = name) -> Experiment:
            part = get(experiment)
            if part is None or name not in part.params:
                return experiment
            return replace(experiment, part.updated(params={**part.params, name: value}))

        def value_of(experiment: Experiment, name: str = name) -> Any:
            part = get(experiment)
            return None if part is None else part.params.get(name)

        own = found[0].label if path == "optimizer" else f"{label}: {found[0].label}"
        yield Setting(f"{path}.{name}", own, tuple(found), put, value_of)


def _types(entries: Mapping[str, Any], label: str, *more: str) -> Choice:
    return Choice(name="type", label=label, help="", default=next(iter(entries)), choices=(*more, *entries))


def _schedule(experiment: Experiment, chosen: Chosen) -> Iterator[Setting]:
    label = "Schedule"

    def put(experiment: Experiment, value: Any) -> Experiment:
        now = experiment.scheduler
        made = None if value == NONE else SchedulerSpec(type=value) if now is None else now.with_type(value)
        return experiment.updated(scheduler=made)

    def put_every(experiment: Experiment, value: Any) -> Experiment:
        now = experiment.scheduler
        return experiment if now is None else experiment.updated(scheduler=now.updated(every=value))

    yield Setting("scheduler.type", label, (_types(SCHEDULERS, label, NONE),), put,
                  lambda e: NONE if e.scheduler is None else e.scheduler.type, rank=1)  # fmt: skip
    own = [] if experiment.scheduler is None else [experiment.scheduler.type]
    types = chosen.get("scheduler", own)
    if types:
        yield Setting("scheduler.every", f"{label}: {EVERY.label}", (EVERY,), put_every,
                      lambda e: e.scheduler and e.scheduler.every)  # fmt: skip
    yield from _parameters("scheduler", label, SCHEDULERS, types, lambda e: e.scheduler,
                           lambda e, part: e.updated(scheduler=part))  # fmt: skip


def _field(part: str, name: str, parameter: Parameter) -> Setting:
    """A field of a part that is no entry of a catalog."""

    def put(experiment: Experiment, value: Any) -> Experiment:
        return experiment.updated(**{part: getattr(experiment, part).updated(**{name: value})})

    return Setting(f"{part}.{name}", parameter.label, (parameter,), put,
                   lambda experiment: getattr(getattr(experiment, part), name))  # fmt: skip


def _training() -> Iterator[Setting]:
    for parameter in TRAINING.parameters:
        name = parameter.name
        yield _field("training", name, parameter)


def _data(experiment: Experiment) -> Iterator[Setting]:
    fields = {"test_fraction": TEST_FRACTION, "validation_fraction": VALIDATION_FRACTION, "seed": DATA_SEED}
    for name, parameter in fields.items():
        yield _field("data", name, parameter)
    name = experiment.data.dataset
    yield from _parameters("data", experiment.data.entry.label, {name: experiment.data.entry}, [name],
                           lambda e: e.data, lambda e, part: e.updated(data=part))  # fmt: skip


# Layers


def _layers(experiment: Experiment, chosen: Chosen) -> Iterator[Setting]:
    for place, _ in experiment.walk():
        yield from _layer(experiment, place, chosen)


def _layer(experiment: Experiment, place: tuple[int, ...], chosen: Chosen) -> Iterator[Setting]:
    """The settings of the layer at a place."""
    path = "layers." + ".inside.".join(map(str, place))
    label = f"Layer {layer_number(place)}"

    def get(experiment: Experiment) -> LayerSpec:
        return experiment.layer_at(place)

    def replace(experiment: Experiment, layer: LayerSpec) -> Experiment:
        return experiment.replace_layer(place, layer)

    def put_type(experiment: Experiment, value: Any) -> Experiment:
        now = get(experiment)
        return experiment if now.type == value else replace(experiment, _changed(now, value))

    def put_frozen(experiment: Experiment, value: Any) -> Experiment:
        now = get(experiment)
        return replace(experiment, now.updated(frozen=value)) if now.entry.trains else experiment

    yield Setting(f"{path}.type", label, (_types(ALL_LAYERS, label),), put_type, lambda e: get(e).type, rank=1)
    types = chosen.get(path, [get(experiment).type])
    yield from _parameters(path, label, ALL_LAYERS, types, get, replace)
    entries = [ALL_LAYERS[type] for type in types if type in ALL_LAYERS]
    if any(entry.trains for entry in entries):
        yield Setting(f"{path}.frozen", f"{label}: {FROZEN.label}", (FROZEN,), put_frozen, lambda e: get(e).frozen)
    if any(entry.initialised for entry in entries):
        for name in ("init", "bias_init"):
            yield from _initializer(f"{path}.{name}", label, name, get, replace, chosen)


def _changed(layer: LayerSpec, type: str) -> LayerSpec:
    """Another layer, with what has a meaning there of what was set here."""
    given = layer.params
    entry = ALL_LAYERS[type] if type in ALL_LAYERS else LAYERS["Linear"]
    kept = {each.name: given[each.name] for each in entry.parameters
            if each.name in given and each.accepts(given[each.name])}  # fmt: skip
    return LayerSpec(type=type, params={} if entry.conflict(entry.fill(kept), entry.name) else kept)


def _initializer(
    path: str, label: str, name: str, get: Callable[[Experiment], LayerSpec],
    replace: Callable[[Experiment, LayerSpec], Experiment], chosen: Chosen,
) -> Iterator[Setting]:  # fmt: skip
    entries = {key: entry for key, entry in INITIALIZERS.items() if name == "init" or entry.vectors}
    label = f"{label}: {'weights' if name == 'init' else 'bias'}"

    def put(experiment: Experiment, value: Any) -> Experiment:
        layer = get(experiment)
        if not layer.entry.initialised:
            return experiment
        return replace(experiment, layer.updated(**{name: None if value == NONE else InitSpec(type=value)}))

    def init_of(experiment: Experiment) -> InitSpec | None:
        found: InitSpec | None = getattr(get(experiment), name)
        return found

    def replace_init(experiment: Experiment, init: InitSpec) -> Experiment:
        return replace(experiment, get(experiment).updated(**{name: init}))

    yield Setting(f"{path}.type", f"{label}, initialiser", (_types(entries, label, NONE),), put,
                  lambda e: getattr(init_of(e), "type", NONE), rank=1)  # fmt: skip
    if path in chosen:
        yield from _parameters(path, label, entries, chosen[path], init_of, replace_init)


# All hidden layers together


def _hidden(experiment: Experiment) -> Iterator[Setting]:
    blocks, _ = _blocks(experiment)
    if not blocks:
        return
    width = LAYERS["Linear"].parameter("out_features")
    assert isinstance(width, Int)
    depth = Int(name="layers", label="Hidden layers", help="", default=1, low=0, high=MAX_LAYERS // 2,
                advice=f"Choose a number of hidden layers from 0 to {MAX_LAYERS // 2}.")  # fmt: skip
    neurons = Int(name="width", label="Neurons of hidden layers", help=width.help, default=8, low=1, high=width.high,
                  advice="Choose a number of neurons.")  # fmt: skip
    yield Setting("hidden.layers", depth.label, (depth,), _put_depth, lambda e: len(_blocks(e)[0]), rank=0)
    yield Setting("hidden.width", neurons.label, (neurons,), _put_width,
                  lambda e: _first(e, lambda one: one.type == "Linear" and one.params["out_features"]), rank=1)
    label = "Activation of hidden layers"
    yield Setting("hidden.activation", label, (_types(ACTIVATIONS, label),), _put_activation,
                  lambda e: _first(e, lambda one: one.type in ACTIVATIONS and one.type), rank=1)  # fmt: skip


def _blocks(experiment: Experiment) -> tuple[list[tuple[LayerSpec, ...]], tuple[LayerSpec, ...]]:
    """The hidden layers, each a Linear with what follows it, and the output layer with what follows it."""
    places = [place for place, layer in enumerate(experiment.layers) if layer.type == "Linear"]
    if not places or places[0] != 0:
        return [], experiment.layers
    ends = [*places[1:], len(experiment.layers)]
    parts = [experiment.layers[begin:end] for begin, end in zip(places, ends, strict=True)]
    return parts[:-1], parts[-1]


def _put_depth(experiment: Experiment, value: Any) -> Experiment:
    blocks, output = _blocks(experiment)
    kept = [*blocks[:value], *(blocks[-1] for _ in range(value - len(blocks)))]
    return experiment.updated(layers=(*(layer for block in kept for layer in block), *output))


def _put_width(experiment: Experiment, value: Any) -> Experiment:
    def widened(layer: LayerSpec) -> LayerSpec:
        wide = layer.type == "Linear"
        return layer.updated(params={**layer.params, "out_features": value}) if wide else layer

    return _each_hidden(experiment, widened)


def _put_activation(experiment: Experiment, value: Any) -> Experiment:
    return _each_hidden(experiment, lambda one: LayerSpec(type=value) if one.type in ACTIVATIONS else one)


def _each_hidden(experiment: Experiment, change: Callable[[LayerSpec], LayerSpec]) -> Experiment:
    blocks, output = _blocks(experiment)
    return experiment.updated(layers=(*(change(layer) for block in blocks for layer in block), *output))


def _first(experiment: Experiment, found: Callable[[LayerSpec], Any]) -> Any:
    blocks, _ = _blocks(experiment)
    return next(filter(None, (found(layer) for block in blocks for layer in block)), None)


def applied(experiment: Experiment, values: Mapping[str, Any], known: Mapping[str, Setting]) -> Experiment:
    """The experiment with these values by their paths. Raises `SpecError` where they do not fit together."""
    for path in sorted(values, key=lambda path: (known[path].rank, path)):
        try:
            experiment = known[path].put(experiment, values[path])
        except (IndexError, KeyError):
            raise SpecError(f"The setting {path!r} has no layer to be put into. Leave it out of the space.") from None
    return experiment
