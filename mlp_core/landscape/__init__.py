"""The loss landscape: the loss of a network over a plane through its weights. Needs PyTorch."""

from mlp_core.landscape.directions import Moment, Plane, filter_normalised, path_plane, random_plane
from mlp_core.landscape.landscape import Landscape, LandscapeSpec, landscape, landscape_of, loss_landscape
from mlp_core.landscape.words import about, reading

__all__ = [
    "Landscape",
    "LandscapeSpec",
    "Moment",
    "Plane",
    "about",
    "filter_normalised",
    "landscape",
    "landscape_of",
    "loss_landscape",
    "path_plane",
    "random_plane",
    "reading",
]
