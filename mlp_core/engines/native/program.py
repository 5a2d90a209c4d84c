"""A chunk of steps as one native function, compiled for the processor that it runs on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir
from torch import fx

from mlp_core.engines.native.emitter import F64, I1, I64, POINTER, Emitter, whole
from mlp_core.engines.native.layout import Layout
from mlp_core.engines.native.sharing import BOARD_BYTES, HELP, Sharing, set_open
from mlp_core.engines.native.shuffling import Shuffling
from mlp_core.engines.native.step import Step
from mlp_core.engines.optimizers import Update

binding.initialize_native_target()
binding.initialize_native_asmprinter()

CHUNK = "chunk"
SETTINGS = ("batch", "steps", "first")
"""Whole numbers that a chunk is given: the batch of the epoch that it begins with, its steps, and whether the
optimizer's state is new."""


@dataclass(frozen=True)
class Program:
    """A compiled chunk, shared by every run of its structure.

    Call `function` with pointers in the order of `pointers`: among them `order`, int64, the order of the epoch that
    the chunk begins in, and afterwards of that which it ends in; `stream` and `sampler`, states of the run's random
    numbers and of a generator of the code's own; `losses`, float32, and `rates`, float64, of as many numbers as steps;
    `settings`, int64; `numbers`, float64: the update's scalars and the step counter; `arena` and `board`, memory of so
    many bytes, the second zero at first. Meanwhile another thread may call `help` with the same board, where
    there is work for two; it returns when the chunk is done. `code` keeps the machine code alive.
    """

    function: Callable[..., None]
    help: Callable[[int], None] | None
    pointers: tuple[str, ...]
    arena: int
    board: int
    source: str
    code: Any


def write(graphs: Sequence[fx.GraphModule], layout: Layout, update: Update) -> Program:
    """Compile a chunk from one graph per batch size; raises `UnsupportedError` for what native code cannot do."""
    module = ir.Module(CHUNK)
    sharing, shuffling = Sharing(module), Shuffling(module)
    steps = [
        Step(module, graph, layout, size, update, sharing, shuffling.draw)
        for graph, size in zip(graphs, layout.sizes, strict=True)
    ]
    pointers = _chunk(module, steps, layout, update, sharing, shuffling)
    source = str(module)
    code = _compile(module)
    address = code.get_function_address(CHUNK)
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(pointers))(address)
    helper = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.get_function_address(HELP)) if sharing.offers else None
    return Program(function, helper, pointers, max(step.arena for step in steps), BOARD_BYTES, source, code)


def _chunk(
    module: ir.Module, steps: Sequence[Step], layout: Layout, update: Update, sharing: Sharing, shuffling: Shuffling
) -> tuple[str, ...]:
    """Write the loop over steps and epochs, and return the names of its pointers."""
    own = ("losses", "rates", "settings", "sampler")
    pointers = (*(name for name in steps[0].pointers if name != "loss"), *own)
    shuffle = shuffling.shuffle(layout.samples)
    emitter = Emitter(module, CHUNK, [POINTER] * len(pointers))
    builder = emitter.builder
    given = dict(zip(pointers, emitter.function.args, strict=True))
    begin, count, first = (emitter.load(given["settings"], i, I64) for i in range(len(SETTINGS)))
    batch = emitter.variable(I64, begin)
    new = emitter.variable(I1, builder.icmp_signed("!=", first, whole(0)))
    per_epoch = -(-layout.samples // layout.batch_size)
    rest = len(steps) > 1
    if sharing.offers:
        set_open(emitter, given["board"], True)
    with emitter.loop(count) as done:
        at = emitter.get(batch, I64)
        with builder.if_then(builder.icmp_signed("==", at, whole(0))):
            builder.call(shuffle, [given["stream"], given["sampler"], given["order"]])
        row = emitter.scale_index(at, layout.batch_size)
        if layout.scheduled:
            rate = emitter.load(given["rates"], done, F64)
            emitter.store(rate, given["numbers"], update.scalars.index("lr"))
        last = builder.icmp_signed("==", emitter.add_index(done, 1), count)
        values = {**given, "order": emitter.at(given["order"], row, I64), "loss": emitter.at(given["losses"], done)}

        def call(step: Step) -> None:
            passed = [values[name] for name in step.pointers]
            builder.call(step.emitter.function, [*passed, emitter.get(new, I1), last])

        ends = builder.icmp_signed("==", emitter.add_index(at, 1), whole(per_epoch))
        if rest:
            with builder.if_else(ends) as (then, otherwise):
                with then:
                    call(steps[1])
                with otherwise:
                    call(steps[0])
        else:
            call(steps[0])
        builder.store(whole(0, I1), new)
        builder.store(emitter.select(ends, whole(0), emitter.add_index(at, 1)), batch)
        with builder.if_then(ends):
            for _ in range(2):  # the base seed of the test loader
                builder.call(shuffling.draw, [given["stream"]])
    if sharing.offers:
        set_open(emitter, given["board"], False)
    emitter.finish()
    return pointers


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
