"""Whether what is trained on is near what is measured on: sentences that share most of their pairs of characters."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

from models.eval.authored_sets import rows
from models.text.templates import Template, expand, read_slots

TOO_NEAR = 0.5
"""Share of the pairs of characters of both that both have (Jaccard)."""


def authored() -> list[str]:
    """The sentences that are measured on."""
    return [row[-1] for name in ("violations.tsv", "lawful.tsv") for row in rows(name)]


def too_near(
    templates: Iterable[Template], measured: Iterable[str], *, each: int = 4
) -> Iterator[tuple[str, str]]:
    """Yield each template, as it stands, with a measured sentence that one of its expansions comes too near."""
    slots = read_slots()
    expansions: list[tuple[Template, frozenset[str]]] = []
    having: defaultdict[str, list[int]] = defaultdict(list)
    for template in templates:
        chance = random.Random(template.text)
        for text in sorted({expand(template, slots, chance) for _ in range(each)}):
            for pair in pairs(text):
                having[pair].append(len(expansions))
            expansions.append((template, pairs(text)))
    for sentence in measured:
        own = pairs(sentence)
        rarest = sorted(own, key=lambda pair: len(having.get(pair, ())))
        # Two that are near share `needed` pairs at least, so one of them is among any of the other number and one more.
        needed = int(TOO_NEAR * len(own)) + 1
        for place in {place for pair in rarest[: len(own) - needed + 1] for place in having.get(pair, ())}:
            template, others = expansions[place]
            if len(own & others) / len(own | others) > TOO_NEAR:
                yield template.text, sentence


def pairs(text: str) -> frozenset[str]:
    """The pairs of neighbouring characters of a text."""
    return frozenset(text[at : at + 2] for at in range(len(text) - 1))
