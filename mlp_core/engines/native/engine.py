"""The engine that runs chunks as native code."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mlp_core.engines import ChunkResult, schedules
from mlp_core.engines.bound import BoundEngine
from mlp_core.engines.cache import BuildCache
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.native.helping import Helping
from mlp_core.engines.native.layout import Layout
from mlp_core.engines.optimizers import Update, scalars_of
from mlp_core.engines.storage import Storage
from mlp_core.engines.tracing import UnsupportedError, trace
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save

if TYPE_CHECKING:
    from mlp_core.engines.native.program import Program

KEPT_PROGRAMS = 64
"""Programs that the process keeps: thirty runs of the same structure and as many samples build one."""
TRIED_STEPS = 4
"""Steps in which a new program is compared with the reference engine, over the end of an epoch."""

PROGRAMS: BuildCache[Program | str] = BuildCache(KEPT_PROGRAMS)
"""Programs by structure, and of those that cannot be, why: in words, since an error would keep the run alive."""


class _Bound:
    """A run with its program and the memory that the program works on."""

    def __init__(self, run: Run, update: Update) -> None:
        self._run, self.update = run, update
        self._helping = Helping()
        self.storage = Storage(
            list(run.model.parameters()), run.optimizer, update, not run.experiment.training.zero_grad
        )
        built = PROGRAMS.get((run.step_structure, update, len(run.batches.x)), lambda: self._build(run, update))
        if isinstance(built, str):
            raise UnsupportedError(built)
        self._take(built)

    def _take(self, program: Program) -> None:
        storage, batches = self.storage, self._run.batches
        self.program = program
        self._arena = torch.zeros(program.arena, dtype=torch.uint8)
        self._board = np.zeros(program.board // 8, dtype=np.int64)
        self._numbers = np.zeros(len(self.update.scalars) + 1)
        self._settings = np.zeros(3, dtype=np.int64)
        self._sampler = torch.Generator().get_state()
        self._order, self._order_given = np.zeros(len(batches.x), dtype=np.int64), torch.empty(0)
        self._counts = storage.counts.numpy()
        self._fixed = {
            "x": batches.x.data_ptr(),
            "y": batches.y.data_ptr(),
            "w": storage.weights.data_ptr(),
            "g": storage.gradients.data_ptr(),
            "fresh": storage.fresh.data_ptr(),
            **{name: flat.data_ptr() for name, flat in storage.buffers.items()},
            "arena": self._arena.data_ptr(),
            "numbers": self._numbers.ctypes.data,
            "settings": self._settings.ctypes.data,
            "order": self._order.ctypes.data,
            "sampler": self._sampler.data_ptr(),
            "board": self._board.ctypes.data,
        }

    def _build(self, run: Run, update: Update) -> Program | str:
        try:
            from mlp_core.engines.native.program import write
        except ImportError as error:
            return f"{error.name} is not installed"
        for join in (True, False):
            try:
                layout = _layout(run, self.storage, join)
                program = write([trace(run, size) for size in run.batches.sizes], layout, update)
            except UnsupportedError as error:
                return str(error)
            self._take(program)
            if self._agrees():
                return program
        return "native code rounds differently from PyTorch on this processor"

    def _agrees(self) -> bool:
        """Whether some steps leave the same bits as the reference engine's; the run is put back."""
        run, batches = self._run, self._run.batches
        kept = save(run)
        found: list[list[Tensor]] = []
        begin = max(0, batches.per_epoch - TRIED_STEPS // 2)
        with run.tuned():
            for engine in (EagerEngine(), self):
                batches.restore(torch.arange(len(batches.x)) if begin else None)
                run.position.batch = begin
                losses = torch.from_numpy(engine.run(run, TRIED_STEPS).losses)
                found.append([losses, *save(run).tensors])
                restore(run, kept)
        first, second = found
        return len(first) == len(second) and all(
            torch.allclose(a, b, 0.0, 0.0, equal_nan=True) for a, b in zip(first, second, strict=True)
        )

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps."""
        # Every operator of PyTorch that is called from Python gives the interpreter lock away, and waits for it.
        batches, position, generator = run.batches, run.position, run.stream.generator
        assert generator is not None
        self.storage.adopt()
        scalars, rate = scalars_of(run.optimizer, self.update), run.learning_rate
        rates = np.array(schedules.follow(run, steps))
        self._numbers[: len(scalars)] = scalars
        self._numbers[-1] = self._counts[0]
        self._settings[:] = position.batch, steps, self.storage.first
        order = batches.state()
        if order is not None and order is not self._order_given:
            self._order[:] = order.numpy()
        losses, stream = np.empty(steps, dtype=np.float32), generator.get_state()
        pointers = {
            **self._fixed,
            "losses": losses.ctypes.data,
            "rates": rates.ctypes.data,
            "stream": stream.data_ptr(),
        }
        given = [pointers[name] for name in self.program.pointers]
        began = time.thread_time()
        with self._help(steps):
            self.program.function(*given)
        seconds = time.thread_time() - began
        generator.set_state(stream)
        if self.update.counts:
            self._counts[:] = self._numbers[-1]
        self._order_given = torch.from_numpy(self._order.copy())
        used = rates if len(rates) else np.full(steps, rate)
        return ChunkResult(losses, batches.skip(position, steps, self._order_given), used, seconds)

    def _help(self, steps: int) -> AbstractContextManager[None]:
        """The block in which other threads may take part in so many steps."""
        program, board = self.program, self._board

        def help_with_it() -> None:  # with the program and the board, which may be given up before it comes to help
            assert program.help is not None
            program.help(board.ctypes.data)

        return nullcontext() if program.help is None else self._helping.during(steps, help_with_it)

    def fits(self, run: Run, update: Update) -> bool:
        """Whether it was prepared for this run, with its optimizer set as it is now."""
        return self._run is run and self.update == update


def _layout(run: Run, storage: Storage, join: bool) -> Layout:
    batches, training = run.batches, run.experiment.training
    if training.max_grad_norm is not None:
        raise UnsupportedError("native code does not clip gradients yet")
    return Layout(
        samples=len(batches.x),
        batch_size=batches.batch_size,
        x_shape=tuple(batches.x.shape[1:]),
        x_type=batches.x.dtype,
        y_shape=tuple(batches.y.shape[1:]),
        y_type=batches.y.dtype,
        shapes=tuple(tuple(view.shape) for view in storage.weight_views),
        offsets=tuple(int(view.storage_offset()) for view in storage.weight_views),
        total=len(storage.weights),
        accumulate=not training.zero_grad,
        scheduled=run.scheduler is not None,
        join=join and training.zero_grad,
    )


class NativeEngine(BoundEngine[_Bound]):
    """Runs a chunk as machine code. For one run at a time; keep one engine per session."""

    name = "native"

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        if steps <= 0:
            return ChunkResult(np.empty(0, dtype=np.float32), 0, np.empty(0))
        return self._bind(run).run(run, steps)

    def _make(self, run: Run, update: Update) -> _Bound:
        if not run.one_thread:
            raise UnsupportedError("its steps are large, and matrix products take nearly all of their time")
        return _Bound(run, update)
