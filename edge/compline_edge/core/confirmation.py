"""Weighs a sighting by what the recogniser read at its place and by how the words around it are taken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import Token, Utterance
from compline_edge.core.syllables import INDEX, fuzzy, readings
from compline_edge.core.text_calibration import STEP, percent
from compline_shared.taxonomy import Severity

AROUND = 4.0
"""Seconds before and after a sighting whose words tell what is meant."""
BESIDE = 0.3
"""Seconds before and after a sighting within which its syllables are looked for."""
ALIKE = 0.4
"""What a syllable costs that people confuse with the right one; a missing, other or additional one costs 1."""
SHORT = 4
"""Syllables below which a phrase always needs confirmation."""
SAME = 0.25
"""Cost a syllable up to which the reading is the phrase."""
UNCONFIRMED = 20
"""Confidence at most of a short phrase that nothing confirms, below what a rule may rest on."""
MOST_MEANT = 3.0
"""Nats that the classifier adds or takes at most: its words and the sighting's sounds are of the same recording."""
_MOST_ODDS = 6.0


def apart(said: Sequence[str], read: Sequence[int]) -> float:
    """How far a phrase's characters ("" for any) are from the nearest run of read syllables: cost a syllable, 0..1."""
    sounds = [set(readings(character)) for character in said]
    near = [found | {other for one in found for other in fuzzy(one)} for found in sounds]
    row = [0.0] * (len(read) + 1)  # the run may begin anywhere
    for character, exact, alike in zip(said, sounds, near, strict=True):
        before, row = row, [row[0] + 1.0]
        for place, syllable in enumerate(read):
            cost = 0.0 if not character or syllable in exact else ALIKE if syllable in alike else 1.0
            row.append(min(before[place] + cost, before[place + 1] + 1.0, row[-1] + 1.0))
    return min(row) / max(1, len(said))


def tokens_between(utterances: Iterable[Utterance], *, since: float, until: float) -> list[Token]:
    """Tokens that lie, at least half, between two seconds of a call."""
    return [
        token
        for utterance in utterances
        if utterance.end >= since and utterance.start <= until
        for token in utterance.tokens
        if since <= (token.start + token.end) / 2 <= until
    ]


def read_between(utterances: Iterable[Utterance], *, since: float, until: float) -> list[int]:
    """Syllables read there, of tokens that have one."""
    tokens = tokens_between(utterances, since=since - BESIDE, until=until + BESIDE)
    return [INDEX[token.syllable] for token in tokens if token.syllable]


def confirmed(
    noticed: Noticed, *, odds: float, syllables: int, distance: float, meant: float | None
) -> Noticed:
    """Return the sighting with the confidence that it deserves.

    `odds` are the log-odds that its margin gives; `meant` what the classifier's word on the words around adds, None
    where it has none. It makes the confidence depend on words that are nobody's business, which is why it then goes
    in steps, and takes no sighting back. A phrase under `SHORT` syllables that neither the reading nor the classifier
    confirms becomes a notice. Of longer ones the reading says nothing that the margin does not: on development speech
    its weight beside the margin was not to be told from none.
    """
    told = 0.0 if meant is None else max(-MOST_MEANT, min(MOST_MEANT, meant))
    probability = 1 / (1 + math.exp(-max(-30.0, min(30.0, odds + told))))
    confidence = min(99, round(100 * probability)) if meant is None else max(STEP, percent(probability))
    if syllables < SHORT and distance > SAME and (meant is None or meant < 0):
        return replace(noticed, severity=Severity.NOTICE, confidence=min(UNCONFIRMED, confidence))
    return replace(noticed, confidence=confidence)


def log_odds(probability: float) -> float:
    """Log-odds of a probability, -6 to 6."""
    odds = math.log(max(probability, 1e-6) / max(1.0 - probability, 1e-6))
    return max(-_MOST_ODDS, min(_MOST_ODDS, odds))
