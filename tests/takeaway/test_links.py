"""Share links: the whole experiment there and back, old links open, and broken ones are told."""

from __future__ import annotations

import base64
import json
import string
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import experiments

from mlp_core import link
from mlp_core.__main__ import main
from mlp_core.catalog import CONTROLS
from mlp_core.errors import SpecError
from mlp_core.presets import PRESETS, preset
from mlp_core.spec import MAX_JSON_CHARACTERS, VERSION, Experiment, LayerSpec

SPIRAL = preset("spiral").experiment
TOKEN = link.encode(SPIRAL)
OLD = json.loads((Path(__file__).parent / "version_1_links.json").read_text(encoding="utf-8"))
ALPHABET = string.ascii_letters + string.digits + "-_"


def refused(token: str) -> str:
    with pytest.raises(SpecError) as caught:
        link.decode(token)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 1000
    assert said.rstrip(")").endswith("."), said
    return said


def token_of(text: bytes, deflate: bool = True) -> str:
    """A token with a right checksum around whatever content."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(text) + packer.flush() if deflate else text
    checksum = zlib.crc32(packed).to_bytes(4, "big")[: link.CHECKSUM_BYTES]
    return link.TOKEN_VERSION + base64.urlsafe_b64encode(checksum + packed).decode().rstrip("=")


@given(experiments())
def test_there_and_back(experiment: Experiment) -> None:
    token = link.encode(experiment)
    assert set(token) <= set(ALPHABET)
    again = link.decode(token)
    assert again == experiment
    assert link.encode(again) == token


def with_those_inside(layers: list[Any]) -> Iterator[Any]:
    for layer in layers:
        yield layer
        yield from with_those_inside(layer.get("inside", []))


@given(experiments())
def test_equal_experiments_have_one_token(experiment: Experiment) -> None:
    values = json.loads(experiment.to_json())
    for part in (values["optimizer"], values["loss"], values["data"], *with_those_inside(values["layers"])):
        part["params"] = dict(reversed(part["params"].items()))
    assert link.encode(Experiment.from_dict(dict(reversed(values.items())))) == link.encode(experiment)


@pytest.mark.parametrize("name", PRESETS)
def test_tokens_of_presets_are_short(name: str) -> None:
    token = link.encode(preset(name).experiment)
    assert len(token) < 250
    assert link.decode(token) == preset(name).experiment


def test_a_residual_block_makes_a_link_little_longer() -> None:
    block = LayerSpec(type="Residual", inside=(LayerSpec(type="Linear"), LayerSpec(type="Tanh")))
    nested = SPIRAL.insert_layers((4,), block, block.updated(inside=(*block.inside, block)))
    token = link.encode(nested)
    assert link.decode(token) == nested
    assert len(token) < len(TOKEN) + 60
    assert len(link.encode(SPIRAL)) == len(TOKEN)


@pytest.mark.parametrize("name", OLD)
def test_links_of_version_1_go_on_meaning_the_same(name: str) -> None:
    # These were made by the first version. Where this fails a default has changed, and old links with it.
    assert link.decode(OLD[name]["token"]) == Experiment.from_dict(OLD[name]["experiment"])


def test_the_newest_token_holds_the_newest_experiment() -> None:
    assert link.SPEC_VERSIONS[link.TOKEN_VERSION] == VERSION


@settings(max_examples=300)
@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(ALPHABET + "=+/ %é\0"))
def test_a_changed_character_is_told(place: int, character: str) -> None:
    if character != TOKEN[place]:
        try:
            found = link.decode(TOKEN[:place] + character + TOKEN[place + 1 :])
        except SpecError:
            return
        # The last character may hold a few bits that mean nothing.
        assert place == len(TOKEN) - 1
        assert found == SPIRAL


@given(st.integers(0, len(TOKEN) - 1), st.integers(0, len(TOKEN)))
def test_a_part_of_a_link_is_told(start: int, end: int) -> None:
    if (start, end) != (0, len(TOKEN)):
        refused(TOKEN[start:end])


@given(st.text(max_size=60) | st.text(ALPHABET, max_size=60).map(lambda text: link.TOKEN_VERSION + text))
def test_anything_else_is_refused(token: str) -> None:
    refused(token)


@settings(max_examples=300)
@given(st.binary(max_size=80), st.booleans())
def test_any_content_is_refused(content: bytes, deflate: bool) -> None:
    refused(token_of(content, deflate))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("Linear"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["layers", "loss", "optimizer", "data", "type", "params", "version", "x"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        found = link.decode(token_of(json.dumps(value).encode()))
    except SpecError:
        return
    assert link.decode(link.encode(found)) == found


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", ["no experiment"]),
        ("1", ["broken"]),
        ("2" + TOKEN[1:], ["version", "'2'", "newer"]),
        (TOKEN + "A" * 20_000, ["at most 16000 characters"]),
        (TOKEN[:-5], ["broken", "missing or changed"]),
        (token_of(b" " * (MAX_JSON_CHARACTERS + 1)), [str(MAX_JSON_CHARACTERS)]),
        (token_of(b"[" * 100_000), ["deep"]),
        (token_of(b"[]"), ["JSON object"]),
        (token_of(b'{"layers":["Linear"],"loss":"MSELoss"}'), ["'optimizer'"]),
        (token_of(b'{"layers":["Linear"],"loss":"MSELoss","optimizer":"SGD","a":1}'), ["'a'"]),
        (token_of(b'{"layers":["Linear"],"loss":"MSELoss","loss":"L1Loss"}'), ["'loss' twice"]),
        (token_of(b'{"layers":["Linear"],"loss":"MSELoss","optimizer":["SGD",{"lr":1e400}]}'), ["'lr'"]),
        (token_of(b'{"data":{"dataset":"../../etc"},"layers":["Linear"],"loss":"MSELoss","optimizer":"SGD"}'),
         ["'../../etc'", "data set"]),
        (token_of(b'{"version":9,"layers":["Linear"],"loss":"MSELoss","optimizer":"SGD"}'), ["version", "newer"]),
        (token_of(b'{"layers":[["Residual",{},[["Residual",{},["Lin"]]]]],"loss":"MSELoss","optimizer":"SGD"}'),
         ["Layer 1.1.1", "'Lin'"]),
        (token_of(b'{"layers":[["Residual",{},"Linear"]],"loss":"MSELoss","optimizer":"SGD"}'),
         ["Layer 1", "inside", "'Linear'"]),
        (token_of(b'{"layers":["Linear"],"loss":["MSELoss",{},["Linear"]],"optimizer":"SGD"}'), ["key 'inside'"]),
        (token_of(b'\xff\xfe'), ["broken"]),
        (token_of(b"\xff\xff\xff", deflate=False), ["broken"]),
        (token_of(zlib.compress(b"{}"), deflate=False), ["broken"]),
    ],
)  # fmt: skip
def test_faults_are_named(token: str, words: list[str]) -> None:
    said = refused(token)
    assert [word for word in words if word not in said] == [], said


def test_a_bomb_is_not_unpacked() -> None:
    bomb = token_of(b" " * 5_000_000)
    assert len(bomb) < link.MAX_TOKEN_CHARACTERS
    assert str(MAX_JSON_CHARACTERS) in refused(bomb)


def test_what_is_too_long_for_a_link_is_told() -> None:
    layers = tuple(
        LayerSpec(type="LeakyReLU", params={"negative_slope": float.fromhex(f"0x1.{index * 7919:013x}p-3")})
        for index in range(1, 60)
    )
    assert link.decode(link.encode(SPIRAL.updated(layers=layers))).layers == layers
    limit, link.MAX_TOKEN_CHARACTERS = link.MAX_TOKEN_CHARACTERS, 100
    try:
        with pytest.raises(SpecError, match="JSON file"):
            link.encode(SPIRAL)
    finally:
        link.MAX_TOKEN_CHARACTERS = limit


def test_a_query_there_and_back() -> None:
    address = link.url("https://example.org/play", SPIRAL, hide=["views", "data"], lock=["loss"])
    query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    assert link.parse(query) == link.Link(SPIRAL, frozenset({"views", "data"}), frozenset({"loss"}))
    assert "hide=data,views" in address
    assert link.url("https://example.org/?a=1", SPIRAL).startswith("https://example.org/?a=1&experiment=")


def test_a_preset_by_name_is_a_link_too() -> None:
    assert link.parse({"preset": "xor"}).experiment == preset("xor").experiment
    assert link.parse({"preset": "xor", "experiment": TOKEN}).experiment == SPIRAL
    with pytest.raises(SpecError, match="'xorr'"):
        link.parse({"preset": "xorr"})


def test_an_empty_query_asks_for_nothing() -> None:
    assert link.parse({}) == link.Link()
    assert link.parse({"hide": " , ,", "utm_source": "mail"}) == link.Link()


def test_unknown_controls_are_left_out_and_said() -> None:
    found = link.parse({"hide": "data, dat,<script>", "lock": "x" * 5000})
    assert (found.hide, found.lock) == (frozenset({"data"}), frozenset())
    assert len(found.notes) == 3
    assert "did you mean 'data'" in found.notes[0]
    with pytest.raises(SpecError, match="no control named 'dat'"):
        link.query_of(SPIRAL, hide=["dat"])


@given(st.dictionaries(st.sampled_from(["hide", "lock"]), st.text(max_size=80)))
def test_any_list_is_read(query: dict[str, str]) -> None:
    found = link.parse(query)
    assert found.hide | found.lock <= CONTROLS.keys()
    assert all("\n" not in note or "\\n" in note for note in found.notes)


def test_the_command_prints_the_link(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(SPIRAL.to_json(2), encoding="utf-8")
    for name in ("spiral", str(tmp_path / "spec.json")):
        assert main(["link", name, "--hide", "data, views", "--lock", "loss", "--base", "https://example.org/"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert line == link.url("https://example.org/", SPIRAL, ["data", "views"], ["loss"])
    assert main(["link", "spiral", "--lock", "everything"]) == 2
    assert "'everything'" in capsys.readouterr().err
