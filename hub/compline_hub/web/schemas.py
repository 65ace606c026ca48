"""What the API answers, as msgspec Structs; enums by their code."""

from __future__ import annotations

from typing import Annotated

import msgspec

from compline_hub.core.alarm import Alarm
from compline_hub.core.enrolled import Handset
from compline_hub.core.offer import LIFE
from compline_hub.core.record import ONLINE_SECONDS, Kept, Summary
from compline_hub.qr import svg_path
from compline_hub.service.enrolment import MAX_NAME
from compline_hub.service.pairing import Given, Outcome
from compline_shared.messages import Finding
from compline_shared.pairing import TRIES

DIGEST_PREFIX = 16
"""Hex digits of the evidence digest that pages show."""


class FindingOut(msgspec.Struct, frozen=True):
    """A finding; `entry` and `rule` are numbers of the pack, 0 = none."""

    category: str
    severity: str
    confidence: int
    offset: int
    role: str
    technique: str
    rule: int
    entry: int
    warned: bool
    acknowledged: bool


class VoiceOut(msgspec.Struct, frozen=True):
    """Statistics of the collector's voice: dBFS, syllables a second, tenths; None where not told."""

    loudness: int
    peak_loudness: int
    rate: int
    angry: int | None
    overlap: int | None


class VersionsOut(msgspec.Struct, frozen=True):
    """What judged; 0 = not used."""

    model: int
    lexicon: int
    rules: int
    policy: int  # version of the branch's policy, by the handset's own count


class VerdictOut(msgspec.Struct, frozen=True, rename={"pass_": "pass"}):
    """A verdict as a page gets it; times in Unix seconds, durations in seconds."""

    arrival: int
    handset: str
    binding: str
    seq: int
    received: int
    started: int
    judged: int
    kind: str
    pass_: str
    supersedes: int
    superseded_by: int | None
    direction: str
    answered: bool
    effective: bool
    duration: int
    speech: int
    messages: int
    contact: str | None  # pseudonym, 16 hex digits
    case: str | None
    severity: str | None
    findings: list[FindingOut]
    findings_dropped: int
    voice: VoiceOut | None
    coverage: int
    abstained: str | None
    versions: VersionsOut
    evidence: str | None  # first digits of the digest


class VerdictsOut(msgspec.Struct, frozen=True):
    """A page of verdicts; `last` is the arrival to go on from with `after`."""

    verdicts: list[VerdictOut]
    last: int


class MinuteOut(msgspec.Struct, frozen=True):
    """Verdicts that arrived in one minute."""

    start: int
    verdicts: int
    grave: int


class SummaryOut(msgspec.Struct, frozen=True):
    """Counts since `since`; findings by code, verdicts by kind and reason of abstention."""

    hub: str
    now: int
    since: int
    verdicts: int
    kinds: dict[str, int]
    severities: dict[str, int]
    categories: dict[str, int]
    abstentions: dict[str, int]
    minutes: list[MinuteOut]
    handsets: int
    handsets_heard: int
    alarms: int
    refused: dict[str, int]  # frames that intake dropped since the hub started, by reason


class HandsetOut(msgspec.Struct, frozen=True):
    """An enrolled handset."""

    id: str
    name: str
    enrolled: int
    heard: int | None
    present: bool


class AlarmOut(msgspec.Struct, frozen=True):
    """Something that a person must look at."""

    kind: str
    handset: str
    binding: str
    seq: int
    first: int
    last: int
    times: int


class HandsetsOut(msgspec.Struct, frozen=True):
    """All handsets and the newest alarms."""

    handsets: list[HandsetOut]
    alarms: list[AlarmOut]


class PhraseOut(msgspec.Struct, frozen=True):
    """A lexicon entry in the pack's own words."""

    zh: str
    en: str


class PhrasesOut(msgspec.Struct, frozen=True):
    """Phrases by entry number, and sentences by rule number."""

    phrases: dict[str, PhraseOut]
    rules: dict[str, PhraseOut]


class OfferIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom a pairing code is asked."""

    handset: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
    collector: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]


class GivenOut(msgspec.Struct, frozen=True):
    """A pairing code, told once."""

    id: str
    code: str
    uri: str
    qr_side: int  # modules
    qr_path: str  # of an SVG, a unit a module
    seconds: int
    tries: int
    officer: str | None  # fingerprint of the compliance officer's key
    holder: str | None  # handset with which the collector works now


class OutcomeOut(msgspec.Struct, frozen=True):
    """How a pairing code stands."""

    state: str
    handset: str
    collector: str
    tries_left: int
    seconds_left: int


def given_out(given: Given) -> GivenOut:
    """Return a code as a page gets it."""
    side, path = svg_path(given.invitation.uri)
    return GivenOut(
        id=given.offer,
        code=given.invitation.code.text,
        uri=given.invitation.uri,
        qr_side=side,
        qr_path=path,
        seconds=LIFE,
        tries=TRIES,
        officer=given.invitation.officer,
        holder=given.holder,
    )


def outcome_out(outcome: Outcome) -> OutcomeOut:
    """Return how a code stands as a page gets it."""
    return OutcomeOut(
        state=outcome.state.code,
        handset=outcome.handset_name,
        collector=outcome.collector_name,
        tries_left=outcome.tries_left,
        seconds_left=outcome.seconds_left,
    )


def verdict_out(kept: Kept) -> VerdictOut:
    """Return a kept verdict as a page gets it."""
    v = kept.verdict
    return VerdictOut(
        arrival=kept.arrival,
        handset=kept.handset,
        binding=kept.binding,
        seq=v.seq,
        received=kept.received,
        started=v.started,
        judged=v.judged,
        kind=v.kind.code,
        pass_=v.pass_.code,
        supersedes=v.supersedes,
        superseded_by=kept.superseded_by,
        direction=v.direction.code,
        answered=v.answered,
        effective=v.effective,
        duration=v.duration,
        speech=v.speech,
        messages=v.messages,
        contact=None if v.contact is None else bytes(v.contact).hex(),
        case=None if v.case is None else bytes(v.case).hex(),
        severity=None if v.severity is None else v.severity.code,
        findings=[_finding_out(finding) for finding in v.findings],
        findings_dropped=v.findings_dropped,
        voice=None if v.voice is None else VoiceOut(**msgspec.structs.asdict(v.voice)),
        coverage=v.coverage,
        abstained=None if v.abstained is None else v.abstained.code,
        versions=VersionsOut(v.versions.model, v.versions.lexicon, v.versions.rules, v.policy),
        evidence=None if v.evidence is None else bytes(v.evidence).hex()[:DIGEST_PREFIX],
    )


def summary_out(summary: Summary, *, hub: str, now: int, refused: dict[str, int]) -> SummaryOut:
    """Return a summary as a page gets it."""
    return SummaryOut(
        hub=hub,
        now=now,
        since=summary.since,
        verdicts=summary.verdicts,
        kinds={kind.code: count for kind, count in summary.kinds.items()},
        severities={severity.code: count for severity, count in summary.severities.items()},
        categories={category.code: count for category, count in summary.categories.items()},
        abstentions={reason.code: count for reason, count in summary.abstentions.items()},
        minutes=[MinuteOut(m.start, m.verdicts, m.grave) for m in summary.minutes],
        handsets=summary.handsets,
        handsets_heard=summary.handsets_heard,
        alarms=summary.alarms,
        refused=refused,
    )


def handset_out(handset: Handset, *, now: int) -> HandsetOut:
    """Return a handset as a page gets it."""
    present = handset.heard is not None and handset.heard >= now - ONLINE_SECONDS
    return HandsetOut(handset.id, handset.name, handset.enrolled, handset.heard, present)


def alarm_out(alarm: Alarm) -> AlarmOut:
    """Return an alarm as a page gets it."""
    return AlarmOut(
        alarm.kind.code, alarm.handset, alarm.binding, alarm.seq, alarm.first, alarm.last, alarm.times
    )


def _finding_out(finding: Finding) -> FindingOut:
    return FindingOut(
        category=finding.category.code,
        severity=finding.severity.code,
        confidence=finding.confidence,
        offset=finding.offset,
        role=finding.role.code,
        technique=finding.technique.code,
        rule=finding.rule,
        entry=finding.entry,
        warned=finding.warned,
        acknowledged=finding.acknowledged,
    )
