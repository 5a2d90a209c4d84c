"""Addresses of the routines that PyTorch's own kernels call: matrix products, exponentials and their like."""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from pathlib import Path

import torch

from mlp_core.engines.tracing import UnsupportedError

WIDTHS = {"AVX2": 8, "AVX512": 16}
"""Numbers in a vector of PyTorch's kernels, by what `torch.backends.cpu.get_cpu_capability` calls them."""
_SUFFIX = {8: "avx2", 16: "avx512f"}


def vector_width() -> int:
    """Numbers of single precision in a vector of PyTorch's kernels; raises `UnsupportedError` where it is not known."""
    capability = torch.backends.cpu.get_cpu_capability()
    if platform.machine().lower() not in ("x86_64", "amd64") or capability not in WIDTHS:
        raise UnsupportedError(f"there is no native code for {platform.machine()} with {capability}")
    return WIDTHS[capability]


def avx2_width() -> int:
    """Numbers in a vector of kernels that PyTorch has no AVX-512 form of, such as that for sums: AVX2's run there.

    Only kernels registered by `ALSO_REGISTER_AVX512_DISPATCH` have such a form (`aten/src/ATen/native/DispatchStub.h`).
    Raises as `vector_width`.
    """
    return min(vector_width(), WIDTHS["AVX2"])


def address_of(name: str) -> int:
    """Where a routine of PyTorch's library or of the C library begins; raises `UnsupportedError` if it is hidden."""
    for library in _libraries():
        try:
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
        except AttributeError:
            continue
    raise UnsupportedError(f"PyTorch's library does not show its routine {name}")


def vector_function(name: str) -> int:
    """A function of a whole vector from Sleef, which PyTorch's vectors use: 'exp', 'log', 'erf' and others."""
    width = vector_width()
    return address_of(f"Sleef_{name}f{width}_u10{_SUFFIX[width]}")


@cache
def _libraries() -> tuple[ctypes.CDLL, ...]:
    folder = Path(torch.__file__).parent / "lib"
    found = []
    for path in (folder / "libtorch_cpu.so", Path("libm.so.6")):
        try:
            found.append(ctypes.CDLL(str(path)))
        except OSError:
            continue
    return tuple(found)
