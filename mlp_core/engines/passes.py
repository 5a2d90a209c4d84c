"""Test passes and views in a call or two without the GIL.

Called operator by operator, a test pass beside other busy threads waits for the lock after each of them, and takes
longer than the chunk of training steps that it follows.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from mlp_core.engines.cache import BuildCache
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.engines.upgrading import BuildLater
from mlp_core.engines.verdicts import Verdicts
from mlp_core.run.answers import predicted_class, probabilities
from mlp_core.run.build import Run, build_model
from mlp_core.run.metrics import PlainPasses, histogram, in_pieces, layer_outputs, still
from mlp_core.run.nogil import TRACING, held, unoptimised

KEPT_VERDICTS, KEPT_PASSES = 1024, 64
"""Structures, or layers, whose verdicts the process remembers, and compiled functions of outputs that it keeps."""
TRIED_ROWS = 3
"""Samples for which a new structure's outputs are compared with the plain ones."""

Outputs = Callable[[Tensor], Tensor]
Pass = Callable[..., Any]

VERDICTS: Verdicts[bool] = Verdicts(KEPT_VERDICTS, passed=True)
"""By structure, whether native code gives the plain outputs."""
NETWORKS: BuildCache[Pass | None] = BuildCache(KEPT_PASSES)
"""Outputs of structures that have no native code, from weights and inputs; None where they could not be compiled."""
PASSES: BuildCache[Pass | None] = BuildCache(KEPT_PASSES)
"""What is computed from outputs, by loss and shape; None where it could not be compiled."""
NEURONS: BuildCache[Pass | None] = BuildCache(KEPT_PASSES)
"""Outputs of inner layers, by structure and the layers' names; None where they could not be compiled."""


