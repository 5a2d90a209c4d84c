"""Specs: JSON and back without loss, and whatever else comes in is refused in one readable sentence."""

from __future__ import annotations

import copy
import json
import pickle
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import experiments, json_values

from mlp_core.errors import SpecError
from mlp_core.limits import MAX_LAYER_DEPTH, MAX_LAYERS
from mlp_core.presets import PRESETS, preset
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, SchedulerSpec, TrainingSpec
from mlp_core.strict_json import MAX_JSON_CHARACTERS, MAX_JSON_DEPTH
from mlp_core.versions import VERSION

SPIRAL = preset("spiral").experiment
INNER = LayerSpec(
    type="Residual", inside=(LayerSpec(type="Linear", params={"out_features": 3}), LayerSpec(type="ReLU"))
)
NESTED = LayerSpec(type="Residual", inside=(LayerSpec(type="Tanh"), INNER, LayerSpec(type="Linear")))

GOOD: dict[str, Any] = json.loads(SPIRAL.insert_layers((1,), NESTED).to_json())


def refused(text: str) -> str:
    """The sentence with which the text is refused; any other exception fails the test."""
    with pytest.raises(SpecError) as caught:
        Experiment.from_json(text)
    return readable(caught.value)


def readable(error: SpecError) -> str:
    """The error's text, which must be one paragraph of a length that fits a page."""
    said = str(error)
    assert said
    assert said[0].isupper() or said.startswith(("data set", "layer", "loss", "optimizer", "scheduler"))
    assert said.rstrip(")").endswith((".", ".'")), said
    assert "\n" not in said
    assert len(said) < 1000
    assert "Traceback" not in said
    assert "pydantic" not in said
    return said


def with_change(change: Callable[[dict[str, Any]], object]) -> str:
    values = copy.deepcopy(GOOD)
    change(values)
    return json.dumps(values)


@given(experiments(), st.sampled_from([None, 2]))
def test_json_round_trip_is_equal(experiment: Experiment, indent: int | None) -> None:
    text = experiment.to_json(indent)
    again = Experiment.from_json(text)
    assert again == experiment
    assert again.to_json(indent) == text
    assert Experiment.from_dict(json.loads(text)) == experiment
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives_json(name: str) -> None:
    found = preset(name)
    assert found.name == name
    assert found.label
    assert found.summary.endswith(".")
    assert Experiment.from_json(found.experiment.to_json()) == found.experiment


def test_unknown_preset_is_named() -> None:
    with pytest.raises(SpecError, match=r"no preset named 'spirall'.*did you mean 'spiral'"):
        preset("spirall")


def test_absent_parts_are_filled_with_defaults() -> None:
    least = {"layers": [{"type": "Linear"}], "loss": {"type": "MSELoss"}, "optimizer": {"type": "SGD"}}
    found = Experiment.from_dict(least)
    assert found.version == VERSION
    assert found.data == DataSpec()
    assert found.training == TrainingSpec()
    assert found.optimizer.params["momentum"] == 0.0


def test_a_spec_does_not_change_and_does_not_share() -> None:
    given_params = {"lr": 0.5}
    optimizer = OptimizerSpec(type="SGD", params=given_params)
    assert given_params == {"lr": 0.5}, "what was passed in is left alone"
    with pytest.raises(Exception, match="frozen"):
        optimizer.type = "Adam"  # type: ignore[misc]
    assert OptimizerSpec(type="SGD").params["lr"] != 0.5
    changed = optimizer.updated(params={**optimizer.params, "lr": 0.1})
    assert (optimizer.params["lr"], changed.params["lr"]) == (0.5, 0.1)
    with pytest.raises(SpecError):
        optimizer.updated(params={"lr": -1})


@given(json_values())
def test_any_json_is_read_or_refused(value: Any) -> None:
    text = json.dumps(value)
    try:
        Experiment.from_json(text)
    except SpecError as error:
        readable(error)
    else:
        pytest.fail("nothing that is drawn here is an experiment")


@given(st.text(max_size=200) | st.text(alphabet='{}[]",:0123456789eE-.\\u truefalsn', max_size=200))
def test_any_text_is_refused(text: str) -> None:
    refused(text)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


PLACES = [path for path in places(GOOD) if path]


