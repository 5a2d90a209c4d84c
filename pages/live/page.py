"""A page whose parts move while runs train: one object decides what is sent, how often, and when to draw again.

The browser gets new data by two ways: Streamlit's ticks of one fragment, and the stream that its feed asks. Both make
the same parts from the sessions' newest snapshots, and both say so when the page has to be drawn again.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakMethod

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mlp_core.catalog.facts import DataFacts
from mlp_core.errors import UserError
from mlp_core.processor import Priority
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import computed
from pages.components.assets import packed
from pages.components.notice import notice
from pages.components.part import Part, Update, feed
from pages.live.pace import CROWD, DRAWING, HOLD_SECONDS, interval, seconds_left
from pages.live.slots import Slot
from pages.live.stream import offer, withdraw

LOG = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
"""Between two ticks of a page whose browser follows the stream; others tick as often as the stream would answer."""
REST_SECONDS = 5.0
"""How long a page goes on ticking when nothing happens any more; it costs a whole run of the page to end that."""
VIEW_SECONDS = 0.1
"""How long drawing waits for a view that was just asked for; a slower one comes with a later tick."""
STILL = ("preparing", "pausing", "ready")
"""Statuses that look alike to whoever wants to train: while a run is got ready to stand still, or stops."""
LOST_SECONDS = 0.3
"""If a tick by itself follows the run of an area sooner, the page is drawn again; see `LivePage._leaves_rest`."""
BUTTONS = "buttons"
"""The fragment with the page's buttons, which a press runs alone."""
LIVE = "live"
"""The fragment with the feed, which brings the parts their data."""

Snapshots = Mapping[str, Snapshot]

_PAGE = "live_page"
_STREAMS = "browser_streams"


def activity(snapshot: Snapshot) -> Hashable:
    """What the buttons of a run depend on, where a page does not say it otherwise."""
    if snapshot.trains:
        return "running"
    return "still" if snapshot.status in STILL else snapshot.status


