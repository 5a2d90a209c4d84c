"""Kernels: small native functions that are compiled once per process, with sizes and addresses as arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from mlp_core.engines.native.emitter import F32, F64, I64, POINTER, Emitter

KINDS = {"p": POINTER, "i": I64, "f": F32, "d": F64}
"""Types of a kernel's arguments, by the letter that stands for each. Every argument takes 64 bits of a table."""
ENTRY = ir.FunctionType(ir.VoidType(), [POINTER])
"""How the loop over a table calls a kernel: with the address of its arguments."""


@dataclass(frozen=True)
class Kernel:
    """A native function that a table of calls may call."""

    arguments: str
    """A letter of `KINDS` for each argument. No two pointers lead to memory that overlaps and is written to."""
    write: Callable[..., None]
    """Writes its code, given an emitter and the arguments as values."""

    def declare(self, module: ir.Module, name: str, **attributes: Any) -> None:
        """Write the function into a module, under that name."""
        body = Emitter(module, f"{name}.body", [KINDS[letter] for letter in self.arguments], **attributes)
        self.write(body, *body.function.args)
        body.finish()
        body.function.linkage = "internal"
        entry = Emitter(module, name, [POINTER])
        table = entry.function.args[0]
        given = [entry.load(table, i, KINDS[letter], element=I64) for i, letter in enumerate(self.arguments)]
        entry.builder.call(body.function, given)
        entry.finish()
