"""MLP Playground. Run with `streamlit run app.py`.

Streamlit takes a folder named `pages` beside the script that it runs for its own, older kind of pages, and shows
'Page not found' over the first deep link of a fresh server. So it is given `pages/entry/main.py`, which has no such
neighbour.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from mlp_core.limits import MAX_UPLOAD_BYTES
from mlp_core.race.race import close_races
from mlp_core.training.session import close_all
from pages.live.ahead import ModulesAhead
from pages.live.browser import BrowserTokens
from pages.live.files import PackedFiles
from pages.live.stream import routes
from pages.live.warm import collect_seldom, load

collect_seldom()
# One limit for the library, the page and Streamlit's own receiver of files, which counts in units of 1024² bytes.
config.set_option("server.maxUploadSize", -(-MAX_UPLOAD_BYTES // 1024**2))
MAIN = Path(__file__).parent / "pages" / "entry" / "main.py"


@asynccontextmanager
async def until_closed(_: st.App) -> AsyncIterator[None]:
    """The life of the server: a signal may end the process right after it, without what Python does at its end."""
    load()
    yield
    from mlp_core.sweep.keeping import close_sweeps  # it needs PyTorch, for which no server waits at its start

    close_races()
    close_sweeps()
    close_all()


app = st.App(
    MAIN, routes=routes(), lifespan=until_closed,
    middleware=[Middleware(PackedFiles), Middleware(BrowserTokens), Middleware(ModulesAhead)],
)  # fmt: skip
