"""Which passages of a channel are of no use, and why: the recogniser says that, what the sound is like says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from compline_edge.core.audio_quality import AudioQuality, Quality
from compline_edge.core.comprehension import ENOUGH_TO_TELL, DoubtPoints, Passage
from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import Utterance
from compline_shared.taxonomy import Abstention, Severity

CLEAR: Final = 0.46
"""Mean token confidence below which a recogniser without posteriors has not understood."""
FEW_WORDS: Final = 0.5
"""Tokens a second below which nobody speaks: music and tones give the recogniser 0 to 0.2, speech that it cannot
follow, in any language or noise, more than 1."""
STEADY_AND_WORDLESS, STEADY = 1.1, 2.2
"""Steadiness of single frequencies from which what cannot be followed is music, where there are few words and where
there are some; speech has 0.6 to 1.9."""
TONAL, SOME_TONES = 0.5, 0.3
"""Share of tones from which a passage is a signal of the line and nobody speaks, in itself and where there are few
words."""
LOST: Final = 0.03
"""Share of lost sound from which it is said; clean studio speech seems to have lost up to 0.015."""
CUT_OFF: Final = 0.02
"""Share of cut-off samples from which that is why speech cannot be followed."""
NOISE_DB: Final = 12.0
"""Speech over noise below which that is why speech cannot be followed."""
HALVED: Final = 0.5
"""What confidence is worth where speech was not followed well."""

NOT_SPEECH: Final = frozenset({Abstention.TONES, Abstention.MUSIC})
INVENTED: Final = frozenset({*NOT_SPEECH, Abstention.OTHER_LANGUAGE})
"""Reasons for which whatever was noticed was never said."""


class Timed(Protocol):
    """What lies between two moments of a channel."""

    @property
    def start(self) -> float:
        """Seconds."""
        ...

    @property
    def end(self) -> float:
        """Seconds."""
        ...


TimedT = TypeVar("TimedT", bound=Timed)


@dataclass(frozen=True, slots=True)
class Doubted:
    """A passage, and why it is of no use; None: it was followed."""

    passage: Passage
    reason: Abstention | None

    def holds(self, start: float, end: float) -> bool:
        """Whether the middle of [start, end] s lies in the passage."""
        middle = (start + end) / 2
        first, last = self.passage.stretches[0][0], self.passage.stretches[-1][1]
        return first - _JUST <= middle <= last + _JUST


def doubts(
    passages: Sequence[Passage],
    sound: AudioQuality,
    points: DoubtPoints | None,
    quality: Quality | None = None,
) -> tuple[Doubted, ...]:
    """Judge the passages of a channel, each together with its neighbours: a sentence says little of a language.

    Args:
        passages: in order.
        sound: the same channel's.
        points: measured on the recogniser; None judges by its confidence alone.
        quality: of the sound, where it has been asked already.
    """
    if sum(passage.speech for passage in passages) < ENOUGH_TO_TELL:
        return tuple(Doubted(passage, _signal(passage, sound)) for passage in passages)
    measured = quality or sound.quality
    found = []
    for place, passage in enumerate(passages):
        around = passages[max(0, place - 1) : place + 2]
        reason = _signal(passage, sound)
        if reason is None and not _followed(around, points):
            reason = _why(passage, around, sound, points, measured)
        found.append(Doubted(passage, reason))
    return tuple(found)


def believed(noticed: Iterable[Noticed], doubted: Sequence[Doubted]) -> Iterator[Noticed]:
    """Yield what may stand: nothing that was never said, and less surely what was not followed well."""
    for one in noticed:
        reason = next((d.reason for d in doubted if d.reason and d.holds(one.start, one.end)), None)
        if reason is None:
            yield one
        elif reason not in INVENTED:
            yield replace(
                one,
                confidence=round(one.confidence * HALVED),
                severity=min(one.severity, Severity.WARNING),  # what is half as sure is no alarm
            )


def spoken(timed: Iterable[TimedT], doubted: Sequence[Doubted]) -> Iterator[TimedT]:
    """Yield what somebody may have said: utterances, levels, whatever has a time."""
    wrong = [one for one in doubted if one.reason in INVENTED]
    return (one for one in timed if not any(each.holds(one.start, one.end) for each in wrong))


def weighed(utterances: Iterable[Utterance], doubted: Sequence[Doubted]) -> Iterator[Utterance]:
    """Yield the utterances that somebody may have said, half as sure where they were not followed well."""
    poor = [one for one in doubted if one.reason and one.reason not in INVENTED]
    for one in spoken(utterances, doubted):
        if any(each.holds(one.start, one.end) for each in poor):
            tokens = tuple(replace(token, confidence=token.confidence * HALVED) for token in one.tokens)
            yield replace(one, confidence=one.confidence * HALVED, tokens=tokens)
        else:
            yield one


def gravest(doubted: Iterable[Doubted]) -> Abstention | None:
    """Return the reason that spoils the most speech; signals of the line only where nobody speaks."""
    spoilt: dict[Abstention, float] = {}
    every = list(doubted)
    spoke = any(one.reason not in NOT_SPEECH for one in every)
    for one in every:
        if one.reason and not (spoke and one.reason is Abstention.TONES):
            spoilt[one.reason] = spoilt.get(one.reason, 0.0) + one.passage.speech
    return max(spoilt, key=lambda reason: (spoilt[reason], -reason), default=None)


def _signal(passage: Passage, sound: AudioQuality) -> Abstention | None:
    return Abstention.TONES if sound.between(passage.stretches).tones >= TONAL else None


def _followed(around: Sequence[Passage], points: DoubtPoints | None) -> bool:
    told = [(p.facts, p.speech) for p in around if p.facts is not None]
    tokens = sum(p.tokens for p in around)
    if _wordless(around):
        return False
    clarity = sum(p.clarity * p.tokens for p in around) / tokens if tokens else 0.0
    if points is None or not told:
        return clarity >= CLEAR
    return clarity >= points.clear and sum(points.followed.log_odds(f) * s for f, s in told) > 0


def _why(
    passage: Passage,
    around: Sequence[Passage],
    sound: AudioQuality,
    points: DoubtPoints | None,
    quality: Quality,
) -> Abstention:
    still = sound.between(passage.stretches)
    wordless = _wordless(around)
    if wordless and still.tones >= SOME_TONES:
        return Abstention.TONES
    if still.music >= (STEADY_AND_WORDLESS if wordless else STEADY):
        return Abstention.MUSIC
    told = [(p.facts, p.speech) for p in around if p.facts is not None]
    if points and not wordless and sum(points.another_language.log_odds(f) * s for f, s in told) > 0:
        return Abstention.OTHER_LANGUAGE
    if quality.lost >= LOST:
        return Abstention.LOSSY
    if quality.clipped >= CUT_OFF:
        return Abstention.CLIPPED
    if quality.snr_db is not None and quality.snr_db < NOISE_DB:
        return Abstention.NOISY
    return Abstention.POOR_AUDIO


def _wordless(around: Sequence[Passage]) -> bool:
    return sum(p.tokens for p in around) < FEW_WORDS * sum(p.speech for p in around)


_JUST: Final = 0.05
"""Seconds by which times of one utterance may differ."""
