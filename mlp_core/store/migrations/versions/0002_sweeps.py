"""Sweeps and their trials."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sweeps",
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("started", sa.Float(53), nullable=False),
        sa.Column("saved", sa.Float(53), nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.UniqueConstraint("owner", "id", name="sweeps_owner_id"),
    )
    op.create_index("sweeps_owner_started", "sweeps", ["owner", "started"])
    op.create_table(
        "sweep_trials",
        sa.Column("sweep", sa.Integer, sa.ForeignKey("sweeps.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("sweep_trials", "sweeps"):
        op.drop_table(table)
