"""The settings of an experiment by their paths, such as 'optimizer.lr': their names, their rules, and their values.

`values` reads and replaces one value, `whole` one of many layers at once, `listing` knows all that an experiment has.
"""

from mlp_core.settings.listing import Setting, applied, settable, setting_at, settings_of
from mlp_core.settings.values import NONE, path_in_layer
from mlp_core.settings.whole import ACTIVATION, DEPTH, INITIALIZER, WIDTH

__all__ = [
    "ACTIVATION",
    "DEPTH",
    "INITIALIZER",
    "NONE",
    "WIDTH",
    "Setting",
    "applied",
    "path_in_layer",
    "settable",
    "setting_at",
    "settings_of",
]
