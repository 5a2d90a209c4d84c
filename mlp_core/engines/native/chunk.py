"""The loop over the steps of a chunk: it draws the order of each epoch and walks a step's table of calls."""

from __future__ import annotations

from llvmlite import ir

from mlp_core.engines.native.emitter import F32, F64, I64, POINTER, Emitter, Value, whole
from mlp_core.engines.native.kernel import ENTRY
from mlp_core.engines.native.sharing import set_open

FIELDS = (
    "first",  # 1 in the first step with a new optimizer state, else 0
    "last",  # 1 in the chunk's last step, else 0
    "rows",  # where the order of this step's samples lies
    "batch",  # the number of the batch in its epoch
    "steps",  # how many the chunk has
    "samples",
    "batch_size",
    "per_epoch",  # batches
    "stream",  # the states of the run's random numbers, and of a generator of this code's own
    "sampler",
    "order",  # int64 (samples,): the order of the epoch
    "loss",  # where a step leaves its loss
    "losses",  # float32 (steps,)
    "rates",  # float64 (steps,), or 0 without a schedule
    "rate",  # where a step takes its learning rate from
    "momenta",  # float64 (steps,), or 0 where no schedule changes them
    "momentum",  # where a step takes its momentum, or its first beta, from
    "every",  # mini-batches whose gradients make an update
    "begins",  # 1 in the first of these, else 0
    "calls",  # the table of a step, and how many calls it has
    "call_count",
    "short_calls",  # the same for an epoch's last batch, where it is smaller; else those of any other
    "short_call_count",
    "update_count",  # how many of the calls, the last ones, are the update
    "short_update_count",
    "loaders",  # that a script evaluates with at an epoch's end
    "board",  # over which threads share work; 0 where there is none to share
)
"""What a chunk is told, numbers of 64 bits: counts and addresses."""
FIELD = {name: position for position, name in enumerate(FIELDS)}


def write(module: ir.Module) -> None:
    """Write `walk`, which makes the calls of a table once, and `chunk`."""
    _write_walk(module)
    _write_chunk(module)


def _write_walk(module: ir.Module) -> None:
    """Make calls one after the other: a table holds for each the address of a kernel and that of its arguments."""
    emitter = Emitter(module, "walk", [POINTER, I64], shared=True)
    builder, (calls, count) = emitter.builder, emitter.function.args
    with emitter.loop(count) as position:
        place = emitter.scale_index(position, 2)
        kernel = builder.inttoptr(emitter.load(calls, place, I64), ir.PointerType(ENTRY))
        arguments = builder.inttoptr(emitter.load(calls, emitter.add_index(place, 1), I64), POINTER)
        builder.call(kernel, [arguments])
    emitter.finish()


def _write_chunk(module: ir.Module) -> None:
    emitter = Emitter(module, "chunk", [POINTER], shared=True)
    builder, control = emitter.builder, emitter.function.args[0]
    walk, shuffle, draw = (module.globals[name] for name in ("walk", "shuffle", "draw"))

    def get(name: str) -> Value:
        return emitter.load(control, FIELD[name], I64)

    def put(name: str, value: Value) -> None:
        emitter.store(value, control, FIELD[name])

    def pointer(name: str) -> Value:
        return builder.inttoptr(get(name), POINTER)

    steps, per_epoch, every = (get(name) for name in ("steps", "per_epoch", "every"))
    shares, scheduled, cycled = (
        builder.icmp_signed("!=", get(name), whole(0)) for name in ("board", "rates", "momenta")
    )
    with builder.if_then(shares):
        set_open(emitter, pointer("board"), True)
    with emitter.loop(steps) as done:
        batch = get("batch")
        with builder.if_then(builder.icmp_signed("==", batch, whole(0))):
            builder.call(shuffle, [pointer("stream"), pointer("sampler"), pointer("order"), get("samples")])
        row = emitter.scale_index(batch, get("batch_size"))
        put("rows", builder.ptrtoint(emitter.at(pointer("order"), row, I64), I64))
        with builder.if_then(scheduled):
            emitter.store(emitter.load(pointer("rates"), done, F64), pointer("rate"))
        with builder.if_then(cycled):
            emitter.store(emitter.load(pointer("momenta"), done, F64), pointer("momentum"))
        after = emitter.add_index(batch, 1)
        ends = builder.icmp_signed("==", after, per_epoch)
        begins, complete = (builder.icmp_signed("==", builder.srem(n, every), whole(0)) for n in (batch, after))
        updates = builder.or_(complete, ends)
        put("begins", builder.zext(begins, I64))
        put("last", builder.zext(builder.icmp_signed("==", emitter.add_index(done, 1), steps), I64))
        calls = emitter.select(ends, get("short_calls"), get("calls"))
        count = emitter.select(ends, get("short_call_count"), get("call_count"))
        of_update = emitter.select(ends, get("short_update_count"), get("update_count"))
        count = emitter.select(updates, count, builder.sub(count, of_update))
        builder.call(walk, [builder.inttoptr(calls, POINTER), count])
        emitter.store(emitter.load(pointer("loss"), 0, F32), pointer("losses"), done)
        put("first", emitter.select(updates, whole(0), get("first")))
        put("batch", emitter.select(ends, whole(0), after))
        with builder.if_then(ends), emitter.loop(get("loaders")):
            for _ in range(2):  # the base seed of the loader
                builder.call(draw, [pointer("stream")])
    with builder.if_then(shares):
        set_open(emitter, pointer("board"), False)
    emitter.finish()
