"""Turns verdicts into rows and rows into verdicts, field by field."""

from __future__ import annotations

from compline_hub.core.record import Kept
from compline_hub.store.tables import FindingRow, VerdictRow
from compline_shared.ids import BindingId, HandsetId
from compline_shared.masking import CiphertextDigest, Pseudonym
from compline_shared.messages import Finding, Verdict, Versions, Voice
from compline_shared.taxonomy import Abstention, Category, Direction, Kind, Pass, Role, Severity, Technique


def values_of(
    verdict: Verdict, *, handset: HandsetId, binding: BindingId, head: bytes, received: int
) -> dict[str, object]:
    """Return the columns of a verdict's row but its arrival."""
    voice = verdict.voice
    return dict(
        handset=handset,
        binding=binding,
        seq=verdict.seq,
        head=head,
        received=received,
        superseded_by=None,
        severity=int(verdict.severity or 0),
        started=verdict.started,
        judged=verdict.judged,
        kind=int(verdict.kind),
        **{"pass": int(verdict.pass_)},
        supersedes=verdict.supersedes,
        direction=int(verdict.direction),
        answered=verdict.answered,
        effective=verdict.effective,
        duration=verdict.duration,
        speech=verdict.speech,
        messages=verdict.messages,
        contact=None if verdict.contact is None else bytes(verdict.contact),
        case=None if verdict.case is None else bytes(verdict.case),
        findings_dropped=verdict.findings_dropped,
        loudness=None if voice is None else voice.loudness,
        peak_loudness=None if voice is None else voice.peak_loudness,
        rate=None if voice is None else voice.rate,
        angry=None if voice is None else voice.angry,
        overlap=None if voice is None else voice.overlap,
        coverage=verdict.coverage,
        abstained=None if verdict.abstained is None else int(verdict.abstained),
        model=verdict.versions.model,
        lexicon=verdict.versions.lexicon,
        rules=verdict.versions.rules,
        policy=verdict.policy,
        evidence=None if verdict.evidence is None else bytes(verdict.evidence),
    )


def finding_values_of(verdict: Verdict, *, arrival: int) -> list[dict[str, object]]:
    """Return the columns of the rows of a verdict's findings."""
    return [
        {
            "verdict": arrival,
            "ordinal": ordinal,
            "category": int(finding.category),
            "severity": int(finding.severity),
            "confidence": finding.confidence,
            "offset": finding.offset,
            "role": int(finding.role),
            "technique": int(finding.technique),
            "rule": finding.rule,
            "entry": finding.entry,
            "warned": finding.warned,
            "acknowledged": finding.acknowledged,
        }
        for ordinal, finding in enumerate(verdict.findings)
    ]


def kept_of(row: VerdictRow) -> Kept:
    """Return what a row means."""
    return Kept(
        arrival=row.arrival,
        handset=HandsetId(row.handset),
        binding=BindingId(row.binding),
        received=row.received,
        superseded_by=row.superseded_by,
        verdict=_verdict(row),
    )


def _verdict(row: VerdictRow) -> Verdict:
    return Verdict(
        seq=row.seq,
        started=row.started,
        judged=row.judged,
        kind=Kind(row.kind),
        pass_=Pass(row.pass_),
        supersedes=row.supersedes,
        direction=Direction(row.direction),
        answered=row.answered,
        effective=row.effective,
        duration=row.duration,
        speech=row.speech,
        messages=row.messages,
        contact=None if row.contact is None else Pseudonym(row.contact),
        case=None if row.case_ is None else Pseudonym(row.case_),
        findings=tuple(_finding(finding) for finding in row.findings),
        findings_dropped=row.findings_dropped,
        voice=_voice(row),
        coverage=row.coverage,
        abstained=None if row.abstained is None else Abstention(row.abstained),
        versions=Versions(model=row.model, lexicon=row.lexicon, rules=row.rules),
        policy=row.policy,
        evidence=None if row.evidence is None else CiphertextDigest(row.evidence),
    )


def _voice(row: VerdictRow) -> Voice | None:
    if row.loudness is None or row.peak_loudness is None or row.rate is None:
        return None
    return Voice(
        loudness=row.loudness,
        peak_loudness=row.peak_loudness,
        rate=row.rate,
        angry=row.angry,
        overlap=row.overlap,
    )


def _finding(row: FindingRow) -> Finding:
    return Finding(
        category=Category(row.category),
        severity=Severity(row.severity),
        confidence=row.confidence,
        offset=row.offset,
        role=Role(row.role),
        technique=Technique(row.technique),
        rule=row.rule,
        entry=row.entry,
        warned=row.warned,
        acknowledged=row.acknowledged,
    )
