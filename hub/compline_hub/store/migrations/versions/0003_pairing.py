"""Collectors, the offers of pairing codes, and what a handset needs for a certificate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and columns; bindings from before have no collector."""
    op.create_table(
        "collector",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False, unique=True),
        sa.Column("made", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "offer",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("short", sa.String(2), nullable=False, index=True),
        sa.Column("handset_name", sa.String(60), nullable=False),
        sa.Column("collector_name", sa.String(60), nullable=False),
        sa.Column("sealed", sa.LargeBinary(64), nullable=True),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("tries_left", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("handset", sa.String(16), nullable=True),
    )
    with op.batch_alter_table("handset") as handset:
        handset.add_column(
            sa.Column("tls_key", sa.LargeBinary(65), nullable=False, server_default=sa.text("''"))
        )
        handset.add_column(sa.Column("removed", sa.BigInteger, nullable=True))
    with op.batch_alter_table("binding") as binding:
        binding.add_column(sa.Column("collector", sa.String(16), nullable=True))
        binding.add_column(sa.Column("bound", sa.BigInteger, nullable=False, server_default=sa.text("0")))
        binding.create_foreign_key("binding_collector", "collector", ["collector"], ["id"])


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("binding") as binding:
        binding.drop_constraint("binding_collector", type_="foreignkey")
        binding.drop_column("bound")
        binding.drop_column("collector")
    with op.batch_alter_table("handset") as handset:
        handset.drop_column("removed")
        handset.drop_column("tls_key")
    op.drop_table("offer")
    op.drop_table("collector")
