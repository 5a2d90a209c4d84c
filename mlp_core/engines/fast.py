"""The fast engine: many steps in one call that holds no GIL, with the reference engine's numbers."""

from __future__ import annotations

import time

import numpy as np
import torch

from mlp_core.engines import ChunkResult, schedules
from mlp_core.engines.cache import BuildCache
from mlp_core.engines.optimizers import Update, scalars_of, update_of
from mlp_core.engines.prepared import PreparedEngine
from mlp_core.engines.storage import Storage
from mlp_core.engines.torchscript import ORDER, Extras, Program, without_gradients, write
from mlp_core.engines.tracing import UnsupportedError, trace
from mlp_core.run.build import Run
from mlp_core.run.nogil import held, held_lists, unoptimised

KEPT_PROGRAMS = 64
"""Programs that the process keeps: thirty runs of the same structure build one."""

PROGRAMS: BuildCache[Program] = BuildCache(KEPT_PROGRAMS)


class _PreparedRun:
    """A run with what was prepared for it: its program, its storage, and the arguments that stay the same."""

    def __init__(self, run: Run, update: Update) -> None:
        self.run, self.update = run, update
        self.program = _program(run, update)
        self.parameters, self.others = run.trained, run.fixed
        self.storage = storage = Storage(self.parameters, run.optimizer, update, run.accumulates)
        self.sizes = run.batches.sizes
        batches = run.batches
        seed, drawn = torch.ones(()), torch.zeros((), dtype=torch.int64)
        self.data = held([batches.x, batches.y, batches.x, storage.counts, seed, drawn])
        self.fixed = (
            self.data,
            held(storage.flats),
            held(storage.weight_views),
            held(storage.gradient_views),
            held(storage.fresh_views),
            held_lists(storage.states),
            held(storage.numbers),
            held(self.others),
            self.program.constants,
            held(storage.scratch),
            run.stream.generator,
            torch.Generator(),
        )

    def fits(self, run: Run, update: Update) -> bool:
        """Whether it was prepared for this run, with its optimizer set as it is now."""
        return self.run is run and self.update == update and self.sizes == run.batches.sizes


class FastEngine(PreparedEngine[_PreparedRun]):
    """Runs a chunk as one compiled call. For one run at a time; keep one engine per session."""

    name = "fast"

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        if steps <= 0:
            return ChunkResult(np.empty(0, dtype=np.float32), 0, np.empty(0))
        prepared, batches, position = self._prepared_for(run), run.batches, run.position
        prepared.storage.adopt()
        order = batches.state()
        if order is not None:
            prepared.data[ORDER] = order
        scalars, rate = scalars_of(run.optimizer, prepared.update), run.learning_rate
        course, training = schedules.follow(run, steps), run.experiment.training
        began = time.thread_time()
        with without_gradients(), unoptimised():
            losses, order = prepared.program.function(
                *prepared.fixed, scalars, course.rates, course.momenta,
                training.max_grad_norm or training.max_grad_value or 0.0, position.batch, steps, batches.batch_size,
                batches.block, batches.evaluation_loaders, prepared.storage.first,
            )  # fmt: skip
        seconds = time.thread_time() - began
        used = np.array(course.rates) if course.rates else np.full(steps, rate)
        return ChunkResult(losses.numpy(), batches.skip(position, steps, order), used, seconds)

    @staticmethod
    def is_built(run: Run) -> bool:
        """Whether the code for a run is there, so that `prepare` takes no time."""
        return (run.step_structure, update_of(run.optimizer)) in PROGRAMS

    @staticmethod
    def build(run: Run) -> None:
        """Build the code for a run, which may train meanwhile; raises `UnsupportedError`."""
        _program(run, update_of(run.optimizer))

    def _make(self, run: Run, update: Update) -> _PreparedRun:
        return _PreparedRun(run, update)


def _program(run: Run, update: Update) -> Program:
    return PROGRAMS.get((run.step_structure, update), lambda: _build(run, update))


def _build(run: Run, update: Update) -> Program:
    graphs = [(size, trace(run, size)) for size in run.batches.sizes]
    training = run.experiment.training
    clip = "norm" if training.max_grad_norm is not None else "value" if training.max_grad_value is not None else ""
    extras = Extras(
        never_zero=not training.zero_grad, every=training.accumulate_grad_batches, scheduled=run.schedule_counts,
        cycled=run.cycled, clip=clip,
    )  # fmt: skip
    return write(graphs, len(run.trained), len(run.fixed), update, extras)


__all__ = ["FastEngine", "UnsupportedError"]
