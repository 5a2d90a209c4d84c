"""What a caller may want to tell apart from other data errors."""

from __future__ import annotations

from mlp_core.errors import DataError


class DataMissing(DataError):  # noqa: N818 - a state that has a button, not a fault
    """A set that must be downloaded first, and that nobody has asked to download."""


class DataCancelled(DataError):  # noqa: N818 - the user's own wish, not a fault
    """The user stopped a download or a wait."""
