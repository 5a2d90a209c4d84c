"""The network as a picture that lives: neurons, weights, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from mlp_core.diagram import SCROLLED
from pages.components.assets import loader
from pages.components.part import Part

_MOUNT = st.components.v2.component("network", js=loader("network.js"))


def network(
    values: dict[str, Any] | None,
    identity: str,
    losses: dict[str, str],
    health: list[dict[str, str] | None] | None,
    *,
    key: str,
) -> Part:
    """The neurons as they are now (a dict of `mlp_core.figures.network`), of the structure of that identity; None
    before they are known. `losses` are texts by the part of the data, 'train' or 'test'; `health` has a dict with
    'level' and 'sentence' for each column."""
    return Part(_MOUNT, key, {"values": values, "of": identity, "losses": losses, "health": health})


def with_structure(
    part: Part,
    columns: Sequence[dict[str, Any]],
    identity: str,
    *,
    loss: str,
    types: Sequence[dict[str, Any]],
    features: dict[str, Any] | None,
    locked: bool,
    acted: Callable[[dict[str, Any]], None],
) -> Part:
    """The part as it is mounted: with the columns that are drawn, which may be newer than the run's.

    `loss` is the name of the loss; `types` are the groups of layers that can be chosen, each a dict with 'label' and
    'types', pairs of name and label; `features` are the inputs that can be chosen, where they can be.
    `acted` gets what a reader did to the network: a dict with 'kind' and what it belongs to.
    """

    def act() -> None:
        done = getattr(st.session_state.get(part.key), "act", None)
        if isinstance(done, dict) and isinstance(done.get("kind"), str):
            acted(done)

    drawn = {"columns": list(columns), "identity": identity, "loss": loss, "types": list(types)}
    drawn |= {"features": features, "locked": locked, "scrolled": SCROLLED}
    data = {**part.data, "structure": drawn}
    return replace(part, data=data, options={"on_act_change": act})
