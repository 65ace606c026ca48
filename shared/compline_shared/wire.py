"""A verdict as bytes: one CBOR array, relative to what its segment already says.

    [shape, seq, started, judged, duration, speech,
     marks?, loudness?, peak?, pace?, messages?, uncovered?, abstained?, back?, dropped?, model?, lexicon?, rules?,
     policy?,
     (about, confidence, offset, rule, entry) for each finding]

`shape` says in its bits which of the optional members follow; a member that equals its default is absent. `marks` is
contact (8 bytes), case (8) and evidence digest (32), those that exist, in one byte string. `about` packs a finding's
enums, `pace` speaking rate and shares of anger and overlap. docs/protocol.md draws the bits. There is exactly one
encoding of a verdict: what does not re-encode to itself is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from compline_shared.closed import compile_check
from compline_shared.codec import Value, decode, encode
from compline_shared.errors import MalformedFrame, OutOfBounds
from compline_shared.masking import CiphertextDigest, Pseudonym
from compline_shared.messages import MAX_FINDINGS, Finding, Verdict, Versions, Voice
from compline_shared.taxonomy import Abstention, Category, Direction, Kind, Pass, Role, Severity, Technique

MAX_VERDICT: Final = 768
"""Bytes of one encoded verdict; the largest that can be built takes 32 findings and stays below."""

_CONTACT, _CASE, _EVIDENCE, _VOICE = 1 << 7, 1 << 8, 1 << 9, 1 << 10
_MESSAGES, _UNCOVERED, _ABSTAINED, _SUPERSEDES, _DROPPED, _VERSIONS, _POLICY = (
    1 << bit for bit in range(11, 18)
)
_FIXED, _FINDING = 6, 5
_check = compile_check(Verdict)


@dataclass(frozen=True, slots=True)
class SegmentBase:
    """What the verdicts of one segment are written relative to."""

    first_seq: int  # seq of the segment's first verdict
    started: int  # Unix s, when that verdict's call began
    versions: Versions


ABSOLUTE = SegmentBase(first_seq=0, started=0, versions=Versions())
"""Relative to nothing."""


def encode_verdict(verdict: Verdict, base: SegmentBase) -> bytes:
    """Return the verdict's bytes; raises OutOfBounds unless it is exactly a Verdict, every field in its bounds."""
    _check(verdict)
    v = verdict
    shape = (v.kind - 1) | (v.pass_ - 1) << 2 | v.direction << 3 | v.answered << 5 | v.effective << 6
    members: list[Value] = [
        0,
        v.seq - base.first_seq,
        v.started - base.started,
        v.judged - v.started,
        v.duration,
        v.speech,
    ]
    marks = b""
    for bit, mark in ((_CONTACT, v.contact), (_CASE, v.case), (_EVIDENCE, v.evidence)):
        if mark is not None:
            shape |= bit
            marks += bytes(mark)
    if marks:
        members.append(marks)
    if v.voice is not None:
        shape |= _VOICE
        members += v.voice.loudness, v.voice.peak_loudness, _pace(v.voice)
    if v.messages:
        shape |= _MESSAGES
        members.append(v.messages)
    if v.coverage != 100:
        shape |= _UNCOVERED
        members.append(100 - v.coverage)
    if v.abstained is not None:
        shape |= _ABSTAINED
        members.append(int(v.abstained))
    if v.supersedes:
        shape |= _SUPERSEDES
        members.append(v.seq - v.supersedes)
    if v.findings_dropped:
        shape |= _DROPPED
        members.append(v.findings_dropped)
    if v.versions != base.versions:
        shape |= _VERSIONS
        members += v.versions.model, v.versions.lexicon, v.versions.rules
    if v.policy:
        shape |= _POLICY
        members.append(v.policy)
    for finding in v.findings:
        members += _about(finding), finding.confidence, finding.offset, finding.rule, finding.entry
    members[0] = shape
    return encode(members)


def canonical(verdict: Verdict) -> bytes:
    """Return the verdict's bytes relative to nothing: what the hash chain runs over."""
    return encode_verdict(verdict, ABSOLUTE)


def decode_verdict(data: bytes, base: SegmentBase) -> Verdict:
    """Return the verdict that `encode_verdict` wrote with the same base.

    Raises:
        MalformedFrame: not such bytes; nothing else is ever raised.
    """
    members = decode(data, limit=MAX_VERDICT)
    if type(members) is not list or len(members) < _FIXED:
        raise _malformed()
    try:
        verdict = Verdict(**_fields(members, base))
        again = encode_verdict(verdict, base)
    except (OutOfBounds, ValueError, TypeError, StopIteration):
        raise _malformed() from None
    if again != data:
        raise _malformed()
    return verdict


def encode_base(base: SegmentBase) -> bytes:
    """Return a segment's base as bytes."""
    v = base.versions
    return encode([base.first_seq, base.started, v.model, v.lexicon, v.rules])


