"""The address of the page: it always holds the whole experiment, and may hide or fix controls for a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mlp_core.catalog import ACTIVATIONS, CONTROLS
from mlp_core.errors import SpecError
from mlp_core.link import Link, parse, query_of
from mlp_core.spec import Experiment

_LINK = "link"
_SAID = "link_said"
REGULARISATION = ("weight_decay", "p", "max_grad_norm")
"""Names of parameters, of whatever they are, that keep a network from learning its samples by heart."""

# What each control that can be fixed stands for.
_FIXED: dict[str, Callable[[Experiment], Any]] = {
    "dataset": lambda e: e.data.dataset,
    "data": lambda e: (e.data, e.training.batch_size),
    "features": lambda e: e.data.params.get("features"),
    "network": lambda e: e.layers,
    "activation": lambda e: [layer for layer in e.layers if layer.type in ACTIVATIONS],
    "regularisation": lambda e: [
        values.get(name)
        for values in (e.optimizer.params, e.training.model_dump(), *(layer.params for layer in e.layers))
        for name in REGULARISATION
    ],
    "loss": lambda e: e.loss,
    "optimizer": lambda e: (e.optimizer.type, {**e.optimizer.params, "lr": 0}, e.training.zero_grad),
    "scheduler": lambda e: e.scheduler,
    "learning_rate": lambda e: e.optimizer.params["lr"],
    "batch_size": lambda e: e.training.batch_size,
    "epochs": lambda e: e.training.epochs,
    "seed": lambda e: (e.training.seed, e.data.seed),
    "device": lambda e: e.training.device,
}


def open_link() -> Experiment | None:
    """Read the address that this browser came with, once; gives its experiment, if it has a good one."""
    if _LINK in st.session_state:
        return None
    try:
        found = parse({name: st.query_params[name] for name in st.query_params})
        said = list(found.notes)
    except SpecError as error:
        found, said = Link(), [f"{error} The default experiment is shown instead."]
    st.session_state[_LINK], st.session_state[_SAID] = found, said
    return found.experiment


def show_notes() -> None:
    """Say what was wrong with the link, until the reader closes it."""
    said: list[str] = st.session_state.get(_SAID, [])
    if said:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(" ".join(said), icon=":material/link_off:")
            st.button("Close", key="close-link-notes", on_click=said.clear)


def write_link(experiment: Experiment) -> None:
    """Put the experiment into the address."""
    wanted = query_of(experiment, _link().hide, _link().lock)
    if {name: st.query_params[name] for name in st.query_params} != wanted:
        st.query_params.from_dict(wanted)


def hidden(*controls: str) -> bool:
    """Whether the link hides one of these controls."""
    return not _link().hide.isdisjoint(controls)


def locked(*controls: str) -> bool:
    """Whether the link fixes one of these controls."""
    return not _link().lock.isdisjoint(controls)


def refuse_locked(old: Experiment, new: Experiment) -> None:
    """Raise `SpecError` if something that the link fixes would change."""
    for name, value in _FIXED.items():
        if locked(name) and value(old) != value(new):
            raise SpecError(
                f"The link that opened this page fixes '{CONTROLS[name].label}'. "
                "Open the playground without the link to change it."
            )


def _link() -> Link:
    found: Link = st.session_state.get(_LINK) or Link()
    return found
