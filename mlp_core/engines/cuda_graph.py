"""The engine for CUDA devices: the whole step recorded once as a CUDA graph, and replayed.

A step of a small network is a hundred kernels of some microseconds each; launched one by one from Python they take
longer to launch than to run. Recording follows https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs:
fixed tensors, some steps on another stream first, then the capture. Random numbers come from the device's default
generator, which the run's stream is put into while a chunk runs, so that dropout draws as the plain engine does.
Numbers agree with the plain engine's to `TOLERANCE`, not to the bit: the learning rate is a float32 on the device.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlp_core.engines import ChunkResult, schedules
from mlp_core.engines.optimizers import Update, update_of
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save
from mlp_core.run.objective import clip, objective

TOLERANCE = 1e-4
"""The largest relative difference of losses and weights from the plain engine's after 200 steps of a usual run."""
WARM_UP = 3
"""Steps before the capture, in which libraries choose their algorithms and allocate what they need."""

CAPTURING = threading.Lock()
"""One capture at a time: it changes the state of the device's memory allocator."""

Step = Callable[[], None]
Capture = Callable[[Step], Step]


def capture(step: Step) -> Step:
    """Record what the step launches on the current device; returns what launches it again."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # other runs' threads go on
        step()
    replay: Step = graph.replay
    return replay


class _PreparedRun:
    """A run with its recorded steps, one for each batch size, and the tensors that they read and write."""

    def __init__(self, run: Run, update: Update, record: Capture) -> None:
        self.run, self.update, self.group = run, update, _settings(run.optimizer)
        self.sizes = run.batches.sizes
        self.parameters: list[nn.Parameter] = run.trained
        self.gradients = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.rate = torch.tensor(run.learning_rate, dtype=torch.float32, device=run.device)
        self.optimizer = _graphed(run.optimizer, self.rate, run.device)
        self.steps: dict[int, tuple[Tensor, Tensor, Step]] = {}
        self.loss = torch.zeros((), device=run.device)
        before = save(run)
        try:
            for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
                parameter.grad = gradient
            size, samples = run.batches.batch_size, len(run.batches.x)
            for count in {min(size, samples), samples % size or min(size, samples)}:
                self._record(count, record)
        except Exception as error:
            reason = (str(error).strip().splitlines() or [""])[0][:200]
            raise UnsupportedError(
                f"its step could not be recorded as a CUDA graph ({type(error).__name__}: {reason})"
            ) from error
        finally:
            restore(run, before)

    def _record(self, count: int, record: Capture) -> None:
        run = self.run
        x, y = run.batches.x[:count].clone(), run.batches.y[:count].clone()
        training = run.experiment.training

        def step() -> None:
            if training.zero_grad:
                torch._foreach_zero_(self.gradients)
            loss = run.loss(run.model(run.scaled(x)), y)
            objective(loss, self.parameters, training).backward()  # type: ignore[no-untyped-call]
            clip(self.parameters, training)
            self.optimizer.step()
            self.loss.copy_(loss.detach())

        with CAPTURING, run.stream.lend() if run.draws_in_training else nullcontext():
            self.steps[count] = (x, y, record(step))

    def fits(self, run: Run) -> bool:
        """Whether it was recorded for this run, with its optimizer set as it is now."""
        return self.run is run and self.group == _settings(run.optimizer) and self.sizes == run.batches.sizes

    def adopt(self) -> None:
        """Take in gradients and optimizer state that somebody replaced: a checkpoint, the plain engine."""
        fills = {"step": 0.0, **dict(self.update.state), **{kept.key: kept.fill for kept in self.update.numbers}}
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            if parameter.grad is not gradient:
                if parameter.grad is None:
                    gradient.zero_()
                else:
                    gradient.copy_(parameter.grad)
                parameter.grad = gradient
            state = self.run.optimizer.state[parameter]
            for name, fixed in self.optimizer.state[parameter].items():
                if isinstance(fixed, Tensor) and state.get(name) is not fixed:
                    if state.get(name) is None:
                        fixed.fill_(fills[name])
                    else:
                        fixed.copy_(state[name])
                    state[name] = fixed


class CudaGraphEngine:
    """Replays a recorded step on a CUDA device. For one run at a time; keep one engine per session."""

    name = "cuda graph"

    def __init__(self, record: Capture = capture) -> None:
        self._record = record
        self._prepared: _PreparedRun | None = None

    def prepare(self, run: Run) -> None:
        """Record the run's step, if that is not done; raises `UnsupportedError` if it cannot be."""
        self._prepared_for(run)

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        prepared = self._prepared_for(run)
        prepared.adopt()
        rates = schedules.follow(run, steps).rates or [run.learning_rate] * steps
        losses, samples, last = torch.empty(steps, device=run.device), 0, None
        with run.stream.lend() if run.draws_in_training else nullcontext():
            for done, rate in enumerate(rates):
                x, y = run.batches.get(run.position)
                fixed_x, fixed_y, step = prepared.steps[len(x)]
                fixed_x.copy_(x)
                fixed_y.copy_(y)
                if rate != last:
                    prepared.rate.fill_(rate)
                    last = rate
                step()
                losses[done].copy_(prepared.loss)
                samples += len(x)
                run.batches.advance(run.position)
        return ChunkResult(losses.cpu().numpy(), samples, np.array(rates))

    def _prepared_for(self, run: Run) -> _PreparedRun:
        update = update_of(run.optimizer)
        if run.experiment.training.accumulate_grad_batches > 1:
            raise UnsupportedError("steps with and without an update are not one CUDA graph")
        if run.cycled:
            raise UnsupportedError("a momentum that changes is no constant, as a CUDA graph holds it")
        if run.optimizer.param_groups[0].get("dampening"):
            raise UnsupportedError("a first step without dampening cannot be told apart in a CUDA graph")
        if self._prepared is None or not self._prepared.fits(run):
            self._prepared = _PreparedRun(run, update, self._record)
        return self._prepared


