"""Reads an utterance from token posteriors with a language model: what was probably meant, not what each step says.

Prefix beam search over CTC posteriors with shallow fusion of character trigrams (Hannun et al. 2014), over the steps on
which anything but blank is heard. A character may also be written where only its sound was heard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from compline_edge.core.ctc_decoding import BLANK, Symbol
from compline_edge.core.ngram import START, NgramModel
from compline_edge.core.syllables import reading

Floats = npt.NDArray[np.float32]
_NOTHING = -math.inf
_REMEMBERED = 2_048
"""Contexts and sounds whose likeliest characters are kept."""


@dataclass(frozen=True, slots=True)
class BeamSettings:
    """How the search weighs and where it stops; chosen on aishell_s0150 as the base model hears it."""

    model: float = 0.55  # of the language model's log-probability
    length: float = 3.2  # nats for each character, against the model's liking for few
    homophone: float = 0.1  # share of a sound's probability that any character of that sound gets
    beam: int = 12  # prefixes kept
    width: float = 10.0  # nats below the best at which a prefix is dropped
    tokens: int = 8  # tokens looked at on a step
    likely: float = 6.0  # nats below the likeliest token at which one is not looked at
    sounds: int = 3  # sounds of a step whose other characters are looked at
    alike: int = 3  # of them for each prefix, the likeliest by the language model
    quiet: float = 0.995  # probability of blank from which a step says nothing
    strange: float = -6.0  # the language model's word on what is no Chinese character


@dataclass(slots=True, eq=False)
class _Prefix:
    """A run of characters, each linked to the one before."""

    written: int  # place in the alphabet, BLANK for the empty prefix
    before: _Prefix | None
    context: tuple[int, ...]
    bonus: float  # of the language model and of length, nats


_Longer = dict[tuple[_Prefix, int], _Prefix]
"""Every prefix of a search by the one before and its last character: one run of characters is one prefix."""
_Beam = dict[_Prefix, tuple[float, float]]
"""Log-probability of each prefix, of the paths that end on blank and of those that end on its last character."""


class BeamReader:
    """The search for one model's tokens; keeps nothing of an utterance, safe to share between threads."""

    def __init__(
        self, tokens: Sequence[str], model: NgramModel, settings: BeamSettings | None = None
    ) -> None:
        self._model = model
        self._settings = settings or BeamSettings()
        extra = [char for char in model.places if char not in set(tokens)]
        self.alphabet = (*tokens, *extra)
        self._tokens = len(tokens)
        self._places = [model.places.get(char, model.unknown) for char in self.alphabet]
        self._sounds = [reading(char) if len(char) == 1 else 0 for char in self.alphabet]
        by_sound: dict[int, list[int]] = {}
        for place, sound in enumerate(self._sounds):
            if sound and self._places[place] != model.unknown:
                by_sound.setdefault(sound, []).append(place)
        self._alike = {sound: np.array(places) for sound, places in by_sound.items()}
        self._alike_places = {
            sound: np.array([self._places[place] for place in places]) for sound, places in by_sound.items()
        }
        self._alike_in = lru_cache(maxsize=_REMEMBERED)(self._find_alike)

    def read(self, log_probs: Floats, sounds: Floats) -> list[Symbol]:
        """Read one utterance, [steps, tokens] and [steps, syllables], natural logarithms.

        Returns:
            places in `alphabet` with steps; confidence is the probability of the sound, at its highest.
        """
        written = self._search(log_probs, sounds)
        return self._aligned(written, log_probs, sounds) if written else []

    def _search(self, log_probs: Floats, sounds: Floats) -> list[int]:
        settings = self._settings
        root = _Prefix(BLANK, None, (START,), 0.0)
        beam: _Beam = {root: (0.0, _NOTHING)}
        longer: _Longer = {}
        blank = log_probs[:, BLANK]
        quiet = blank >= math.log(settings.quiet)
        for step in np.flatnonzero(~(quiet & np.concatenate([[False], quiet[:-1]]))).tolist():
            row, heard = log_probs[step], sounds[step]
            if quiet[step]:
                beam = {prefix: (_sum(*ends) + float(blank[step]), _NOTHING) for prefix, ends in beam.items()}
                continue
            beam = self._pruned(self._advanced(beam, longer, row, heard))
        best = max(beam, key=lambda prefix: _sum(*beam[prefix]) + prefix.bonus)
        written: list[int] = []
        while best.before is not None:
            written.append(best.written)
            best = best.before
        return written[::-1]

    def _advanced(self, beam: _Beam, longer: _Longer, row: Floats, heard: Floats) -> _Beam:
        """One step further: each prefix stays, or goes on with a token or with another character of a loud sound."""
        tokens, loud = self._candidates(row), self._loudest(heard, float(row[BLANK]))
        emitted: dict[int, float] = {}

        def emission(place: int) -> float:
            found = emitted.get(place)
            if found is None:
                found = emitted[place] = self._emitted(place, row, heard)
            return found

        blank = float(row[BLANK])
        after: _Beam = {}
        for prefix, (silent, voiced) in beam.items():
            both, last = _sum(silent, voiced), prefix.written
            stays = voiced + emission(last) if voiced > _NOTHING else _NOTHING
            _add(after, prefix, both + blank, stays)
            alike = (place for sound in loud for place in self._alike_in(prefix.context, sound))
            for place in dict.fromkeys((*tokens, *alike)):
                before = silent if place == last else both
                further = longer.get((prefix, place))
                if further is None:
                    further = longer[prefix, place] = self._made(prefix, place)
                _add(after, further, _NOTHING, before + emission(place))
        return after

    def _pruned(self, beam: _Beam) -> _Beam:
        totals = sorted(
            ((_sum(*ends) + prefix.bonus, place) for place, (prefix, ends) in enumerate(beam.items())),
            reverse=True,
        )
        least = totals[0][0] - self._settings.width
        kept = {place for total, place in totals[: self._settings.beam] if total >= least}
        return {prefix: ends for place, (prefix, ends) in enumerate(beam.items()) if place in kept}

    def _candidates(self, row: Floats) -> list[int]:
        top = np.argpartition(row, -self._settings.tokens - 1)[-self._settings.tokens - 1 :]
        least = float(row[top].max()) - self._settings.likely
        return [int(place) for place in top if place != BLANK and row[place] >= least]

    def _loudest(self, heard: Floats, blank: float) -> list[int]:
        top = np.argpartition(heard[1:], -self._settings.sounds)[-self._settings.sounds :] + 1
        return [int(sound) for sound in top if heard[sound] > blank - self._settings.likely]

    def _emitted(self, place: int, row: Floats, heard: Floats) -> float:
        own = float(row[place]) if place < self._tokens else _NOTHING
        sound = self._sounds[place]
        return max(own, float(heard[sound]) + math.log(self._settings.homophone)) if sound else own

    def _made(self, prefix: _Prefix, place: int) -> _Prefix:
        known = self._places[place]
        strange = known == self._model.unknown
        likely = self._settings.strange if strange else float(self._model.after(prefix.context)[known])
        bonus = prefix.bonus + self._settings.model * likely + self._settings.length
        return _Prefix(place, prefix, (*prefix.context[-1:], known), bonus)

    def _find_alike(self, context: tuple[int, ...], sound: int) -> tuple[int, ...]:
        """The likeliest characters of a sound after a context."""
        if sound not in self._alike:
            return ()
        likely = self._model.after(context)[self._alike_places[sound]]
        best = np.argsort(-likely)[: self._settings.alike]
        return tuple(self._alike[sound][best].tolist())

    def _aligned(self, written: Sequence[int], log_probs: Floats, sounds: Floats) -> list[Symbol]:
        """Where each character was heard: the best CTC path of this very text."""
        share = math.log(self._settings.homophone)
        own = np.full((len(log_probs), len(written)), _NOTHING)
        inside = [place < self._tokens for place in written]
        own[:, inside] = log_probs[:, [place for place in written if place < self._tokens]]
        of = np.array([self._sounds[place] for place in written])
        heard = np.where(of > 0, sounds[:, of], _NOTHING)
        scores = np.maximum(own, heard + share)
        steps = _path(
            scores, log_probs[:, BLANK], [a == b for a, b in zip(written, [-1, *written], strict=False)]
        )
        found = []
        for at, place in enumerate(written):
            first, last = steps[at]
            sure = np.maximum(own[first : last + 1, at], heard[first : last + 1, at]).max()
            found.append(Symbol(place, first, last, min(1.0, math.exp(float(sure)))))
        return found


