"""The phrases that a lexicon entry stands for: literal runs with gaps between them."""

from __future__ import annotations

from dataclasses import dataclass

from compline_shared.lexicon import Entry


@dataclass(frozen=True, slots=True)
class Phrase:
    """Literal runs in order; between run i and run i+1 stand 0 to gaps[i] arbitrary characters."""

    parts: tuple[str, ...]
    gaps: tuple[int, ...]

    @property
    def text(self) -> str:
        """All literal characters, gaps left out."""
        return "".join(self.parts)


def phrases(entry: Entry) -> tuple[Phrase, ...]:
    """Return the distinct phrases of `entry` in the order of its template, at most 512."""
    gaps = entry.template.gaps
    return tuple(Phrase(parts, gaps) for parts in dict.fromkeys(entry.template.phrases()))
