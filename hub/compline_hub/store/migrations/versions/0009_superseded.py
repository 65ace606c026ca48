"""Finds what a verdict superseded without reading every verdict that there is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index; most verdicts are not superseded and not in it."""
    marked = sa.text("superseded_by IS NOT NULL")
    op.create_index(
        "verdict_superseded",
        "verdict",
        ["binding", "superseded_by"],
        sqlite_where=marked,
        postgresql_where=marked,
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("verdict_superseded", "verdict")
