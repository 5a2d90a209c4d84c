"""Navigation: the script that Streamlit runs for every page."""

from pathlib import Path

import streamlit as st

from pages.shared.experiment import entered, experiment
from pages.shared.layout import page_style
from pages.shared.link import show_notes, write_link

HERE = Path(__file__).parent
PAGES = HERE.parent

st.set_page_config(page_title="MLP Playground", page_icon=str(HERE / "static" / "icon.png"), layout="wide")
page_style()

page = st.navigation(
    {
        "Play": [
            st.Page(
                PAGES / "play" / "playground.py",
                title="Playground",
                icon=":material/play_circle:",
                default=True,
            ),
            st.Page(PAGES / "play" / "model.py", title="Model", icon=":material/table_rows:", url_path="model"),
        ],
    },
    position="top",
)
entered(page.url_path)
experiment()  # reads the address that a browser came with
show_notes()
page.run()
write_link(experiment())
