"""The native engine: a chunk of training steps as machine code for one structure, with the reference engine's bits.

The traced step is written as LLVM code and compiled by llvmlite. Products and transcendental functions are the very
routines that PyTorch calls, found in its library; the rest repeats PyTorch's arithmetic rounding by rounding, without
an operator's overhead of a microsecond and with the optimizer's whole update in one pass over the weights.

That it gives the same bits depends on the processor and on how PyTorch was built, so every program is tried against
the reference engine before it is used. What cannot be written, or differs, is left to the fast engine.
"""
