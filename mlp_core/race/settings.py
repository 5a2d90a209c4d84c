"""What may differ between the variants of an experiment: every parameter of its catalog entries, and whole choices.

A setting is named by its path, as in the list of kept runs: 'optimizer.lr', 'layers.0.out_features', 'training.seed'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from mlp_core.catalog import ACTIVATIONS, INITIALIZERS, LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS, TRAINING
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.layers import FROZEN
from mlp_core.catalog.parameters import Bool, Choice, Float, Floats, Formula, Int, Ints, Parameter, Points, Subset
from mlp_core.catalog.training import TEST_FRACTION, VALIDATION_FRACTION
from mlp_core.plan import last_linear
from mlp_core.spec import Experiment, InitSpec, LayerSpec, Path, SchedulerSpec, layer_number

Change = Callable[[Experiment, Any], Experiment]

NETWORK, OPTIMIZER, LOSS, SCHEDULE, TRAINING_GROUP, DATA = (
    "Network", "Optimizer", "Loss", "Schedule", "Training", "Data",
)  # fmt: skip
ACTIVATION, WIDTH, DEPTH, INITIALIZER = "activation", "width", "depth", "initializer"
"""Paths of what is set of the whole network at once."""
MOST_DEPTH = 12
"""Hidden layers that a network may be given at once."""
USUAL_WIDTH = 8
"""Neurons of a hidden layer of a network that had none."""
_NOT_RACED = ("epochs", "report_every", "device")
"""Parameters of training on which nothing depends that a race compares: it ends all its runs itself."""
_WIDGETS = (Bool, Choice, Float, Floats, Int, Ints, Subset, Formula)
"""Kinds of parameters that have a widget of their own."""


@dataclass(frozen=True)
class Setting:
    """Something of an experiment that a variant may have otherwise."""

    path: str
    """Its name."""
    group: str
    """What it belongs to, for people."""
    parameter: Parameter
    """Its label, its rule, its help."""
    value: Any
    """Its value in the experiment that it was found in."""
    put: Change = field(repr=False, compare=False)
    """Makes the experiment with another value, which was checked."""
    names: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The label of each choice, where the choices are names of catalog entries."""

    @property
    def label(self) -> str:
        """What a page calls it, with what it belongs to where that does not say it: 'Layer 2: Slope'."""
        return f"{self.group}: {self.parameter.label}" if self.of_layer else self.parameter.label

    @property
    def of_layer(self) -> bool:
        """Whether it belongs to one layer alone."""
        return self.path.startswith("layers.")

    def check(self, value: Any) -> Any:
        """The value, converted; raises `SpecError` where its rule refuses it."""
        return self.parameter.check(value, self.group.lower())

    def text(self, value: Any) -> str:
        """A value for people: 'ReLU', '0.03', 'on', 'full batch'."""
        if value is None:
            return str(getattr(self.parameter, "none_means", "")) or "none"
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, float):
            return f"{value:.6g}"
        if isinstance(value, tuple | list):
            labels = self.parameter.choices if isinstance(self.parameter, Subset) else {}
            return ", ".join(labels.get(one) or self.text(one) for one in value)
        return self.names.get(value, str(value))

    def name(self, value: Any) -> str:
        """What a variant with that value is called: the value alone where that says it, as of an optimizer."""
        if self.names:
            return self.text(value)
        label = _small(self.parameter.label)
        return f"{_small(self.group)} {label} {self.text(value)}" if self.of_layer else f"{label} {self.text(value)}"

    def others(self) -> Iterator[Any]:
        """Values that differ, the most sensible first; all follow the parameter's rule."""
        return (value for value in _others(self) if value != self.value and self.parameter.accepts(value))


def _small(label: str) -> str:
    """A label in the middle of a sentence: 'learning rate', but 'L1 penalty'."""
    return label if label[1:2].isupper() or label[1:2].isdigit() else label[:1].lower() + label[1:]


