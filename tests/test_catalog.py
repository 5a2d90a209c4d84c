"""The catalogs against PyTorch itself: every entry of every table, so that a new one is tested as it is added."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import params, values
from torch import nn

from mlp_core.catalog import (
    ACTIVATIONS,
    ALL_LAYERS,
    DATASETS,
    KINDS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULERS,
    TRAINING,
    ClassEntry,
    load_object,
    look_up,
)
from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.catalog.entry import Entry, table
from mlp_core.catalog.layers import LayerEntry
from mlp_core.catalog.losses import THRESHOLDS, LossEntry
from mlp_core.catalog.optimizers import OptimizerEntry
from mlp_core.catalog.parameters import Choice, Float, Floats, Int, Parameter, Subset, shorten
from mlp_core.catalog.schedulers import Surroundings
from mlp_core.errors import SpecError
from mlp_core.limits import MAX_TEXT
from mlp_core.run.answers import PROBABILITIES
from mlp_core.run.scheduling import count
from mlp_core.spec import LayerSpec

ENTRIES = [(kind, entry) for kind, entries in KINDS.items() for entry in entries.values()]
ENTRIES.append(("training", TRAINING))
PARAMETERS = [(entry, parameter) for _, entry in ENTRIES for parameter in entry.parameters]
HUGE = [10**400, -(10**400), "x" * 10_000]

each_entry = pytest.mark.parametrize("entry", [e for _, e in ENTRIES], ids=[f"{k}-{e.name}" for k, e in ENTRIES])
each_parameter = pytest.mark.parametrize(
    ("entry", "parameter"), PARAMETERS, ids=[f"{e.name}-{p.name}" for e, p in PARAMETERS]
)
each_layer = pytest.mark.parametrize("entry", ALL_LAYERS.values(), ids=ALL_LAYERS)
each_loss = pytest.mark.parametrize("entry", LOSSES.values(), ids=LOSSES)
each_optimizer = pytest.mark.parametrize("entry", OPTIMIZERS.values(), ids=OPTIMIZERS)
each_scheduler = pytest.mark.parametrize("entry", SCHEDULERS.values(), ids=SCHEDULERS)
each_dataset = pytest.mark.parametrize("entry", DATASETS.values(), ids=DATASETS)


@each_entry
def test_entry_has_words_and_defaults_that_follow_their_rules(entry: Entry) -> None:
    assert entry.label
    assert entry.summary.endswith(".")
    filled = entry.fill({})
    assert list(filled) == [parameter.name for parameter in entry.parameters]
    assert filled == {p.name: p.convert(p.default) for p in entry.parameters}
    assert entry.fill(filled) == filled


@each_parameter
def test_parameter_has_words(entry: Entry, parameter: Parameter) -> None:
    assert parameter.label
    assert len(parameter.help) > 10, "a help text that helps"
    assert parameter.rule()
    assert entry.parameter(parameter.name) is parameter
    if isinstance(parameter, Floats):
        assert len(parameter.labels) == len(parameter.default)
    if isinstance(parameter, Int | Float) and parameter.optional:
        assert parameter.none_means
    if isinstance(parameter, Choice | Subset):
        assert parameter.choices


@each_parameter
def test_every_bad_value_is_refused_with_name_rule_and_value(entry: Entry, parameter: Parameter) -> None:
    """One test of a parameter for all of its bad values: there are thousands, each a matter of microseconds."""
    tried = list(parameter.bad_values())
    assert tried
    for bad in tried:
        try:
            entry.fill({parameter.name: bad}, "layer 3")
        except SpecError as error:
            said = str(error)
        else:
            pytest.fail(f"{shorten(bad)} is accepted")
        assert repr(parameter.name) in said
        assert "layer 3" in said
        assert parameter.rule() in said
        assert f"Got {shorten(bad)} instead." in said
        assert not said.endswith("instead. "), "it says what to do"
        assert "\n" not in said


@each_parameter
def test_value_of_any_size_is_refused_in_a_short_sentence(entry: Entry, parameter: Parameter) -> None:
    for huge in HUGE:
        with pytest.raises(SpecError) as caught:
            parameter.check(huge, "layer 3")
        assert len(str(caught.value)) < MAX_TEXT + 600


@given(st.data())
def test_every_parameter_accepts_what_follows_its_rule(data: st.DataObject) -> None:
    entry, parameter = data.draw(st.sampled_from(PARAMETERS))
    good = data.draw(values(parameter))
    converted = parameter.check(good, "owner")
    assert parameter.check(converted, "owner") == converted
    assert entry.fill({parameter.name: good})[parameter.name] == converted


def test_unknown_parameter_is_named_with_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"no parameter 'momentun'.*did you mean 'momentum'"):
        OPTIMIZERS["SGD"].fill({"momentun": 0.9})
    with pytest.raises(SpecError, match="Its parameters are: none"):
        ACTIVATIONS["ReLU"].fill({"slope": 1})


@pytest.mark.parametrize("name", ["Adan", 1, None, [], "x" * 10_000, "<script>"])
def test_unknown_entry_is_named_with_those_that_exist(name: object) -> None:
    with pytest.raises(SpecError, match=r"no optimizer named .*Choose one of: SGD, Adam") as caught:
        look_up(OPTIMIZERS, name, "optimizer")
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("entry", [e for _, e in ENTRIES if isinstance(e, ClassEntry)], ids=lambda entry: entry.name)
def test_a_class_is_where_the_entry_says(entry: ClassEntry) -> None:
    assert isinstance(load_object(entry.target), type)


@pytest.mark.parametrize("link", THRESHOLDS)
def test_a_threshold_is_where_the_probability_is_one_half(link: str) -> None:
    if link == "softmax":
        return  # it has one output per class
    chances = PROBABILITIES[link](torch.tensor([[THRESHOLDS[link]]]))  # type: ignore[index]
    assert chances.tolist() == [[0.5, 0.5]]


def test_key_is_the_name_and_names_are_unique() -> None:
    for entries in KINDS.values():
        assert list(entries) == [entry.name for entry in entries.values()]
        assert len({entry.label for entry in entries.values()}) == len(entries)
    assert not LAYERS.keys() & ACTIVATIONS.keys()
    with pytest.raises(AssertionError):
        table(LAYERS["Linear"], LAYERS["Linear"])


def _module(entry: LayerEntry, features: int, chosen: dict[str, object]) -> nn.Module:
    inside = [nn.Tanh()] if entry.holds_layers else []
    module: nn.Module = load_object(entry.target)(*inside, **entry.arguments(chosen, features))
    return module


def _check_layer(entry: LayerEntry, features: int, chosen: dict[str, object]) -> None:
    misfit = entry.misfit(chosen, features, "the layer")
    if misfit is not None:  # what it offers instead fits
        assert misfit.message.startswith(("The ", "the ")) or misfit.message[0].isupper()
        assert misfit.fix_label
        chosen, features = dict(misfit.params or chosen), misfit.width or features
        assert entry.misfit(chosen, features, "the layer") is None
    module = _module(entry, features, chosen)
    out = module(torch.zeros(3, features))
    assert out.shape == (3, entry.out_features(chosen, features))
    assert entry.count(chosen, features) == sum(p.numel() for p in module.parameters())
    assert entry.buffers(chosen, features) == sum(b.numel() for b in module.buffers())


@each_layer
def test_layer_is_what_torch_makes_of_it(entry: LayerEntry) -> None:
    chosen = entry.fill({})
    if "out_features" in chosen:
        chosen["out_features"] = 7
    _check_layer(entry, 6, chosen)
    assert issubclass(load_object(entry.target), nn.Sequential if entry.holds_layers else nn.Module)


@given(st.data(), st.integers(1, 40))
def test_layer_shapes_and_counts_hold_for_any_parameters(data: st.DataObject, features: int) -> None:
    entry = ALL_LAYERS[data.draw(st.sampled_from(list(ALL_LAYERS)))]
    chosen = entry.fill(data.draw(params(entry, modest=True)))
    if chosen.get("out_features", 1) is None:
        chosen["out_features"] = 3
    with torch.random.fork_rng():
        _check_layer(entry, features, chosen)


@each_layer
def test_every_switch_of_a_layer_counts_as_torch_counts(entry: LayerEntry) -> None:
    start = entry.fill({"out_features": 4} if entry.name == "Linear" else {})
    for parameter in entry.parameters:
        if isinstance(parameter.default, bool):
            _check_layer(entry, 6, {**start, parameter.name: not parameter.default})


@each_layer
def test_layer_defaults_are_those_of_torch(entry: LayerEntry) -> None:
    signature = inspect.signature(load_object(entry.target).__init__).parameters
    for parameter in entry.parameters:
        assert parameter.name in signature
        theirs = signature[parameter.name].default
        if theirs is not inspect.Parameter.empty:
            assert parameter.default == theirs, parameter.name
    assert {*entry.inferred(5), *entry.fixed} <= set(signature)


@each_layer
def test_layer_says_truly_whether_it_draws_and_mixes(entry: LayerEntry) -> None:
    chosen = entry.fill({"out_features": 4} if entry.name == "Linear" else {})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = _module(entry, 4, chosen).train()
        x = torch.randn(6, 4)
        before = torch.random.get_rng_state()
        whole = module(x)
        assert entry.random == (not torch.equal(before, torch.random.get_rng_state()))
        if not entry.random:
            half = module(x[:3])
            assert entry.mixes_batch == (not torch.allclose(whole[:3], half))


@pytest.mark.parametrize(
    "entry", [entry for entry in ALL_LAYERS.values() if entry.holds_layers], ids=lambda entry: entry.name
)
def test_a_layer_that_holds_others_does_what_its_expression_says(entry: LayerEntry) -> None:
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    found = _module(entry, 4, entry.fill({}))(x)
    assert torch.equal(found, eval(entry.combine.format(x="x", y="torch.tanh(x)")))
    assert set(entry.inside) <= set(ALL_LAYERS)


@pytest.mark.parametrize(("kind", "name"), [(LAYERS, "LayerNorm"), (ACTIVATIONS, "Softplus")])
def test_an_entry_of_one_table_is_at_once_among_all_layers(
    kind: dict[str, LayerEntry], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = LayerEntry(name=name, label=name, summary="New.", family="test")
    monkeypatch.setitem(kind, name, new)
    assert ALL_LAYERS[name] is new
    assert [*ALL_LAYERS] == [*LAYERS, *ACTIVATIONS]
    assert LayerSpec(type=name).entry is new


@pytest.mark.parametrize("entry", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activation_is_explained(entry: LayerEntry) -> None:
    assert entry.family == "activation"
    assert entry.formula
    assert entry.when.endswith(".")
    assert entry.cost.endswith(".")
    assert entry.count(entry.fill({}), 9) == (1 if entry.by_hand else 0)


@each_loss
def test_loss_takes_the_targets_that_it_says(entry: LossEntry) -> None:
    loss = load_object(entry.target)(**entry.fill({}))
    outputs = torch.full((4, 3 * entry.outputs_per_target), 0.3)
    index = torch.tensor([0, 1, 2, 0])
    target = index if entry.target_form == "index" else nn.functional.one_hot(index, 3).float()
    if entry.target_form == "sign":
        target = 2 * target - 1
    assert loss(outputs, target).shape == (), "one number, averaged over the batch"
    twice = loss(torch.cat([outputs, outputs]), torch.cat([target, target]))
    assert torch.isclose(twice, loss(outputs, target))
    assert set(entry.tasks) <= {"classification", "regression"}
    assert entry.formula
    assert entry.when
    if entry.bounded_outputs:
        with pytest.raises(RuntimeError):
            loss(outputs + 1, target)
    else:
        assert torch.isfinite(loss(outputs + 1, target))


@each_optimizer
def test_optimizer_defaults_are_those_of_torch(entry: OptimizerEntry) -> None:
    signature = inspect.signature(getattr(torch.optim, entry.name).__init__).parameters
    assert {p.name: p.default for p in entry.parameters} == {
        p.name: signature[p.name].default for p in entry.parameters
    }
    assert entry.parameter("lr").live, "every optimizer's learning rate can be changed live"


@each_optimizer
def test_optimizer_takes_a_step_and_keeps_no_more_than_it_says(entry: OptimizerEntry) -> None:
    weight = nn.Parameter(torch.ones(50))
    most = entry.fill({p.name: True for p in entry.parameters if p.default is False})
    if "momentum" in most:
        most["momentum"] = 0.9
    optimizer = load_object(entry.target)([weight], **most)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        total = weight.sum()
        total.backward()
        return total

    optimizer.step(closure)
    assert torch.isfinite(weight).all()
    assert not torch.equal(weight, torch.ones(50))
    lists = [value if isinstance(value, list) else [value] for value in optimizer.state[weight].values()]
    tensors = [value for values in lists for value in values if isinstance(value, torch.Tensor)]
    kept = sum(value.numel() for value in tensors if value.numel() > 1)
    assert kept / 50 <= entry.state_per_parameter + ("amsgrad" in most)


@each_scheduler
def test_scheduler_defaults_are_those_of_torch(entry: Entry) -> None:
    signature = inspect.signature(getattr(torch.optim.lr_scheduler, entry.name).__init__).parameters
    for parameter in entry.parameters:
        assert signature[parameter.name].default in (parameter.default, inspect.Parameter.empty)


@given(st.data(), st.floats(0, 1e12))
def test_every_schedule_gives_rates_that_a_step_can_take(data: st.DataObject, base: float) -> None:
    entry = data.draw(st.sampled_from(list(SCHEDULERS.values())))
    chosen = entry.fill(data.draw(params(entry, modest=True)))
    around = Surroundings(learning_rate=base, length=60, has_momentum=True)
    if entry.misfit(chosen, around):
        return
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=base)
    schedule = getattr(torch.optim.lr_scheduler, entry.name)(optimizer, **entry.arguments(chosen, around))
    for _ in range(60):
        rate = optimizer.param_groups[0]["lr"]
        assert isinstance(rate, float)
        largest = max(base, chosen.get("eta_min", 0.0), chosen.get("max_lr", 0.0), 1.0)
        assert rate >= -1e-9 * largest  # a cosine rounds
        optimizer.step()
        if entry.looks_at_loss:
            schedule.step(1.0)
        else:
            count(schedule)


@each_dataset
def test_dataset_entry_is_complete(entry: DatasetEntry) -> None:
    module, function = entry.loader.split(":")
    if entry.source == "generated":
        assert callable(getattr(import_module(module), function))
        assert "points" in {p.name for p in entry.parameters}
    facts = entry.facts(entry.fill({}))
    assert facts.class_names if facts.classifies else facts.target_names
    assert bool(facts.class_names) == facts.classifies == (not facts.target_names)
    assert facts.plane == ("features" in {p.name for p in entry.parameters})
    assert facts.most_train_samples
    assert facts.official_split == (entry.source == "downloaded" and facts.holds_images)
    assert (entry.source == "downloaded") == bool(entry.files) == bool(entry.archives) == bool(entry.reader)
    assert all(".." not in name and not name.startswith("/") for name in (*entry.files, *entry.archives))
    for target in filter(None, (entry.reader, entry.truth)):
        assert callable(load_object(target))
