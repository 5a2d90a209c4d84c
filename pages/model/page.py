"""The model as PyTorch sees it: layers, shapes, parameters, memory and `print(model)`."""

import sys

import pandas as pd
import streamlit as st

from mlp_core.errors import SpecError
from mlp_core.plan import Plan, plan
from pages.live.runs import browser_runs
from pages.shared.editor import experiment
from pages.shared.numbers import size_in_bytes
from pages.shared.verdict import apply_experiment, show_error

IMPORT_SECONDS = 20
"""How long `print(model)` waits for a server's first session, which imports PyTorch in its own thread."""


def table(planned: Plan, batch: int | None) -> None:
    """The network in numbers, and a row for every layer."""
    left, middle, right = st.columns(3)
    left.metric("Trained parameters", f"{planned.parameters:,}")
    middle.metric("Buffers", f"{sum(layer.buffers for layer in planned.layers):,}")
    right.metric(
        "Memory in training",
        size_in_bytes(planned.training_bytes),
        help="An estimate: weights, gradients, optimizer state, two checkpoints, and the activations of one batch.",
    )

    samples = "N" if batch is None else str(batch)
    rows = [
        {
            "name": layer.name,
            "layer": layer.spec.type,
            "settings": ", ".join(f"{name}={value}" for name, value in layer.spec.params.items()),
            "input": f"({samples}, {layer.in_features})",
            "output": f"({samples}, {layer.out_features})",
            "parameters": layer.parameters,
            "buffers": layer.buffers,
        }
        for layer in planned.walk()
    ]
    if planned.flatten:
        shape = ", ".join(map(str, planned.sample_shape))
        flat = f"({samples}, {planned.layers[0].in_features})"
        first = {"name": "0", "layer": "Flatten", "settings": "", "input": f"({samples}, {shape})", "output": flat}
        rows.insert(0, {**first, "parameters": 0, "buffers": 0})
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    if any(layer.inside for layer in planned.layers):
        st.caption("The numbers of a layer that holds others include those of the layers inside.")


def printed(planned: Plan) -> None:
    """`print(model)`, as soon as PyTorch is there."""
    st.markdown("`print(model)`")
    session = browser_runs().session
    apply_experiment(session)
    if not session.snapshot().engine:
        with st.spinner("Loading PyTorch…"):
            session.wait(lambda snapshot: snapshot.status != "preparing", IMPORT_SECONDS)
    if "torch" in sys.modules:
        from mlp_core.run.build import describe_model

        st.code(describe_model(planned), language="text")


st.subheader("Model", anchor=False)
st.caption("The network of the Playground, layer by layer. Change it there; this page follows.")
try:
    network = plan(experiment())
except SpecError as error:
    show_error(str(error))
else:
    table(network, experiment().training.batch_size)
    printed(network)