def settings_of(experiment: Experiment) -> dict[str, Setting]:
    """Everything that may differ, by its path, in the order of a page."""
    found = [
        *_of_network(experiment), *_of_choice(experiment, "optimizer", OPTIMIZER, OPTIMIZERS),
        *_of_choice(experiment, "loss", LOSS, _losses(experiment)), *_of_schedule(experiment),
        *_of_training(experiment), *_of_data(experiment), *_of_layers(experiment),
    ]  # fmt: skip
    return {one.path: one for one in found}


def _named(name: str, label: str, help_: str, entries: Mapping[str, Entry], default: Any, controls: tuple[str, ...],
           none_means: str = "") -> tuple[Choice, dict[str, str]]:  # fmt: skip
    """The choice of a catalog entry, and the labels of those."""
    choice = Choice(name=name, label=label, help=help_, default=default, choices=tuple(entries), controls=controls,
                    optional=bool(none_means), none_means=none_means)  # fmt: skip
    return choice, {key: entry.label for key, entry in entries.items()}


# The network as a whole


def _of_network(experiment: Experiment) -> Iterator[Setting]:
    last = last_linear(experiment.layers)
    end = len(experiment.layers) if last is None else last
    activations = [layer.type for path, layer in experiment.walk() if path[0] < end and layer.type in ACTIVATIONS]
    if activations:
        choice, names = _named(ACTIVATION, "Activation", "Every activation before the output layer.", ACTIVATIONS,
                               activations[0], ("network", "activation"))  # fmt: skip
        yield Setting(ACTIVATION, NETWORK, choice, activations[0], _put_activation, names)
    widths = [layer.params["out_features"] for _, layer in _hidden(experiment)]
    if widths:
        linear = LAYERS["Linear"].parameter("out_features")
        width = replace(linear, name=WIDTH, label="Width", help="Neurons of every hidden layer.", optional=False)  # type: ignore[call-arg]
        yield Setting(WIDTH, NETWORK, width, widths[0], _put_width)
    if last is not None:
        depth = Int(name=DEPTH, label="Depth", help="Hidden layers; more of them are like the last one.", default=1,
                    low=0, high=MOST_DEPTH, controls=("network",))  # fmt: skip
        yield Setting(DEPTH, NETWORK, depth, len(_blocks(experiment.layers[:last])), _put_depth)
    holders = [layer for _, layer in experiment.walk() if layer.entry.initialised]
    if holders:
        first = holders[0].init
        choice, names = _named(INITIALIZER, "Initial weights", "What the weights of every layer are before training.",
                               INITIALIZERS, None, ("network",), "PyTorch's default")  # fmt: skip
        yield Setting(INITIALIZER, NETWORK, choice, first and first.type, _put_initializer, names)


def _hidden(experiment: Experiment) -> list[tuple[Path, LayerSpec]]:
    """The layers whose width is set, but for the network's last one."""
    last = last_linear(experiment.layers)
    return [(path, layer) for path, layer in experiment.walk()
            if path != (last,) and layer.params.get("out_features") is not None]  # fmt: skip


def _blocks(layers: tuple[LayerSpec, ...]) -> list[tuple[LayerSpec, ...]]:
    """The layers in front of the last Linear, each Linear with what follows it; what comes first is left out."""
    starts = [place for place, layer in enumerate(layers) if layer.type == "Linear"]
    return [layers[start:end] for start, end in pairwise([*starts, len(layers)])]


def _put_activation(experiment: Experiment, value: Any) -> Experiment:
    last = last_linear(experiment.layers)
    end = len(experiment.layers) if last is None else last
    for path, layer in experiment.walk():
        if path[0] < end and layer.type in ACTIVATIONS and layer.type != value:
            experiment = experiment.replace_layer(path, LayerSpec(type=value))
    return experiment


def _put_width(experiment: Experiment, value: Any) -> Experiment:
    for path, layer in _hidden(experiment):
        experiment = experiment.replace_layer(
            path, experiment.layer_at(path).updated(params={**layer.params, "out_features": value})
        )
    return experiment


