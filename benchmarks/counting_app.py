"""The app as users start it, with a count of all steps of training beside it: `GET steps`.

A page does not show the steps that its run did between the last message and an edit that ends it.
"""

from collections import Counter
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlp_core.training.events import Chunk
from mlp_core.training.recorder import Recorder
from pages.live.stream import routes
from pages.live.warm import collect_seldom

_add_chunk = Recorder.add_chunk
_counts = Counter[str]()


def add_chunk(recorder: Recorder, chunk: Chunk, engine: str) -> None:
    """Count the steps of a chunk that a record takes in."""
    _counts["steps"] += len(chunk.losses)
    _add_chunk(recorder, chunk, engine)


async def steps(request: Request) -> Response:
    """Steps so far, of all runs together."""
    return Response(str(_counts["steps"]))


Recorder.add_chunk = add_chunk  # type: ignore[method-assign]
collect_seldom()
MAIN = Path(__file__).resolve().parents[1] / "pages" / "entry" / "main.py"
app = st.App(MAIN, routes=[*routes(), Route("/steps", steps)])
