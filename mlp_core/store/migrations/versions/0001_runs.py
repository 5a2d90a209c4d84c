"""Runs, their records and their files."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("saved", sa.Float(53), nullable=False),
        sa.Column("started", sa.Float(53), nullable=False),
        sa.Column("deleted", sa.Float(53)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("starred", sa.Boolean, nullable=False),
        sa.Column("shared", sa.String(64), unique=True),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("thumbnail", sa.JSON, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("owner", "id", name="runs_owner_id"),
    )
    op.create_index("runs_owner_started", "runs", ["owner", "started"])
    op.create_index("runs_room", "runs", ["owner", "deleted", "starred", "started", "bytes"])
    op.create_table(
        "records", _run(), sa.Column("data", sa.LargeBinary, nullable=False), sa.Column("confusion", sa.JSON)
    )
    op.create_table(
        "files",
        _run(),
        sa.Column("which", sa.String(8), primary_key=True),
        sa.Column("step", sa.BigInteger),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def _run() -> sa.Column[int]:
    return sa.Column("run", sa.Integer, sa.ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True)


def downgrade() -> None:
    """Drop them."""
    for table in ("files", "records", "runs"):
        op.drop_table(table)
