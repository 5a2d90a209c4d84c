"""Loss landscape: the loss over a plane through the network's weights, computed when somebody asks for it."""

import streamlit as st

from mlp_core.training.snapshot import Snapshot
from pages.landscape.choice import choices, parameters, parts, refusal
from pages.landscape.drawing import draw
from pages.landscape.work import Held, cancel, compute, held, remaining
from pages.live.runs import browser_runs
from pages.playground.control_bar import SOON_SECONDS
from pages.shared.layout import as_text
from pages.shared.loading import loading
from pages.shared.verdict import PLAYGROUND_PAGE, apply_experiment, show_error

LOOK_SECONDS = 0.5
"""Between two looks at the work."""
FOLLOW_SECONDS = 2.0
"""Between two looks at a run that trains."""


def status(mine: Held) -> None:
    """How far the work is, with Cancel; else which step the landscape belongs to, and whether the run has gone on."""
    drawn, drawn_trains = mine.running, session.snapshot().trains

    def tick() -> None:
        runs.lease.renew()
        now, work = session.snapshot(), mine.work
        if mine.running != drawn or now.trains != drawn_trains:
            st.rerun()
        if work is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                text = f"Computing losses… {work.progress:.0%}{remaining(work)}"
                st.progress(min(1.0, work.progress), text=text)
                st.button("Cancel", key="landscape-cancel", icon=":material/close:", on_click=cancel)
        elif mine.shown is not None:
            belongs(mine, now)

    every = LOOK_SECONDS if drawn else FOLLOW_SECONDS if drawn_trains else None
    st.fragment(tick, run_every=every, key="landscape-status")()


def belongs(mine: Held, now: Snapshot) -> None:
    """Which weights the landscape is of."""
    assert mine.shown is not None
    of = f"These are the weights of step {mine.shown.step:,}"
    if mine.shown_run != now.run:
        st.info(f"{of} of an earlier run. Press Compute for those of the run at hand.", icon=":material/history:")
    elif mine.shown.step != now.step:
        st.info(f"{of}; the run is at step {now.step:,} by now. Press Compute to see where it has got to.",
                icon=":material/history:")  # fmt: skip


runs = browser_runs()
session = runs.session
found = apply_experiment(session, SOON_SECONDS)
st.subheader("Loss landscape", anchor=False)
st.caption("The loss of this network over a plane through its weights: how wide its valley is, and the way there.")
if found.error:
    show_error(found.error)
else:
    mine, snapshot = held(), session.snapshot()
    loading(session, snapshot, redraws=True)
    if snapshot.dataset is None:
        if snapshot.status != "preparing":
            st.info(as_text(snapshot.message) or "There is no run yet.", icon=":material/info:")
            st.page_link(str(PLAYGROUND_PAGE), label="Go to the Playground", icon=":material/arrow_back:")
    else:
        with st.container(key="landscape-controls", horizontal=True, vertical_alignment="bottom"):
            choices(snapshot.dataset)
            st.button(
                "Compute", key="landscape-compute", icon=":material/landscape:", type="primary",
                on_click=compute, args=(session, runs, parameters(), parts(snapshot.dataset)),
                help="Compute the loss at every point, for the weights as they are now. Training may go on meanwhile.",
            )  # fmt: skip
        if message := refusal() or mine.error:
            st.error(as_text(message), icon=":material/block:")
        status(mine)
        if mine.shown is not None:
            draw(mine.shown)
        elif not mine.running:
            st.info("Press **Compute**. Small networks take a second or two, large ones a minute.",
                    icon=":material/landscape:")  # fmt: skip
