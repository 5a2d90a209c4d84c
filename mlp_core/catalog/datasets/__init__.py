"""Data sets: what each holds, where it comes from, and its parameters."""

from __future__ import annotations

from mlp_core.catalog.datasets.bundled import BUNDLED
from mlp_core.catalog.datasets.downloaded import DOWNLOADED, TEST_IMAGES
from mlp_core.catalog.datasets.entry import GROUPS, DatasetEntry, Describe, Params, Source
from mlp_core.catalog.datasets.generated import GENERATED
from mlp_core.catalog.datasets.uploaded import UPLOADED
from mlp_core.catalog.datasets.user_made import USER_MADE
from mlp_core.catalog.entry import table

__all__ = ["DATASETS", "GROUPS", "TEST_IMAGES", "DatasetEntry", "Describe", "Params", "Source"]

DATASETS: dict[str, DatasetEntry] = table(*GENERATED, *USER_MADE, *BUNDLED, *UPLOADED, *DOWNLOADED)
"""Every data set by name, in the order that a dropdown shows them."""
