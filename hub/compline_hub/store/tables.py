"""The tables of the hub, as SQLAlchemy sees them; migrations make them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

Arrival = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column of exactly type INTEGER."""


class Tables(DeclarativeBase):
    """Root of the table classes."""


class HandsetRow(Tables):
    """An enrolled handset."""

    __tablename__ = "handset"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    signing_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    tls_key: Mapped[bytes] = mapped_column(LargeBinary(65), server_default=text("''"))
    enrolled: Mapped[int] = mapped_column(BigInteger)
    heard: Mapped[int | None] = mapped_column(BigInteger)
    removed: Mapped[int | None] = mapped_column(BigInteger)
    certified_by: Mapped[bytes | None] = mapped_column(LargeBinary(8))


class CollectorRow(Tables):
    """A person who works with a handset."""

    __tablename__ = "collector"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    made: Mapped[int] = mapped_column(BigInteger)


class OfferRow(Tables):
    """A pairing code that was given out; its secret is gone once it is of no use any more."""

    __tablename__ = "offer"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    short: Mapped[str] = mapped_column(String(2), index=True)  # the code's first two characters
    handset_name: Mapped[str] = mapped_column(String(60))
    collector_name: Mapped[str] = mapped_column(String(60))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    made: Mapped[int] = mapped_column(BigInteger)
    expires: Mapped[int] = mapped_column(BigInteger)
    tries_left: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[int] = mapped_column(SmallInteger)
    handset: Mapped[str | None] = mapped_column(String(16))  # that took it


class BindingRow(Tables):
    """A binding and how far its chain of verdicts has been taken."""

    __tablename__ = "binding"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    handset: Mapped[str] = mapped_column(ForeignKey("handset.id"))
    epoch: Mapped[int] = mapped_column(BigInteger)
    up_to: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary(32))
    escrow: Mapped[bytes] = mapped_column(LargeBinary(128))
    collector: Mapped[str | None] = mapped_column(ForeignKey("collector.id", name="binding_collector"))
    bound: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    next_escrow: Mapped[bytes | None] = mapped_column(LargeBinary(128))


class VerdictRow(Tables):
    """A verdict; enums by their number, pseudonyms and digest as bytes."""

    __tablename__ = "verdict"
    __table_args__ = (
        UniqueConstraint("handset", "binding", "seq", name="verdict_once"),
        Index("verdict_received", "received"),
        Index("verdict_severity", "severity", "arrival"),
        Index("verdict_kind", "kind", "arrival"),
        Index(
            "verdict_superseded",
            "binding",
            "superseded_by",
            sqlite_where=text("superseded_by IS NOT NULL"),
            postgresql_where=text("superseded_by IS NOT NULL"),
        ),
    )

    arrival: Mapped[int] = mapped_column(Arrival, primary_key=True, autoincrement=True)
    handset: Mapped[str] = mapped_column(ForeignKey("handset.id"))
    binding: Mapped[str] = mapped_column(ForeignKey("binding.id"))
    seq: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary(32))  # of the chain after it
    received: Mapped[int] = mapped_column(BigInteger)
    superseded_by: Mapped[int | None] = mapped_column(BigInteger)
    severity: Mapped[int] = mapped_column(SmallInteger)  # the gravest finding's, 0 = none
    started: Mapped[int] = mapped_column(BigInteger)
    judged: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[int] = mapped_column(SmallInteger)
    pass_: Mapped[int] = mapped_column("pass", SmallInteger)
    supersedes: Mapped[int] = mapped_column(BigInteger)
    direction: Mapped[int] = mapped_column(SmallInteger)
    answered: Mapped[bool]
    effective: Mapped[bool]
    duration: Mapped[int] = mapped_column(Integer)
    speech: Mapped[int] = mapped_column(Integer)
    messages: Mapped[int] = mapped_column(Integer)
    contact: Mapped[bytes | None] = mapped_column(LargeBinary(8))
    case_: Mapped[bytes | None] = mapped_column("case", LargeBinary(8))
    findings_dropped: Mapped[int] = mapped_column(Integer)
    loudness: Mapped[int | None] = mapped_column(SmallInteger)
    peak_loudness: Mapped[int | None] = mapped_column(SmallInteger)
    rate: Mapped[int | None] = mapped_column(SmallInteger)
    angry: Mapped[int | None] = mapped_column(SmallInteger)  # tenths, as overlap
    overlap: Mapped[int | None] = mapped_column(SmallInteger)
    coverage: Mapped[int] = mapped_column(SmallInteger)
    abstained: Mapped[int | None] = mapped_column(SmallInteger)
    model: Mapped[int] = mapped_column(Integer)
    lexicon: Mapped[int] = mapped_column(Integer)
    rules: Mapped[int] = mapped_column(Integer)
    policy: Mapped[int] = mapped_column(Integer, server_default="0")
    evidence: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    findings: Mapped[list[FindingRow]] = relationship(
        order_by="FindingRow.ordinal", lazy="selectin", cascade="all"
    )


