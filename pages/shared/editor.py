"""The experiment that this browser is editing: the one truth that every widget shows and changes.

Widgets never hold settings of their own. A widget starts with the experiment's value; when the user changes it, its
callback makes a new experiment or, if the catalog refuses the value, leaves a sentence to show beside it and the
experiment as it was.

A widget whose value Python must change (a preset was chosen, a value refused) gets a new key instead, and callbacks of
the old one are dead. Every tick of a live chart carries the browser's widget values with it, those of widgets that are
gone for a while too: a tick that left the browser before the new page arrived there would bring an old value back, as
if the user had set it once more.

The widgets of some areas are counted by themselves, so that an edit of a layer leaves all others as they are.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from mlp_core.catalog.schedulers import SCHEDULERS
from mlp_core.catalog.training import TRAINING
from mlp_core.data import load
from mlp_core.errors import SpecError, TooLargeError, UserError
from mlp_core.plan import plan
from mlp_core.presets import DEFAULT, PRESETS
from mlp_core.problems import problems, with_data, with_fitting_batches
from mlp_core.spec import DataSpec, Experiment, LossSpec, SchedulerSpec
from pages.live import runs as browser
from pages.shared.link import locked, open_link, refuse_locked

NETWORK, SETTINGS = "network", "settings"
"""Areas whose widgets may start over by themselves; those of the rest of the page (`""`) start over with all others."""

QUICK = ("generated", "drawn", "bundled")
"""Sources whose samples are there, split, in no time."""

_EXPERIMENT = "experiment"
_LOSSES = "losses"
_OWN = "own_data"
_REFUSED = "refused"
_REVISIONS = "revisions"
_STARTED_WITH = "started_with"
_PAGE = "page"


def key(name: str, area: str = "") -> str:
    """The key of a widget that shows a part of the experiment: a new one when the widgets of the area start over."""
    return f"{name}--{'-'.join(map(str, _revision(area)))}"


def start(name: str, value: Any, area: str = "") -> tuple[str, Any]:
    """The key of a widget, and the value to start it with, which stays the same for as long as the key does.

    The value is not put into `st.session_state`: Streamlit would send it to the browser as a change, which may
    arrive there after the user has typed the next one.
    """
    found = key(name, area)
    values: dict[str, dict[str, Any]] = st.session_state.setdefault(_STARTED_WITH, {})
    return found, values.setdefault(area, {}).setdefault(found, value)


def entered(page: str) -> None:
    """Call on every run with the page that is drawn: a browser forgets the widgets of a page that is left."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        start_over()


def once(callback: Callable[[], None], area: str = "") -> Callable[[], None]:
    """A callback that does nothing when the area's widgets have started over since it was made."""
    drawn = _revision(area)

    def call() -> None:
        if _revision(area) == drawn:
            callback()

    return call


def _revision(area: str) -> tuple[int, ...]:
    """How often the widgets of an area have started over: with all others, and by themselves."""
    revisions: Mapping[str, int] = st.session_state.get(_REVISIONS, {})
    return tuple(revisions.get(part, 0) for part in dict.fromkeys(("", area)))


def start_over(area: str = "") -> None:
    """Give the widgets of an area new keys; without one, those of all areas."""
    st.session_state.setdefault(_REVISIONS, Counter())[area] += 1
    started: dict[str, dict[str, Any]] = st.session_state.get(_STARTED_WITH, {})
    for ended in [area] if area else [*started]:
        started.pop(ended, None)


def experiment() -> Experiment:
    """The experiment as it stands."""
    if _EXPERIMENT not in st.session_state:
        st.session_state[_EXPERIMENT] = open_link() or PRESETS[DEFAULT].experiment
        _note(st.session_state[_EXPERIMENT])
    found: Experiment = st.session_state[_EXPERIMENT]
    return found


def replace(new: Experiment, redraw: bool = True, note: bool = True) -> None:
    """Make this the experiment; `redraw` unless the one widget that was changed shows it already, and `note` it as an
    edit that can be undone, unless it undoes one."""
    old, st.session_state[_EXPERIMENT] = st.session_state.get(_EXPERIMENT), new
    if note:
        _note(*([] if old is None else [old]), new)
    if old is not None and old.data.entry.own:
        st.session_state.setdefault(_OWN, {})[old.data.dataset] = old.data.params
    st.session_state.pop(_REFUSED, None)
    if redraw:
        start_over(NETWORK if old is not None and old.updated(layers=new.layers) == new else "")


def _note(*made: Experiment) -> None:
    """Note what the experiment was, and is, among the edits that can be undone."""
    runs = browser.browser_runs()
    for one in made:
        runs.edits = runs.edits.noted(one, time.monotonic())


def edit(area: str, change: Callable[[Experiment], Experiment], redraw: bool = True, whose: str = "") -> None:
    """Change the experiment, or leave the reason of the refusal to be shown in that area of the page; `whose` is what a
    parameter belongs to, as 'layer 2'."""
    try:
        asked = change(experiment())
        changed = _with_fitting_batches(asked)
        refuse_locked(experiment(), changed)
        _refuse_too_large(changed)
        replace(changed, redraw or changed is not asked)
    except SpecError as error:
        say(area, error.on_page(whose))


def adopt(new: Experiment) -> None:
    """Take an experiment from elsewhere as a whole; raises `SpecError` where the link or a limit does not allow it."""
    refuse_locked(experiment(), new)
    _refuse_too_large(new)
    replace(new)