class CompiledPasses:
    """The passes of one run on the CPU; what cannot be compiled is done by the plain ones.

    `do` makes each compiled call, in a thread of its choice. What takes long to compile is given to `build_later`, and
    done by the plain ones until it is there; without it, everything is compiled at once.
    """

    def __init__(
        self,
        run: Run,
        do: Callable[[Callable[[], Any]], Any] = lambda call: call(),
        build_later: BuildLater | None = None,
    ) -> None:
        self._run, self._plain, self._do = run, PlainPasses(run), do
        self._tensors = (*run.model.parameters(), *run.model.buffers())  # the objects stay, whatever they hold
        self._native = _native(run)
        self._traced: Pass | None = None
        self._inner: dict[tuple[str, ...], Pass | None] = {}  # by the layers' names; None while it is being compiled
        self._build_later = build_later
        if self._native is None:
            if build_later is None or run.structure in NETWORKS:
                self._trace()
            else:
                build_later(_call_of(weakref.WeakMethod(self._trace)))

    def prepare(self) -> None:
        """Compile everything now, in this thread, so that the first call takes no longer than those after it."""
        x, y = self._run.x_test[:2], self._run.y_test[:2]
        self._tested(x, y)
        if self._run.dataset.facts.class_names:
            self._classified(x)
        _histograms()

    def outputs(self, x: Tensor) -> Tensor:
        """The network's outputs (N, outputs)."""
        found: Tensor = self._do(lambda: self._outputs(x))
        return found

    def tested(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The loss against targets `y`, a scalar, and predicted class indices int64 (N,)."""
        found: tuple[Tensor, Tensor] = self._do(lambda: self._tested(x, y))
        return found

    def _tested(self, x: Tensor, y: Tensor) -> Any:
        loss, entry = self._run.loss, self._run.experiment.loss.entry

        def test(outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            return loss(outputs, y), predicted_class(outputs, entry)

        return self._of_outputs("tested", test, x, y)

    def classified(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class probabilities float32 (N, K) and predicted class indices int64 (N,)."""
        found: tuple[Tensor, Tensor] = self._do(lambda: self._classified(x))
        return found

    def _classified(self, x: Tensor) -> Any:
        entry = self._run.experiment.loss.entry

        def classify(outputs: Tensor) -> tuple[Tensor, Tensor]:
            return probabilities(outputs, entry), predicted_class(outputs, entry)

        return self._of_outputs("classified", classify, x)

    def histograms(self, tensors: Sequence[Tensor], bins: int) -> list[tuple[Tensor, float, float]]:
        """For each tensor: counts float64 (bins,) of its finite values, and the range that the bins divide."""
        if not tensors:
            return []
        given = held([tensor.detach() for tensor in tensors])
        found: list[tuple[Tensor, float, float]] = self._do(lambda: _without_lock(_histograms(), given, bins))
        return found

    def neurons(self, x: Tensor, layers: Sequence[str]) -> Tensor:
        """What the layers of these names put out, side by side (N, sum of their widths)."""
        names = tuple(layers)
        if names not in self._inner:
            self._inner[names] = None
            if self._build_later is None or (self._run.structure, names) in NEURONS:
                self._trace_inner()
            else:
                self._build_later(_call_of(weakref.WeakMethod(self._trace_inner)))
        compiled = self._inner[names]
        if compiled is None:
            return self._plain.neurons(x, names)
        found: Tensor = self._do(lambda: _without_lock(compiled, self._tensors, x))
        return found

    def _trace_inner(self) -> None:
        for names, compiled in list(self._inner.items()):
            if compiled is None:
                self._inner[names] = NEURONS.get(
                    (self._run.structure, names), lambda names=names: self._compile_network(names)  # type: ignore[misc]
                )

    def still(self) -> CompiledPasses:
        """The same passes through a copy of the network as it is now, which training does not change."""
        return CompiledPasses(still(self._run), self._do, lambda build: None)

    def _outputs(self, x: Tensor) -> Tensor:
        return in_pieces(self._run, self._outputs_at_once, x)

    def _outputs_at_once(self, x: Tensor) -> Tensor:
        if self._native is not None:
            try:
                return self._native(x)
            except UnsupportedError:  # so many samples that PyTorch computes them in pieces
                return self._plain.outputs(x)
        if self._traced is not None:
            outputs: Tensor = _without_lock(self._traced, self._tensors, x)
            return outputs
        return self._plain.outputs(x)

    def _trace(self) -> None:
        self._traced = NETWORKS.get(self._run.structure, self._compile_network)

    def _compile_network(self, layers: Sequence[str] = ()) -> Pass | None:
        """The network's outputs from its tensors and inputs; with names of layers, what these put out."""
        with torch.device("meta"):
            model = build_model(self._run.plan).eval()
        names = [*(name for name, _ in model.named_parameters()), *(name for name, _ in model.named_buffers())]

        def outputs(tensors: tuple[Tensor, ...], x: Tensor) -> Tensor:
            for name, tensor in zip(names, tensors, strict=True):
                place, _, leaf = name.rpartition(".")
                module = model.get_submodule(place)
                kind: dict[str, Any] = module._parameters if leaf in module._parameters else module._buffers
                kind[leaf] = tensor
            if layers:
                return layer_outputs(model, layers, self._run.scaled(x))
            found: Tensor = model(self._run.scaled(x))
            return found

        weights = tuple(tensor.detach().clone() for tensor in self._tensors)  # the run may train meanwhile
        return _compile(outputs, (self._run.x_test,), weights)

    def _of_outputs(self, name: str, body: Pass, x: Tensor, *more: Tensor) -> Any:
        """What a pass computes from the network's outputs and targets."""
        outputs = self._outputs(x)
        shapes = [(value.dtype, value.shape[1:]) for value in (outputs, *more)]
        key = (name, self._run.experiment.loss.type, self._run.loss_params, *shapes)
        compiled = PASSES.get(key, lambda: _compile(body, (outputs, *more)))
        return body(outputs, *more) if compiled is None else _without_lock(compiled, outputs, *more)


def _native(run: Run) -> Outputs | None:
    """The network's outputs by native code, where that gives the plain ones."""
    try:
        from mlp_core.engines.native.forward import Forward
    except ImportError:  # without llvmlite
        return None
    outputs = Forward(run)

    def agrees() -> bool:
        x = run.x_test[:TRIED_ROWS]
        try:
            return torch.allclose(outputs(x), PlainPasses(run).outputs(x), rtol=0, atol=0, equal_nan=True)
        except UnsupportedError:
            return False

    return outputs if VERDICTS.get(run.structure, run.layer_structures, agrees) else None


def _call_of(method: weakref.WeakMethod[Callable[[], None]]) -> Callable[[], None]:
    """A call of a method, if its object is alive by then."""

    def call() -> None:
        alive = method()
        if alive is not None:
            alive()

    return call


def _compile(body: Pass, inputs: tuple[Tensor, ...], weights: tuple[Tensor, ...] | None = None) -> Pass | None:
    """The pass as a graph of operators for any number of samples; None where it is not one.

    It takes weights first, where they are given.
    """
    given = () if weights is None else (weights,)
    short = (*given, *(value[:2].detach() for value in inputs))
    three = (*given, *(value[:3].detach() for value in inputs))
    try:
        with TRACING, torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of deprecation, and of sizes that become constants: tried below
            traced: Pass = torch.jit.trace(body, short, check_trace=False)  # type: ignore[no-untyped-call]
            expected = body(*three)
        torch.testing.assert_close(_without_lock(traced, *three), expected, rtol=0, atol=0, equal_nan=True)
    except Exception:
        return None  # a size of the example has become a constant, or PyTorch cannot trace an operator
    return traced


def _without_lock(compiled: Pass, *arguments: Any) -> Any:
    with torch.inference_mode(), unoptimised():
        return compiled(*arguments)


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
