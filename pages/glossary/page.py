"""The glossary: every word that labels use, from the catalog, with a search and an address for each."""

import streamlit as st

from mlp_core.catalog.glossary import glossary
from mlp_core.evaluation import CLASS_FIGURES
from pages.components.glossary import glossary_list
from pages.evaluate.slots import DEVIATIONS, FIGURES, VALUES

METRICS = dict((*FIGURES.values(), *VALUES.values(), *DEVIATIONS.values()))
"""The figures of all samples together; those of each class have their own table."""

st.subheader("Glossary", anchor=False)
st.caption("Every word that the pages use, in a sentence or two. Press ? on any page for the keyboard shortcuts.")
of_classes = [(figure.label, figure.help) for figure in CLASS_FIGURES.values()]
glossary_list(glossary(("Metrics", [*METRICS.items(), *of_classes])))
