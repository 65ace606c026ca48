"""One verdict as an array of integers and at most one byte string."""

from dataclasses import dataclass
from typing import Any

from tests.stranger.cbor import encode

Versions = tuple[int, int, int]
NO_VERSIONS: Versions = (0, 0, 0)
CALL, CHAT, SMS, DEVICE = 1, 2, 3, 4
LIVE, FULL = 1, 2
SERIOUS = 3


@dataclass(frozen=True)
class Finding:
    """One thing noticed."""

    category: int
    severity: int
    technique: int
    confidence: int
    offset: int
    rule: int = 0
    entry: int = 0
    role: int = 0
    warned: bool = False
    acknowledged: bool = False

    def members(self) -> list[int]:
        about = self.warned | self.acknowledged << 1 | self.severity - 1 << 2 | self.role << 4
        about |= self.technique - 1 << 6 | self.category << 9
        return [about, self.confidence, self.offset, self.rule, self.entry]


@dataclass(frozen=True)
class Verdict:
    """What one call or conversation came to."""

    seq: int
    started: int
    judged: int
    kind: int = CALL
    judged_in: int = FULL
    direction: int = 0
    answered: bool = False
    effective: bool = False
    duration: int = 0
    speech: int = 0
    contact: bytes = b""
    case: bytes = b""
    evidence: bytes = b""
    voice: tuple[int, int, int] | None = None
    messages: int = 0
    coverage: int = 100
    abstained: int = 0
    supersedes: int = 0
    dropped: int = 0
    versions: Versions = NO_VERSIONS
    policy: int = 0
    findings: tuple[Finding, ...] = ()

    def encoded(self, first_seq: int = 0, started: int = 0, versions: Versions = NO_VERSIONS) -> bytes:
        """Relative to a segment; relative to nothing it is the canonical encoding."""
        shape = self.kind - 1 | self.judged_in - 1 << 2 | self.direction << 3
        shape |= self.answered << 5 | self.effective << 6
        back = self.seq - self.supersedes if self.supersedes else 0
        uncovered = 100 - self.coverage
        numbers = (self.messages, uncovered, self.abstained, back, self.dropped)
        other = self.versions != versions
        present = [
            self.contact,
            self.case,
            self.evidence,
            self.voice is not None,
            *numbers,
            other,
            self.policy,
        ]
        for bit, member in enumerate(present, start=7):
            shape |= bool(member) << bit
        value: list[Any] = [shape, self.seq - first_seq, self.started - started, self.judged - self.started]
        value += [self.duration, self.speech]
        if marks := self.contact + self.case + self.evidence:
            value.append(marks)
        value += self.voice or ()
        value += [number for number in numbers if number]
        value += self.versions if other else ()
        value += [self.policy] if self.policy else []
        for finding in self.findings:
            value += finding.members()
        return encode(value)

    @property
    def urgent(self) -> bool:
        """A serious finding, or any in a call that still runs."""
        live = self.judged_in == LIVE and bool(self.findings)
        return live or any(finding.severity >= SERIOUS for finding in self.findings)
