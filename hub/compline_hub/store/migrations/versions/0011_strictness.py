"""How strict the branch is with each category, and the policy that each verdict was judged under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; verdicts of before were judged as calibrated, under no policy that says otherwise."""
    op.add_column("branch_policy", sa.Column("strictness", sa.LargeBinary))
    op.add_column("verdict", sa.Column("policy", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Remove them."""
    op.drop_column("verdict", "policy")
    op.drop_column("branch_policy", "strictness")
