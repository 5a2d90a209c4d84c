"""The runs of the browser that a script runs for."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from typing import Protocol
from weakref import WeakValueDictionary

import streamlit as st

from mlp_core.edits import Edits
from mlp_core.race.race import Race
from mlp_core.store.keeper import RunKeeper
from mlp_core.training.lease import LEASE_SECONDS, Lease
from mlp_core.training.session import Session
from pages.live.keeping import keeper_of, owner

PLAYGROUND = "playground"
"""The name of the run that a browser begins with."""
_RUNS = "browser_runs"
HEARTBEAT_SECONDS = LEASE_SECONDS / 2.5
"""Between two signs of a browser whose page does not move by itself."""


class Work(Protocol):
    """Something that goes on in the background."""

    @property
    def running(self) -> bool:
        """Whether it does."""


class BrowserRuns(Mapping[str, Session]):
    """Named sessions of one browser, which share its lease. The Playground shows the one that is `current`."""

    def __init__(self, lease: Lease | None = None, keeper: RunKeeper | None = None) -> None:
        """`keeper` keeps what has trained; None for nobody."""
        self.lease = lease or Lease()
        self.keeper = keeper
        self.current = PLAYGROUND
        self.race: Race | None = None
        """The race of this browser, where there is one; see `pages.race.setup`."""
        self.edits = Edits()  # of the experiment that this tab shows; they outlive a page that is loaded again
        self.work: dict[str, Work] = {}
        """What pages have begun in the background, by their names for it; it goes on while the lease holds."""
        self._sessions: dict[str, Session] = {}

    def __getitem__(self, name: str) -> Session:
        return self._sessions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._sessions))

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, name: str, *, background: bool = False) -> Session:
        """The session of that name, which begins with nothing if there is none; see `Session` for `background`."""
        if name not in self._sessions:
            self._sessions[name] = Session(lease=self.lease, background=background, keeper=self.keeper)
        return self._sessions[name]

    def close(self, name: str) -> None:
        """End the session of that name."""
        self._sessions.pop(name).close()

    @property
    def session(self) -> Session:
        """The session that the Playground shows."""
        return self.open(self.current)

    @property
    def unsaved(self) -> str:
        """What there is to say of runs that are not saved yet; '' for nothing."""
        return "" if self.keeper is None else self.keeper.waiting.sentence

    @property
    def works(self) -> bool:
        """Whether something goes on in the background that a page has begun."""
        return any(work.running for work in self.work.values())

    @property
    def trains(self) -> bool:
        """Whether one of them trains, or a race does."""
        return self.races or any(session.snapshot().trains for session in self.values())

    @property
    def races(self) -> bool:
        """Whether a race goes on."""
        return self.race is not None and self.race.trains

    def lose(self) -> None:
        """The browser's connection is gone: its runs go on for a while, and then end."""
        self.lease.lose()


_TABS: WeakValueDictionary[tuple[str, int], BrowserRuns] = WeakValueDictionary()
"""The runs of every tab by its owner and a number, for as long as anybody holds them."""
_NUMBERS = itertools.count()
_LOCK = threading.Lock()


def browser_runs() -> BrowserRuns:
    """The runs of this tab, the same ones when its connection was lost for a while, or its page is loaded again."""
    if _RUNS not in st.session_state:
        st.session_state[_RUNS] = _taken_over(owner())
    return _connected(st.session_state[_RUNS])


def _taken_over(owner: str) -> BrowserRuns:
    """The runs that a tab of this owner has left last; new ones where there are none."""
    if not owner:
        return BrowserRuns()
    with _LOCK:
        tabs = [runs for (whose, _), runs in _TABS.items() if whose == owner]
        left = [(runs.lease.lost, number) for number, runs in enumerate(tabs) if runs.lease.lost is not None]
        if left:
            found = tabs[max(left)[1]]
        else:
            found = _TABS[owner, next(_NUMBERS)] = BrowserRuns(keeper=keeper_of(owner))
        found.lease.regain()  # before another tab takes them too
        return found


@st.cache_resource(scope="session", show_spinner=False, on_release=BrowserRuns.lose)
def _connected(_runs: BrowserRuns) -> BrowserRuns:
    """Streamlit forgets the result when the connection is lost, and so calls this again when there is a new one."""
    _runs.lease.regain()
    return _runs


def heartbeat(runs: BrowserRuns) -> None:
    """Keep the lease on a page that does not move by itself, for as long as a run trains or something else goes on."""

    def beat() -> None:
        runs.lease.renew()
        if not (runs.trains or runs.works):
            st.rerun()  # only a whole run of the page ends a timer

    if runs.trains or runs.works:
        with st.container(key="heartbeat"):
            st.fragment(beat, run_every=HEARTBEAT_SECONDS, key="heartbeat")()
