"""How things travel between here and a node: pickled, each tensor as an array of its own numbers.

Only for what comes from a cluster that somebody named: whoever is in it may run anything anyway.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """PyTorch would write the whole memory that a tensor is a view of, once for each view."""
        torch = sys.modules.get("torch")
        if torch is not None and type(value) is torch.Tensor and value.device.type == "cpu":
            return _tensor, (value.detach().numpy(),)
        return NotImplemented


def _tensor(array: Any) -> Tensor:
    import torch

    return torch.from_numpy(array)


def pack(value: Any) -> bytes:
    """Anything that can be pickled, as bytes."""
    file = io.BytesIO()
    _Pickler(file, protocol=5).dump(value)
    return file.getvalue()


def pack_apart(value: Any) -> list[bytes | memoryview]:
    """The same in parts: first the bytes, then the numbers of each large array, which are not copied."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return [head, *(buffer.raw() for buffer in buffers)]


def unpack(content: bytes, buffers: Sequence[Any] = ()) -> Any:
    """What `pack` or `pack_apart` made bytes of; arrays whose numbers are in `buffers` stay there."""
    return pickle.loads(content, buffers=buffers)
