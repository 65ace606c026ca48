"""Turns what was observed of one call or conversation into a verdict of the closed schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from compline_edge.core.audio_quality import Quality
from compline_edge.core.noticed import Noticed
from compline_shared.masking import Pseudonym
from compline_shared.messages import MAX_FINDINGS, Finding, Verdict, Versions, Voice
from compline_shared.taxonomy import Abstention, Direction, Kind, Pass, Role, Severity, Technique

LONGEST = 86_400
UNNUMBERED = 1
"""Seq of a draft; the vault gives the real one."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a call or conversation without listening to it."""

    kind: Kind
    started: int  # Unix s
    direction: Direction = Direction.UNKNOWN
    contact: Pseudonym | None = None
    case: Pseudonym | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What listening or reading gave."""

    duration: float  # s
    speech: float = 0.0  # s
    messages: int = 0
    answered: bool = False
    effective: bool = False
    noticed: tuple[Noticed, ...] = ()
    voice: Voice | None = None
    coverage: float = 1.0  # 0..1
    abstained: Abstention | None = None
    quality: Quality | None = None  # of a call's sound; stays on the handset


def draft_verdict(
    observed: Observed,
    circumstances: Circumstances,
    *,
    versions: Versions,
    now: int,
    pass_: Pass,
    supersedes: int = 0,
    policy: int = 0,
) -> Verdict:
    """Return the verdict, its seq and evidence still to be given by the vault.

    The gravest `MAX_FINDINGS` findings are kept in order of time and the rest are counted. A finding whose speaker
    is unknown is at most a warning: it raises neither a veto nor an alarm to the admin.
    """
    kept = sorted(observed.noticed, key=lambda n: (-severity_of(n), -n.confidence, n.start))[:MAX_FINDINGS]
    return Verdict(
        seq=UNNUMBERED,
        started=circumstances.started,
        judged=now,
        kind=circumstances.kind,
        pass_=pass_,
        supersedes=supersedes,
        direction=circumstances.direction,
        answered=observed.answered,
        effective=observed.effective,
        duration=_seconds(observed.duration),
        speech=_seconds(observed.speech),
        messages=min(observed.messages, 65_535),
        contact=circumstances.contact,
        case=circumstances.case,
        findings=tuple(_finding(n) for n in sorted(kept, key=lambda n: (n.start, n.category))),
        findings_dropped=min(len(observed.noticed) - len(kept), 65_535),
        voice=observed.voice,
        coverage=_percent(observed.coverage),
        abstained=observed.abstained,
        versions=versions,
        policy=policy,
    )


def unreadable(reason: Abstention, *, duration: float = 0.0) -> Observed:
    """Return the observation of something of which nothing could be analysed, for `reason`."""
    return Observed(duration=duration, coverage=0.0, abstained=reason)


def gravest(noticed: Iterable[Noticed]) -> Severity | None:
    """Return the gravest severity as a verdict would carry it, or None."""
    return max((severity_of(n) for n in noticed), default=None)


def _finding(noticed: Noticed) -> Finding:
    return Finding(
        category=noticed.category,
        severity=severity_of(noticed),
        confidence=min(100, max(0, noticed.confidence)),
        offset=_seconds(noticed.start),
        role=noticed.role,
        technique=noticed.technique,
        rule=noticed.rule,
        entry=noticed.entry,
    )


def severity_of(noticed: Noticed) -> Severity:
    """Return how grave a sighting counts: no veto where words only sound alike, and no alarm of an unknown speaker."""
    if noticed.role is Role.UNKNOWN:
        return min(noticed.severity, Severity.WARNING)
    if noticed.technique is Technique.LEXICON_PINYIN:
        return min(noticed.severity, Severity.SERIOUS)
    return noticed.severity


def _seconds(value: float) -> int:
    return min(LONGEST, max(0, int(value)))


def _percent(share: float) -> int:
    if share >= 1:
        return 100
    return min(99, max(0, int(100 * share)))
