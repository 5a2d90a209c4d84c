"""What the command line chooses: one record, handed to every benchmark."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from typing import Any

Row = dict[str, Any]
"""One line of results: names to numbers, words or None."""
LAYER_LIST = "List"
"""What the page calls the network as rows instead of its diagram."""


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    rounds: int = 5
    """How often programs take turns."""
    seconds: float | None = None
    """Length of one measurement; None leaves it to the benchmark."""
    sessions: tuple[int, ...] = (1, 10, 30, 60, 100)
    """Browsers in a classroom, a row for each number."""
    steps: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """Where `growth` looks."""
    actions: int = 40
    """How often `editing` does each thing."""
    only: tuple[str, ...] = ()
    """Parts of names: networks, peers or engines whose name holds one of them are run."""
    ticks: bool = False
    """Whether there are also browsers that do not reach the page's stream, and get everything by Streamlit's ticks."""
    usual_speed: bool = False
    """Whether browsers leave the speed at which the page starts, instead of full speed."""
    layer_list: bool = False
    """Whether browsers show the network as its list of layers, instead of its diagram."""
    every_view: bool = False
    """Whether `page` is measured with all views on screen too, one tab after the other, and on the Inspect page."""
    edits: bool = False
    """Whether the users of a classroom edit their networks."""
    mixed: bool = False
    """Whether a classroom has different kinds of data."""

    @property
    def form(self) -> str | None:
        """The form of the network that browsers choose; None leaves it as it is."""
        return LAYER_LIST if self.layer_list else None

    def wants(self, name: str) -> bool:
        """Whether `only` leaves this name in."""
        return not self.only or any(part.lower() in name.lower() for part in self.only)


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command-line options that fill `Options`."""
    default = Options()
    parser.add_argument("--rounds", type=_count, default=default.rounds, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=_seconds, help="length of one measurement; each benchmark has its own")
    parser.add_argument(
        "--sessions", type=_counts, default=default.sessions, metavar="N,N…", help="classroom: how many browsers"
    )
    parser.add_argument("--steps", type=_counts, default=default.steps, metavar="N,N…", help="growth: where to look")
    parser.add_argument(
        "--actions", type=_count, default=default.actions, help="editing: how often each thing is done (default 40)"
    )
    parser.add_argument(
        "--only", type=_words, default=(), metavar="NAME,NAME…", help="networks and peers with such a name"
    )
    parser.add_argument(
        "--ticks", action="store_true", help="classroom: each row again with browsers that cannot reach the stream"
    )
    parser.add_argument(
        "--usual-speed",
        action="store_true",
        help="classroom, editing: at the speed that the page starts with, not at full speed",
    )
    parser.add_argument(
        "--layer-list",
        action="store_true",
        help="classroom, editing, page: with the network as its list of layers, not as its diagram",
    )
    parser.add_argument(
        "--every-view", action="store_true", help="page: also with its tabs in turn, and with the Inspect page"
    )
    parser.add_argument("--edits", action="store_true", help="classroom: without and with users who edit networks")
    parser.add_argument(
        "--mixed", action="store_true", help="classroom: a third each with two features, tables and Fashion-MNIST"
    )


def chosen(parsed: argparse.Namespace) -> Options:
    """The record of what was parsed."""
    return Options(**{field.name: getattr(parsed, field.name) for field in fields(Options)})


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 3600:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 3600, got {text}")
    return seconds


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_count(part) for part in text.split(","))


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
