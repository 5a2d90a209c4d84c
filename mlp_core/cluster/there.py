"""What a node does. Imports nothing heavy: a node that lacks a package says so where it needs it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from mlp_core.cluster.packing import pack, unpack

MOST_DATA = 2
"""Data that a node's process keeps for what it does next."""
_data: OrderedDict[str, Any] = OrderedDict()


def do(work: bytes, key: str, head: bytes, *buffers: Any) -> bytes:
    """Call a function with the data of this key, and pack what it gives."""
    call = unpack(work)
    if key not in _data:
        _data[key] = unpack(head, buffers)
        while len(_data) > MOST_DATA:
            _data.popitem(last=False)
    _data.move_to_end(key)
    return pack(call(_data[key]))
