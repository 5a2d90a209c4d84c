"""Data that a user brings as a file."""

from __future__ import annotations

from mlp_core.catalog import images, tables
from mlp_core.catalog.datasets.entry import DatasetEntry

UPLOADED = (
    DatasetEntry(
        name="table",
        label="My own table",
        source="uploaded",
        summary="A CSV or Parquet file of yours: choose it, its target and its features on the Data page.",
        when="To learn from data of your own.",
        loader="mlp_core.data.uploaded:load_uploaded",
        facts=tables.table_facts,
        own_file=tables.table_file,
        own_words=tables.table_words,
        parameters=tables.PARAMETERS,
    ),
    DatasetEntry(
        name="images",
        label="My own images",
        source="uploaded",
        summary="A zip of PNG and JPEG images of yours, a folder for each class: choose it on the Data page.",
        when="To learn from pictures of your own.",
        loader="mlp_core.data.uploaded_images:read_pixels",
        facts=images.images_facts,
        own_file=images.images_file,
        own_words=images.images_words,
        parameters=images.PARAMETERS,
        conflict=images.images_conflict,
    ),
)