def decode_base(data: bytes) -> SegmentBase:
    """Return the base that `encode_base` wrote; raises MalformedFrame for anything else."""
    try:
        first_seq, started, model, lexicon, rules = msgspec.convert(
            decode(data, limit=64), tuple[int, int, int, int, int]
        )
        versions = msgspec.convert({"model": model, "lexicon": lexicon, "rules": rules}, Versions)
    except msgspec.ValidationError:
        raise MalformedFrame(
            "A segment's header does not say what its verdicts are relative to; it was dropped."
        ) from None
    return SegmentBase(first_seq=first_seq, started=started, versions=versions)


def _about(finding: Finding) -> int:
    return (
        finding.warned
        | finding.acknowledged << 1
        | (finding.severity - 1) << 2
        | finding.role << 4
        | (finding.technique - 1) << 6
        | finding.category << 9
    )


def _pace(voice: Voice) -> int:
    angry, overlap = (0 if tenths is None else tenths + 1 for tenths in (voice.angry, voice.overlap))
    return voice.rate | angry << 5 | overlap << 9


def _voice(loudness: int, peak: int, pace: int) -> Voice:
    angry, overlap = (code - 1 if code else None for code in (pace >> 5 & 15, pace >> 9))
    return Voice(loudness=loudness, peak_loudness=peak, rate=pace & 31, angry=angry, overlap=overlap)


def _fields(members: list[Value], base: SegmentBase) -> dict[str, Any]:
    rest = iter(members)
    shape, seq, started, judged, duration, speech = (_integer(rest) for _ in range(_FIXED))
    if not 0 <= shape < 1 << 18:
        raise ValueError
    fields: dict[str, Any] = {
        "seq": seq + base.first_seq,
        "started": started + base.started,
        "judged": judged + started + base.started,
        "kind": Kind((shape & 3) + 1),
        "pass_": Pass((shape >> 2 & 1) + 1),
        "direction": Direction(shape >> 3 & 3),
        "answered": bool(shape >> 5 & 1),
        "effective": bool(shape >> 6 & 1),
        "duration": duration,
        "speech": speech,
        "versions": base.versions,
    }
    if shape & (_CONTACT | _CASE | _EVIDENCE):
        fields |= _marks(next(rest), shape)
    if shape & _VOICE:
        fields["voice"] = _voice(_integer(rest), _integer(rest), _integer(rest))
    if shape & _MESSAGES:
        fields["messages"] = _integer(rest)
    if shape & _UNCOVERED:
        fields["coverage"] = 100 - _integer(rest)
    if shape & _ABSTAINED:
        fields["abstained"] = Abstention(_integer(rest))
    if shape & _SUPERSEDES:
        fields["supersedes"] = seq + base.first_seq - _integer(rest)
    if shape & _DROPPED:
        fields["findings_dropped"] = _integer(rest)
    if shape & _VERSIONS:
        fields["versions"] = Versions(model=_integer(rest), lexicon=_integer(rest), rules=_integer(rest))
    if shape & _POLICY:
        fields["policy"] = _integer(rest)
    fields["findings"] = tuple(_findings(list(rest)))
    return fields


def _integer(rest: Iterator[Value]) -> int:
    member = next(rest)
    if type(member) is not int:
        raise TypeError
    return member


def _marks(marks: Value, shape: int) -> dict[str, Pseudonym | CiphertextDigest]:
    if type(marks) is not bytes:
        raise TypeError
    made: dict[str, Pseudonym | CiphertextDigest] = {}
    if shape & _CONTACT:
        made["contact"], marks = Pseudonym(marks[:8]), marks[8:]
    if shape & _CASE:
        made["case"], marks = Pseudonym(marks[:8]), marks[8:]
    if shape & _EVIDENCE:
        made["evidence"], marks = CiphertextDigest(marks[:32]), marks[32:]
    if marks:
        raise ValueError
    return made


def _findings(members: list[Value]) -> Iterator[Finding]:
    if len(members) % _FINDING or len(members) > _FINDING * MAX_FINDINGS:
        raise ValueError
    rest = iter(members)
    for _ in range(len(members) // _FINDING):
        about = _integer(rest)
        yield Finding(
            category=Category(about >> 9),
            severity=Severity((about >> 2 & 3) + 1),
            role=Role(about >> 4 & 3),
            technique=Technique((about >> 6 & 7) + 1),
            warned=bool(about & 1),
            acknowledged=bool(about >> 1 & 1),
            confidence=_integer(rest),
            offset=_integer(rest),
            rule=_integer(rest),
            entry=_integer(rest),
        )


def _malformed() -> MalformedFrame:
    return MalformedFrame("A verdict in a batch breaks the closed schema; the batch was dropped.")
