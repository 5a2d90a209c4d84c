"""As `classic`, with one worker process that makes the batches and stays from epoch to epoch."""

from __future__ import annotations

from benchmarks.peers import classic


class Trainer(classic.Trainer):
    """The plain loop behind a DataLoader with a worker."""

    WORKERS = 1
