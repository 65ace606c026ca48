"""A lexicon pack: the entries of one language that a matcher looks for, by number and by canonical phrase."""

from __future__ import annotations

from dataclasses import dataclass

from compline_shared.taxonomy import SPEECH_CATEGORIES, Category, Severity
from compline_shared.template import Template

IDENTITY_NOTICES = range(9000, 9500)
"""Entry ids of phrases by which a collector says who calls."""
RECORDING_NOTICES = range(9500, 10_000)
"""Entry ids of phrases by which a collector says that the call is recorded."""
OWN_ENTRIES = 20_000
"""Entry ids from here on belong to a company's own packs and may stand under any category."""
BLOCKS = {
    **{category: range(category * 1000, (category + 1) * 1000) for category in SPEECH_CATEGORIES},
    Category.ANGER: range(10_000, 11_000),
}
"""Entry ids of each category in the packs that the project ships."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the pack looks for; `template` stands for its spellings."""

    id: int
    category: Category
    severity: Severity
    template: Template
    excluded: tuple[str, ...]  # drops a match before, over or inside which one of these stands
    excluded_after: tuple[str, ...]  # drops a match after which one of these stands
    canonical: str  # what a page shows, Chinese
    gloss: str  # the same in English
    in_text: bool
    in_audio: bool
    debtor: bool  # counts also when the other side says it
    line: int


@dataclass(frozen=True, slots=True)
class Pack:
    """A versioned lexicon of one language."""

    name: str
    version: int
    language: str
    entries: tuple[Entry, ...]

    @property
    def canonical(self) -> dict[int, str]:
        """Canonical phrase of each entry id."""
        return {entry.id: entry.canonical for entry in self.entries}