class LivePage:
    """A page that shows runs while they train.

        page = LivePage(runs, {"left": [ViewSlot("left-loss", ("loss",))]}, name="compare")
        for slot in page.slots("left"):
            page.mount(slot)
        page.follow(buttons)

    Everything is drawn from `snapshots`, one of each run. The page is drawn again, once, when what its areas were drawn
    from has changed: the state of a run, the kind of a part, or what `drawn_from` gives.
    """

    def __init__(
        self,
        runs: Mapping[str, Session],
        parts: Mapping[str, Sequence[Slot]],
        *,
        name: str,
        activity: Callable[[Snapshot], Hashable] = activity,
        drawn_from: Callable[[], Hashable] = lambda: None,
        remark: Callable[[], str] = lambda: "",
    ) -> None:
        """`parts` are the places of each run by its name; `activity` is what buttons are drawn from; `drawn_from` is
        what else the page is drawn from, asked only within runs of the page; `remark` is a sentence that comes and goes
        by itself, while which the page is brought up to date, '' for none."""
        self.name = name
        self._sessions = {run: runs[run] for run in parts}
        self._parts = parts
        self._activity, self._drawn_from, self._remark = activity, drawn_from, remark
        self._remarked = ""  # by the last answer of the stream
        self._settings = drawn_from()
        self._fault = ""
        self._missing: list[Slot] = []  # could not be drawn, and so are not on the page
        self._sent: dict[str, Snapshot] = {}
        self._answered = 0.0  # when the stream gave the last answer
        self._place: Any = None  # of the sentence on what could not be drawn
        self._buttons: Callable[[Snapshots], None] = lambda snapshots: None
        self._first = self._skipped = self._followed = False
        self._every = 0.0
        self._rests: float | None = None
        self._drawn: tuple[list[str] | None, float] = None, 0.0  # the last run of an area or the buttons, and its time
        self.snapshots: Snapshots = self._look()
        self._states, self._keys = self._states_of(self.snapshots), self._keys_of(self.snapshots)
        self._active = self._active_of(self.snapshots)
        before = on_screen()
        if before is not None and before.name != name:
            before.end()
            before = None
        self._token = secrets.token_urlsafe(18) if before is None else before._token
        st.session_state[_PAGE] = self
        self._stream = offer(self._token, self)

    # Drawing

    @property
    def follows(self) -> bool:
        """Whether the browser brings the page up to date, because something went on when its buttons were drawn."""
        return self._followed

    def slots(self, run: str) -> Sequence[Slot]:
        """The places of a run."""
        return self._parts[run]

    def mount(self, slot: Slot) -> None:
        """Put what a slot shows on the page, at this place."""
        run = next(run for run, slots in self._parts.items() if slot in slots)
        try:
            part = _sendable(slot.part(self.snapshots[run]))
        except Exception as error:
            self._missing.append(slot)
            self._note(error, slot.label)
        else:
            part.mount(self.snapshots[run].version)

    def exchange(self, run: str, shown: Sequence[Slot], wanted: Sequence[Slot]) -> Sequence[Slot]:
        """In an area of a run: show other slots in the place of those that it has shown so far; gives the wanted ones.

        Their views are asked for from now on, and those of the others no more.
        """
        kept = [slot for slot in self._parts[run] if slot not in shown]
        self._parts = {**self._parts, run: [*kept, *wanted]}
        self.snapshots = now = self._look()
        # What else is on the page was drawn from older snapshots, and is still to be held against those.
        self._keys = {**self._keys_of(now), **{slot: key for slot, key in self._keys.items() if slot in kept}}
        return wanted

    def notice(self) -> None:
        """Reserve this place for a sentence on what could not be drawn; else it stands where `follow` is called."""
        self._place = st.container()

    def area(self, name: str, draw: Callable[[], None]) -> None:
        """Draw an area that its widgets run alone, as a fragment of that name.

        Where a widget has changed what the page is drawn from, the whole page runs. A callback that has changed the
        runs ends with `run_areas`. Do not hold a turn to draw: `draw` takes one when it waits for nothing any more.
        """

        def drawn() -> None:
            if self._drawn_from() != self._settings:
                st.rerun()
            draw()
            self._drawn = _this_run(), time.monotonic()

        st.fragment(drawn, key=name)()

    def follow(self, buttons: Callable[[Snapshots], None] = lambda snapshots: None) -> None:
        """Draw the buttons, and go on following the runs. A press of a button in it runs nothing but this."""
        with self._place or st.container():
            self._said().mount(self._version(self.snapshots))
        self._buttons = buttons
        st.fragment(self._draw_buttons, key=BUTTONS)()

    def _draw_buttons(self) -> None:
        if self._drawn_from() != self._settings:
            st.rerun()
        shown = self._now()
        with DRAWING.turn(Priority.PRESSED):
            self._buttons(shown)
        now = self._look()  # the browser has the buttons by now
        self._active, self._followed = self._active_of(shown), self._busy(now)
        self._first, self._skipped, self._rests = True, False, None
        self._every = _interval()
        self._drawn = _this_run(), time.monotonic()
        with st.container(key="moving"):
            st.fragment(self._tick, run_every=self._every if self._followed else None, key=LIVE)()
        if not self._shows(now):
            st.rerun()

    def _tick(self) -> None:
        try:
            now = self._look()
            self._feed(self._next_update(now))
        except Exception as error:
            self._note(error, "The page")
            now = self._now()
            self._feed(self._bare_update(now))
        if self._over(now) or self._leaves_rest() or not self._shows(now):
            st.rerun()

    def _leaves_rest(self) -> bool:
        """Whether the browser may still show what is not on the page any more, such as the row of a removed layer.

        Streamlit tells the browser at the end of a run to drop what the run has not drawn again. If the next run begins
        before that message is out, it is turned into one that drops nothing.
        """
        this, (before, ended) = _this_run(), self._drawn
        if before is None or this is None or before is this:
            return False  # a run of the whole page is told in any case
        self._drawn = None, 0.0
        by_itself = len(this) == 1  # users press something when they see what they did before
        return by_itself and time.monotonic() - ended < LOST_SECONDS

    def _feed(self, update: Update) -> None:
        said = feed(update, stream=self._stream if self._followed else None, redraw=self._redraw, key="live_feed")
        if said is not None:
            st.session_state[_STREAMS] = said

    def _next_update(self, now: Snapshots) -> Update:
        """What a tick sends."""
        # Where many wait to draw, every second tick draws nothing: numbers that are older, not a line that grows.
        self._skipped = not self._skipped and self._busy(now) and DRAWING.waiting >= CROWD
        with DRAWING.turn(Priority.PRESSED if self._first else Priority.WATCHED):
            # Where no stream brings the state that the buttons show, every tick does: Streamlit drops the first one's
            # message if another run of this fragment begins before it has gone out.
            brought = self._followed and (self._skipped or _streams()) and not self._first and not self._fault
            self._first = False
            return self._update(now, everything=not brought)

    def _redraw(self) -> None:
        """The browser has been told by the stream to have the page drawn again: all of it, or the buttons."""
        if self._shows(self._now(), buttons=False):
            st.rerun(BUTTONS)
        st.rerun()

    def _over(self, now: Snapshots) -> bool:
        """Whether the ticks have to end, or to come at another pace, which takes a whole run of the page."""
        self._rests = None if self._busy(now) else self._rests or time.monotonic()
        if self._rests is not None and time.monotonic() - self._rests > REST_SECONDS:
            return self._followed
        return self._followed and not 0.4 < _interval() / self._every < 2.6

    # The stream

    @property
    def urgent(self) -> bool:
        """Whether the stream has to say what somebody waits for: the first point of a run and its views after it, or
        what changes the buttons.

        All else is sent at the page's pace.
        """
        return any(self._is_urgent(snapshot, self._sent.get(run)) for run, snapshot in self._now().items())

    def seconds_left(self) -> float:
        """Seconds until the stream should answer if nothing more happens; 0 for now."""
        if self.urgent:
            return 0.0
        since = time.monotonic() - self._answered
        new = [snapshot for run, snapshot in self._now().items() if self._sent.get(run) is not snapshot]
        return min((seconds_left(since, now.period) for now in new), default=max(0.0, HOLD_SECONDS - since))

    def _is_urgent(self, now: Snapshot, sent: Snapshot | None) -> bool:
        if sent is None:
            return not self._answered  # else an answer could not be made: the next one is tried at the page's pace
        if now.message != sent.message or self._activity(now) != self._activity(sent):
            return True
        if now.run == sent.run:
            return now.trains and sent.computing_views and not now.computing_views
        return now.step > 0 or not now.trains

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """The block in which `wake` is called when a session has news that should be sent at once.

        It does not keep the page: a browser that is gone lets go of it while a request of its stream still waits.
        """
        seconds_left = WeakMethod(self.seconds_left)

        def look() -> None:
            ask = seconds_left()
            try:
                due = ask is None or ask() <= 0
            except Exception:
                due = True  # the answer says what is wrong
            if due:
                wake()

        with ExitStack() as stack:
            for session in self._sessions.values():
                stack.enter_context(session.listening(look))
            del self
            yield

    def answer(self) -> bytes:
        """The parts of the page if something is new, and whether the page must be drawn again."""
        try:
            self._ask_for_views()
            now = self._now()
            remarked, self._remarked = self._remarked, self._remark()
            new = remarked != self._remarked or any(self._sent.get(run) is not shown for run, shown in now.items())
            update = self._update(now, everything=new, since=self._sent)
            self._sent = {} if self._fault else dict(now)
            return update.message(redraw=not self._shows(now))
        except Exception as error:
            self._note(error, "The page")
            return self._bare_update(self._now()).message(redraw=False)
        finally:
            self._answered = time.monotonic()

    def end(self) -> None:
        """The page is not on screen any more: its browser gets no more answers."""
        withdraw(self._token)

    # What is shown

    def _update(self, now: Snapshots, *, everything: bool, since: Snapshots | None = None) -> Update:
        """The data of all parts that show something else than they did of the snapshots `since`, or of none."""
        parts = list(self._made(now, since or {})) if everything else []
        newest = max(now.values(), key=lambda snapshot: snapshot.version)
        return Update(parts, newest.version, newest.at, next(iter(now.values())).run)

    def _bare_update(self, now: Snapshots) -> Update:
        """An update of nothing but the sentence on what went wrong."""
        newest = max(now.values(), key=lambda snapshot: snapshot.version)
        return Update([(self._said(), newest.version)], newest.version, newest.at, newest.run)

    def _made(self, now: Snapshots, since: Snapshots) -> Iterator[tuple[Part, int]]:
        self._fault = ""
        for run, slots in self._parts.items():
            for slot in slots:
                try:
                    if run in since and (slot.same(since[run], now[run]) or self._follows(slot, now[run])):
                        continue
                    part = slot.part(now[run])
                    if slot in self._missing and _sendable(part):
                        self._states = None  # now it can be drawn
                except Exception as error:
                    self._note(error, slot.label)
                else:
                    yield part, now[run].version
        yield self._said(), self._version(now)

    @staticmethod
    def _follows(slot: Slot, now: Snapshot) -> bool:
        """Whether the views of a slot are being computed for the first time: it shows what it does until they are
        there, and nothing flickers. One that changes with every snapshot has more to say than its views."""
        if not now.computing_views or now.dataset is None or not slot.same(now, now):
            return False
        facts = now.dataset.facts
        known = computed(facts)
        return any(name.partition("@")[0] in known and now.view(name) is None for name in slot.views(facts))

    def _note(self, error: Exception, what: str) -> None:
        """Remember what to say of an error; the next update tries again."""
        if isinstance(error, UserError):
            self._fault = str(error)
            return
        LOG.error("%s could not be drawn", what, exc_info=error)
        self._fault = f"{what} could not be drawn ({type(error).__name__}); the next update tries again."

    def _said(self) -> Part:
        return notice(self._fault or self._remark(), key="notice")

    def _shows(self, now: Snapshots, *, buttons: bool = True) -> bool:
        """Whether the areas of the page, and its buttons, as they were drawn, belong to these snapshots."""
        areas = self._states_of(now) == self._states and self._keys_of(now) == self._keys
        return areas and (not buttons or self._active_of(now) == self._active)

    @staticmethod
    def _states_of(now: Snapshots) -> Hashable:
        return tuple((s.message, s.notes, tuple(problem.message for problem in s.problems), s.devices,
                      s.progress is not None, s.dataset and s.dataset.spec)
                     for s in now.values())  # fmt: skip

    def _keys_of(self, now: Snapshots) -> dict[Slot, str]:
        return {slot: self._key(slot, now[run]) for run, slots in self._parts.items() for slot in slots}

    def _key(self, slot: Slot, snapshot: Snapshot) -> str:
        try:
            return slot.key(snapshot)
        except Exception:
            return ""  # its part needs the key too, and says why there is none

    def _active_of(self, now: Snapshots) -> Hashable:
        return tuple(map(self._activity, now.values()))

    # The sessions

    def _look(self) -> Snapshots:
        """The newest snapshots, with views that are asked for now, and after the steps at which a run is to stop, if
        they are there soon."""
        self._ask_for_views()
        for session in self._sessions.values():
            session.wait(_is_whole, VIEW_SECONDS)
        return self._now()

    def _now(self) -> Snapshots:
        return {run: session.snapshot() for run, session in self._sessions.items()}

    def _ask_for_views(self) -> None:
        """Ask for what is on screen now, and for what will be when a run that is prepared takes the place of this."""
        for run, session in self._sessions.items():
            shown, wanted = session.snapshot().dataset, session.experiment
            facts = [data.facts for data in (shown, wanted and wanted.data) if data is not None]
            session.request_views(
                {name for slot in self._parts[run] for each in facts for name in self._views(slot, each)}
            )

    def _views(self, slot: Slot, facts: DataFacts) -> Iterable[str]:
        try:
            return slot.views(facts)
        except Exception as error:
            self._note(error, slot.label)
            return ()

    def _busy(self, now: Snapshots) -> bool:
        return any(snapshot.busy for snapshot in now.values()) or bool(self._remark())

    @staticmethod
    def _version(now: Snapshots) -> int:
        return max(snapshot.version for snapshot in now.values())


