"""The model as PyTorch sees it: layers, shapes, parameters, memory and `print(model)`."""

import sys

import pandas as pd
import streamlit as st

from mlp_core.errors import SpecError
from mlp_core.plan import plan
from pages.shared.experiment import experiment
from pages.shared.network_panel import size_in_bytes
from pages.shared.session import current_session

IMPORT_SECONDS = 20

st.subheader("Model", anchor=False)
st.caption("The network of the Playground, layer by layer. Change it there; this page follows.")

try:
    planned = plan(experiment())
except SpecError as error:
    st.error(str(error), icon=":material/error:")
    st.page_link("/", label="Mend it in the Playground", icon=":material/arrow_back:")
    st.stop()

batch = experiment().training.batch_size
left, middle, right = st.columns(3)
left.metric("Trained parameters", f"{planned.parameters:,}")
middle.metric("Kept, not trained", f"{sum(layer.buffers for layer in planned.layers):,}")
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
        "kept": layer.buffers,
    }
    for layer in planned.walk()
]
if planned.flatten:
    shape = ", ".join(map(str, planned.sample_shape))
    flat = f"({samples}, {planned.layers[0].in_features})"
    first = {"name": "0", "layer": "Flatten", "settings": "", "input": f"({samples}, {shape})", "output": flat}
    rows.insert(0, {**first, "parameters": 0, "kept": 0})
st.dataframe(pd.DataFrame(rows), hide_index=True)
if any(layer.inside for layer in planned.layers):
    st.caption("The numbers of a layer that holds others include those of the layers inside.")

st.markdown("`print(model)`")
session = current_session()
session.apply(experiment())
if not session.snapshot().engine:
    with st.spinner("Loading PyTorch…"):  # a server's first session imports it in its own thread
        session.wait(lambda snapshot: snapshot.status != "preparing", IMPORT_SECONDS)
if "torch" in sys.modules:
    from mlp_core.run.build import describe_model

    st.code(describe_model(planned), language="text")
