"""Experiments as code of their own: a script or a notebook that trains the same network to the same numbers.

    from mlp_core.export import STYLES, exactness, notebook, refuses, script

`script(experiment, style)` gives the text of a Python file, `notebook(experiment, style)` that of a Jupyter notebook;
`refuses` says why a style cannot express a network, `exactness` why the digits may differ. The code is free of this
library: it needs PyTorch, and what its data comes from (NumPy, scikit-learn or torchvision).
"""

from __future__ import annotations

from mlp_core.catalog.styles import STYLES
from mlp_core.export.refusals import exactness, refuses
from mlp_core.export.writing import file_name, network_code, notebook, script

__all__ = ["STYLES", "exactness", "file_name", "network_code", "notebook", "refuses", "script"]
