"""Which public keys handsets are told of, up to which verdict each may still send, and who certified it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table in the place of that of command keys; a name of a key alone names no set, so nobody has told."""
    op.drop_table("command_key")
    op.create_table(
        "key_sets",
        sa.Column("one", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("present", sa.LargeBinary(8192), nullable=False),
        sa.Column("former", sa.LargeBinary(8192)),
        sa.Column("since", sa.BigInteger),
    )
    op.drop_column("standing", "command_key")
    op.add_column("standing", sa.Column("hub_keys", sa.LargeBinary(8)))
    op.add_column("standing", sa.Column("last_seq", sa.BigInteger))
    op.add_column("handset", sa.Column("certified_by", sa.LargeBinary(8)))


def downgrade() -> None:
    """Take them back."""
    op.drop_column("handset", "certified_by")
    op.drop_column("standing", "last_seq")
    op.drop_column("standing", "hub_keys")
    op.add_column("standing", sa.Column("command_key", sa.LargeBinary(8)))
    op.drop_table("key_sets")
    op.create_table(
        "command_key",
        sa.Column("one", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("present", sa.LargeBinary(32), nullable=False),
        sa.Column("former", sa.LargeBinary(32)),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
