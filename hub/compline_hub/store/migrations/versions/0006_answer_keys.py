"""The one-time key of a handset's newest report takes the place of the key that it kept for all of its life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and forget nonces that came without a key: the next report brings both."""
    op.add_column("standing", sa.Column("answer_key", sa.LargeBinary(32)))
    op.execute("UPDATE standing SET nonce = NULL")
    op.drop_column(
        "handset", "receiving_key"
    )  # in place: SQLite would not let a table go that others refer to


def downgrade() -> None:
    """Take it back; what handsets received with is gone."""
    op.add_column(
        "handset",
        sa.Column("receiving_key", sa.LargeBinary(32), nullable=False, server_default=sa.text("''")),
    )
    op.drop_column("standing", "answer_key")
