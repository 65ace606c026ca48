"""Sample verdicts, and Hypothesis strategies for every verdict there can be."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from compline_shared.masking import CiphertextDigest, Pseudonym
from compline_shared.messages import Finding, Verdict, Versions, Voice
from compline_shared.taxonomy import Category, Direction, Kind, Pass, Role, Severity, Technique
from compline_shared.wire import SegmentBase

VERSIONS = Versions(model=3, lexicon=5, rules=2)
BASE = SegmentBase(first_seq=1200, started=1_795_000_000, versions=VERSIONS)


def finding(severity: Severity = Severity.WARNING, *, offset: int = 140, entry: int = 312) -> Finding:
    return Finding(
        category=Category.THIRD_PARTY,
        severity=severity,
        confidence=87,
        offset=offset,
        role=Role.COLLECTOR,
        technique=Technique.LEXICON_AUDIO,
        rule=0,
        entry=entry,
    )


def typical(
    seq: int = 1234, *, findings: tuple[Finding, ...] = (finding(),), started: int = 1_795_000_600
) -> Verdict:
    """A call of some minutes with contact, case, voice and evidence."""
    return Verdict(
        seq=seq,
        started=started,
        judged=started + 290,
        kind=Kind.CALL,
        pass_=Pass.FULL,
        direction=Direction.OUTGOING,
        answered=True,
        effective=True,
        duration=263,
        speech=171,
        contact=Pseudonym(seq.to_bytes(8, "big")),
        case=Pseudonym((seq + 7).to_bytes(8, "big")),
        findings=findings,
        voice=Voice(loudness=-21, peak_loudness=-12, rate=5, angry=1, overlap=0),
        versions=VERSIONS,
        evidence=CiphertextDigest(seq.to_bytes(32, "big")),
    )


def draft(*, severity: Severity = Severity.WARNING) -> Verdict:
    """What judging hands over: no seq of its own, no evidence yet."""
    return msgspec.structs.replace(typical(1, findings=(finding(severity),)), evidence=None)


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Every value of a closed type, edges included."""
    match kind:
        case inspect.IntType(ge=int(low), le=int(high)):
            return st.integers(low, high)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case inspect.CustomType(cls=cls) if cls is Pseudonym:
            return st.binary(min_size=8, max_size=8).map(Pseudonym)
        case inspect.CustomType(cls=cls) if cls is CiphertextDigest:
            return st.binary(min_size=32, max_size=32).map(CiphertextDigest)
        case inspect.UnionType(types=members):
            return st.one_of(*(values(member) for member in members))
        case inspect.VarTupleType(item_type=item, max_length=int(most)):
            return st.lists(values(item), max_size=most).map(tuple)
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: values(field.type) for field in fields})
        case _:
            raise AssertionError(kind)


VERDICTS = values(inspect.type_info(Verdict))
BASES = st.builds(
    SegmentBase,
    first_seq=st.integers(1, 2**53 - 1),
    started=st.integers(0, 2**40),
    versions=values(inspect.type_info(Versions)),
)
