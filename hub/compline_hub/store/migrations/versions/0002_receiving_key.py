"""The key that a handset receives sealed messages with; one enrolled before has none and must enrol anew for that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("handset") as handset:
        handset.add_column(
            sa.Column("receiving_key", sa.LargeBinary(32), nullable=False, server_default=sa.text("''"))
        )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("handset") as handset:
        handset.drop_column("receiving_key")
