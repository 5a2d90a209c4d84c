"""MLP Playground. Run with `streamlit run app.py`.

Streamlit takes a folder named `pages` beside the script that it runs for its own, older kind of pages, and shows 'Page
not found' over the first deep link of a fresh server. So it is given `pages/entry/main.py`, which has no such neighbour.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from mlp_core.training.session import warm_up


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Start to import PyTorch before the first browser comes."""
    warm_up()
    yield


app = st.App(Path(__file__).parent / "pages" / "entry" / "main.py", lifespan=lifespan)