def at(values: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


@settings(max_examples=300)
@given(st.sampled_from(PLACES), json_values(5))
def test_any_value_anywhere_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    values = copy.deepcopy(GOOD)
    at(values, path[:-1])[path[-1]] = value
    try:
        read = Experiment.from_json(json.dumps(values))
    except SpecError as error:
        readable(error)
    else:
        assert Experiment.from_json(read.to_json()) == read


KEYS = st.sampled_from(["self", "type ", "__class__", "model_config", "", "\ud800", "lr\0", "version2"])


@given(st.sampled_from([p for p in [(), *PLACES] if isinstance(at(GOOD, p), dict)]), KEYS | st.text(max_size=9))
def test_an_unknown_key_anywhere_is_named(path: tuple[Any, ...], key: str) -> None:
    values = copy.deepcopy(GOOD)
    inside = at(values, path)
    if key in inside or (path == ("training",) and key in TrainingSpec.model_fields):
        return
    inside[key] = 1
    said = refused(json.dumps(values))
    if key.isascii() and key.isprintable() and key:
        assert key in said


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_repeated_key_anywhere_is_named(path: tuple[Any, ...]) -> None:
    if not isinstance(path[-1], str):
        return
    values = copy.deepcopy(GOOD)
    inside = at(values, path[:-1])
    inside["REPEATED"] = inside[path[-1]]
    text = json.dumps(values).replace('"REPEATED"', json.dumps(path[-1]))
    assert f"{path[-1]!r} twice" in refused(text)


@pytest.mark.parametrize("key", ["layers", "loss", "optimizer"])
def test_a_missing_key_is_named(key: str) -> None:
    assert f"lacks the key {key!r}" in refused(with_change(lambda v: v.pop(key)))


def test_a_missing_type_names_its_layer() -> None:
    said = refused(with_change(lambda v: v["layers"][2].pop("type")))
    assert "Layer 3" in said
    assert "'type'" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.update(layers="Linear"), ["layers", "'Linear'"]),
        (lambda v: v.update(layers=None), ["layers", "None"]),
        (lambda v: v.update(layers=[1]), ["layers.0", "1"]),
        (lambda v: v.update(layers=[]), ["1 to 64 layers", "Add a Linear layer"]),
        (lambda v: v["training"].update(batch_size="10"), ["batch_size", "'10'"]),
        (lambda v: v["training"].update(batch_size=True), ["batch_size", "True"]),
        (lambda v: v["training"].update(batch_size=10.5), ["batch_size", "10.5"]),
        (lambda v: v["training"].update(zero_grad=1), ["zero_grad"]),
        (lambda v: v["training"].update(device="tpu"), ["device", "'cpu', 'cuda', 'mps'", "'tpu'"]),
        (lambda v: v["training"].update(seed=-1), ["seed", "-1"]),
        (lambda v: v["data"].update(dataset="../../etc/passwd"), ["data set", "../../etc/passwd"]),
        (lambda v: v["data"].update(test_fraction=1.0), ["test_fraction", "[0.05, 0.95]", "1.0"]),
        (lambda v: v["data"].update(seed=2**31), ["seed", "2147483648"]),
        (lambda v: v["data"]["params"].update(features=["x1", "x1"]), ["features"]),
        (lambda v: v["layers"][0].update(type="Conv2d"), ["Layer 1", "Conv2d", "Linear"]),
        (lambda v: v["layers"][0]["params"].update(in_features=3), ["Layer 1", "in_features", "out_features"]),
        (lambda v: v["layers"][0]["params"].update(out_features=10**10), ["Layer 1", "1000000000]", "10000000000"]),
        (lambda v: v["layers"][0].update(params=[]), ["Layer 1", "params"]),
        (lambda v: v["layers"].__setitem__(1, {"type": "Dropout", "params": {"p": 1.5}}), ["Layer 2", "p", "1.5"]),
        (lambda v: v["optimizer"]["params"].update(lr=-0.1), ["'lr'", "-0.1", "usual"]),
        (lambda v: v["optimizer"]["params"].update(lr="fast"), ["'lr'", "'fast'"]),
        (lambda v: v["optimizer"]["params"].update(lr=10**400), ["'lr'"]),
        (lambda v: v["optimizer"]["params"].update(nesterov=True, momentum=0), ["nesterov", "momentum"]),
        (lambda v: v["loss"].update(type="CosineLoss"), ["loss", "CosineLoss", "MSELoss"]),
        (lambda v: v["loss"].update(type={}), ["type"]),
        (lambda v: v.update(data=None), ["data"]),
    ],
)
def test_a_wrong_value_is_named_with_rule_and_value(
    change: Callable[[dict[str, Any]], object], words: list[str]
) -> None:
    said = refused(with_change(change))
    assert [word for word in words if word not in said] == [], said


