"""Small words for writing LLVM code: loops, elements of arrays, arithmetic on numbers and vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from mlp_core.engines.native.functions import address_of

F32, F64 = ir.FloatType(), ir.DoubleType()
I1, I8, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))
POINTER = ir.PointerType()
NOTHING = ir.VoidType()

Value = Any
"""An LLVM value; llvmlite has no types for its checker."""


def number(value: float, kind: Any = F32) -> Value:
    """A constant: a number, or a vector of it."""
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [ir.Constant(kind.element, value)] * kind.count)
    return ir.Constant(kind, value)


def whole(value: int, kind: Any = I64) -> Value:
    """An integer constant."""
    return ir.Constant(kind, value)


def vector(count: int) -> Any:
    """The type of so many numbers in single precision; of one, a plain number."""
    return ir.VectorType(F32, count) if count > 1 else F32


class Emitter:
    """Writes one function. Arithmetic rounds after every operation, unless `fma` says otherwise.

    Pointers among its arguments lead to different numbers; to `shared` ones, another thread may write meanwhile.
    """

    def __init__(
        self, module: ir.Module, name: str, arguments: Sequence[Any], result: Any = NOTHING, *, shared: bool = False
    ) -> None:
        kind = ir.FunctionType(result, arguments)
        self.module = module
        self.function = ir.Function(module, kind, name)
        if shared:
            self.function.attributes.add("noinline")
        for argument in self.function.args:
            if argument.type == POINTER and not shared:
                argument.add_attribute("noalias")
        self.builder = ir.IRBuilder(self.function.append_basic_block("begin"))

    def finish(self, result: Value = None) -> None:
        """End the function, with its result where it has one."""
        if result is None:
            self.builder.ret_void()
        else:
            self.builder.ret(result)

    @contextmanager
    def loop(self, count: Value | int, begin: Value | int = 0, step: int = 1) -> Iterator[Value]:
        """A block that is repeated with an index from `begin`, in steps, while it is less than `count`."""
        builder = self.builder
        end = whole(count) if isinstance(count, int) else count
        start = whole(begin) if isinstance(begin, int) else begin
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        before = builder.block
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(I64)
        index.add_incoming(start, before)
        builder.cbranch(builder.icmp_signed("<", index, end), body, after)
        builder.position_at_end(body)
        yield index
        index.add_incoming(builder.add(index, whole(step), flags=("nsw",)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    def for_sizes(self, size: Value, usual: Sequence[int], write: Callable[[Value], None]) -> None:
        """What `write` writes for a size, and before it the same for each usual one as a constant: loops of a few
        rounds are then written out."""
        if not usual:
            write(size)
            return
        first, *more = usual
        with self.builder.if_else(self.builder.icmp_signed("==", size, whole(first))) as (same, other):
            with same:
                write(whole(first))
            with other:
                self.for_sizes(size, more, write)

    @contextmanager
    def forever(self) -> Iterator[Callable[[Value], None]]:
        """A block that is repeated until the function that is given, called in it, finds its condition true."""
        builder = self.builder
        head, after = builder.append_basic_block("head"), builder.append_basic_block("after")
        builder.branch(head)
        builder.position_at_end(head)

        def leave_if(condition: Value) -> None:
            body = builder.append_basic_block("body")
            builder.cbranch(condition, after, body)
            builder.position_at_end(body)

        yield leave_if
        builder.branch(head)
        builder.position_at_end(after)

    def at(self, pointer: Value, index: Value | int, kind: Any = F32) -> Value:
        """The address of an element."""
        place = whole(index) if isinstance(index, int) else index
        return self.builder.gep(pointer, [place], source_etype=kind)

    def load(self, pointer: Value, index: Value | int = 0, kind: Any = F32, element: Any = None) -> Value:
        """An element, or the vector that begins with it."""
        place = self.at(pointer, index, element or _element(kind))
        return self.builder.load(place, typ=kind, align=4 if _element(kind) == F32 else None)

    def store(self, value: Value, pointer: Value, index: Value | int = 0) -> None:
        """Write an element, or the vector that begins with it."""
        element = _element(value.type)
        self.builder.store(value, self.at(pointer, index, element), align=4 if element == F32 else None)

    def lane(self, value: Value, lane: int) -> Value:
        """One number of a vector."""
        return self.builder.extract_element(value, whole(lane, I32))

    def spread(self, value: Value, kind: Any) -> Value:
        """A vector of a number; the number itself where no vector is asked for."""
        if not isinstance(kind, ir.VectorType):
            return value
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, whole(0, I32))
        zeros = ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count)
        return self.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)

    def add_index(self, index: Value, more: Value | int) -> Value:
        """The sum of two indices."""
        return self.builder.add(index, whole(more) if isinstance(more, int) else more, flags=("nsw",))

    def scale_index(self, index: Value, factor: Value | int) -> Value:
        """An index times a number."""
        return self.builder.mul(index, whole(factor) if isinstance(factor, int) else factor, flags=("nsw",))

    def round_down(self, count: Value, step: int) -> Value:
        """The largest multiple of a power of two that is not above the count."""
        return self.builder.and_(count, whole(-step))

    def variable(self, kind: Any, initial: Value) -> Value:
        """A place for a value that changes, at the function's beginning; give it its value here."""
        place = self._alloca(kind)
        self.builder.store(initial, place)
        return place

    def array(self, count: int, kind: Any = F32) -> Value:
        """Memory of the function's own for so many numbers, in single precision unless another type is given."""
        return self._alloca(ir.ArrayType(kind, count))

    def _alloca(self, kind: Any) -> Value:
        with self.builder.goto_entry_block():
            place = self.builder.alloca(kind)
        place.type = POINTER  # llvmlite still gives it the type of what it points to, which its `gep` trips over
        return place

    def get(self, place: Value, kind: Any) -> Value:
        """What a variable holds."""
        return self.builder.load(place, typ=kind)

    def set(self, place: Value, value: Value) -> None:
        """Give a variable another value."""
        self.builder.store(value, place)

    def call(self, address: int, result: Any, arguments: Sequence[Value]) -> Value:
        """Call a routine by its address."""
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        pointer = self.builder.inttoptr(whole(address), ir.PointerType(kind))
        return self.builder.call(pointer, arguments)

    def intrinsic(self, name: str, *arguments: Value) -> Value:
        """Call an operation of LLVM's own that has one type, such as 'llvm.sqrt'."""
        kind = arguments[0].type
        lanes = f"v{kind.count}" if isinstance(kind, ir.VectorType) else ""
        named = f"{name}.{lanes}{'f64' if _element(kind) == F64 else 'f32'}"
        function = self.module.globals.get(named)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(kind, [kind] * len(arguments)), named)
        return self.builder.call(function, arguments)

    def pause(self) -> None:
        """Let the processor rest for a moment in a loop that waits for another core."""
        name = "llvm.x86.sse2.pause"
        function = self.module.globals.get(name)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(NOTHING, []), name)
        self.builder.call(function, [])

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a·b + c, rounded once."""
        return self.intrinsic("llvm.fma", a, b, c)

    def power(self, base: Value, exponent: Value) -> Value:
        """As Python's `**` on doubles."""
        return self.call(address_of("pow"), F64, [base, exponent])

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        """One of two values."""
        return self.builder.select(condition, yes, no)


def _element(kind: Any) -> Any:
    return kind.element if isinstance(kind, ir.VectorType) else kind
