"""Data that a user brings as a file."""

from __future__ import annotations

from mlp_core.catalog.datasets.entry import DatasetEntry
from mlp_core.catalog.tables import PARAMETERS, table_facts

UPLOADED = (
    DatasetEntry(
        name="table",
        label="My own table",
        source="uploaded",
        summary="A CSV or Parquet file of yours: choose it, its target and its features on the Data page.",
        when="To learn from data of your own.",
        loader="mlp_core.data.uploaded:load_uploaded",
        facts=table_facts,
        parameters=PARAMETERS,
    ),
)
