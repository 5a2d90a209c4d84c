"""NumPy arrays as Plotly's typed arrays, `{"dtype", "bdata", "shape"}`: a third of the size of JSON numbers.

Plotly reads them little-endian. NaN and infinity are not JSON; as floats they travel, and Plotly draws a gap.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Encoded = dict[str, str]

_CODES = {np.dtype(code): code for code in ("f4", "f8", "u1", "u2", "i2", "i4")}


def encode(values: npt.ArrayLike) -> Encoded:
    """Real values as float32, whole numbers in the smallest type that holds them; one or two dimensions.

    Values that float32 cannot tell apart (a narrow span far from zero) or hold (above 3e38) go as float64.
    """
    array = np.asarray(values)
    if array.ndim not in (1, 2):
        raise ValueError(f"The 'values' of encode must have 1 or 2 dimensions. Got {array.ndim} instead.")
    if array.dtype.kind in "biu":
        return _pack(array.astype(_smallest(array)))
    if array.dtype.kind != "f":
        raise ValueError(f"The 'values' of encode must be numeric. Got dtype {array.dtype} instead.")
    return _pack(array.astype(np.float64 if _needs_double(array) else np.float32))


def encode_levels(values: Array, low: float, high: float, levels: int = 255) -> Encoded:
    """`values` (H×W) as uint8 from 0 (at `low`) to `levels` (at `high`), clipped; NaN becomes the middle."""
    if not high > low:
        raise ValueError(f"The 'high' of encode_levels must exceed 'low'. Got {low} and {high} instead.")
    scaled = (np.asarray(values, dtype=np.float64) - low) / (high - low)
    scaled = np.nan_to_num(scaled, nan=0.5, posinf=1.0, neginf=0.0)
    return _pack(np.rint(np.clip(scaled, 0.0, 1.0) * levels).astype(np.uint8))


def decode(encoded: Encoded) -> Array:
    """The array again; for tests and for tools that read a figure."""
    code = encoded["dtype"]
    array = np.frombuffer(base64.b64decode(encoded["bdata"]), dtype=np.dtype(code).newbyteorder("<"))
    shape = encoded.get("shape")
    return array.reshape([int(part) for part in shape.split(",")]) if shape else array


def _smallest(array: Array) -> type[np.generic]:
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    for kind in (np.uint8, np.uint16, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return kind
    return np.float64  # Plotly has no 64-bit integers; exact up to 2⁵³


def _needs_double(array: Array) -> bool:
    """Whether float32 would overflow, or resolve the span so badly that a line turns into steps."""
    if array.size == 0:
        return False
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):  # NaN anywhere makes both NaN
        finite = array[np.isfinite(array)]
        return finite.size > 0 and _needs_double(finite)
    span, size = high - low, max(abs(low), abs(high))
    return 0 < span < 1e-4 * size or size > 3e38


def _pack(array: Array) -> Encoded:
    code = _CODES[array.dtype]
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    encoded = {"dtype": code, "bdata": base64.b64encode(little.tobytes()).decode("ascii")}
    if array.ndim == 2:
        encoded["shape"] = f"{array.shape[0]}, {array.shape[1]}"
    return encoded