def _path(scores: npt.NDArray[np.float64], blank: Floats, repeats: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last step of each character on the best path [steps, characters], blanks between."""
    steps, size = scores.shape
    emitted = np.empty((steps, 2 * size + 1))
    emitted[:, ::2] = blank[:, None]
    emitted[:, 1::2] = np.maximum(scores, -50.0)
    skip = np.full(
        2 * size + 1, _NOTHING
    )  # a character may follow another without blank, unless it is the same
    skip[3::2] = np.where(np.array(repeats[1:], dtype=bool), _NOTHING, 0.0) if size > 1 else skip[3::2]
    best = np.full(2 * size + 1, _NOTHING)
    best[:2] = emitted[0, :2]
    came = np.zeros((steps, 2 * size + 1), dtype=np.int8)
    for step in range(1, steps):
        arms = np.stack(
            [
                best,
                np.append(_NOTHING, best[:-1]),
                np.append([_NOTHING, _NOTHING], best[:-2])[: len(best)] + skip,
            ]
        )
        came[step] = arms.argmax(axis=0)
        best = arms.max(axis=0) + emitted[step]
    state = 2 * size if best[-1] >= best[-2] else 2 * size - 1
    where: list[list[int]] = [[] for _ in range(size)]
    for step in range(steps - 1, -1, -1):
        if state % 2:
            where[state // 2].append(step)
        state -= int(came[step, state])
    return [(steps_of[-1], steps_of[0]) if steps_of else (0, 0) for steps_of in where]


def _add(beam: _Beam, prefix: _Prefix, silent: float, voiced: float) -> None:
    before = beam.get(prefix)
    beam[prefix] = (silent, voiced) if before is None else (_sum(before[0], silent), _sum(before[1], voiced))


def _sum(a: float, b: float) -> float:
    """Logarithm of the sum of two probabilities."""
    if a < b:
        a, b = b, a
    return a if b == _NOTHING else a + math.log1p(math.exp(b - a))
