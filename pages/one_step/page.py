"""One training step of the user's own network, from the data to the new weights, and what autograd does meanwhile."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from mlp_core.errors import SpecError
from pages.live.runs import browser_runs
from pages.one_step.choice import choose_batch, choose_weight
from pages.one_step.moment import Moment, moment, same_step
from pages.shared.layout import as_text
from pages.shared.tabs import tabs

session = browser_runs().session


def draw(found: Moment) -> None:
    """Draw what was chosen of the step."""
    from pages.one_step.autograd import autograd_tab
    from pages.one_step.stages import stages_tab
    from pages.one_step.weight import weight_tab

    seed = choose_batch(found, session)

    def weight() -> None:
        place = choose_weight(found)
        if place is not None:
            weight_tab(same_step(found, seed, place))

    contents = {
        "Stage by stage": lambda: stages_tab(same_step(found, seed, None), found),
        "One weight": weight,
        "Autograd": lambda: autograd_tab(found, seed),
    }
    tabs("one_step_tab", {name: partial(said, content) for name, content in contents.items()})


def said(content: Callable[[], None]) -> None:
    """Draw a tab, or why it cannot be drawn."""
    try:
        content()
    except SpecError as error:
        st.info(as_text(error), icon=":material/lightbulb:")


st.subheader("One step", anchor=False)
st.caption(
    "One mini-batch through your network: forward, loss, backward by the chain rule, update. Every number is the one "
    "that PyTorch computes. Looking changes nothing in the run."
)
now = moment(session)
if now is not None:
    draw(now)
