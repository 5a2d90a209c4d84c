"""Links that show runs to others."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "shares",
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("secret", sa.String(64), nullable=False, unique=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("made", sa.Float(53), nullable=False),
    )
    op.create_index("shares_owner_made", "shares", ["owner", "made"])
    op.create_table(
        "shared_runs",
        sa.Column("share", sa.Integer, sa.ForeignKey("shares.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.key", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("shared_runs_run", "shared_runs", ["run"])


def downgrade() -> None:
    """Drop them."""
    for table in ("shared_runs", "shares"):
        op.drop_table(table)
