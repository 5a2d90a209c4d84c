"""MLP Playground. Run with `streamlit run app.py`.

Streamlit takes a folder named `pages` beside the script that it runs for its own, older kind of pages, and shows
'Page not found' over the first deep link of a fresh server. So it is given `pages/entry/main.py`, which has no such
neighbour.
"""

from pathlib import Path

import streamlit as st

from pages.live.stream import routes
from pages.live.warm import collect_seldom

collect_seldom()
app = st.App(Path(__file__).parent / "pages" / "entry" / "main.py", routes=routes())
