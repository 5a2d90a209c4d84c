"""Work of a step in parts, of which other threads may take some, on other cores.

The thread that runs the steps offers parts and takes them one after the other; helpers that are there take them too.
Whoever is faster does more, and without helpers the first thread does them all. What a part computes does not depend on
who does it.
"""

from __future__ import annotations

from llvmlite import ir

from mlp_core.engines.native.emitter import I32, I64, POINTER, Emitter, Value, whole
from mlp_core.engines.native.functions import address_of
from mlp_core.engines.native.helping import THREADS

HELP = "help"
BOARD_BYTES = 320
"""Of the memory over which the threads speak; what several of them write has a cache line of its own."""
_TICKET, _DONE, _PART, _CONTEXT, _OPEN, _MODE, _INSIDE = 0, 8, 16, 17, 24, 25, 32
"""Where they lie, in numbers of 64 bits.

The ticket counts offers (upper half), and holds the parts of the last one and how many of them are taken. `done` counts
those that helpers have done. The board is open while steps run; `inside` counts the helpers. `mode` is how the first
thread's processor rounds and whether numbers below 1e-38 count as zero, which helpers must do alike.
"""
_OFFER, _MANY = 1 << 32, (1 << 16) - 1
_PATIENCE, _NAP = 2000, 50
"""How often the first thread looks whether helpers are done before it gives its core away, and for how many
microseconds: the system may have stopped one for somebody else, and runs it there."""

PART = ir.FunctionType(ir.VoidType(), [POINTER, I64])
"""A function that does a part: from the address of what it works on, and the part's number."""


def write(module: ir.Module) -> None:
    """Write `in_parts`, which a table calls, and `help`, which a helper's thread calls with the board."""
    _write_share(module)
    _write_help(module)
    entry = Emitter(module, "in_parts", [POINTER])
    table = entry.function.args[0]
    given = [entry.load(table, i, kind, element=I64) for i, kind in enumerate((POINTER, I64, POINTER, I64))]
    entry.builder.call(module.globals["share"], given)
    entry.finish()


def _write_share(module: ir.Module) -> None:
    """Have parts done, at most 60,000 of them, and wait for the last: from the board, what does one, its context, and
    how many there are."""
    emitter = Emitter(module, "share", [POINTER, I64, POINTER, I64], shared=True)
    board, part, context, parts = emitter.function.args
    builder = emitter.builder
    emitter.store(part, board, _PART)
    emitter.store(builder.ptrtoint(context, I64), board, _CONTEXT)
    emitter.store(whole(0), board, _DONE)
    last = builder.and_(emitter.load(board, _TICKET, I64), whole(-_OFFER))
    new = builder.or_(builder.add(last, whole(_OFFER)), builder.shl(parts, whole(16)))
    builder.atomic_rmw("xchg", emitter.at(board, _TICKET, I64), new, "seq_cst")
    own = emitter.variable(I64, whole(0))
    with emitter.forever() as leave_if:
        ticket = builder.atomic_rmw("add", emitter.at(board, _TICKET, I64), whole(1), "seq_cst")
        taken = builder.and_(ticket, whole(_MANY))
        leave_if(builder.icmp_unsigned(">=", taken, parts))
        builder.call(_as_function(emitter, part), [context, taken])
        builder.store(emitter.add_index(emitter.get(own, I64), 1), own)
    looks = emitter.variable(I64, whole(0))
    with emitter.forever() as leave_if:
        done = builder.load_atomic(emitter.at(board, _DONE, I64), "acquire", 8, typ=I64)
        leave_if(builder.icmp_signed(">=", builder.add(done, emitter.get(own, I64)), parts))
        builder.store(emitter.add_index(emitter.get(looks, I64), 1), looks)
        emitter.pause()
        with builder.if_then(builder.icmp_signed(">", emitter.get(looks, I64), whole(_PATIENCE)), likely=False):
            emitter.call(address_of("usleep"), I32, [whole(_NAP, I32)])
    emitter.finish()


def _write_help(module: ir.Module) -> None:
    """Take parts while the board is open; leaves at once if there are as many helpers as there may be."""
    emitter = Emitter(module, HELP, [POINTER], shared=True)
    board, builder = emitter.function.args[0], emitter.builder
    helpers = emitter.at(board, _INSIDE, I64)
    inside = builder.atomic_rmw("add", helpers, whole(1), "seq_cst")
    with builder.if_then(builder.icmp_signed(">=", inside, whole(THREADS - 1)), likely=False):
        builder.atomic_rmw("sub", helpers, whole(1), "seq_cst")
        builder.ret_void()
    mode = emitter.variable(I32, whole(0, I32))
    _call_on(emitter, "llvm.x86.sse.stmxcsr", mode)
    with emitter.forever() as leave_if:
        is_open = builder.load_atomic(emitter.at(board, _OPEN, I64), "acquire", 8, typ=I64)
        leave_if(builder.icmp_signed("==", is_open, whole(0)))
        seen = builder.load_atomic(emitter.at(board, _TICKET, I64), "acquire", 8, typ=I64)
        with builder.if_else(_is_left(emitter, seen)) as (then, otherwise):
            with then:
                ticket = builder.atomic_rmw("add", emitter.at(board, _TICKET, I64), whole(1), "seq_cst")
                with builder.if_then(_is_left(emitter, ticket)):
                    _take(emitter, board, ticket)
            with otherwise:
                emitter.pause()
    _call_on(emitter, "llvm.x86.sse.ldmxcsr", mode)
    builder.atomic_rmw("sub", helpers, whole(1), "seq_cst")
    emitter.finish()


def _take(emitter: Emitter, board: Value, ticket: Value) -> None:
    """Do a part that a helper has taken: until it is done, the offer stands."""
    builder = emitter.builder
    # For every part: a helper may stay from one chunk to the next, which may calculate in another way.
    _call_on(emitter, "llvm.x86.sse.ldmxcsr", emitter.at(board, _MODE, I64))
    part = emitter.load(board, _PART, I64)
    context = builder.inttoptr(emitter.load(board, _CONTEXT, I64), POINTER)
    builder.call(_as_function(emitter, part), [context, builder.and_(ticket, whole(_MANY))])
    builder.atomic_rmw("add", emitter.at(board, _DONE, I64), whole(1), "seq_cst")


def _is_left(emitter: Emitter, ticket: Value) -> Value:
    """Whether a part was left to be taken when the ticket was seen."""
    builder = emitter.builder
    parts = builder.and_(builder.lshr(ticket, whole(16)), whole(_MANY))
    return builder.icmp_unsigned("<", builder.and_(ticket, whole(_MANY)), parts)


def _as_function(emitter: Emitter, address: Value) -> Value:
    return emitter.builder.inttoptr(address, ir.PointerType(PART))


def set_open(emitter: Emitter, board: Value, is_open: bool) -> None:
    """Open the board before the first step of a chunk, close it after the last."""
    if is_open:
        _call_on(emitter, "llvm.x86.sse.stmxcsr", emitter.at(board, _MODE, I64))
    emitter.builder.atomic_rmw("xchg", emitter.at(board, _OPEN, I64), whole(int(is_open)), "seq_cst")


def _call_on(emitter: Emitter, name: str, place: Value) -> None:
    """Call one of LLVM's own operations that takes a pointer."""
    function = emitter.module.globals.get(name)
    if function is None:
        function = ir.Function(emitter.module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
    emitter.builder.call(function, [place])
