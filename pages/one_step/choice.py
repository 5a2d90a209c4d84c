"""Which mini-batch and which weight are looked at."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import streamlit as st

from mlp_core.errors import SpecError
from mlp_core.training.session import Session
from pages.one_step.moment import Moment, renew
from pages.shared.back_to_now import back_to_now
from pages.shared.layout import as_text
from pages.shared.link import locked

if TYPE_CHECKING:
    from mlp_core.one_step.places import WeightPlace

NEXT, DRAWN = "Next of the run", "Drawn by seed"


def choose_batch(now: Moment, session: Session) -> int | None:
    """Draw what says which mini-batch it is; returns the seed that it is drawn with, None for the run's next one."""
    snapshot = session.snapshot()
    with st.container(horizontal=True, vertical_alignment="bottom", key="one-step-batch"):
        which = st.segmented_control("Mini-batch", [NEXT, DRAWN], default=NEXT, required=True, key="one_step_which")
        seed = None
        if which == DRAWN:
            seed = st.number_input("Seed of the mini-batch", 0, 2**31 - 1, value=0, step=1, key="one_step_seed",
                                   width=170)  # fmt: skip
        if snapshot.trains:
            st.button("Take the newest weights", key="one_step_renew", icon=":material/refresh:", on_click=renew)
        else:
            st.button("Take this step in the run", key="one_step_take", icon=":material/skip_next:",
                      on_click=_take, args=(session,), disabled=which == DRAWN or locked("step"),
                      help="Trains the next mini-batch, as Step in the Playground does; then the step after it is "
                      "shown.")  # fmt: skip
            back_to_now(session, snapshot)
    steps = "1 step" if now.step == 1 else f"{now.step:,} steps"
    weights = f"weights after {steps}" if now.trained else "initial weights"
    moving = " The run goes on meanwhile." if snapshot.trains else ""
    st.caption(f"Step {now.step + 1:,}, from the {weights} of the run in the Playground.{moving}")
    return None if seed is None else int(seed)


def _take(session: Session) -> None:
    before = session.snapshot().step
    session.step()
    session.wait(lambda snapshot: snapshot.step > before and not snapshot.busy, 5.0)


def choose_weight(now: Moment) -> WeightPlace | None:
    """Draw what says which weight it is; None where the network has none, or the index is refused."""
    from mlp_core.one_step.places import WeightPlace, checked, sampled, shapes

    known = {name: shape for name, shape in shapes(now.run.model).items() if all(shape)}
    if not known:
        st.info("This network has no weights. Add a Linear layer in the Playground.", icon=":material/lightbulb:")
        return None
    layers = {layer.name: layer.spec.entry.label for layer in now.run.plan.walk()}
    linear = [layer.name for layer in now.run.plan.walk() if layer.spec.type == "Linear"]
    first = {place.parameter: place for place in sampled(known, len(known))}
    with st.container(horizontal=True, vertical_alignment="bottom", key="one-step-weight"):
        name = st.selectbox("Parameter", list(known), key=f"one_step_parameter-{'-'.join(known)}", width=260,
                            format_func=lambda name: _called(name, known[name], layers))  # fmt: skip
        index = []
        for axis, size in enumerate(known[name]):
            label = ("Neuron", "Input")[axis] if name.rpartition(".")[0] in linear else f"Index {axis + 1}"
            key = f"one_step_index-{name}-{axis}-{size}"
            if key not in st.session_state:
                st.session_state[key] = first[name].index[axis]
            index.append(st.number_input(f"{label} (0 to {size - 1:,})", min_value=0, max_value=size - 1, step=1,
                                         key=key, width=150))  # fmt: skip
        st.button("Another one", key="one_step_other", icon=":material/casino:", on_click=_other,
                  args=(name, known[name]), help="A weight of this parameter by chance.")  # fmt: skip
    try:
        return checked(WeightPlace(name, tuple(int(at or 0) for at in index)), known)
    except SpecError as error:
        st.error(as_text(error), icon=":material/block:")
        return None


def _other(name: str, shape: tuple[int, ...]) -> None:
    for axis, size in enumerate(shape):
        st.session_state[f"one_step_index-{name}-{axis}-{size}"] = random.SystemRandom().randrange(size)


def _called(name: str, shape: tuple[int, ...], layers: dict[str, str]) -> str:
    owners = [layer for layer in layers if name.startswith(f"{layer}.")]
    return f"{name} ({layers[max(owners, key=len)]}, {' × '.join(map(str, shape))})"
