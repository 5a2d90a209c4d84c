"""Throughput beside busy Python threads in the same process, which take the interpreter lock whenever they can.

A page being drawn is such a thread. Rounds of turns, as in `throughput`; `of_undisturbed` is the median over the
rounds of the speed to that without busy threads in the same round. One worker process per way of training.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.cases import CASES
from benchmarks.options import Options, Row
from benchmarks.summary import ratio_of_pairs, significant
from benchmarks.worker import PeerError, worker

SECONDS = 2.0
BUSY_THREADS = (0, 1, 4)
NETWORKS = ("2-8-8-8-2", "cifar10-classic")
ENGINES = {"session": "the app's, live statistics", "headless": "the app's", "eager engine": "eager"}


def rows(options: Options) -> Iterator[Row]:
    """One row per network, way of training and number of busy threads."""
    for network in [name for name in CASES if name in NETWORKS and options.wants(name)] or NETWORKS:
        for peer, what in ENGINES.items():
            try:
                yield from _engine(peer, what, network, options)
            except PeerError as error:
                yield {"network": network, "engine": what, "skipped": str(error)}


def _engine(peer: str, what: str, network: str, options: Options) -> Iterator[Row]:
    seconds = options.seconds or SECONDS
    speeds: dict[int, list[float]] = {count: [] for count in BUSY_THREADS}
    with worker(peer, network) as process:
        process.build()
        process.train(seconds)
        for _ in range(options.rounds):
            for count, measured in speeds.items():
                steps, spent = process.train_beside(seconds, count)
                measured.append(steps / spent)
    for count, measured in speeds.items():
        yield {
            "network": network,
            "engine": what,
            "busy_threads": count,
            "steps_per_second": significant(median(measured)),
            "of_undisturbed": ratio_of_pairs(zip(measured, speeds[0], strict=True)),
        }