class FindingRow(Tables):
    """One finding of a verdict, in the verdict's order."""

    __tablename__ = "finding"
    __table_args__ = (Index("finding_category", "category", "verdict"),)

    verdict: Mapped[int] = mapped_column(Arrival, ForeignKey("verdict.arrival"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    category: Mapped[int] = mapped_column(SmallInteger)
    severity: Mapped[int] = mapped_column(SmallInteger)
    confidence: Mapped[int] = mapped_column(SmallInteger)
    offset: Mapped[int] = mapped_column(Integer)
    role: Mapped[int] = mapped_column(SmallInteger)
    technique: Mapped[int] = mapped_column(SmallInteger)
    rule: Mapped[int] = mapped_column(Integer)
    entry: Mapped[int] = mapped_column(Integer)
    warned: Mapped[bool]
    acknowledged: Mapped[bool]


class AlarmRow(Tables):
    """A thing that must not happen, once a cause."""

    __tablename__ = "alarm"

    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    handset: Mapped[str] = mapped_column(ForeignKey("handset.id"), primary_key=True)
    binding: Mapped[str] = mapped_column(ForeignKey("binding.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)  # where it was noticed last
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    times: Mapped[int] = mapped_column(Integer)


class StandingRow(Tables):
    """What the hub wants of a binding; from `epoch` on what its handset told last."""

    __tablename__ = "standing"

    binding: Mapped[str] = mapped_column(ForeignKey("binding.id"), primary_key=True)
    wanted: Mapped[int] = mapped_column(SmallInteger)
    signed: Mapped[int] = mapped_column(BigInteger)
    policy: Mapped[int] = mapped_column(BigInteger)
    roster: Mapped[bytes] = mapped_column(LargeBinary)
    leased: Mapped[int | None] = mapped_column(BigInteger)
    hub_keys: Mapped[bytes | None] = mapped_column(LargeBinary(8))
    rekeyed: Mapped[int | None] = mapped_column(BigInteger)
    nonces: Mapped[bytes] = mapped_column(LargeBinary(128))
    epoch: Mapped[int | None] = mapped_column(BigInteger)
    counter: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[int | None] = mapped_column(SmallInteger)
    cause: Mapped[int | None] = mapped_column(SmallInteger)
    told_policy: Mapped[int | None] = mapped_column(BigInteger)
    rollback_resistant: Mapped[bool | None]
    lease_used: Mapped[int | None] = mapped_column(BigInteger)
    owed: Mapped[int | None] = mapped_column(BigInteger)
    last_seq: Mapped[int | None] = mapped_column(BigInteger)
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    answer_key: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    told: Mapped[int | None] = mapped_column(BigInteger)


class CommandRow(Tables):
    """An order to one binding; `number` is the order in which they were given."""

    __tablename__ = "command"
    __table_args__ = (
        UniqueConstraint("id", name="command_once"),
        Index("command_due", "due"),
        Index("command_binding", "binding", "number"),
    )

    number: Mapped[int] = mapped_column(Arrival, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    handset: Mapped[str] = mapped_column(ForeignKey("handset.id"))
    binding: Mapped[str] = mapped_column(ForeignKey("binding.id"))
    kind: Mapped[int] = mapped_column(SmallInteger)
    by: Mapped[str] = mapped_column(String(80))
    ordered: Mapped[int] = mapped_column(BigInteger)
    changed: Mapped[int] = mapped_column(BigInteger)
    terms: Mapped[bytes | None] = mapped_column(LargeBinary)
    needed: Mapped[int] = mapped_column(SmallInteger)
    approvals: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[int | None] = mapped_column(SmallInteger)
    epoch: Mapped[int] = mapped_column(BigInteger)
    counter: Mapped[int] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(Integer)
    due: Mapped[int | None] = mapped_column(BigInteger)


class BranchPolicyRow(Tables):
    """The one row with the branch's lease times, in seconds, and what it says of categories."""

    __tablename__ = "branch_policy"

    one: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    warn: Mapped[int] = mapped_column(BigInteger)
    freeze: Mapped[int] = mapped_column(BigInteger)
    destroy: Mapped[int] = mapped_column(BigInteger)
    strictness: Mapped[bytes | None] = mapped_column(LargeBinary)


class KeySetsRow(Tables):
    """The one row with the public keys that handsets are told of; there is none before the hub was opened first."""

    __tablename__ = "key_sets"

    one: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    present: Mapped[bytes] = mapped_column(LargeBinary(8192))
    former: Mapped[bytes | None] = mapped_column(LargeBinary(8192))
    since: Mapped[int | None] = mapped_column(BigInteger)


class OperatorRow(Tables):
    """Somebody who may approve."""

    __tablename__ = "operator"

    id: Mapped[bytes] = mapped_column(LargeBinary(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
    added: Mapped[int] = mapped_column(BigInteger)
    removed: Mapped[int | None] = mapped_column(BigInteger)


class AuditRow(Tables):
    """One entry of the audit chain; rows are added and never changed."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(BigInteger)
    who: Mapped[str] = mapped_column(String(80))
    act: Mapped[int] = mapped_column(SmallInteger)
    detail: Mapped[str] = mapped_column(String(80))
    handset: Mapped[str | None] = mapped_column(String(16))
    binding: Mapped[str | None] = mapped_column(String(16))
    command: Mapped[str | None] = mapped_column(String(32))
    head: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditEndRow(Tables):
    """The one row that says where the audit chain ends."""

    __tablename__ = "audit_end"

    one: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary(32))
