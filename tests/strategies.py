"""Random experiments for hypothesis, derived from the catalogs: a new entry is tested without a new line here."""

from __future__ import annotations

from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from mlp_core.catalog import ALL_LAYERS, DATASETS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULERS, TRAINING
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.parameters import Bool, Choice, Float, Floats, Formula, Int, Ints, Parameter, Points, Subset
from mlp_core.catalog.structures import Items, Record, Text
from mlp_core.catalog.training import VALIDATION_FRACTION
from mlp_core.catalog.weighting import BALANCED, ClassWeights, PositiveWeight
from mlp_core.errors import SpecError, TooLargeError
from mlp_core.formula import FUNCTIONS, FormulaError, parse
from mlp_core.limits import MAX_FORMULA, MAX_LAYERS
from mlp_core.plan import plan
from mlp_core.problems import width_problems
from mlp_core.spec import (
    DataSpec,
    Experiment,
    InitSpec,
    LayerSpec,
    LossSpec,
    OptimizerSpec,
    SchedulerSpec,
    TrainingSpec,
)

MODEST = 24
"""The largest integer where a test builds what it draws."""


def user_made(parameter: Formula | Points) -> st.SearchStrategy[Any]:
    """A formula, or drawn points."""
    if isinstance(parameter, Formula):
        return formulas()
    place, target = st.integers(-parameter.wall, parameter.wall), values(parameter.target)
    return st.lists(st.tuples(place, place, target), max_size=30)


def formulas(most: int = MAX_FORMULA) -> st.SearchStrategy[str]:
    """Texts of formulas of x, without parts that have no value by themselves."""
    functions = [name for name, function in FUNCTIONS.items() if function.arguments == 1]
    pairs = [name for name, function in FUNCTIONS.items() if function.arguments == 2]
    leaf = st.sampled_from(["x", "x", "2x", "x^2", "x + pi", "e^x", "(x - 0.5)(x + 3)", "1.5e-3 x", "x²"])

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        sign = st.sampled_from(["+", "-", "*", "/", "^", "<", ">=", " ** "])
        return st.one_of(
            st.builds("({}{}{})".format, inner, sign, inner),
            st.builds("-{}".format, inner),
            st.builds("{}({})".format, st.sampled_from([*functions, "ln", "relu", "sigmoid"]), inner),
            st.builds("{}({}, {})".format, st.sampled_from(pairs), inner, inner),
            st.builds("where({}, {}, {})".format, inner, inner, inner),
        )

    return st.recursive(leaf, grown, max_leaves=8).filter(lambda text: len(text) <= most and _is_formula(text))


def _is_formula(text: str) -> bool:
    try:
        parse(text)
    except FormulaError:
        return False
    return True


def values(parameter: Parameter, modest: bool = False) -> st.SearchStrategy[Any]:  # noqa: PLR0911, PLR0912
    """Values that follow the parameter's rule; with `modest`, no large integers."""
    if isinstance(parameter, Formula | Points):
        return user_made(parameter)
    match parameter:
        case ClassWeights():
            return st.none() | st.just(BALANCED) | st.lists(values(parameter.element), min_size=2, max_size=4)
        case PositiveWeight():
            return st.none() | st.just(BALANCED) | values(parameter.element)
        case Float():
            real = st.floats(
                parameter.low, parameter.high, exclude_min=parameter.low_open, exclude_max=parameter.high_open
            )
            return st.none() | real if parameter.optional else real
        case Floats():
            return st.tuples(*(values(parameter.element) for _ in parameter.labels))
        case Int() | Ints():
            high = max(parameter.low, min(parameter.high, MODEST)) if modest else parameter.high
            whole = st.integers(parameter.low, high)
            many = st.lists(whole, min_size=1, max_size=5, unique=True)
            return many if isinstance(parameter, Ints) else st.none() | whole if parameter.optional else whole
        case Bool():
            return st.booleans()
        case Choice():
            return st.sampled_from([*parameter.choices, *([None] if parameter.optional else [])])
        case Subset():
            return st.lists(st.sampled_from(list(parameter.choices)), min_size=1, unique=True)
        case Text():
            if parameter.pattern:
                return st.from_regex(parameter.pattern, fullmatch=True)
            most = min(parameter.most, MODEST)
            return st.text(st.characters(codec="utf-8"), min_size=parameter.least, max_size=most)
        case Items():
            key = parameter.unique
            unique_by = None if key is None else (lambda item: item[key] if key else item)
            most = min(parameter.most, 4)
            return st.lists(
                values(parameter.element, modest), min_size=parameter.least, max_size=most, unique_by=unique_by
            )
        case Record():
            drawn = st.fixed_dictionaries(
                {field.name: values(field, modest) for field in parameter.fields if field.name in parameter.required},
                optional={f.name: values(f, modest) for f in parameter.fields if f.name not in parameter.required},
            )
            found = drawn.map(lambda given: _fitting_record(parameter, given)).filter(parameter.accepts)
            return st.none() | found if parameter.optional else found
    raise NotImplementedError(parameter)


def _fitting_record(record: Record, given: dict[str, Any]) -> dict[str, Any]:
    """The values if they fit together, else those alone that must be given."""
    return given if record.accepts(given) else {name: given[name] for name in record.required}


