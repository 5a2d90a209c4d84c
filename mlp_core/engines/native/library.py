"""Machine code for the processor that it runs on: the kernels, once per process, and an update's, once for each."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from llvmlite import binding, ir

from mlp_core.engines.native import (
    activations,
    chunk,
    elementwise,
    gates,
    gathering,
    gradients,
    losses,
    norms,
    products,
    sharing,
    shuffling,
    softmax,
    sums,
)
from mlp_core.engines.native.kernel import Kernel

binding.initialize_native_target()
binding.initialize_native_asmprinter()

KERNELS: dict[str, Kernel] = {
    **elementwise.KERNELS,
    **activations.KERNELS,
    **gates.KERNELS,
    **gathering.KERNELS,
    **gradients.KERNELS,
    **losses.KERNELS,
    **norms.KERNELS,
    **products.KERNELS,
    **softmax.KERNELS,
    **sums.KERNELS,
}
"""Everything that a table may call, by name."""

_COMPILING = Lock()


class Code:
    """A compiled module. Its functions live as long as it."""

    def __init__(self, module: ir.Module) -> None:
        self._compiled = _compile(module)
        self._addresses: dict[str, int] = {}

    def address(self, name: str) -> int:
        """Where a function begins."""
        if name not in self._addresses:
            self._addresses[name] = self._compiled.get_function_address(name)
        return self._addresses[name]

    def function(self, name: str, arguments: int) -> Callable[..., None]:
        """A function of so many addresses, as Python calls it: without the GIL."""
        made: Callable[..., None] = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)(self.address(name))
        return made


def library() -> Code:
    """The kernels, the loop over a table, and what threads share work with; compiled by whoever asks first."""
    with _COMPILING:
        return _library()


@cache
def _library() -> Code:
    module = ir.Module("kernels")
    shuffling.write(module)
    sharing.write(module)
    products.write_part(module)
    chunk.write(module)
    for name, kernel in KERNELS.items():
        kernel.declare(module, name)
    return Code(module)


def _compile(module: ir.Module) -> Any:
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    target = binding.Target.from_default_triple()
    features = binding.get_host_cpu_features().flatten()
    machine = target.create_target_machine(cpu=binding.get_host_cpu_name(), features=features, opt=1)
    options = binding.create_pipeline_tuning_options(speed_level=1)
    options.loop_vectorization = True
    # Half of the compiler's time, and nothing gained.
    options.loop_unrolling = options.loop_interleaving = options.slp_vectorization = False
    options.inlining_threshold = 25
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(parsed, builder)
    compiled = binding.create_mcjit_compiler(parsed, machine)
    compiled.finalize_object()
    return compiled
