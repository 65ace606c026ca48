"""Holds what was spotted until its utterance has been read, then lets it go with the confidence that it deserves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from compline_edge.core.confirmation import AROUND, apart, confirmed, log_odds, read_between, tokens_between
from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import Utterance
from compline_edge.core.spotter import Spotted
from compline_edge.core.spotter_thresholds import Meaning
from compline_edge.reading import TextReader

A_MOMENT = 0.1
"""Seconds by which a sighting may end after the utterance that holds it."""


@dataclass(slots=True)
class Confirming:
    """The sightings of one channel that wait."""

    reader: TextReader
    meaning: Meaning | None = None
    patience: float = math.inf  # s after which a sighting goes, its utterance read or not
    waiting: list[tuple[Spotted, Noticed]] = field(default_factory=list)

    def wait(self, spotted: Spotted, noticed: Noticed) -> None:
        """Take one that has just been spotted."""
        self.waiting.append((spotted, noticed))

    def settle(self, utterances: Sequence[Utterance], *, read: float, now: float) -> list[Noticed]:
        """Return those whose utterances are closed, up to `read` seconds, and those that waited too long."""
        due = [one for one in self.waiting if self._is_due(one[0], read, now)]
        self.waiting = [one for one in self.waiting if not self._is_due(one[0], read, now)]
        return [
            self._confirmed(spotted, noticed, utterances if spotted.end <= read + A_MOMENT else ())
            for spotted, noticed in due
        ]

    def _is_due(self, spotted: Spotted, read: float, now: float) -> bool:
        return spotted.end <= read + A_MOMENT or now - spotted.end > self.patience

    def _confirmed(self, spotted: Spotted, noticed: Noticed, utterances: Sequence[Utterance]) -> Noticed:
        """By the utterances that hold it; where they are still open, by the best path alone."""
        read = read_between(utterances, since=spotted.start, until=spotted.end) or spotted.read
        return confirmed(
            noticed,
            odds=spotted.odds,
            syllables=len(spotted.said),
            distance=apart(spotted.said, read),
            meant=self._meant(spotted, noticed, utterances),
        )

    def _meant(self, spotted: Spotted, noticed: Noticed, utterances: Sequence[Utterance]) -> float | None:
        """What the classifier's word on the words around adds to the sighting's log-odds."""
        if not utterances or self.meaning is None:
            return None
        around = tokens_between(utterances, since=spotted.start - AROUND, until=spotted.end + AROUND)
        text = "".join(token.text for token in around)
        probability = self.reader.probability(text, noticed.role, noticed.category)
        return (
            None if probability is None else self.meaning.bias + self.meaning.weight * log_odds(probability)
        )
