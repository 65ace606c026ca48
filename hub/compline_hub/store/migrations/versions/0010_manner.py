"""Keeps which share of a collector's speech sounded angry, and which the other side spoke through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns; of verdicts that came before nothing is known."""
    for name in ("angry", "overlap"):
        op.add_column("verdict", sa.Column(name, sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("verdict") as verdict:
        for name in ("overlap", "angry"):
            verdict.drop_column(name)
