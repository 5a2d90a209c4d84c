"""The activations: what each is like, what it costs, what it does to a signal, and a way to try it."""

import sys
from functools import partial

import streamlit as st

from pages.activations.choice import chosen, parameters
from pages.activations.cost import cost_tab
from pages.activations.curves import curves
from pages.activations.facts import facts_tab
from pages.activations.gallery import gallery_tab
from pages.activations.signal import signal_tab
from pages.activations.trial import trial
from pages.live.runs import browser_runs
from pages.shared.tabs import tabs
from pages.shared.verdict import apply_experiment

IMPORT_SECONDS = 20
"""How long curves wait for a server's first session, which imports PyTorch in its own thread."""


def pytorch_is_there() -> bool:
    """Wait for PyTorch where no session has brought it yet; whether it is there."""
    session = browser_runs().session
    apply_experiment(session)
    if "torch" not in sys.modules or not session.snapshot().engine:
        with st.spinner("Loading PyTorch…"):
            session.wait(lambda snapshot: snapshot.status != "preparing", IMPORT_SECONDS)
    return "torch" in sys.modules


st.subheader("Activations", anchor=False)
st.caption(
    "What stands between the Linear layers and lets a network bend. Choose some to compare; every curve is computed "
    "by PyTorch's own module, every slope by its autograd."
)
parameters()
layers = chosen()
if pytorch_is_there():
    curves(layers)
    trial(layers)
    contents = {"Facts": facts_tab, "Ten layers": signal_tab, "Cost on this machine": cost_tab, "All": gallery_tab}
    tabs("activations_tab", {name: partial(draw, layers) for name, draw in contents.items()})
else:
    st.info("PyTorch is still being loaded: open this page again in a moment.", icon=":material/hourglass:")
