"""The network in numbers, a row for each layer, and as PyTorch prints it. Needs no run."""

from __future__ import annotations

import sys

import pandas as pd
import streamlit as st

from mlp_core.plan import Plan
from mlp_core.spec import Experiment
from mlp_core.summary import FLOPS_RULE, summary
from mlp_core.training.session import Session
from pages.shared.numbers import size_in_bytes

IMPORT_SECONDS = 20
"""How long `print(model)` waits for a server's first session, which imports PyTorch in its own thread."""


def numbers(experiment: Experiment, planned: Plan) -> None:
    """The whole network in a few numbers, and a row for every layer."""
    found = summary(experiment, planned)
    places = st.columns(4)
    places[0].metric("Trained parameters", f"{found.parameters:,}")
    places[1].metric("Buffers", f"{found.buffers:,}", help="Kept, not trained, as are running means of BatchNorm1d.")
    places[2].metric("FLOPs per sample", f"{found.flops:,}", help=FLOPS_RULE)
    places[3].metric(
        "Memory in training",
        size_in_bytes(found.training_bytes),
        help="An estimate: weights, gradients, optimizer state, two checkpoints, and the activations of one batch.",
    )
    batch = experiment.training.batch_size
    samples = "N" if batch is None else str(batch)
    rows = [
        {
            "name": layer.name,
            "layer": layer.type,
            "settings": layer.settings,
            "input": f"({samples}, {', '.join(map(str, layer.input_shape))})",
            "output": f"({samples}, {', '.join(map(str, layer.output_shape))})",
            "parameters": layer.parameters,
            "buffers": layer.buffers,
            "FLOPs": layer.flops,
            "memory": size_in_bytes(layer.training_bytes),
        }
        for layer in found.layers
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    if any(layer.inside for layer in planned.layers):
        st.caption("The numbers of a layer that holds others include those of the layers inside.")
    st.caption(FLOPS_RULE)


def printed(session: Session, planned: Plan) -> None:
    """`print(model)`, as soon as PyTorch is there."""
    st.markdown("`print(model)`")
    if not session.snapshot().engine:
        with st.spinner("Loading PyTorch…"):
            session.wait(lambda snapshot: snapshot.status != "preparing", IMPORT_SECONDS)
    if "torch" in sys.modules:
        from mlp_core.run.build import describe_model

        st.code(describe_model(planned), language="text")
