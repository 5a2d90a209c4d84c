"""Who trains a sweep and who writes a run; `runs.shared` goes, which nothing used.

SQLite drops a column that is unique by copying the table. That of the runs holds no files, so it is not large.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Change the tables."""
    op.add_column("sweeps", sa.Column("holder", sa.String(64), nullable=False, server_default=""))
    op.add_column("sweeps", sa.Column("held_until", sa.Float(53), nullable=False, server_default="0"))
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("writer", sa.String(64), nullable=False, server_default=""))
        runs.drop_column("shared")


def downgrade() -> None:
    """Change them back."""
    for column in ("holder", "held_until"):
        op.drop_column("sweeps", column)
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("shared", sa.String(64)))
        runs.create_unique_constraint("runs_shared_key", ["shared"])
        runs.drop_column("writer")
