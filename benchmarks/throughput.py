"""Steps per second of a session of this app against other programs that train the same network.

`steady`: the programs take turns of some seconds, round after round; every ratio is the median over the rounds of the
session's speed to the other's in the same round. `first 10 s`: what is done ten seconds after Train is pressed, in a
fresh process with the library and the data loaded, building and compiling included.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from benchmarks.cases import CASES
from benchmarks.options import Options, Row
from benchmarks.peers import OURS, PEERS
from benchmarks.summary import ratio_of_pairs, significant
from benchmarks.worker import PeerError, Worker, worker

TURN_SECONDS = 1.5
FIRST_SECONDS = 10.0
FIRST_ROUNDS = 3
FIRST_PEERS = (OURS, "jax")


def rows(options: Options) -> Iterator[Row]:
    """First the steady speeds of each network, then its first seconds."""
    networks = [name for name in CASES if options.wants(name)] or list(CASES)
    peers = [name for name in PEERS if options.wants(name)]
    peers = [OURS, *(name for name in peers or PEERS if name != OURS)]
    for network in networks:
        yield from steady(network, peers, options.rounds, options.seconds or TURN_SECONDS)
        yield from first(network, [peer for peer in FIRST_PEERS if peer in peers], options)


def steady(network: str, peers: list[str], rounds: int, seconds: float) -> Iterator[Row]:
    """One row per peer: median speed, the session's speed over it, and how long building took."""
    with ExitStack() as processes:
        running: dict[str, Worker] = {}
        built: dict[str, float] = {}
        for peer in peers:
            try:
                running[peer] = processes.enter_context(worker(peer, network))
                built[peer] = running[peer].build()
                running[peer].train(seconds)  # warm caches, and chunks as long as they should be
            except PeerError as error:
                running.pop(peer, None)
                yield {"measure": "steady", "network": network, "peer": peer, "skipped": str(error)}
        speeds: dict[str, list[float]] = {peer: [] for peer in running}
        for _ in range(rounds):
            for peer, process in running.items():
                steps, spent = process.train(seconds)
                speeds[peer].append(steps / spent)
    for peer, measured in speeds.items():
        yield {
            "measure": "steady",
            "network": network,
            "peer": peer,
            "steps_per_second": significant(median(measured)),
            "session_over_peer": ratio_of_pairs(zip(speeds.get(OURS, ()), measured, strict=False)),
            "build_s": significant(built[peer]),
        }


def first(network: str, peers: list[str], options: Options) -> Iterator[Row]:
    """One row per peer: median steps in the first seconds."""
    seconds = options.seconds or FIRST_SECONDS
    done: dict[str, list[float]] = {peer: [] for peer in peers}
    if len(peers) < 2:
        return
    for _ in range(min(options.rounds, FIRST_ROUNDS)):
        for peer in list(done):
            try:
                with worker(peer, network) as process:
                    built = process.build()
                    steps, spent = process.train(seconds - built) if built < seconds else (0, 1.0)
                    # A turn ends with a whole chunk, after its time: only what was done in time counts.
                    done[peer].append(steps * min(1.0, (seconds - built) / spent))
            except PeerError as error:
                del done[peer]
                yield {"measure": "first seconds", "network": network, "peer": peer, "skipped": str(error)}
    for peer, measured in done.items():
        yield {
            "measure": f"first {seconds:g} s",
            "network": network,
            "peer": peer,
            "steps": round(median(measured)),
            "session_over_peer": ratio_of_pairs(zip(done.get(OURS, ()), measured, strict=False)),
        }
