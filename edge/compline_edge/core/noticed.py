"""One thing noticed by a matcher, before it becomes a finding; its words are the pack's, never the call's."""

from __future__ import annotations

from dataclasses import dataclass

from compline_shared.taxonomy import Category, Role, Severity, Technique


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of one original text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Noticed:
    """What was noticed, how surely, where and by which rule of which pack.

    `start` and `end` are seconds from the start of the recording (0 for text, where the pipeline knows the
    time of the message); `span` says where in a text, None for audio.
    """

    category: Category
    severity: Severity
    confidence: int  # 0..100
    role: Role
    technique: Technique
    entry: int  # lexicon entry, 0 = none
    phrase: str  # the pack's canonical phrase for the entry, "" where no entry
    rule: int = 0  # conduct or absence rule, 0 = none
    start: float = 0.0  # s
    end: float = 0.0  # s
    span: Span | None = None