def say(area: str, message: str) -> None:
    """Leave a sentence to be shown in that area of the page; its widgets start over."""
    st.session_state[_REFUSED] = (area, message)
    start_over(area if area == NETWORK else "")


def _with_fitting_batches(changed: Experiment) -> Experiment:
    """The experiment with batches that are no larger than its training part, where that has become smaller."""
    old = experiment()
    smaller = changed.data != old.data and changed.data.dataset == old.data.dataset
    if not smaller or changed.data.entry.source not in QUICK or locked(*TRAINING.parameter("batch_size").controls):
        return changed
    try:
        return with_fitting_batches(changed, load(changed.data).train_size)
    except UserError:
        return changed  # the session says what is wrong with the data


def _refuse_too_large(changed: Experiment) -> None:
    """Other faults of a plan are shown on the page with a way to mend them; a network that large is not kept."""
    try:
        plan(changed)
    except TooLargeError:
        raise
    except SpecError:
        return


def refusal(area: str) -> str:
    """Why the last change in this area was refused; '' if it was not."""
    place, message = st.session_state.get(_REFUSED, ("", ""))
    return message if place == area else ""


def set_param(part: str, name: str, value: Any) -> None:
    """Set a parameter of 'data', 'loss', 'optimizer' or 'scheduler'."""

    def change(old: Experiment) -> Experiment:
        chosen = getattr(old, part)
        return old.updated(**{part: chosen.updated(params={**chosen.params, name: value})})

    edit("data" if part == "data" else "controls", change, redraw=False)


def set_field(part: str, area: str, name: str, value: Any) -> None:
    """Set a field of 'data', 'training' or 'scheduler'."""
    edit(area, lambda old: old.updated(**{part: getattr(old, part).updated(**{name: value})}), redraw=False)


def choose(part: str, entry: str) -> None:
    """Choose another loss or optimizer. What the user has set of the one before is kept where both have it."""
    edit("controls", lambda old: old.updated(**{part: getattr(old, part).changed_to(entry)}))


def choose_schedule(name: str) -> None:
    """Choose another schedule of the learning rate; a name that is none takes it away."""

    def change(old: Experiment) -> Experiment:
        if name not in SCHEDULERS:
            return old.updated(scheduler=None)
        new = SchedulerSpec(type=name, every=SCHEDULERS[name].counts[0])
        return old.updated(scheduler=old.scheduler.with_type(name) if old.scheduler else new)

    edit("controls", change)


def choose_data(name: str) -> None:
    """Choose another data set; the shares and the seed of the split are kept. Where the experiment cannot run on it as
    it is, it gets the outputs and the loss that the set needs, if a link does not lock them."""

    def change(old: Experiment) -> Experiment:
        plain = old.updated(data=data_of(name))
        if not any(problem.severity == "error" for problem in problems(plain)):
            return plain
        fitting = _with_data(old, plain.data)
        try:
            refuse_locked(old, fitting)
        except SpecError:
            return plain
        return fitting

    edit("data", change)


def use_data(name: str) -> None:
    """Choose another data set, with the outputs and the loss that it needs: the last one for such a task, if any."""

    edit("data", lambda old: _with_data(old, data_of(name)))


def _with_data(old: Experiment, data: DataSpec) -> Experiment:
    """The experiment on other data, with the loss that was last used for such a task, if any."""
    losses: dict[str, LossSpec] = st.session_state.setdefault(_LOSSES, {})
    losses[old.data.facts.task] = old.loss
    return with_data(old.updated(loss=losses.get(data.facts.task, old.loss)), data)


def data_of(name: str) -> DataSpec:
    """A data set with the split of the one at hand. What the user typed, drew or brought for it before is there again;
    else its settings are those of the one at hand where it has them."""
    old = experiment()
    split = {field: getattr(old.data, field) for field in ("test_fraction", "validation_fraction", "seed")}
    own = st.session_state.get(_OWN, {}).get(name)
    if own is not None:
        return DataSpec(dataset=name, params=own, **split)
    data = DataSpec(dataset=name, **split)
    kept = {
        key: value
        for key, value in old.data.params.items()
        if key in data.params and data.entry.parameter(key).accepts(value)
    }
    filled = {**data.params, **kept}
    fits = not data.entry.conflict(filled, name)
    return data.updated(params=filled if fits else {})


def new_points() -> None:
    """Draw another seed of the data: other points of a generated set, split otherwise."""
    edit("data", lambda old: old.updated(data=old.data.updated(seed=_other_seed())))


def _other_seed() -> int:
    return random.SystemRandom().randrange(1, 100_000)


def new_weights(redraw: bool) -> None:
    """Draw another seed: other initial weights, another order of the samples; `redraw` if a widget shows the seed."""
    seed = _other_seed()
    edit("controls", lambda old: old.updated(training=old.training.updated(seed=seed)), redraw)


def drawn_from() -> tuple[Any, ...]:
    """What the widgets depend on that start over together: where it has changed, the whole page is drawn again."""
    refused = st.session_state.get(_REFUSED)
    return _revision(""), None if refused is None or refused[0] == NETWORK else refused


def preset_name(presets: Mapping[str, Any] = PRESETS) -> str | None:
    """The preset that the experiment is, if it is one unchanged."""
    current = experiment()
    return next((name for name, preset in presets.items() if preset.experiment == current), None)
