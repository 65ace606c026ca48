"""Handsets, bindings, verdicts, findings, alarms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ARRIVAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "handset",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("signing_key", sa.LargeBinary(32), nullable=False),
        sa.Column("enrolled", sa.BigInteger, nullable=False),
        sa.Column("heard", sa.BigInteger),
    )
    op.create_table(
        "binding",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("handset", sa.String(16), sa.ForeignKey("handset.id"), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("up_to", sa.BigInteger, nullable=False),
        sa.Column("head", sa.LargeBinary(32), nullable=False),
        sa.Column("escrow", sa.LargeBinary(128), nullable=False),
    )
    op.create_table(
        "verdict",
        sa.Column("arrival", _ARRIVAL, primary_key=True, autoincrement=True),
        sa.Column("handset", sa.String(16), sa.ForeignKey("handset.id"), nullable=False),
        sa.Column("binding", sa.String(16), sa.ForeignKey("binding.id"), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("head", sa.LargeBinary(32), nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("superseded_by", sa.BigInteger),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("judged", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("pass", sa.SmallInteger, nullable=False),
        sa.Column("supersedes", sa.BigInteger, nullable=False),
        sa.Column("direction", sa.SmallInteger, nullable=False),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Column("effective", sa.Boolean, nullable=False),
        sa.Column("duration", sa.Integer, nullable=False),
        sa.Column("speech", sa.Integer, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("contact", sa.LargeBinary(8)),
        sa.Column("case", sa.LargeBinary(8)),
        sa.Column("findings_dropped", sa.Integer, nullable=False),
        sa.Column("loudness", sa.SmallInteger),
        sa.Column("peak_loudness", sa.SmallInteger),
        sa.Column("rate", sa.SmallInteger),
        sa.Column("coverage", sa.SmallInteger, nullable=False),
        sa.Column("abstained", sa.SmallInteger),
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("lexicon", sa.Integer, nullable=False),
        sa.Column("rules", sa.Integer, nullable=False),
        sa.Column("evidence", sa.LargeBinary(32)),
        sa.UniqueConstraint("handset", "binding", "seq", name="verdict_once"),
    )
    op.create_index("verdict_received", "verdict", ["received"])
    op.create_index("verdict_severity", "verdict", ["severity", "arrival"])
    op.create_index("verdict_kind", "verdict", ["kind", "arrival"])
    op.create_table(
        "finding",
        sa.Column("verdict", _ARRIVAL, sa.ForeignKey("verdict.arrival"), primary_key=True),
        sa.Column("ordinal", sa.SmallInteger, primary_key=True),
        sa.Column("category", sa.SmallInteger, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("confidence", sa.SmallInteger, nullable=False),
        sa.Column("offset", sa.Integer, nullable=False),
        sa.Column("role", sa.SmallInteger, nullable=False),
        sa.Column("technique", sa.SmallInteger, nullable=False),
        sa.Column("rule", sa.Integer, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.Column("warned", sa.Boolean, nullable=False),
        sa.Column("acknowledged", sa.Boolean, nullable=False),
    )
    op.create_index("finding_category", "finding", ["category", "verdict"])
    op.create_table(
        "alarm",
        sa.Column("kind", sa.SmallInteger, primary_key=True),
        sa.Column("handset", sa.String(16), sa.ForeignKey("handset.id"), primary_key=True),
        sa.Column("binding", sa.String(16), sa.ForeignKey("binding.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Remove the first tables."""
    for table in ("alarm", "finding", "verdict", "binding", "handset"):
        op.drop_table(table)
