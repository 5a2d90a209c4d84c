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
    refill = _write_refill(module)
    _write_shuffle(module, _write_draw(module, refill), _write_seed(module), refill)


def _write_shuffle(module: ir.Module, draw: ir.Function, seed: ir.Function, refill: ir.Function) -> None:
    """A function of a stream, a generator of its own, an order and how many samples it has: draws an epoch's order."""
    emitter = Emitter(module, "shuffle", [POINTER] * 3 + [I64])
    stream, sampler, order, samples = emitter.function.args
    builder = emitter.builder
    for _ in range(3):  # a base seed of two draws, and the upper half of the sampler's seed
        builder.call(draw, [stream])
    builder.call(seed, [sampler, builder.call(draw, [stream])])
    with emitter.loop(samples) as index:
        emitter.store(index, order, index)
    numbers, last = emitter.array(LENGTH, I32), emitter.add_index(samples, -1)
    with emitter.loop(last, 0, LENGTH) as begin:  # all numbers of the sampler's state at once
        builder.call(refill, [sampler])
        rest = builder.sub(last, begin)
        count = emitter.select(builder.icmp_signed("<", rest, whole(LENGTH)), rest, whole(LENGTH))
        with emitter.loop(count) as position:
            emitter.store(_tempered(emitter, _number(emitter, sampler, position)), numbers, position)
        with emitter.loop(count) as position:
            index = emitter.add_index(begin, position)
            left = builder.trunc(builder.sub(samples, index), I32)
            drawn = builder.urem(emitter.load(numbers, position, I32), left)
            other = emitter.add_index(index, builder.zext(drawn, I64))
            first, second = emitter.load(order, index, I64), emitter.load(order, other, I64)
            emitter.store(second, order, index)
            emitter.store(first, order, other)
    emitter.finish()


def _number(emitter: Emitter, state: Value, position: Value) -> Value:
    """A number of a state."""
    return emitter.builder.trunc(emitter.load(state, emitter.add_index(position, _STATE), I64), I32)


def _write_refill(module: ir.Module) -> ir.Function:
    """Make the next numbers of the state."""
    emitter = Emitter(module, "refill", [POINTER])
    builder, (state,) = emitter.builder, emitter.function.args

    def make(index: Value, follower: Value, far: Value) -> None:
        following = _number(emitter, state, follower)
        upper = builder.and_(_number(emitter, state, index), whole(0x80000000, I32))
        mixed = builder.or_(upper, builder.and_(following, whole(0x7FFFFFFF, I32)))
        odd = builder.trunc(following, ir.IntType(1))
        twisted = builder.xor(
            builder.lshr(mixed, whole(1, I32)), emitter.select(odd, whole(0x9908B0DF, I32), whole(0, I32))
        )
        made = builder.xor(_number(emitter, state, far), twisted)
        emitter.store(builder.zext(made, I64), state, emitter.add_index(index, _STATE))

    # In pieces without conditions, which the compiler makes vectors of.
    with emitter.loop(LENGTH - SHIFT) as index:
        make(index, emitter.add_index(index, 1), emitter.add_index(index, SHIFT))
    with emitter.loop(LENGTH - 1, LENGTH - SHIFT) as index:
        make(index, emitter.add_index(index, 1), emitter.add_index(index, SHIFT - LENGTH))
    make(whole(LENGTH - 1), whole(0), whole(SHIFT - 1))
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
    emitter.finish(_tempered(emitter, _number(emitter, state, place)))
    return emitter.function


def _tempered(emitter: Emitter, number: Value) -> Value:
    """What a number of the state gives when it is drawn."""
    builder = emitter.builder
    drawn = builder.xor(number, builder.lshr(number, whole(11, I32)))
    for shift, mask in ((7, 0x9D2C5680), (15, 0xEFC60000)):
        drawn = builder.xor(drawn, builder.and_(builder.shl(drawn, whole(shift, I32)), whole(mask, I32)))
    return builder.xor(drawn, builder.lshr(drawn, whole(18, I32)))


def _write_seed(module: ir.Module) -> ir.Function:
    """As `torch.Generator.manual_seed`, of which the lower 32 bits count."""
    emitter = Emitter(module, "seed", [POINTER, I32])
    builder, (state, seed) = emitter.builder, emitter.function.args
    emitter.store(builder.zext(seed, I64), state, _STATE)
    last = emitter.variable(I32, seed)
    with emitter.loop(LENGTH, 1) as index:
        before = emitter.get(last, I32)
        mixed = builder.xor(before, builder.lshr(before, whole(30, I32)))
        made = builder.add(builder.mul(mixed, whole(1812433253, I32)), builder.trunc(index, I32))
        emitter.store(builder.zext(made, I64), state, emitter.add_index(index, _STATE))
        emitter.set(last, made)
    emitter.store(whole(1, I32), state, _LEFT)
    emitter.store(whole(0), state, _NEXT)
    emitter.finish()
    return emitter.function
