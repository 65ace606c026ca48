"""Orders to bindings, and what the hub knows of a binding's life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    with op.batch_alter_table("binding") as binding:
        binding.add_column(sa.Column("next_escrow", sa.LargeBinary(128)))
    op.create_table(
        "standing",
        sa.Column("binding", sa.String(16), sa.ForeignKey("binding.id"), primary_key=True),
        sa.Column("wanted", sa.SmallInteger, nullable=False),
        sa.Column("signed", sa.BigInteger, nullable=False),
        sa.Column("policy", sa.BigInteger, nullable=False),
        sa.Column("roster", sa.LargeBinary, nullable=False),
        sa.Column("leased", sa.BigInteger),
        sa.Column("nonces", sa.LargeBinary(128), nullable=False),
        sa.Column("epoch", sa.BigInteger),
        sa.Column("counter", sa.BigInteger),
        sa.Column("state", sa.SmallInteger),
        sa.Column("cause", sa.SmallInteger),
        sa.Column("told_policy", sa.BigInteger),
        sa.Column("rollback_resistant", sa.Boolean),
        sa.Column("lease_used", sa.BigInteger),
        sa.Column("owed", sa.BigInteger),
        sa.Column("nonce", sa.LargeBinary(16)),
        sa.Column("told", sa.BigInteger),
    )
    op.create_table(
        "command",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("handset", sa.String(16), sa.ForeignKey("handset.id"), nullable=False),
        sa.Column("binding", sa.String(16), sa.ForeignKey("binding.id"), nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("ordered", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("terms", sa.LargeBinary),
        sa.Column("needed", sa.SmallInteger, nullable=False),
        sa.Column("approvals", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("reason", sa.SmallInteger),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger),
        sa.UniqueConstraint("id", name="command_once"),
    )
    op.create_index("command_due", "command", ["due"])
    op.create_index("command_binding", "command", ["binding", "number"])
    op.create_table(
        "branch_policy",
        sa.Column("one", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("warn", sa.BigInteger, nullable=False),
        sa.Column("freeze", sa.BigInteger, nullable=False),
        sa.Column("destroy", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("branch_policy", "command", "standing"):
        op.drop_table(table)
    with op.batch_alter_table("binding") as binding:
        binding.drop_column("next_escrow")
