"""Test passes and views compiled: each is one call without the interpreter lock.

Called operator by operator, a test pass beside other busy threads waits for the lock after each of them, and takes
longer than the chunk of training steps that it follows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from mlp_core.engines.cache import BuildCache
from mlp_core.run.answers import predicted_class, probabilities
from mlp_core.run.build import Run, build_model
from mlp_core.run.metrics import PlainPasses, histogram
from mlp_core.run.nogil import TRACING, held, unoptimised

KEPT = 256
"""Compiled passes that the process keeps; a run of a known structure takes those of the one before."""

Pass = Callable[..., Any]


class CompiledPasses:
    """The passes of one run on the CPU; what cannot be compiled is done by the plain ones.

    `do` makes each compiled call, in a thread of its choice.
    """

    def __init__(self, run: Run, do: Callable[[Callable[[], Any]], Any] = lambda call: call()) -> None:
        self._run, self._plain, self._do = run, PlainPasses(run), do
        self._tensors = (*run.model.parameters(), *run.model.buffers())  # the objects stay, whatever they hold

    def prepare(self) -> None:
        """Compile everything now, so that the first call takes no longer than those after it."""
        x, y = self._run.x_test[:2], self._run.y_test[:2]
        self.tested(x, y)
        if self._run.dataset.facts.class_names:
            self.classified(x)
        else:
            self.outputs(x)
        self.histograms(self._tensors[:1], 2)

    def outputs(self, x: Tensor) -> Tensor:
        """The network's outputs (N, outputs)."""
        found: Tensor = self._call("outputs", lambda model, x: model(self._run.scaled(x)), x)
        return found

    def tested(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The loss against targets `y`, a scalar, and predicted class indices int64 (N,)."""

        def test(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            outputs = model(self._run.scaled(x))
            return self._run.loss(outputs, y), predicted_class(outputs, self._run.experiment.loss.entry)

        found: tuple[Tensor, Tensor] = self._call("tested", test, x, y)
        return found

    def classified(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class probabilities float32 (N, K) and predicted class indices int64 (N,)."""

        def classify(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
            outputs, loss = model(self._run.scaled(x)), self._run.experiment.loss.entry
            return probabilities(outputs, loss), predicted_class(outputs, loss)

        found: tuple[Tensor, Tensor] = self._call("classified", classify, x)
        return found

    def histograms(self, tensors: Sequence[Tensor], bins: int) -> list[tuple[Tensor, float, float]]:
        """For each tensor: counts float64 (bins,) of its finite values, and the range that the bins divide."""
        if not tensors:
            return []
        given = held([tensor.detach() for tensor in tensors])
        found: list[tuple[Tensor, float, float]] = self._do(lambda: _without_lock(_histograms(), given, bins))
        return found

    def _call(self, name: str, body: Pass, *inputs: Tensor) -> Any:
        key = (self._run.structure, name, *((value.dtype, value.shape[1:]) for value in inputs))
        compiled = PASSES.get(key, lambda: self._compile(body, inputs))
        if compiled is None:
            return getattr(self._plain, name)(*inputs)
        return self._do(lambda: _without_lock(compiled, self._tensors, *inputs))

    def _compile(self, body: Pass, inputs: tuple[Tensor, ...]) -> Pass | None:
        """The pass as a graph of operators for any number of samples; None where it is not one."""
        with torch.device("meta"):
            model = build_model(self._run.plan).eval()
        names = [*(name for name, _ in model.named_parameters()), *(name for name, _ in model.named_buffers())]

        def whole(tensors: tuple[Tensor, ...], *inputs: Tensor) -> Any:
            for name, tensor in zip(names, tensors, strict=True):
                place, _, leaf = name.rpartition(".")
                module = model.get_submodule(place)
                (module._parameters if leaf in module._parameters else module._buffers)[leaf] = tensor  # type: ignore[assignment]
            return body(model, *inputs)

        detached = tuple(tensor.detach() for tensor in self._tensors)
        short = tuple(value[:2] for value in inputs)
        try:
            with TRACING, torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of deprecation, and of sizes that become constants: tried below
                traced: Pass = torch.jit.trace(whole, (detached, *short), check_trace=False)  # type: ignore[no-untyped-call]
                expected = whole(detached, *(value[:3] for value in inputs))
            found = _without_lock(traced, detached, *(value[:3] for value in inputs))
            torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
        except Exception:
            return None  # a size of the example has become a constant, or PyTorch cannot trace an operator
        return traced


def _without_lock(compiled: Pass, *arguments: Any) -> Any:
    with torch.inference_mode(), unoptimised():
        return compiled(*arguments)


PASSES: BuildCache[Pass | None] = BuildCache(KEPT)


@cache
def _histograms() -> Pass:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*deprecated.*", category=DeprecationWarning)
        one = torch.jit.script(histogram)

        def every(tensors: list[Tensor], bins: int) -> list[tuple[Tensor, float, float]]:
            found: list[tuple[Tensor, float, float]] = []
            for tensor in tensors:
                found.append(one(tensor, bins))
            return found

        made: Pass = torch.jit.script(every)
    return made
