"""Words with their explanations: searched in the browser as one types, each with an address of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from mlp_core.catalog.glossary import Word
from pages.components.assets import loader, packed

# Not isolated: an address can lead to what stands in the page itself only.
_MOUNT = st.components.v2.component("glossary", js=loader("glossary.js"), isolate_styles=False)


def glossary_list(words: Mapping[str, Sequence[Word]]) -> None:
    """The words under their headings, with a field to search them by."""
    groups = [
        {"heading": heading, "words": [[word.anchor, word.label, word.text] for word in found]}
        for heading, found in words.items()
    ]
    _MOUNT(key="glossary", data=packed({"groups": groups}))
