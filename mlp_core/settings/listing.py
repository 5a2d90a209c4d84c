"""All settings of an experiment, with their names and rules, which are those of the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from mlp_core.catalog import ACTIVATIONS, ALL_LAYERS, INITIALIZERS, LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS, TRAINING
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.layers import FROZEN
from mlp_core.catalog.parameters import (
    Bool,
    Choice,
    Float,
    Floats,
    Formula,
    Int,
    Ints,
    Parameter,
    Subset,
    in_sentence,
    shorten,
)
from mlp_core.catalog.schedulers import EVERY
from mlp_core.catalog.training import DATA_SEED, TEST_FRACTION, VALIDATION_FRACTION
from mlp_core.errors import SpecError
from mlp_core.limits import MAX_LAYERS
from mlp_core.plan import last_linear
from mlp_core.settings.values import NONE, path_in_layer, value_at, with_value
from mlp_core.settings.whole import ACTIVATION, DEPTH, INITIALIZER, USUAL_WIDTH, WHOLE, WIDTH
from mlp_core.spec import Experiment, LayerSpec, layer_number

Chosen = Mapping[str, Sequence[Any]]
"""Types that a part may have, by its path, such as 'optimizer' or 'layers.1'."""
NETWORK, OPTIMIZER, LOSS, SCHEDULE, DATA = "Network", "Optimizer", "Loss function", "Schedule", "Data"
_PLAIN = ("", NETWORK, OPTIMIZER, TRAINING.label)
"""Groups whose settings are known without their names."""
DRAWN = "PyTorch's default"
"""What no initialiser means."""
_WIDGETS = (Bool, Choice, Float, Floats, Int, Ints, Subset, Formula)
_AROUND = ("training.epochs", "training.report_every", "training.device")
"""How long and where a run goes, and what it prints: not what it does in a step."""


@dataclass(frozen=True, eq=False)
class Setting:
    """One setting of an experiment."""

    path: str
    """Where it lies, such as 'layers.0.out_features'."""
    group: str
    """What it belongs to, for people; '' where its own name says that."""
    rules: tuple[Parameter, ...]
    """The rules that its values follow: one for each type that the part may have."""

    @property
    def rule(self) -> Parameter:
        """The rule, of the type that is now."""
        return self.rules[0]

    @property
    def label(self) -> str:
        """What a page calls it, with what it belongs to where that does not say it: 'Layer 2: Slope'."""
        plain = self.group in _PLAIN or self.group == self.rule.label
        return self.rule.label if plain else f"{self.group}: {self.rule.label}"

    @property
    def of_layer(self) -> bool:
        """Whether it belongs to one layer alone."""
        return self.path.startswith("layers.")

    @property
    def of_type(self) -> bool:
        """Whether its values are names of catalog entries."""
        return self.path.endswith(".type") or self.path == ACTIVATION

    def get(self, experiment: Experiment) -> Any:
        """Its value in an experiment; None where it has none."""
        whole = WHOLE.get(self.path)
        return value_at(experiment, self.path) if whole is None else whole.get(experiment)

    def put(self, experiment: Experiment, value: Any) -> Experiment:
        """The experiment with a value that follows the rules; one whose part has no such setting is left as it is.

        Raises `SpecError` where the value does not fit what else is set.
        """
        whole = WHOLE.get(self.path)
        if whole is not None:
            return whole.put(experiment, value)
        try:
            return with_value(experiment, self.path, value)
        except IndexError:
            raise SpecError(f"The network has no layer for the setting {self.path!r} any more. Leave it out.") from None

    def check(self, value: Any, where: str = "") -> Any:
        """The value, converted. Raises `SpecError` where a rule refuses it; `where` says in what it was found."""
        for rule in self.rules:
            value = rule.check(value, f"{self.path.rpartition('.')[0]}{where}")
        return value

    def text(self, value: Any) -> str:
        """A value for people: 'ReLU', '0.03', 'on', 'full batch'."""
        return self.rule.text(value)

    def phrase(self, value: Any) -> str:
        """The setting with a value, in a few words: 'learning rate 0.1', or 'Adam', which says it alone."""
        if self.of_type:
            return self.text(value)
        group = f"{in_sentence(self.group)} " if self.of_layer else ""
        return f"{group}{in_sentence(self.rule.label)} {self.text(value)}"

    @property
    def rank(self) -> int:
        """When it is put, the lower number first: types before their parameters, layers before what is in them."""
        if self.path == DEPTH:
            return 0
        if self.path.endswith("init.type"):
            return 2
        return 1 if self.of_type or self.path == WIDTH else 3


def settings_of(experiment: Experiment, chosen: Chosen | None = None) -> dict[str, Setting]:
    """Every setting by its path; `chosen` are the types that parts may have instead of their own."""
    chosen = chosen or {}
    found = [
        *_of_network(experiment), *_of_part("optimizer", OPTIMIZER, OPTIMIZERS, experiment, chosen),
        *_of_loss(experiment, chosen), *_of_schedule(experiment, chosen),
        *(Setting(f"training.{each.name}", TRAINING.label, (each,)) for each in TRAINING.parameters),
        *_of_data(experiment), *_of_layers(experiment, chosen),
    ]  # fmt: skip
    return {setting.path: setting for setting in found}


def settable(experiment: Experiment) -> dict[str, Setting]:
    """Those that a page has a field for, and that change what a step does when nothing else is set."""
    return {path: setting for path, setting in settings_of(experiment).items() if _settable(setting, experiment)}


def setting_at(known: Mapping[str, Setting], path: str) -> Setting:
    """The setting at a path; raises `SpecError` naming it, and the nearest one that there is."""
    if path in known:
        return known[path]
    near = get_close_matches(path[:100], list(known), n=1)
    meant = f"Did you mean {near[0]!r}?" if near else "Leave it out."
    raise SpecError(f"This experiment has no setting {shorten(path)}. {meant}")


def applied(experiment: Experiment, values: Mapping[str, Any], known: Mapping[str, Setting]) -> Experiment:
    """The experiment with these values by their paths. Raises `SpecError` where they do not fit together."""
    waiting = sorted(values, key=lambda path: (known[path].rank, path))
    while waiting:
        refused: dict[str, SpecError] = {}
        for path in waiting:
            try:
                experiment = known[path].put(experiment, values[path])
            except SpecError as error:  # it may fit when the others are there, as Nesterov's momentum
                refused[path] = error
        if len(refused) == len(waiting):
            raise refused[waiting[0]]
        waiting = list(refused)
    return experiment


def _settable(setting: Setting, experiment: Experiment) -> bool:
    path, rule, value = setting.path, setting.rule, setting.get(experiment)
    if not isinstance(rule, _WIDGETS) or path in _AROUND or (path in WHOLE and value is None):
        return False
    part = path.partition(".")[0]
    if rule.needs:
        return value_at(experiment, f"{part}.{rule.needs}") is not None
    if part == "data":
        if rule is TEST_FRACTION:
            return not experiment.data.facts.official_split
        return rule is VALIDATION_FRACTION or experiment.data.entry.source in ("generated", "drawn")
    if setting.of_layer and setting.of_type and not path.endswith("init.type"):
        return value in ACTIVATIONS
    last = last_linear(experiment.layers)
    return last is None or path != path_in_layer((last,), "out_features")  # the data want so many outputs


# What an experiment has, in the order of a page


def _type(
    path: str, group: str, label: str, entries: Mapping[str, Entry], controls: tuple[str, ...], *, none: str = "",
    help: str = "",
) -> Setting:  # fmt: skip
    """The choice of a catalog entry; `none` is what it means where there is none."""
    labels = ({NONE: none} if none else {}) | {name: entry.label for name, entry in entries.items()}
    rule = Choice(name=path.rpartition(".")[2], label=label, help=help, default=next(iter(labels)),
                  choices=tuple(labels), labels=labels, controls=controls)  # fmt: skip
    return Setting(path, group, (rule,))


def _parameters(path: str, group: str, entries: Mapping[str, Entry], types: Iterable[Any]) -> Iterator[Setting]:
    """The parameters of a part, of all types that it may have."""
    rules: dict[str, list[Parameter]] = {}
    for type in types:
        for parameter in entries[type].parameters if type in entries else ():
            rules.setdefault(parameter.name, []).append(parameter)
    for name, found in rules.items():
        yield Setting(f"{path}.{name}", group, tuple(found))


def _of_network(experiment: Experiment) -> Iterator[Setting]:
    if last_linear(experiment.layers) is not None:
        depth = Int(name="layers", label="Depth", help="Hidden layers; more of them are like the last one.", default=1,
                    low=0, high=MAX_LAYERS // 2, controls=("network",),
                    advice=f"Choose a number of hidden layers from 0 to {MAX_LAYERS // 2}.")  # fmt: skip
        width = LAYERS["Linear"].parameter("out_features")
        assert isinstance(width, Int)
        neurons = replace(width, name="width", label="Width", help="Neurons of every hidden layer.", optional=False,
                          default=USUAL_WIDTH, advice="Choose a number of neurons.")  # fmt: skip
        yield Setting(DEPTH, NETWORK, (depth,))
        yield Setting(WIDTH, NETWORK, (neurons,))
    yield _type(ACTIVATION, NETWORK, "Activation", ACTIVATIONS, ("network", "activation"),
                help="Every activation before the output layer.")  # fmt: skip
    yield _type(INITIALIZER, NETWORK, "Initial weights", INITIALIZERS, ("network",), none=DRAWN,
                help="What the weights of every layer are before training.")  # fmt: skip


def _of_part(
    name: str, group: str, entries: Mapping[str, Entry], experiment: Experiment, chosen: Chosen,
) -> Iterator[Setting]:  # fmt: skip
    part = getattr(experiment, name)
    types = chosen.get(name, [part.type])
    yield _type(f"{name}.type", group, group, entries, (name,), help=part.entry.summary)
    yield from _parameters(name, group, entries, types)


def _of_loss(experiment: Experiment, chosen: Chosen) -> Iterator[Setting]:
    """Losses for the task of the data, and those that are named anyway."""
    task, named = experiment.data.facts.task, (experiment.loss.type, *chosen.get("loss", ()))
    entries = {name: entry for name, entry in LOSSES.items() if task in entry.tasks or name in named}
    return _of_part("loss", LOSS, entries, experiment, chosen)


def _of_schedule(experiment: Experiment, chosen: Chosen) -> Iterator[Setting]:
    now = experiment.scheduler
    yield _type("scheduler.type", SCHEDULE, SCHEDULE, SCHEDULERS, ("scheduler",), none="constant",
                help="How the learning rate changes by itself.")  # fmt: skip
    types = chosen.get("scheduler", [] if now is None else [now.type])
    if any(type != NONE for type in types):
        yield Setting("scheduler.every", SCHEDULE, (EVERY,))
    yield from _parameters("scheduler", SCHEDULE, SCHEDULERS, types)


def _of_data(experiment: Experiment) -> Iterator[Setting]:
    entry = experiment.data.entry
    yield from _parameters("data", DATA, {entry.name: entry}, [entry.name])
    for name, rule in (("test_fraction", TEST_FRACTION), ("validation_fraction", VALIDATION_FRACTION),
                       ("seed", DATA_SEED)):  # fmt: skip
        yield Setting(f"data.{name}", "", (rule,))


def _of_layers(experiment: Experiment, chosen: Chosen) -> Iterator[Setting]:
    for place, layer in experiment.walk():
        path, group = path_in_layer(place, "type").removesuffix(".type"), f"Layer {layer_number(place)}"
        types = chosen.get(path, [layer.type])
        known = [ALL_LAYERS[type] for type in types if type in ALL_LAYERS]
        bends = all(entry.name in ACTIVATIONS for entry in (layer.entry, *known))
        yield _type(f"{path}.type", group, "Activation" if bends else "Type", ACTIVATIONS if bends else ALL_LAYERS,
                    layer.entry.choice_controls, help=layer.entry.summary)  # fmt: skip
        yield from _parameters(path, group, ALL_LAYERS, types)
        if any(entry.trains for entry in known):
            yield Setting(f"{path}.frozen", group, (FROZEN,))
        if any(entry.initialised for entry in known):
            yield from _of_initializers(path, group, layer, chosen)


def _of_initializers(path: str, group: str, layer: LayerSpec, chosen: Chosen) -> Iterator[Setting]:
    for name, label in (("init", "Initial weights"), ("bias_init", "Initial bias")):
        entries = {key: entry for key, entry in INITIALIZERS.items() if name == "init" or entry.vectors}
        own = getattr(layer, name)
        yield _type(f"{path}.{name}.type", group, label, entries, ("network",), none=DRAWN)
        types = chosen.get(f"{path}.{name}", [] if own is None else [own.type])
        yield from _parameters(f"{path}.{name}", f"{group}, {in_sentence(label)}", entries, types)
