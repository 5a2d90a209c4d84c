"""Activations: functions between the linear layers, with PyTorch's names and defaults. Most work element by element."""

from mlp_core.catalog.activations.common import COMMON
from mlp_core.catalog.activations.others import OTHERS
from mlp_core.catalog.activations.pieces import PIECES
from mlp_core.catalog.activations.smooth import SMOOTH
from mlp_core.catalog.entry import table
from mlp_core.catalog.layers import LayerEntry

ACTIVATIONS: dict[str, LayerEntry] = table(*COMMON, *SMOOTH, *PIECES, *OTHERS)
