"""The control bar: what starts, stops and steers a run, its figures; and the settings of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlp_core.catalog import DEVICES, LOSSES, OPTIMIZERS, SCHEDULERS, TRAINING, Entry
from mlp_core.catalog.schedulers import EVERY
from mlp_core.catalog.training import DATA_SEED
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.live.page import BUTTONS, LivePage
from pages.live.slots import Slot
from pages.playground.preset import edit_alone
from pages.race.opening import race_menu
from pages.shared import editor
from pages.shared.editor import SETTINGS
from pages.shared.link import hidden, locked, write_link
from pages.shared.verdict import TUNE_PAGE, Permits, apply_experiment
from pages.shared.widgets import parameter_widget
from pages.sweep.search_this import search_menu

SOON_SECONDS = 0.1
"""How long a press waits for its effect, which the page then shows at once; a later effect comes with a tick."""
_MORE = "more"
SHEET = "sheet"
"""The key of the switch that shows the settings on a small screen."""
FIELDS = "training_fields"
"""The area of the settings that are changed most."""
FIELD = 104
"""The least width of a field in a column, in pixels: two stand beside each other."""
CONSTANT = "constant"
"""The learning rate without a schedule."""
FULL_SPEED = "full speed"
SPEEDS: dict[str, float | None] = {
    FULL_SPEED: None, "10,000 steps/s": 10_000, "1,000 steps/s": 1000, "100 steps/s": 100, "10 steps/s": 10,
    "1 step/s": 1,
}  # fmt: skip
USUAL_SPEED = "1,000 steps/s"
"""Where no speed was chosen: a small set is learned in a few thousand steps, at full speed before one can look. Images
take longer, and start at full speed."""
ENDS = ("finished", "diverged", "failed")
"""Statuses in which a run has come to an end by itself."""
_CHOSEN_SPEED = "chosen_speed"


def control_bar(page: LivePage, figures: Sequence[Slot]) -> DeltaGenerator:
    """Draw the bar, with these figures; gives the place for `actions`, which a page draws by themselves."""
    with st.container(key="bar", horizontal=True, vertical_alignment="center", gap="xsmall"):
        place = st.container(key="run", width="content")
        with st.container(key="figures"):
            for slot in figures:
                page.mount(slot)
        # Shown on small screens only, where the settings lie in a sheet over the page; see screen.css.
        st.toggle("Settings", key=SHEET, on_change=_redraw_nothing, width="content")
    return place


def training_head(session: Session, snapshot: Snapshot) -> None:
    """Draw the title of the settings of training, and the way to all of them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Training", anchor=False, width="stretch")
        _settings(session, snapshot)


def training_fields() -> None:
    """Draw the settings that are changed most: an area of their own, `FIELDS`, which an edit of one runs alone."""
    optimizer = editor.experiment().optimizer
    with st.container(horizontal=True, gap="small", key="training-fields"):
        parameter_widget(
            optimizer.entry.parameter("lr"), optimizer.params["lr"], "lr",
            lambda value: edit_alone(FIELDS, lambda: editor.set_param("optimizer", "lr", value)), width=FIELD,
        )  # fmt: skip
        _choice("optimizer", "Optimizer", OPTIMIZERS, FIELD)
        parameter_widget(
            TRAINING.parameter("batch_size"), editor.experiment().training.batch_size, "batch_size",
            lambda value: edit_alone(FIELDS, lambda: editor.set_field("training", "data", "batch_size", value)),
            width=FIELD,
        )  # fmt: skip
        _choice("loss", "Loss", LOSSES, FIELD)


def _redraw_nothing() -> None:
    """The browser shows and hides the sheet by itself; the buttons alone run, which costs least."""
    st.rerun(BUTTONS)


