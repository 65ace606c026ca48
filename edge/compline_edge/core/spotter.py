"""Finds lexicon phrases in syllable posteriors: one sighting an entry and place, none in a negative
context."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from compline_edge.core.ctc_decoding import greedy
from compline_edge.core.phrase_lattice import build
from compline_edge.core.phrase_scorer import Match, PhraseScorer
from compline_edge.core.speech import Posteriors
from compline_edge.core.spotter_thresholds import Thresholds
from compline_shared.lexicon import Entry
from compline_shared.template import Choice

HOLD = 0.45
"""Seconds for which a better match of the same entry at the same place is awaited."""

REACH = 8
"""Syllables before or after a match within which a negative context counts."""

REACH_SECONDS = 2.4
"""The same in seconds, at most."""

JOINED = 0.6
"""Seconds of pause over which a phrase may go on; voice activity also cuts where nobody pauses."""

KEPT = 12.0
"""Seconds of posteriors that are kept for looking back at contexts."""

ONSET = 0.1
"""Seconds by which a syllable begins before the step on which the model is sure of it."""


@dataclass(frozen=True, slots=True)
class Spotted:
    """One lexicon entry heard at one place."""

    entry: int
    start: float  # s
    end: float  # s
    score: float  # margin in nats above the entry's threshold, 0 or more
    confidence: int  # 0..99


class Spotter:
    """The audio entries of a lexicon, compiled once; one stream a channel.

    A template is compiled as it stands, its slots side by side: cost grows with its length, not its
    expansions.
    """

    def __init__(self, entries: Iterable[Entry], thresholds: Thresholds, *, pack: str = "") -> None:
        """Compile the entries that may be spotted in audio; `pack` is the name under which thresholds
        know them.
        """
        self.thresholds = thresholds
        self.entries = tuple(entry for entry in entries if entry.in_audio)
        self.stricter = tuple(thresholds.entries.get(str(entry.id), 0.0) for entry in self.entries)
        self.lattice = build([entry.template.pieces for entry in self.entries])
        words = dict.fromkeys(w for entry in self.entries for w in (*entry.excluded, *entry.excluded_after))
        self.contexts = tuple(words)
        self.context_lattice = build([[Choice((word,))] for word in self.contexts])

    def open(self) -> SpotterStream:
        """Begin to listen to one channel."""
        return SpotterStream(self)


class SpotterStream:
    """One channel being listened to."""

    def __init__(self, spotter: Spotter) -> None:
        self._spotter = spotter
        thresholds = spotter.thresholds
        self._scorer = PhraseScorer(
            spotter.lattice,
            thresholds,
            base=thresholds.base,
            allowances=[thresholds.allowance(character) for character in spotter.lattice.characters],
        )
        self._pending: dict[int, Match] = {}
        self._told: dict[int, float] = {}  # target: end of what was last told of it
        self._kept: deque[Posteriors] = deque()
        self._end = -np.inf

    def feed(self, posteriors: Posteriors) -> tuple[Spotted, ...]:
        """Take the next posteriors of a stretch; returns what is now certain, in order of time."""
        spotted: list[Spotted] = []
        if posteriors.start - self._end > JOINED:
            spotted += self._settle(np.inf)
            self._scorer.reset()
        self._remember(posteriors)
        emissions = self._scorer.emissions(posteriors.log_probs, start=posteriors.start, step=posteriors.step)
        for match in self._scorer.feed(emissions):
            spotted += self._consider(match)
        spotted += self._settle(np.inf if posteriors.ends else self._end)
        return tuple(sorted(spotted, key=lambda one: one.start))

    def finish(self) -> tuple[Spotted, ...]:
        """Take the end of the call; returns what was still awaited."""
        return tuple(self._settle(np.inf))

    def _consider(self, match: Match) -> list[Spotted]:
        """Weigh one match against what is pending for its entry; the better of two at one place stays."""
        stricter = self._spotter.stricter[match.target]
        if match.margin < stricter or match.start <= self._told.get(match.target, -1.0):
            return []
        held = self._pending.get(match.target)
        settled: list[Spotted] = []
        if held is not None and match.start > held.end:
            settled = self._tell(held)
            held = None
        if held is None or match.margin > held.margin:
            self._pending[match.target] = match
        return settled

    def _settle(self, now: float) -> list[Spotted]:
        """Tell what cannot become better any more at `now` seconds."""
        due = [match for match in self._pending.values() if match.end + self._patience(match) < now]
        return [spotted for match in sorted(due, key=lambda one: one.start) for spotted in self._tell(match)]

    def _patience(self, match: Match) -> float:
        return REACH_SECONDS if self._spotter.entries[match.target].excluded_after else HOLD

    def _tell(self, match: Match) -> list[Spotted]:
        del self._pending[match.target]
        self._told[match.target] = match.end
        entry = self._spotter.entries[match.target]
        if self._denied(match, entry):
            return []
        thresholds = self._spotter.thresholds
        margin = match.margin - self._spotter.stricter[match.target]
        return [
            Spotted(
                entry=entry.id,
                start=max(0.0, match.start - ONSET),
                end=match.end,
                score=margin,
                confidence=thresholds.confidence(margin),
            )
        ]

    def _denied(self, match: Match, entry: Entry) -> bool:
        """Is one of the entry's negative contexts heard before, over, inside or after the match?"""
        if entry.excluded and self._heard(
            entry.excluded, since=self._reach_back(match.start), until=match.end
        ):
            return True
        if not entry.excluded_after:
            return False
        return self._heard(entry.excluded_after, since=match.end + 0.01, until=self._reach_on(match.end))

    def _heard(self, words: tuple[str, ...], *, since: float, until: float) -> bool:
        spotter, thresholds = self._spotter, self._spotter.thresholds
        lattice = spotter.context_lattice
        scorer = PhraseScorer(
            lattice, thresholds, base=0.0, allowances=[thresholds.context] * len(lattice.characters)
        )
        wanted = {spotter.contexts.index(word) for word in words}
        for piece in self._kept:
            first = max(0, int(np.ceil((since - piece.start) / piece.step - 1e-6)))
            last = int(np.floor((until - piece.start) / piece.step + 1e-6)) + 1
            rows = piece.log_probs[first : max(first, last)]
            emissions = scorer.emissions(rows, start=piece.start + first * piece.step, step=piece.step)
            if any(found.target in wanted for found in scorer.feed(emissions)):
                return True
        return False

    def _reach_back(self, start: float) -> float:
        """Seconds where the eighth syllable before `start` was heard, at most 2.4 s before."""
        heard = [time for time in self._syllable_times() if start - REACH_SECONDS <= time < start - 0.01]
        return heard[-REACH] - 0.04 if len(heard) > REACH else start - REACH_SECONDS

    def _reach_on(self, end: float) -> float:
        heard = [time for time in self._syllable_times() if end + 0.01 < time <= end + REACH_SECONDS]
        return heard[REACH - 1] + 0.04 if len(heard) > REACH else end + REACH_SECONDS

    def _syllable_times(self) -> list[float]:
        return [
            piece.start + symbol.first * piece.step
            for piece in self._kept
            for symbol in greedy(piece.log_probs)
        ]

    def _remember(self, posteriors: Posteriors) -> None:
        if posteriors.start - self._end > JOINED:
            self._kept.clear()
        self._kept.append(posteriors)
        self._end = posteriors.start + posteriors.step * len(posteriors.log_probs)
        while self._kept[0].start < self._end - KEPT and len(self._kept) > 1:
            self._kept.popleft()
