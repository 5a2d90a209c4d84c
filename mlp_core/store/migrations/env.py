"""Runs migrations on the connection that `mlp_core.store.opening` hands over."""

from alembic import context

from mlp_core.store.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
