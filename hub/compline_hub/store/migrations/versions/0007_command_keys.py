"""Which keys command, and which of them each handset goes by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and add the columns; nobody has told a key's name yet."""
    op.create_table(
        "command_key",
        sa.Column("one", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("present", sa.LargeBinary(32), nullable=False),
        sa.Column("former", sa.LargeBinary(32)),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.add_column("standing", sa.Column("command_key", sa.LargeBinary(8)))
    op.add_column("standing", sa.Column("rekeyed", sa.BigInteger))


def downgrade() -> None:
    """Take them back."""
    op.drop_column("standing", "rekeyed")
    op.drop_column("standing", "command_key")
    op.drop_table("command_key")
