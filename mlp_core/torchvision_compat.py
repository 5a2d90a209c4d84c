"""Importing torchvision beside a PyTorch that its compiled operators were not built for.

torchvision's package then still holds all data sets and transforms, but its import stops at "operator
torchvision::nms does not exist", because it describes two operators that only its compiled part declares.
Declaring them (they stay without a kernel) lets the import go on; nothing here uses them.
"""

from __future__ import annotations

import importlib
import threading
from types import ModuleType
from typing import Any

# As torchvision declares them in torchvision/csrc/ops/nms.cpp and quantized/cpu/qnms_kernel.cpp.
_OPERATORS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

_lock = threading.Lock()
_kept: list[Any] = []
"""The declarations: PyTorch withdraws them when their library object is deleted."""


def import_torchvision() -> ModuleType:
    """The torchvision package, imported; raises what its import raises if that has another cause."""
    with _lock:
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            if "operator torchvision::" not in str(error):
                raise
        # Python has taken the modules that failed out of sys.modules again; the few that did load stay, are
        # complete, and are used by the second attempt.
        _declare_operators()
        return importlib.import_module("torchvision")


def _declare_operators() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    _kept.append(library)
    for name, schema in _OPERATORS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)  # type: ignore[no-untyped-call]
