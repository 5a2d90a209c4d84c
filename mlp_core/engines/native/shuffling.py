"""The draws of an epoch as native code: the order of the samples, from PyTorch's own stream of random numbers.

The generator is the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), on the bytes that
`torch.Generator.get_state` gives and `set_state` takes. The draws repeat `RandomStream.shuffled` and
`Batches.advance`, number by number.
"""

from __future__ import annotations

from llvmlite import ir

from mlp_core.engines.native.emitter import I32, I64, POINTER, Emitter, Value, whole

LENGTH, SHIFT = 624, 397
"""Numbers of the generator's state, and how far apart those are that a new one is made of."""
STATE_BYTES = 8 * LENGTH + 64
"""Room for a generator of the code's own: a state with what precedes and follows it."""
_LEFT, _NEXT, _STATE = 2, 2, 3
"""Where `left` lies, in 32-bit numbers, `next` and the state, in 64-bit ones."""


def write(module: ir.Module) -> None:
    """Write `draw`, which the kernel of dropout calls, and `shuffle`, which the loop over steps calls."""
    draw = _write_draw(module, _write_refill(module))
    _write_shuffle(module, draw, _write_seed(module))


def _write_shuffle(module: ir.Module, draw: ir.Function, seed: ir.Function) -> None:
    """A function of a stream, a generator of its own, an order and how many samples it has: draws an epoch's order."""
    emitter = Emitter(module, "shuffle", [POINTER] * 3 + [I64])
    stream, sampler, order, samples = emitter.function.args
    builder = emitter.builder
    for _ in range(3):  # a base seed of two draws, and the upper half of the sampler's seed
        builder.call(draw, [stream])
    builder.call(seed, [sampler, builder.call(draw, [stream])])
    with emitter.loop(samples) as index:
        emitter.store(index, order, index)
    with emitter.loop(emitter.add_index(samples, -1)) as index:
        drawn = builder.call(draw, [sampler])
        left = builder.trunc(builder.sub(samples, index), I32)
        other = emitter.add_index(index, builder.zext(builder.urem(drawn, left), I64))
        first, second = emitter.load(order, index, I64), emitter.load(order, other, I64)
        emitter.store(second, order, index)
        emitter.store(first, order, other)
    emitter.finish()


def _write_refill(module: ir.Module) -> ir.Function:
    """Make the next numbers of the state."""
    emitter = Emitter(module, "refill", [POINTER])
    builder, (state,) = emitter.builder, emitter.function.args

    def number(index: Value) -> Value:
        return builder.trunc(emitter.load(state, emitter.add_index(index, _STATE), I64), I32)

    with emitter.loop(LENGTH) as index:
        after = emitter.add_index(index, 1)
        follower = emitter.select(builder.icmp_signed("==", after, whole(LENGTH)), whole(0), after)
        far = emitter.add_index(index, SHIFT)
        far = emitter.select(builder.icmp_signed(">=", far, whole(LENGTH)), emitter.add_index(far, -LENGTH), far)
        upper = builder.and_(number(index), whole(0x80000000, I32))
        mixed = builder.or_(upper, builder.and_(number(follower), whole(0x7FFFFFFF, I32)))
        odd = builder.trunc(number(follower), ir.IntType(1))
        twisted = builder.xor(
            builder.lshr(mixed, whole(1, I32)), emitter.select(odd, whole(0x9908B0DF, I32), whole(0, I32))
        )
        made = builder.xor(number(far), twisted)
        emitter.store(builder.zext(made, I64), state, emitter.add_index(index, _STATE))
    emitter.store(whole(LENGTH, I32), state, _LEFT)
    emitter.store(whole(0), state, _NEXT)
    emitter.finish()
    return emitter.function


def _write_draw(module: ir.Module, refill: ir.Function) -> ir.Function:
    """The next number of 32 bits."""
    emitter = Emitter(module, "draw", [POINTER], I32)
    builder, (state,) = emitter.builder, emitter.function.args
    left = builder.sub(emitter.load(state, _LEFT, I32), whole(1, I32))
    emitter.store(left, state, _LEFT)
    with builder.if_then(builder.icmp_signed("==", left, whole(0, I32)), likely=False):
        builder.call(refill, [state])
    place = emitter.load(state, _NEXT, I64)
    emitter.store(emitter.add_index(place, 1), state, _NEXT)
    drawn = builder.trunc(emitter.load(state, emitter.add_index(place, _STATE), I64), I32)
    drawn = builder.xor(drawn, builder.lshr(drawn, whole(11, I32)))
    for shift, mask in ((7, 0x9D2C5680), (15, 0xEFC60000)):
        drawn = builder.xor(drawn, builder.and_(builder.shl(drawn, whole(shift, I32)), whole(mask, I32)))
    emitter.finish(builder.xor(drawn, builder.lshr(drawn, whole(18, I32))))
    return emitter.function


def _write_seed(module: ir.Module) -> ir.Function:
    """As `torch.Generator.manual_seed`, of which the lower 32 bits count."""
    emitter = Emitter(module, "seed", [POINTER, I32])
    builder, (state, seed) = emitter.builder, emitter.function.args
    emitter.store(builder.zext(seed, I64), state, _STATE)
    with emitter.loop(LENGTH, 1) as index:
        before = builder.trunc(emitter.load(state, emitter.add_index(index, _STATE - 1), I64), I32)
        mixed = builder.xor(before, builder.lshr(before, whole(30, I32)))
        made = builder.add(builder.mul(mixed, whole(1812433253, I32)), builder.trunc(index, I32))
        emitter.store(builder.zext(made, I64), state, emitter.add_index(index, _STATE))
    emitter.store(whole(1, I32), state, _LEFT)
    emitter.store(whole(0), state, _NEXT)
    emitter.finish()
    return emitter.function
