"""Runs that are kept: their records, histories, figures and weights, in SQLite or PostgreSQL.

Needs SQLAlchemy. Everything is stored in transactions: what `RunStore.save` has returned from survives the end of the
process at any moment.
"""

from __future__ import annotations

from mlp_core.store.opening import SCHEMA, open_store, store_url
from mlp_core.store.runs import RunStore, StoredRun

__all__ = ["SCHEMA", "RunStore", "StoredRun", "open_store", "store_url"]
