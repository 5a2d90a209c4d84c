"""One training step of the user's own network, from the data to the new weights, and what autograd does meanwhile."""

import streamlit as st

from mlp_core.errors import SpecError
from pages.live.runs import browser_runs
from pages.one_step.choice import choose_batch, choose_weight
from pages.one_step.moment import Moment, moment, same_step
from pages.shared.layout import as_text

session = browser_runs().session


def draw(found: Moment) -> None:
    """Draw what was chosen of the step."""
    from pages.one_step.autograd import autograd_tab
    from pages.one_step.stages import stages_tab
    from pages.one_step.weight import weight_tab

    seed = choose_batch(found, session)
    tabs = st.tabs(["Stage by stage", "One weight", "Autograd"], key="one_step_tab", on_change="rerun")
    if tabs[0].open:
        with tabs[0]:
            stages_tab(same_step(found, seed, None), found)
    if tabs[1].open:
        with tabs[1]:
            place = choose_weight(found)
            if place is not None:
                weight_tab(same_step(found, seed, place))
    if tabs[2].open:
        with tabs[2]:
            autograd_tab(found, seed)


st.subheader("One step", anchor=False)
st.caption(
    "One mini-batch through your network: forward, loss, backward by the chain rule, update. Every number is the one "
    "that PyTorch computes. Looking changes nothing in the run."
)
now = moment(session)
if now is not None:
    try:
        draw(now)
    except SpecError as error:
        st.info(as_text(error), icon=":material/lightbulb:")