def _is_whole(now: Snapshot) -> bool:
    """Whether nothing is to be waited for before a snapshot is shown; one that has to wait itself comes later."""
    return now.waiting_since is not None or not (now.computing_views or now.status == "pausing")


def _this_run() -> list[str] | None:
    """The fragments of this run, always the same object while it lasts; None where the whole script runs."""
    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else context.fragment_ids_this_run


def run_areas(area: str, *others: str) -> None:
    """In a callback of an area's widget: have it run, others with it, and what brings the browser the new run.

    That is nothing more where the stream does. Else it is the feed, or the buttons, which hold the feed, where the page
    did not follow its runs: they begin that.
    """
    page = on_screen()
    followed = page is not None and page.follows
    if BUTTONS not in (area, *others) and not (followed and _streams()):
        others = (*others, LIVE if followed else BUTTONS)
    if others:
        st.rerun([area, *others])  # the area alone runs in any case


def leave(page: LivePage | None) -> bool:
    """End the stream of the page that was on screen before, unless a live page was drawn since; whether none was.

    Call after every run of the app with what `on_screen` gave before it: a run of a live page makes a new object.
    """
    if st.session_state.get(_PAGE) is not page:
        return False
    if page is not None:
        page.end()
        del st.session_state[_PAGE]
    return True


def on_screen() -> LivePage | None:
    """The live page that this browser shows, if it shows one."""
    found: LivePage | None = st.session_state.get(_PAGE)
    return found


def _streams() -> bool:
    """Whether the browser follows the stream: until it says that it cannot."""
    return st.session_state.get(_STREAMS) is not False


def _sendable(part: Part) -> Part:
    """The part itself; raises where its data is no JSON."""
    packed(part.data)
    return part


def _interval() -> float:
    return HEARTBEAT_SECONDS if _streams() else interval()
