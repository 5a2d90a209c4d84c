"""The import lines that a piece of code needs, found from the names that it reads."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection

from mlp_core.export.python import bound_names, call, flat, layout

KNOWN = {
    "DataLoader": "from torch.utils.data import DataLoader",
    "F": "import torch.nn.functional as F",
    "L": "import lightning as L",
    "OrderedDict": "from collections import OrderedDict",
    "Subset": "from torch.utils.data import Subset",
    "TensorDataset": "from torch.utils.data import TensorDataset",
    "copy": "import copy",
    "datasets": "from torchvision import datasets",
    "load_file": "from safetensors.torch import load_file",
    "math": "import math",
    "nn": "from torch import nn",
    "np": "import numpy as np",
    "os": "import os",
    "torch": "import torch",
    "transforms": "from torchvision import transforms",
}
"""The line that binds each name."""


def import_lines(code: str, more: Collection[str] = ()) -> list[str]:
    """Import lines for the code, and those of `more` whose name it reads: standard library first, then by name."""
    known = {**KNOWN, **{line.split()[-1]: line for line in more}}
    wanted = sorted({known[name] for name in bound_names(code) if name in known})
    groups = [[line for line in wanted if (_package(line) in sys.stdlib_module_names) == own] for own in (True, False)]
    lines: list[str] = []
    for group in filter(None, groups):
        lines += [*([""] if lines else []), *_merged(group)]
    return lines


def _package(line: str) -> str:
    return line.split()[1].partition(".")[0]


def _merged(lines: list[str]) -> list[str]:
    """Plain imports, then imports from a module, of which each module has one."""
    names: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        if line.startswith("from "):
            _, module, _, name = line.split(" ", 3)
            names[module].append(name)
    found = [line for line in lines if line.startswith("import ")]
    for module in sorted(names):
        group = call("", *sorted(names[module]))
        one_line = f"from {module} import {flat(group)[1:-1]}"
        found += [one_line] if len(one_line) <= 88 else layout(group, f"from {module} import ")
    return found
