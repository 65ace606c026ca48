"""Finds lexicon phrases in syllable posteriors, one sighting an entry and place, none in a negative context."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compline_edge.core.ctc_decoding import greedy
from compline_edge.core.phrase_lattice import Lattice, build
from compline_edge.core.phrase_path import Path, best_path
from compline_edge.core.phrase_scorer import PhraseScorer
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

LONGEST = 8.0
"""Seconds that a phrase may take from its first to its last syllable."""

ONSET = 0.1
"""Seconds by which a syllable begins before the step on which the model is sure of it."""

_JUST = 0.01
"""Seconds, less than a step."""

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Spotted:
    """One lexicon entry heard at one place."""

    entry: int
    start: float  # s
    end: float  # s
    score: float  # margin in nats above the entry's threshold, 0 or more
    confidence: int  # 0..99, by the score alone
    said: tuple[str, ...] = ()  # the spelling that was heard, a character each; "" for any syllable in a gap
    read: tuple[int, ...] = ()  # syllables of the best path there
    odds: float = 0.0  # log-odds that it is right, by the score alone


class Spotter:
    """The audio entries of a lexicon, compiled once; one stream a channel.

    A template is compiled as it stands, its slots side by side: cost grows with its length, not its
    expansions.
    """

    def __init__(self, entries: Iterable[Entry], thresholds: Thresholds) -> None:
        """Compile the entries that may be spotted in audio."""
        self.thresholds = thresholds
        self.entries = tuple(entry for entry in entries if entry.in_audio)
        self.stricter = tuple(thresholds.entries.get(str(entry.id), 0.0) for entry in self.entries)
        self.lattice = build([entry.template.pieces for entry in self.entries])

    def open(self) -> SpotterStream:
        """Begin to listen to one channel."""
        return SpotterStream(self)

    def scorer(self, lattice: Lattice) -> PhraseScorer:
        """A scorer at rest for the phrases of a lattice, with their allowances."""
        return PhraseScorer(
            lattice, self.thresholds, base=self.thresholds.base, allowances=self._allowances(lattice)
        )

    def path(self, entry: Entry, rows: Floats) -> Path | None:
        """The best path of an entry that ends on the last row, [steps, syllables]."""
        lattice = build([entry.template.pieces])
        return best_path(
            lattice,
            self.scorer(lattice).emissions(rows),
            base=self.thresholds.base,
            allowances=np.array(self._allowances(lattice)),
            gap=self.thresholds.gap,
        )

    def _allowances(self, lattice: Lattice) -> list[float]:
        return [self.thresholds.allowance(character) for character in lattice.characters]


class SpotterStream:
    """One channel being listened to."""

    def __init__(self, spotter: Spotter) -> None:
        self._spotter = spotter
        self._scorer = spotter.scorer(spotter.lattice)
        self._pending: dict[int, _Candidate] = {}
        self._told: dict[int, float] = {}  # target: s, end of what was last told of it
        self._kept: deque[Posteriors] = deque()
        self._end = -math.inf

    def feed(self, posteriors: Posteriors) -> tuple[Spotted, ...]:
        """Take the next posteriors of a stretch; returns what is now certain, in order of time."""
        spotted: list[Spotted] = []
        if posteriors.start - self._end > JOINED:
            spotted += self._settle(math.inf)
            self._scorer.reset()
            self._kept.clear()
        self._keep(posteriors)
        for match in self._scorer.feed(self._scorer.emissions(posteriors.log_probs)):
            end = posteriors.start + match.step * posteriors.step
            spotted += self._consider(_Candidate(match.target, match.margin, end))
        spotted += self._settle(math.inf if posteriors.ends else self._end)
        return tuple(sorted(spotted, key=lambda one: one.start))

    def finish(self) -> tuple[Spotted, ...]:
        """Take the end of the call; returns what was still awaited."""
        return tuple(self._settle(math.inf))

    def _consider(self, match: _Candidate) -> list[Spotted]:
        """Weigh one match against what is pending for its entry; the best of those at one place stays."""
        if match.margin < self._spotter.stricter[match.target]:
            return []
        if match.end <= self._told.get(match.target, -math.inf) + HOLD:
            return []
        held = self._pending.get(match.target)
        settled: list[Spotted] = []
        if held is not None and match.end > held.end + HOLD:
            settled = self._tell(held)
            held = None
        if held is None or match.margin > held.margin:
            self._pending[match.target] = match
        return settled

    def _settle(self, now: float) -> list[Spotted]:
        """Tell what cannot become better any more at `now` seconds."""
        due = [match for match in self._pending.values() if match.end + self._patience(match) < now]
        return [spotted for match in due for spotted in self._tell(match)]

    def _patience(self, match: _Candidate) -> float:
        return REACH_SECONDS if self._spotter.entries[match.target].excluded_after else HOLD

    def _tell(self, match: _Candidate) -> list[Spotted]:
        del self._pending[match.target]
        entry = self._spotter.entries[match.target]
        rows, times = self._rows(since=match.end - LONGEST, until=match.end)
        path = self._spotter.path(entry, rows)
        start = float(times[path.passed[0].first]) if path else match.end
        before = self._told.get(match.target, -math.inf)
        self._told[match.target] = match.end
        if start <= before or self._denied(entry, start=start, end=match.end):
            return []
        margin = match.margin - self._spotter.stricter[match.target]
        confidence = self._spotter.thresholds.confidence(margin)
        said = tuple(one.character for one in path.passed) if path else ()
        read = tuple(symbol.index for symbol in greedy(rows[times >= start]))
        odds = self._spotter.thresholds.odds(margin)
        return [Spotted(entry.id, max(0.0, start - ONSET), match.end, margin, confidence, said, read, odds)]

    def _denied(self, entry: Entry, *, start: float, end: float) -> bool:
        """Is one of the entry's negative contexts heard before, over, inside or after the match?"""
        if self._heard(entry.excluded, since=self._reach_back(start), until=end):
            return True
        return self._heard(entry.excluded_after, since=end + _JUST, until=self._reach_on(end))

    def _heard(self, words: tuple[str, ...], *, since: float, until: float) -> bool:
        if not words:
            return False
        rows, _ = self._rows(since=since, until=until)
        lattice = build([[Choice(words)]])
        allowed = [self._spotter.thresholds.context] * len(lattice.characters)
        scorer = PhraseScorer(lattice, self._spotter.thresholds, base=0.0, allowances=allowed)
        return bool(scorer.feed(scorer.emissions(rows)))

    def _reach_back(self, start: float) -> float:
        """Seconds where the eighth syllable before `start` was heard, at most 2.4 s before."""
        rows, times = self._rows(since=start - REACH_SECONDS, until=start - _JUST)
        heard = greedy(rows)
        return float(times[heard[-REACH].first]) if len(heard) >= REACH else start - REACH_SECONDS

    def _reach_on(self, end: float) -> float:
        """Seconds where the eighth syllable after `end` was heard, at most 2.4 s after."""
        rows, times = self._rows(since=end + _JUST, until=end + REACH_SECONDS)
        heard = greedy(rows)
        return float(times[heard[REACH - 1].last]) if len(heard) >= REACH else end + REACH_SECONDS

    def _rows(self, *, since: float, until: float) -> tuple[Floats, Floats]:
        """Kept log-probabilities [steps, syllables] from `since` to `until`, and their times [steps] in seconds."""
        times = np.concatenate(
            [piece.start + piece.step * np.arange(len(piece.log_probs)) for piece in self._kept]
        )
        wanted = (times >= since - _JUST / 2) & (times <= until + _JUST / 2)
        rows = np.concatenate([piece.log_probs for piece in self._kept])
        return rows[wanted], times[wanted]

    def _keep(self, posteriors: Posteriors) -> None:
        self._kept.append(posteriors)
        self._end = posteriors.start + posteriors.step * len(posteriors.log_probs)
        while self._kept[0].start < self._end - KEPT and len(self._kept) > 1:
            self._kept.popleft()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A match that may still be bettered."""

    target: int
    margin: float  # nats
    end: float  # s
