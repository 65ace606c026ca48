"""Operators, and the chain of what was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "operator",
        sa.Column("id", sa.LargeBinary(8), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("removed", sa.BigInteger),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("act", sa.SmallInteger, nullable=False),
        sa.Column("detail", sa.String(80), nullable=False),
        sa.Column("handset", sa.String(16)),
        sa.Column("binding", sa.String(16)),
        sa.Column("command", sa.String(32)),
        sa.Column("head", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "audit_end",
        sa.Column("one", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("head", sa.LargeBinary(32), nullable=False),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("audit_end", "audit", "operator"):
        op.drop_table(table)