def params(entry: Entry, modest: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters of an entry that fit together, any of them absent."""
    drawn = st.fixed_dictionaries({}, optional={p.name: values(p, modest) for p in entry.parameters})
    return drawn.map(lambda found: fitting(entry, found))


def fitting(entry: Entry, found: dict[str, Any]) -> dict[str, Any]:
    """The parameters if they fit together; else what is left without switches that are on, or without those that are
    usually empty, or none of them."""
    off = {name: value for name, value in found.items() if value is not True}
    fewer = {name: value for name, value in found.items() if value is None or entry.parameter(name).default is not None}
    return next((some for some in (found, off, fewer) if not entry.conflict(entry.fill(some), entry.name)), {})


def data(modest: bool = False) -> st.SearchStrategy[DataSpec]:
    """Any data set with any parameters."""

    @st.composite
    def draw_one(draw: st.DrawFn) -> DataSpec:
        entry = DATASETS[draw(st.sampled_from(list(DATASETS)))]
        share, seed = draw(st.floats(0.05, 0.95)), draw(st.integers(0, 2**31 - 1))
        validation = draw(values(VALIDATION_FRACTION))
        return DataSpec(
            dataset=entry.name, params=draw(params(entry, modest)), test_fraction=share,
            validation_fraction=validation, seed=seed,
        )  # fmt: skip

    return draw_one()


@st.composite
def initializers(draw: st.DrawFn, vectors: bool = False) -> InitSpec | None:
    """Any initialiser, or none."""
    entry = draw(st.sampled_from([None, *(each for each in INITIALIZERS.values() if each.vectors or not vectors)]))
    return entry and InitSpec(type=entry.name, params=draw(params(entry)))


@st.composite
def layer_specs(draw: st.DrawFn, modest: bool = False, depth: int = 2) -> LayerSpec:
    """Any layer; those that hold others hold one another at most `depth` deep."""
    entry = draw(st.sampled_from([entry for entry in ALL_LAYERS.values() if depth or not entry.holds_layers]))
    chosen = draw(params(entry, modest))
    if entry.initialised and draw(st.booleans()):
        return LayerSpec(type=entry.name, params=chosen, init=draw(initializers()), bias_init=draw(initializers(True)))
    if not entry.holds_layers or draw(st.booleans()):
        return LayerSpec(type=entry.name, params=chosen)
    inside = draw(st.lists(layer_specs(modest, depth - 1), min_size=1, max_size=2))
    return LayerSpec(type=entry.name, params=chosen, inside=tuple(inside))


@st.composite
def layers(draw: st.DrawFn, modest: bool = False) -> tuple[LayerSpec, ...]:
    """One to six layers, not counting those inside others; only the last Linear may leave its width to the data."""
    found = draw(st.lists(layer_specs(modest), min_size=1, max_size=6))
    last = max((i for i, layer in enumerate(found) if "out_features" in layer.params), default=None)
    for position, layer in enumerate(found):
        if position != last and layer.params.get("out_features", 1) is None:
            found[position] = layer.updated(params={**layer.params, "out_features": 5})
    return tuple(found)


@st.composite
def optimizers(draw: st.DrawFn) -> OptimizerSpec:
    """Any optimizer."""
    entry = OPTIMIZERS[draw(st.sampled_from(list(OPTIMIZERS)))]
    return OptimizerSpec(type=entry.name, params=draw(params(entry)))


@st.composite
def schedulers(draw: st.DrawFn, modest: bool = False) -> SchedulerSpec:
    """Any schedule of the learning rate."""
    entry = SCHEDULERS[draw(st.sampled_from(list(SCHEDULERS)))]
    return SchedulerSpec(type=entry.name, params=draw(params(entry, modest)), every=draw(st.sampled_from(entry.counts)))


@st.composite
def experiments(draw: st.DrawFn, modest: bool = False) -> Experiment:
    """Every part follows its own rule; whether the parts fit together is another matter."""
    loss = draw(st.sampled_from(list(LOSSES)))
    found = draw(data(modest))
    training = TrainingSpec(**draw(params(TRAINING, modest)))
    if modest and found.facts.official_split and found.params.get("train_samples") is None:
        training = training.updated(batch_size=training.batch_size or 10)  # all images at once need much memory
    drawn = Experiment(
        data=found,
        layers=draw(layers(modest)),
        loss=LossSpec(type=loss, params=draw(params(LOSSES[loss]))),
        optimizer=draw(optimizers()),
        scheduler=draw(st.none() | schedulers(modest)),
        training=training,
    )
    if modest and _is_too_large(drawn):
        reject()
    return drawn


def _is_too_large(drawn: Experiment) -> bool:
    try:
        plan(drawn)
    except TooLargeError:
        return True
    except SpecError:
        return False
    return False


def width_mended(experiment: Experiment) -> Experiment:
    """The experiment, with the fix that is offered for every layer that cannot take the width that comes in."""
    for _ in range(MAX_LAYERS):
        found = next(width_problems(experiment, plan(experiment)), None)
        if found is None:
            break
        assert found.fixed is not None, found.message
        experiment = found.fixed
    return experiment


def json_values(leaves: int = 20) -> st.SearchStrategy[Any]:
    """Anything that JSON can hold, and the numbers that it should not."""
    numbers = st.integers(-(10**400), 10**400) | st.integers() | st.floats()
    return st.recursive(
        st.none() | st.booleans() | numbers | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=leaves,
    )
