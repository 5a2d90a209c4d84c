"""The engine that runs chunks as native code."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mlp_core.engines import ChunkResult, schedules
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.native.arrays import copy, put, view
from mlp_core.engines.native.helping import Helping
from mlp_core.engines.optimizers import Update, scalars_of
from mlp_core.engines.prepared import PreparedEngine
from mlp_core.engines.storage import Storage
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.engines.verdicts import Verdicts
from mlp_core.processor import Processor
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save
from mlp_core.run.nogil import equal

if TYPE_CHECKING:
    from mlp_core.engines.native.program import Program

KEPT_VERDICTS = 1024
"""Structures, and layers, of which the process remembers whether native code gives the reference engine's bits."""
MOST_TRIED_STEPS = 33
"""Steps in which the code of a new structure is compared with the reference engine, at most."""

VERDICTS: Verdicts[bool | str] = Verdicts(KEPT_VERDICTS, passed=True)
"""By structure, whether gradients of large layers are joined with the update; or why there is no native code."""


class _PreparedRun:
    """A run with its program and the storage that the program works on."""

    def __init__(self, run: Run, update: Update, processor: Processor | None) -> None:
        self._run, self.update = run, update
        self._helping = None if processor is None else Helping(processor)
        self._sizes, self._buffers = run.batches.sizes, _addresses(run)
        self.storage = Storage(list(run.model.parameters()), run.optimizer, update, run.accumulates)
        self.program: Program | None = None
        shared = (run.step_settings, update, len(run.batches.x))
        layers = [(layer, shared) for layer in run.layer_structures]
        verdict = VERDICTS.get((run.structure, shared), layers, self._try)
        if isinstance(verdict, str):
            raise UnsupportedError(verdict)
        if self.program is None:
            self._take(join=verdict)

    def _take(self, *, join: bool) -> None:
        try:
            from mlp_core.engines.native.program import Program
        except ImportError as error:
            raise UnsupportedError(f"{error.name} is not installed") from error
        self.program = Program(self._run, self.storage, self.update, join=join)
        self._order_given = torch.empty(0)

    def _try(self) -> bool | str:
        """Which form gives the reference engine's bits, or why there is none, in words: an error would keep the run."""
        for join in (True, False):
            try:
                self._take(join=join)
            except UnsupportedError as error:
                return str(error)
            if self._agrees():
                return join
        return "native code rounds differently from PyTorch on this processor"

    def _agrees(self) -> bool:
        """Whether some steps leave the same bits as the reference engine's; the run is put back."""
        run, batches = self._run, self._run.batches
        kept = save(run)
        found: list[list[Tensor]] = []
        begin, steps = max(0, batches.per_epoch - 1), _tried_steps(run)
        with run.tuned():
            for engine in (EagerEngine(), self):
                batches.restore(torch.arange(len(batches.x)) if begin else None)
                run.position.batch = begin
                losses = torch.from_numpy(engine.run(run, steps).losses)
                found.append([losses, *save(run).tensors])
                restore(run, kept)
        return equal(*found)

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps."""
        # Every operator of PyTorch that is called from Python gives the GIL away, and waits for it; `Tensor.numpy` too.
        batches, position, generator, program = run.batches, run.position, run.stream.generator, self.program
        assert generator is not None
        assert program is not None
        self.storage.adopt()
        scalars, rate = scalars_of(run.optimizer, self.update), run.learning_rate
        course = schedules.follow(run, steps)
        rates, momenta = np.array(course.rates), np.array(course.momenta)
        losses = np.empty(steps, dtype=np.float32)
        kept = [self.storage.counts, *self.storage.numbers]
        counts, *products = (view(each.data_ptr(), len(self.storage.parameters), np.float32) for each in kept)
        order = batches.state()
        if order is not None and order is not self._order_given:
            put(view(order.data_ptr(), len(program.order), np.int64), program.order)
        program.numbers[: len(scalars)] = scalars
        for place, product in enumerate(products, len(scalars)):
            program.numbers[place] = product[0]
        program.numbers[-1] = counts[0]
        state = generator.get_state()
        put(view(state.data_ptr(), len(program.stream), np.uint8), program.stream)
        training = run.experiment.training
        program.limit[0] = training.max_grad_norm or training.max_grad_value or 0.0
        program.begin(position.batch, losses, rates, momenta, first=self.storage.first)
        began = time.thread_time()
        with self._help(program, steps):
            program.run(program.control.ctypes.data)
        seconds = time.thread_time() - began
        generator.set_state(torch.from_numpy(copy(program.stream)))
        for place, product in enumerate(products, len(scalars)):
            product[:] = program.numbers[place]
        if self.update.counts:
            counts[:] = program.numbers[-1]
        self._order_given = torch.from_numpy(copy(program.order))
        used = rates if len(rates) else np.full(steps, rate)
        return ChunkResult(losses, batches.skip(position, steps, self._order_given), used, seconds)

    def _help(self, program: Program, steps: int) -> AbstractContextManager[None]:
        """The block in which other threads may take part in so many steps."""

        def help_with_it() -> None:  # with the program, which may be given up before it comes to help
            program.help(program.board.ctypes.data)

        if self._helping is None or not program.shares:
            return nullcontext()
        return self._helping.during(steps, help_with_it)

    def fits(self, run: Run, update: Update) -> bool:
        """Whether it was prepared for this run, with its optimizer set as it is now."""
        same = self._run is run and self.update == update and self._sizes == run.batches.sizes
        return same and self._buffers == _addresses(run)


def _addresses(run: Run) -> list[int]:
    """Where the network's buffers lie, which native code writes to."""
    return [buffer.data_ptr() for buffer in run.model.buffers()]


def _tried_steps(run: Run) -> int:
    """An epoch's last step and those of the next one's first update, so a batch that is not full and a full one, the
    first update and one from what that left behind."""
    each = min(run.experiment.training.accumulate_grad_batches, run.batches.per_epoch)
    return min(1 + each, MOST_TRIED_STEPS)


def kernel_compiler() -> Callable[[], None]:
    """Something to call, from any thread, that compiles what native code of all networks has in common, once.

    It imports nothing any more and hardly holds the GIL, so that another thread can import meanwhile. Where there can
    be no native code, it does nothing.
    """
    try:
        from mlp_core.engines.native.library import library
    except ImportError:  # without llvmlite
        return lambda: None

    def compile_kernels() -> None:
        with suppress(UnsupportedError):
            library()

    return compile_kernels


class NativeEngine(PreparedEngine[_PreparedRun]):
    """Runs a chunk as machine code. For one run at a time; keep one engine per session."""

    name = "native"

    def __init__(self, processor: Processor | None = None) -> None:
        """Other threads of the processor may help with steps of wide networks; without one, nobody does."""
        super().__init__()
        self._processor = processor

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        if steps <= 0:
            return ChunkResult(np.empty(0, dtype=np.float32), 0, np.empty(0))
        return self._prepared_for(run).run(run, steps)

    def _make(self, run: Run, update: Update) -> _PreparedRun:
        if not run.one_thread:
            raise UnsupportedError("its steps are large, and matrix products take nearly all of their time")
        return _PreparedRun(run, update, self._processor)