def actions(session: Session, permits: Permits) -> None:
    """The buttons that start and stop: a press of one runs them alone, not the page."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        _actions(session, permits)


def _play(session: Session) -> None:
    """Begin. The first steps are not waited for: they come with the stream."""
    before = session.snapshot()
    session.play()
    session.wait(lambda now: now.trains or now.status in ENDS or now.step != before.step, SOON_SECONDS)


def _step(session: Session) -> None:
    before = session.snapshot().step
    session.step()
    session.wait(lambda snapshot: snapshot.step != before and not snapshot.busy, SOON_SECONDS)


def _reset(session: Session) -> None:
    session.reset()
    session.wait(lambda snapshot: not snapshot.busy, SOON_SECONDS)


def main_action(session: Session, permits: Permits) -> None:
    """Train, or Pause while it trains.

    Neither has a help: a tooltip would lie over the links of pages, where a pointer goes next.
    """
    with st.container(key="main_action", width="content"):
        if permits.trains:
            st.button(
                "Pause", key="pause", icon=":material/pause:", type="primary", on_click=session.pause,
            )  # fmt: skip
        else:
            st.button(
                "Train", key="train", icon=":material/play_arrow:", type="primary", disabled=not permits.train,
                on_click=_play, args=(session,),
            )  # fmt: skip


def best_weights(session: Session, snapshot: Snapshot) -> None:
    """Back to the best weights, where the run has gone on since and stands still. The button is always there, so that
    nothing moves under a pointer when a run is paused."""
    known = snapshot.best_step < snapshot.step and snapshot.best_test_loss is not None
    of = "test" if snapshot.best_validation_loss is None else "validation"
    st.button(
        "Best weights", key="best_weights", icon=":material/settings_backup_restore:", on_click=_restore,
        args=(session,), disabled=snapshot.trains or not known,
        help=f"Take the weights of step {snapshot.best_step:,} again, when the {of} loss was lowest." if known
        else "Take the weights of the step with the lowest loss again, once training has gone beyond it.",
    )  # fmt: skip


def _restore(session: Session) -> None:
    before = session.snapshot()
    session.restore_best()
    session.wait(lambda now: now.message != before.message and not now.busy, SOON_SECONDS)


def _actions(session: Session, permits: Permits) -> None:
    main_action(session, permits)
    if not hidden("step"):
        st.button(
            "Step", key="step", icon=":material/skip_next:", on_click=_step, args=(session,), disabled=not permits.step,
            help="Train on one mini-batch, then stop: one forward pass, one backward pass, one update.",
        )  # fmt: skip
        st.button(
            "Epoch", key="epoch", icon=":material/keyboard_double_arrow_right:", on_click=session.step_epoch,
            disabled=not permits.step,
            help="Train to the end of the epoch, when every training sample was seen once more.",
        )  # fmt: skip
    st.button(
        "Reset", key="reset", icon=":material/replay:", on_click=_reset, args=(session,), disabled=not permits.reset,
        help="Go back to the same initial weights: training again gives the same run.",
    )  # fmt: skip
    if not hidden("seed"):
        st.button(
            "New weights", key="new_weights", icon=":material/casino:", on_click=_new_weights, args=(session,),
            disabled=not permits.new_weights,
            help="Draw other initial weights (another seed): does it learn as well from another start?",
        )  # fmt: skip
    best_weights(session, session.snapshot())


def _new_weights(session: Session) -> None:
    """Another seed. Only the list of all settings shows it, so that the page need not be drawn again."""

    def edit() -> None:
        editor.new_weights(redraw=bool(st.session_state.get(_MORE)))
        apply_experiment(session, SOON_SECONDS)
        write_link(editor.experiment())

    edit_alone(BUTTONS, edit)


def _settings(session: Session, snapshot: Snapshot) -> None:
    """What is seldom changed, one press away."""
    chosen = _chosen_speed(session)
    more = st.popover(
        "All settings", icon=":material/tune:", key=_MORE, type="tertiary",
        help="Speed, device, seeds, and all settings of the optimizer, the loss and the run.",
        on_change=_open_settings,
    )  # fmt: skip
    if more.open:  # what is not seen is not sent
        with more, st.container(key="all-settings"):
            race_menu("settings-race")
            search_menu()
            _speed(session, *chosen)
            _device(snapshot)
            _more()


def _chosen_speed(session: Session) -> tuple[str, dict[str, str]]:
    """Have the session run as fast as was chosen for such data, images or others; what was chosen stands until the
    browser goes."""
    kind = "images" if editor.experiment().data.facts.holds_images else "small"
    chosen: dict[str, str] = st.session_state.setdefault(_CHOSEN_SPEED, {"images": FULL_SPEED, "small": USUAL_SPEED})
    session.set_speed(SPEEDS[chosen[kind]])
    return kind, chosen


def _speed(session: Session, kind: str, chosen: dict[str, str]) -> None:
    if hidden("speed"):
        return
    key, first = editor.start(f"speed-{kind}", chosen[kind])

    def choose() -> None:
        chosen[kind] = st.session_state[key]
        session.set_speed(SPEEDS[chosen[kind]])

    st.selectbox(
        "Speed", list(SPEEDS), index=list(SPEEDS).index(first), key=key, disabled=locked("speed"),
        on_change=editor.once(choose), help="Slow it down to watch single steps.",
    )  # fmt: skip


def _choice(part: str, label: str, entries: Mapping[str, Entry], width: int) -> None:
    if hidden(part):
        return
    chosen = getattr(editor.experiment(), part)
    key, first = editor.start(part, chosen.type)
    st.selectbox(
        label, list(entries), index=list(entries).index(first), key=key, width=width, disabled=locked(part),
        format_func=lambda name: entries[name].label,
        on_change=editor.once(lambda: edit_alone(FIELDS, lambda: editor.choose(part, st.session_state[key]))),
        help=f"{chosen.entry.summary} {chosen.entry.when}",
    )  # fmt: skip


def _device(snapshot: Snapshot) -> None:
    if hidden("device"):
        return
    wanted = editor.experiment().training.device
    names = [name for name in DEVICES if name in {*snapshot.devices, wanted}]
    key, first = editor.start("device", wanted)
    st.selectbox(
        "Device", names, index=names.index(first) if first in names else 0, key=key,
        disabled=locked("device"),
        format_func=lambda name: DEVICES[name].label,
        on_change=editor.once(lambda: editor.set_field("training", "controls", "device", st.session_state[key])),
        help="Where it is trained; only what this machine has is listed. Small networks are fastest on the CPU.",
    )  # fmt: skip


def _open_settings() -> None:
    """The list was opened, or closed. Widgets that were not seen start over: a browser has forgotten them.

    Not at the close: what was typed last may come with it.
    """
    if st.session_state[_MORE]:
        editor.start_over(SETTINGS)


def _more() -> None:
    current = editor.experiment()
    for part in (current.optimizer, current.loss):
        shown = [parameter for parameter in part.entry.parameters if parameter.name != "lr"]
        if shown and not hidden(part.kind):
            st.markdown(f"**{part.entry.label}**")
        if part is current.optimizer and not hidden("learning_rate"):
            st.page_link(str(TUNE_PAGE), label="Find a learning rate", icon=":material/search:",
                         help="Let the rate grow on a copy of this run, and see which one it learns with.")  # fmt: skip
        for parameter in shown:
            parameter_widget(
                parameter, part.params[parameter.name], f"{part.kind}-{parameter.name}",
                lambda value, kind=part.kind, name=parameter.name: editor.set_param(kind, name, value), area=SETTINGS,
            )  # fmt: skip
    _schedule()
    st.markdown("**Data**")
    parameter_widget(
        DATA_SEED, current.data.seed, "data-seed", lambda value: editor.set_field("data", "controls", "seed", value),
        area=SETTINGS,
    )  # fmt: skip
    st.markdown("**Run**")
    for parameter in TRAINING.parameters:
        idle = parameter.needs and getattr(current.training, parameter.needs) is None
        if parameter.name not in ("device", "batch_size", "report_every") and not idle:
            parameter_widget(
                parameter, getattr(current.training, parameter.name), f"training-{parameter.name}",
                lambda value, name=parameter.name: editor.set_field("training", "controls", name, value),
                area=SETTINGS,
            )  # fmt: skip


def _schedule() -> None:
    """The schedule of the learning rate, and what it counts in."""
    if hidden("scheduler"):
        return
    chosen = editor.experiment().scheduler
    key, first = editor.start("scheduler", CONSTANT if chosen is None else chosen.type, SETTINGS)
    names = [CONSTANT, *SCHEDULERS]
    st.selectbox(
        "Learning rate schedule", names, index=names.index(first), key=key, disabled=locked("scheduler"),
        format_func=lambda name: SCHEDULERS[name].label if name in SCHEDULERS else name,
        on_change=editor.once(lambda: editor.choose_schedule(st.session_state[key]), SETTINGS),
        help="How the learning rate changes by itself while training goes on."
        if chosen is None
        else f"{chosen.entry.summary} {chosen.entry.when}",
    )  # fmt: skip
    if chosen is not None:
        if len(chosen.entry.counts) > 1:
            parameter_widget(
                EVERY, chosen.every, "scheduler-every",
                lambda value: editor.set_field("scheduler", "controls", "every", value),
                area=SETTINGS,
            )  # fmt: skip
        for parameter in chosen.entry.parameters:
            parameter_widget(
                parameter, chosen.params[parameter.name], f"scheduler-{chosen.type}-{parameter.name}",
                lambda value, name=parameter.name: editor.set_param("scheduler", name, value), area=SETTINGS,
            )  # fmt: skip