@pytest.mark.parametrize("version", [VERSION + 1, 10**6, 10**400])
def test_a_newer_version_is_told(version: int) -> None:
    # A newer version may hold anything, so the version is told before what is not known.
    said = refused(with_change(lambda v: v.update(version=version, shiny="new")))
    assert "version" in said
    assert "newer" in said


@pytest.mark.parametrize("version", [0, -1, 1.0, "1", None, True, [1]])
def test_a_version_that_never_was_is_refused(version: object) -> None:
    assert "version" in refused(with_change(lambda v: v.update(version=version)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 5000])
@pytest.mark.parametrize("place", ["lr", "version", "batch_size", "test_fraction", "noise"])
def test_numbers_that_are_none_are_refused(number: str, place: str) -> None:
    text = json.dumps(GOOD)
    start = text.index(f'"{place}": ') + len(place) + 4
    end = min(found for found in (text.find(",", start), text.find("}", start)) if found > 0)
    refused(text[:start] + number + text[end:])


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"layers":['])
def test_deep_nesting_is_refused(opening: str) -> None:
    said = refused(opening * 10_000)
    assert f"at most {MAX_JSON_DEPTH} deep" in said
    assert "deep" in refused('{"version": ' + "[" * 40 + "]" * 40 + "}")


@pytest.mark.parametrize(
    "text",
    [
        '["' + "]" * 60_000 + '",' + "[" * 60_000,
        '["]",' * 20_000,
        '{"}":' * 20_000,
        '["\\"]",' * 20_000,
        '["\\\\",' * 20_000,
    ],
    ids=["one string", "each", "keys", "escaped quote", "escaped backslash"],
)
def test_brackets_in_strings_hide_no_depth(text: str) -> None:
    assert "deep" in refused(text)


def test_brackets_in_strings_are_not_depth() -> None:
    assert "unknown key" in refused(with_change(lambda v: v.update({"[" * 100: 1})))


def test_huge_text_is_refused_before_it_is_parsed() -> None:
    said = refused('{"a": "' + "x" * MAX_JSON_CHARACTERS)
    assert str(MAX_JSON_CHARACTERS) in said
    assert refused(with_change(lambda v: v["data"].update(dataset="x" * 100_000)))


def test_a_trained_eye_finds_the_place_of_a_syntax_error() -> None:
    assert "line 2, column 1" in refused('{"version": 1,\n]')


@pytest.mark.parametrize("count", [0, MAX_LAYERS + 1, 10_000])
def test_number_of_layers_is_limited(count: int) -> None:
    layer = {"type": "ReLU"}
    said = refused(with_change(lambda v: v.update(layers=[layer] * count)))
    assert f"1 to {MAX_LAYERS} layers" in said
    assert f"Got {count:,} instead" in said
    with pytest.raises(SpecError, match=f"1 to {MAX_LAYERS} layers"):
        preset("spiral").experiment.updated(layers=(LayerSpec(type="ReLU"),) * count)


def test_too_many_layers_are_refused_with_their_size() -> None:
    wide = {"type": "Linear", "params": {"out_features": 100}}
    nonsense = [{"type": "Linear", "params": {"out_features": 10**10}}, {"type": []}, {"type": "Linear", "params": 1}]
    with pytest.raises(SpecError) as caught:
        Experiment.from_dict({"layers": [wide] * 10_000 + nonsense})
    said = str(caught.value)
    parameters = 200 + 9_999 * (100 * 100 + 100)  # the first one has one input at the least
    assert f" {parameters:,} parameters" in said
    assert f"{parameters * 4 / 2**20:,.1f} MiB" in said


# Layers inside of others


def holding(*inside: LayerSpec) -> LayerSpec:
    return LayerSpec(type="Residual", inside=inside)


def test_layers_inside_count_towards_the_limit() -> None:
    relu = LayerSpec(type="ReLU")
    full = SPIRAL.updated(layers=(holding(*[relu] * 31), holding(*[relu] * 31)))
    assert len(list(full.walk())) == MAX_LAYERS
    with pytest.raises(SpecError, match=r"Got 65 instead"):
        full.insert_layers((1, 31), relu)
    values = json.loads(full.to_json())
    values["layers"][0]["inside"].append({"type": "Linear", "params": {"out_features": 5}})
    said = refused(json.dumps(values))
    assert "Got 65 instead" in said
    assert "at least 10 parameters" in said, "from one input"


def test_depth_is_limited() -> None:
    deep = LayerSpec(type="Linear")
    for depth in range(MAX_LAYER_DEPTH):
        assert deep.depth == depth
        deep = holding(deep)
    experiment = SPIRAL.updated(layers=(deep, *SPIRAL.layers))
    assert Experiment.from_json(experiment.to_json()) == experiment
    with pytest.raises(SpecError, match=f"at most {MAX_LAYER_DEPTH} deep. Got {MAX_LAYER_DEPTH + 1} instead"):
        holding(deep)
    values = json.loads(experiment.to_json())
    values["layers"] = [{"type": "Residual", "inside": values["layers"]}]
    assert f"at most {MAX_LAYER_DEPTH} deep" in refused(json.dumps(values))
    for _ in range(10_000):
        values["layers"] = [{"type": "Residual", "inside": values["layers"]}]
    with pytest.raises(SpecError, match="deep"):
        Experiment.from_dict(values)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"type": "Residual", "inside": []}, "Layer 2: The 'inside' of layer Residual must hold at least one.*Put a"),
        ({"type": "ReLU", "inside": [{"type": "Tanh"}]}, "Layer 2: The 'inside' of layer ReLU must be empty.*Residual"),
        ({"type": "Residual", "inside": 3}, "Layer 2: The key 'inside'.*Got 3"),
        ({"type": "Residual", "inside": [3]}, r"Layer 2: The key 'inside\.0'.*Got 3"),
        ({"type": "Residual", "inside": [{"type": "Lin"}]}, r"Layer 2\.1: There is no layer named 'Lin'"),
        ({"type": "Residual", "inside": [{"type": "Tanh"}, {"type": "Dropout", "params": {"p": 2}}]}, r"Layer 2\.2:"),
        (
            {"type": "Residual", "inside": [{"type": "Tanh"}, {"type": "Residual", "inside": [{"type": "Lin"}]}]},
            r"Layer 2\.2\.1: There is no layer named 'Lin'",
        ),
        ({"type": "Residual", "inside": [{"type": "Tanh", "inner": 1}]}, r"Layer 2\.1: .*unknown key 'inner'"),
    ],
)  # fmt: skip
def test_a_fault_inside_is_named_by_its_place(layer: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        Experiment.from_dict({**GOOD, "layers": [{"type": "Linear", "params": {"out_features": 4}}, layer]})
    readable(caught.value)


def test_a_layer_that_holds_others_starts_with_those_of_its_entry() -> None:
    assert LayerSpec(type="Residual") == holding(*(LayerSpec(type=name) for name in ("Linear", "ReLU", "Linear")))
    assert LayerSpec(type="Linear").inside == ()
    with pytest.raises(SpecError, match="at least one layer"):
        LayerSpec(type="Residual").updated(inside=())


def test_inside_is_written_only_where_there_is_something() -> None:
    assert "inside" not in SPIRAL.to_json()
    assert all("inside" not in layer for layer in SPIRAL.model_dump()["layers"])
    written = json.loads(SPIRAL.updated(layers=(NESTED,)).to_json())["layers"][0]
    assert [sorted(layer) for layer in written["inside"]] == [["params", "type"], ["inside", "params", "type"],
                                                              ["params", "type"]]  # fmt: skip


@given(experiments(), st.data())
def test_layers_are_changed_by_their_paths(experiment: Experiment, data: st.DataObject) -> None:
    tanh = LayerSpec(type="Tanh")
    path, layer = data.draw(st.sampled_from(list(experiment.walk())))
    assert experiment.layer_at(path) == layer
    beside = experiment.layers_inside(path[:-1])
    assert beside[path[-1]] == layer

    assert experiment.replace_layer(path, layer) == experiment
    replaced = experiment.replace_layer(path, tanh)
    assert replaced.layer_at(path) == tanh
    assert replaced.replace_layer(path, layer) == experiment

    inserted = experiment.insert_layers(path, tanh)
    assert (inserted.layer_at(path), inserted.layer_at((*path[:-1], path[-1] + 1))) == (tanh, layer)
    assert inserted.remove_layer(path) == experiment
    at_the_end = (*path[:-1], len(beside))
    assert experiment.insert_layers(at_the_end, tanh, tanh).layers_inside(path[:-1]) == (*beside, tanh, tanh)

    by = data.draw(st.integers(-path[-1], len(beside) - 1 - path[-1]))
    moved = experiment.move_layer(path, by)
    new = (*path[:-1], path[-1] + by)
    assert moved.layer_at(new) == layer
    assert moved.move_layer(new, -by) == experiment
    for changed in (replaced, inserted, moved):
        assert changed.updated(layers=experiment.layers) == experiment, "nothing but the layers changes"


def test_the_last_layer_of_a_list_is_not_removed() -> None:
    alone = SPIRAL.updated(layers=(holding(LayerSpec(type="Tanh")),))
    with pytest.raises(SpecError, match="at least one layer"):
        alone.remove_layer((0, 0))
    with pytest.raises(SpecError, match="1 to 64 layers"):
        alone.remove_layer((0,))
    with pytest.raises(IndexError):
        alone.layer_at((0, 1))


@pytest.mark.parametrize("value", [None, 1, "x", [], (), {1, 2}, object(), [GOOD]])
def test_only_an_object_is_an_experiment(value: object) -> None:
    with pytest.raises(SpecError, match="JSON object"):
        Experiment.from_dict(value)


def test_hostile_text_stays_text_and_is_cut() -> None:
    name = "<img src=x onerror=alert(1)>" + string.ascii_letters * 100
    said = refused(with_change(lambda v: v["loss"].update(type=name)))
    assert "<img src=x onerror=alert(1)>" in said
    assert "…" in said
    with pytest.raises(SpecError):
        LossSpec(type=name)


def test_a_schedule_and_clipping_are_additions_that_old_files_lack() -> None:
    old = copy.deepcopy(GOOD)
    del old["scheduler"], old["training"]["max_grad_norm"]
    assert Experiment.from_dict(old) == Experiment.from_dict(GOOD)
    assert Experiment.from_dict(old).scheduler is None
    assert Experiment.from_dict(old).training.max_grad_norm is None
    new = {**GOOD, "scheduler": {"type": "StepLR"}, "training": {**GOOD["training"], "max_grad_norm": 1}}
    found = Experiment.from_dict(new)
    assert found.scheduler == SchedulerSpec(type="StepLR", params={"step_size": 10, "gamma": 0.1}, every="epoch")
    assert found.training.max_grad_norm == 1.0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "StepLr"}, "no scheduler named 'StepLr'.*did you mean 'StepLR'"),
        ({"type": "StepLR", "every": "batch"}, "'every' parameter of scheduler StepLR must be one of 'epoch', 'step'"),
        ({"type": "StepLR", "params": {"gamma": 0}}, "'gamma' parameter of scheduler StepLR must be"),
        ({"type": "StepLR", "when": 1}, "unknown key 'when'"),
        ({"every": "step"}, "lacks the key 'type'"),
    ],
)
def test_a_wrong_schedule_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        Experiment.from_dict({**GOOD, "scheduler": given})
    readable(caught.value)


def test_specs_cannot_be_changed() -> None:
    found = PRESETS["spiral"].experiment
    for part in (found.optimizer, found.data, found.layers[0]):
        for change in (
            lambda part=part: part.params.update(lr=-5),
            lambda part=part: part.params.__setitem__("lr", -5),
            lambda part=part: setattr(part, "params", {}),
            lambda part=part: setattr(part.params, "_values", {}),
        ):
            with pytest.raises((TypeError, AttributeError, ValidationError)):
                change()
    assert found.optimizer.params["lr"] == 0.03
    assert isinstance(found.data.params["features"], tuple)


def test_equal_specs_have_equal_hashes() -> None:
    one, other = PRESETS["spiral"].experiment, Experiment.from_json(PRESETS["spiral"].experiment.to_json())
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other, PRESETS["xor"].experiment}) == 2
    assert copy.deepcopy(one) == one == pickle.loads(pickle.dumps(one))
