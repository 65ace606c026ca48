"""The verdict: closed, bounded, unable to carry content."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from compline_shared.masking import CiphertextDigest, Pseudonym
from compline_shared.taxonomy import Abstention, Category, Direction, Kind, Pass, Role, Severity, Technique

MAX_FINDINGS = 32
"""Findings that one verdict may carry; the rest are counted in `findings_dropped`."""

UnixSeconds = Annotated[int, Meta(ge=0, le=2**40)]
Duration = Annotated[int, Meta(ge=0, le=86_400)]  # s
Percent = Annotated[int, Meta(ge=0, le=100)]
Decibels = Annotated[int, Meta(ge=-120, le=0)]  # dBFS
Rate = Annotated[int, Meta(ge=0, le=20)]  # syllables/s
Tenths = Annotated[int, Meta(ge=0, le=10)]
EntryId = Annotated[int, Meta(ge=0, le=65_535)]  # 0 = none
Version = Annotated[int, Meta(ge=0, le=65_535)]
SeqNumber = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Dropped = Annotated[int, Meta(ge=0, le=65_535)]


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing noticed; its words are the lexicon's, never the call's."""

    category: Category
    severity: Severity
    confidence: Percent
    offset: Duration  # s from the start of the call or conversation
    role: Role
    technique: Technique
    rule: EntryId  # conduct or absence rule of the pack, 0 = none
    entry: EntryId  # lexicon entry, 0 = none
    warned: bool = False
    acknowledged: bool = False


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounded statistics of the collector's voice over one call."""

    loudness: Decibels  # mean over speech, dBFS
    peak_loudness: Decibels  # 95th percentile over speech, dBFS
    rate: Rate  # syllables/s over speech
    angry: Tenths | None = None  # of the judged speech; None: not told
    overlap: Tenths | None = (
        None  # of the speech, in which the other side speaks too; None: the sides are not apart
    )


class Versions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What judged: numbers of the model, the lexicon and the rules; 0 = not used."""

    model: Version = 0
    lexicon: Version = 0
    rules: Version = 0


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All findings of one call or conversation.

    Enums and bounded integers only, beside two pseudonyms and one digest of ciphertext, which only
    `compline_shared.masking` makes. The order of fields here is not the wire's; see `compline_shared.wire`.
    """

    seq: SeqNumber
    started: UnixSeconds  # when the call or conversation began
    judged: UnixSeconds  # when this verdict was made
    kind: Kind
    pass_: Pass
    supersedes: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0  # seq of an earlier pass, 0 = none
    direction: Direction = Direction.UNKNOWN
    answered: bool = False
    effective: bool = False  # answered and both sides spoke
    duration: Duration = 0  # s
    speech: Duration = 0  # s of it in which somebody speaks
    messages: Annotated[int, Meta(ge=0, le=65_535)] = 0  # of a conversation
    contact: Pseudonym | None = None
    case: Pseudonym | None = None
    findings: Annotated[tuple[Finding, ...], Meta(max_length=MAX_FINDINGS)] = ()
    findings_dropped: Dropped = 0
    voice: Voice | None = None
    coverage: Percent = 100  # share of it that was analysed
    abstained: Abstention | None = None  # why the rest was not
    versions: Versions = Versions()
    policy: Version = 0  # version of the branch's policy that it was judged under, 0 = as paired
    evidence: CiphertextDigest | None = None

    @property
    def severity(self) -> Severity | None:
        """The gravest severity among the findings, or None."""
        return max((f.severity for f in self.findings), default=None)

    @property
    def urgent(self) -> bool:
        """Whether the link must flush at once: a finding is serious or worse, or its call still runs."""
        return (self.severity or 0) >= (Severity.NOTICE if self.pass_ is Pass.LIVE else Severity.SERIOUS)
