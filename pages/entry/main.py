"""Navigation: the script that Streamlit runs for every page."""

from pathlib import Path

import streamlit as st

from pages.components.access import access
from pages.live.page import leave, on_screen
from pages.live.runs import browser_runs, heartbeat
from pages.shared.editor import entered, experiment
from pages.shared.goes_on import goes_on
from pages.shared.layout import page_style
from pages.shared.link import came_for_experiment, hidden, show_notes, write_link
from pages.shared.not_saved import not_saved
from pages.shared.undo import edit_row

HERE = Path(__file__).parent
PAGES = HERE.parent

st.set_page_config(page_title="MLP Playground", page_icon=str(HERE / "static" / "icon.png"), layout="wide")
page_style()

experiment()  # reads the address that a browser came with
pages = [
    st.Page(PAGES / "playground" / "page.py", title="Playground", icon=":material/play_circle:", default=True),
    st.Page(PAGES / "data" / "page.py", title="Data", icon=":material/table_view:", url_path="data"),
    st.Page(PAGES / "evaluate" / "page.py", title="Evaluate", icon=":material/fact_check:", url_path="evaluate"),
    st.Page(PAGES / "inspect" / "page.py", title="Inspect", icon=":material/troubleshoot:", url_path="inspect"),
    st.Page(PAGES / "one_step" / "page.py", title="One step", icon=":material/footprint:", url_path="one-step"),
    st.Page(PAGES / "landscape" / "page.py", title="Landscape", icon=":material/landscape:", url_path="landscape"),
    st.Page(
        PAGES / "activations" / "page.py", title="Activations", icon=":material/show_chart:", url_path="activations"
    ),
    st.Page(PAGES / "tune" / "page.py", title="Tune", icon=":material/tune:", url_path="tune"),
    st.Page(PAGES / "runs" / "page.py", title="Runs", icon=":material/list_alt:", url_path="runs"),
    st.Page(PAGES / "race" / "page.py", title="Race", icon=":material/sports_score:", url_path="race"),
    st.Page(PAGES / "sweep" / "page.py", title="Sweep", icon=":material/manage_search:", url_path="sweep"),
    st.Page(PAGES / "runs" / "shared.py", title="Shared runs", url_path="shared", visibility="hidden"),
    st.Page(PAGES / "glossary" / "page.py", title="Glossary", icon=":material/menu_book:", url_path="glossary"),
    st.Page(PAGES / "inspect" / "page.py", title="Model", url_path="model", visibility="hidden"),  # its former address
]
if not hidden("code"):
    pages.append(st.Page(PAGES / "export" / "page.py", title="Export", icon=":material/download:", url_path="export"))
page = st.navigation(pages, position="top")
entered(page.url_path)
access(welcome=not came_for_experiment())
show_notes()
if page.url_path:  # the Playground draws them beside its own
    edit_row()
runs, before = browser_runs(), on_screen()
runs.lease.renew()
try:
    page.run()
finally:  # a page may stop, or fail, before its end
    still = leave(before)
if still:
    goes_on(runs)
    not_saved(runs)
if still or runs.works:
    heartbeat(runs)
write_link(experiment())