def _put_depth(experiment: Experiment, value: Any) -> Experiment:
    last = last_linear(experiment.layers)
    assert last is not None, "such a network has no depth"
    before, after = experiment.layers[:last], experiment.layers[last:]
    blocks = _blocks(before)
    first = before[: len(before) - sum(map(len, blocks))]
    usual = (LayerSpec(type="Linear", params={"out_features": USUAL_WIDTH}), LayerSpec(type="ReLU"))
    wanted = [*blocks[:value], *[blocks[-1] if blocks else usual] * (value - len(blocks))]
    return experiment.updated(layers=(*first, *(layer for block in wanted for layer in block), *after))


def _put_initializer(experiment: Experiment, value: Any) -> Experiment:
    init = None if value is None else InitSpec(type=value)
    for path, layer in experiment.walk():
        if layer.entry.initialised:
            experiment = experiment.replace_layer(path, experiment.layer_at(path).updated(init=init))
    return experiment


# Its parts


def _losses(experiment: Experiment) -> dict[str, Entry]:
    """Losses for the task of the data."""
    task = experiment.data.facts.task
    return {name: entry for name, entry in LOSSES.items() if task in entry.tasks or name == experiment.loss.type}


def _of_choice(experiment: Experiment, part: str, group: str, entries: Mapping[str, Entry]) -> Iterator[Setting]:
    chosen = getattr(experiment, part)
    choice, names = _named("type", group, chosen.entry.summary, entries, chosen.type, (part,))

    def put(old: Experiment, value: Any) -> Experiment:
        return old.updated(**{part: getattr(old, part).changed_to(value)})

    yield Setting(f"{part}.type", group, choice, chosen.type, put, names)
    yield from _of_parameters(experiment, part, group)


def _of_parameters(experiment: Experiment, part: str, group: str) -> Iterator[Setting]:
    chosen = getattr(experiment, part)
    for parameter in chosen.entry.parameters:

        def put(old: Experiment, value: Any, name: str = parameter.name) -> Experiment:
            now = getattr(old, part)
            return old.updated(**{part: now.updated(params={**now.params, name: value})})

        if isinstance(parameter, _WIDGETS):
            yield Setting(f"{part}.{parameter.name}", group, parameter, chosen.params[parameter.name], put)


def _of_schedule(experiment: Experiment) -> Iterator[Setting]:
    chosen = experiment.scheduler
    choice, names = _named("type", "Schedule", "How the learning rate changes by itself.", SCHEDULERS, None,
                           ("scheduler",), "constant")  # fmt: skip

    def put(old: Experiment, value: Any) -> Experiment:
        if value is None:
            return old.updated(scheduler=None)
        new = SchedulerSpec(type=value, every=SCHEDULERS[value].counts[0])
        return old.updated(scheduler=old.scheduler.with_type(value) if old.scheduler else new)

    yield Setting("scheduler.type", SCHEDULE, choice, chosen and chosen.type, put, names)
    if chosen is not None:
        yield from _of_parameters(experiment, "scheduler", SCHEDULE)


def _of_training(experiment: Experiment) -> Iterator[Setting]:
    for parameter in TRAINING.parameters:
        if parameter.name in _NOT_RACED or (parameter.needs and getattr(experiment.training, parameter.needs) is None):
            continue

        def put(old: Experiment, value: Any, name: str = parameter.name) -> Experiment:
            return old.updated(training=old.training.updated(**{name: value}))

        value = getattr(experiment.training, parameter.name)
        yield Setting(f"training.{parameter.name}", TRAINING_GROUP, parameter, value, put)


def _of_data(experiment: Experiment) -> Iterator[Setting]:
    if experiment.data.entry.source in ("generated", "drawn"):
        for parameter in experiment.data.entry.parameters:

            def put(old: Experiment, value: Any, name: str = parameter.name) -> Experiment:
                return old.updated(data=old.data.updated(params={**old.data.params, name: value}))

            if isinstance(parameter, _WIDGETS) and not isinstance(parameter, Points):
                yield Setting(f"data.{parameter.name}", DATA, parameter, experiment.data.params[parameter.name], put)
    for shared in (TEST_FRACTION, VALIDATION_FRACTION):

        def put_share(old: Experiment, value: Any, name: str = shared.name) -> Experiment:
            return old.updated(data=old.data.updated(**{name: value}))

        if not (shared is TEST_FRACTION and experiment.data.facts.official_split):
            yield Setting(f"data.{shared.name}", DATA, shared, getattr(experiment.data, shared.name), put_share)


