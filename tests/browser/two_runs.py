"""Two runs of one browser that train side by side, each with its live loss curve."""

import streamlit as st

from mlp_core.presets import preset
from pages.live.page import LivePage
from pages.live.runs import browser_runs
from pages.live.slots import ViewSlot

runs = browser_runs()
for name, chosen in (("left", "spiral"), ("right", "moons")):
    runs.open(name).apply(preset(chosen).experiment)
    runs[name].set_speed(1000)
if st.button("Train both", key="both"):
    runs["left"].play()
    runs["right"].play()
page = LivePage(runs, {name: [ViewSlot(f"{name}-loss", ("loss",))] for name in ("left", "right")}, name="two-runs")
for name, column in zip(("left", "right"), st.columns(2), strict=True):
    with column:
        st.subheader(name)
        page.mount(page.slots(name)[0])
page.follow()
