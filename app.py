"""MLP Playground: navigation only. Run with `streamlit run app.py`."""

import streamlit as st

from pages.shared.experiment import entered
from pages.shared.layout import page_style

st.set_page_config(page_title="MLP Playground", page_icon="static/icon.png", layout="wide")
page_style()

page = st.navigation(
    {
        "Play": [
            st.Page(
                "pages/play/playground.py",
                title="Playground",
                icon=":material/play_circle:",
                default=True,
            ),
            st.Page("pages/play/model.py", title="Model", icon=":material/table_rows:", url_path="model"),
        ],
    },
    position="top",
)
entered(page.url_path)
page.run()