def path_in_layer(path: Path, name: str) -> str:
    """The path of a setting of the layer at a path: 'layers.1.inside.0.out_features'."""
    return f"layers.{'.inside.'.join(map(str, path))}.{name}"


def _of_layers(experiment: Experiment) -> Iterator[Setting]:
    last = last_linear(experiment.layers)
    for path, layer in experiment.walk():
        group = f"Layer {layer_number(path)}"
        if layer.type in ACTIVATIONS:
            choice, names = _named("type", "Activation", layer.entry.summary, ACTIVATIONS, layer.type,
                                   ("network", "activation"))  # fmt: skip

            def put_type(old: Experiment, value: Any, path: Path = path) -> Experiment:
                return old if old.layer_at(path).type == value else old.replace_layer(path, LayerSpec(type=value))

            yield Setting(path_in_layer(path, "type"), group, choice, layer.type, put_type, names)
        for parameter in layer.entry.parameters:

            def put(old: Experiment, value: Any, path: Path = path, name: str = parameter.name) -> Experiment:
                now = old.layer_at(path)
                return old.replace_layer(path, now.updated(params={**now.params, name: value}))

            outputs = path == (last,) and parameter.name == "out_features"
            if isinstance(parameter, _WIDGETS) and not outputs:
                yield Setting(path_in_layer(path, parameter.name), group, parameter, layer.params[parameter.name], put)
        if layer.entry.trains:

            def put_frozen(old: Experiment, value: Any, path: Path = path) -> Experiment:
                return old.replace_layer(path, old.layer_at(path).updated(frozen=value))

            yield Setting(path_in_layer(path, "frozen"), group, FROZEN, layer.frozen, put_frozen)


# Other values

_RIVALS = {"ReLU": "Tanh", "SGD": "Adam", "Adam": "SGD", "CrossEntropyLoss": "MultiMarginLoss", "MSELoss": "L1Loss",
           INITIALIZER: "kaiming_uniform_", "scheduler.type": "CosineAnnealingLR"}
"""What is raced first against a choice that many begin with; by the path of its setting where nothing is chosen."""


def _others(setting: Setting) -> Iterator[Any]:
    parameter, value = setting.parameter, setting.value
    match parameter:
        case Choice():
            if (rival := _RIVALS.get(value or setting.path)) is not None:
                yield rival
            yield from parameter.choices
            yield None
        case Subset():
            yield tuple(parameter.choices)
            yield from ((name,) for name in parameter.choices)
        case Bool():
            yield not value
        case Floats():
            for place, _ in enumerate(value):
                for other in (value[place] / 2, value[place] + 0.1, value[place] + 1):
                    yield (*value[:place], other, *value[place + 1 :])
        case Float():
            yield from _other_numbers(parameter, value)
        case Int():
            small = setting.path == DEPTH or "seed" in parameter.name
            yield from (value + 1, value - 1) if small and value is not None else ()
            yield from () if value is None else (2 * value, value // 2, value + parameter.step, value - parameter.step)
            yield from (parameter.default, 32, parameter.low, parameter.high)
        case Ints():
            yield tuple(2 * item for item in value)
            yield tuple(item + 1 for item in value)
        case Formula():
            yield from ("sin(x)", "x^2")


def _other_numbers(parameter: Float, value: float | None) -> Iterator[float]:
    if value:
        yield from (value * 10, value / 10) if parameter.log else (value * 2, value / 2)
    yield parameter.default
    if parameter.usual is not None:
        yield from parameter.usual
    base = parameter.low if value is None and parameter.low > -1e6 else value or 0.0
    if parameter.log:
        yield from (1e-3, 1e-2)
    yield from (base + parameter.step, base + 2 * parameter.step, 1.0)