def _settings(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The settings that a recorded step holds as constants: all but the learning rate."""
    group = optimizer.param_groups[0]
    return {name: value for name, value in group.items() if name not in ("params", "lr", "initial_lr")}


class _RecordableAdagrad(torch.optim.Adagrad):
    """`torch.optim.Adagrad` whose step is done on the device: PyTorch's own reads the number of steps on the CPU."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """The update of one step, as the documentation of `torch.optim.Adagrad` gives it."""
        group = self.param_groups[0]
        for parameter in group["params"]:
            state = self.state[parameter]
            gradient = -parameter.grad if group["maximize"] else parameter.grad
            if group["weight_decay"] != 0:
                gradient = gradient.add(parameter, alpha=group["weight_decay"])
            rate = group["lr"] / (1 + state["step"] * group["lr_decay"])
            state["step"] += 1
            state["sum"].addcmul_(gradient, gradient)
            parameter.sub_(rate * gradient / (state["sum"].sqrt() + group["eps"]))


def _graphed(optimizer: torch.optim.Optimizer, rate: Tensor, device: torch.device) -> torch.optim.Optimizer:
    """The same optimizer in the form that can be recorded, with its learning rate in a tensor and a state of its own.

    Where a class knows no 'capturable' form, its fused one reads the learning rate on the device.
    """
    settings = _settings(optimizer)
    kind: Any = type(optimizer)
    if kind is torch.optim.Adagrad:
        kind = _RecordableAdagrad
    elif device.type == "cuda":
        settings["capturable" if "capturable" in settings else "fused"] = True
    made: torch.optim.Optimizer = kind(optimizer.param_groups[0]["params"])
    made.param_groups[0].update(settings, lr=rate)
    for state in made.state.values():
        state.update({name: value.to(device) for name, value in state.items()})
    return made


__all__ = ["TOLERANCE", "CudaGraphEngine", "capture"]
