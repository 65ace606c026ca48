"""Listens to one channel of a call: voice activity, transcriber, phrase spotter and text reader in step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from compline_edge.confirming import Confirming
from compline_edge.core.crosstalk import Outline
from compline_edge.core.doubting import Doubting
from compline_edge.core.level_track import LevelTrack
from compline_edge.core.loudness import Loudness
from compline_edge.core.noticed import Noticed
from compline_edge.core.notices import notice_given, notices_given
from compline_edge.core.speech import SAMPLE_RATE, Heard, Samples, SpeechBlock, Utterance
from compline_edge.core.spotter import Spotted, SpotterStream
from compline_edge.core.spotter_thresholds import Meaning
from compline_edge.feeling import FeelingTrack
from compline_edge.ports import TranscriberStream, VoiceActivity
from compline_edge.reading import TextReader
from compline_shared.lexicon import Entry
from compline_shared.messages import Voice
from compline_shared.taxonomy import Category, Role, Technique


@dataclass(slots=True)
class Ear:
    """One channel being listened to; feed it samples in order, then finish."""

    role: Role
    voice_activity: VoiceActivity
    stream: TranscriberStream
    spotting: tuple[SpotterStream, ...]
    reader: TextReader
    entries: Mapping[int, Entry]
    doubting: Doubting = field(default_factory=Doubting)
    alone: bool = True  # whether its channel is one side's; a channel of both keeps its doubt itself
    meaning: Meaning | None = None
    patience: float = math.inf  # s that a sighting waits for its utterance
    loudness: Loudness = field(default_factory=Loudness)
    speech: float = 0.0  # s
    read: float = 0.0  # s, up to which utterances are closed
    utterances: list[Utterance] = field(default_factory=list)
    noticed: list[Noticed] = field(default_factory=list)
    notices: list[Noticed] = field(default_factory=list)  # of who calls, and of the recording
    feelings: FeelingTrack | None = None
    levels: LevelTrack = field(init=False)
    confirming: Confirming = field(init=False)
    outline: Outline = field(default_factory=Outline)  # of a channel that is one side's

    def __post_init__(self) -> None:
        self.confirming = Confirming(self.reader, self.meaning, self.patience)
        self.levels = LevelTrack(self.role)

    @property
    def sides(self) -> Sequence[Ear]:
        """The ears of those who speak here: this one."""
        return (self,)

    def hear(self, samples: Samples) -> Sequence[Noticed]:
        """Take the next samples; returns what was noticed by them, to be believed or not."""
        if self.alone:
            self.doubting.hear(samples)
            if self.role is not Role.UNKNOWN:
                self.outline.feed(samples)
        return self._keep(self._attend(self.voice_activity.feed(samples)))

    def finish(self) -> Sequence[Noticed]:
        """Take the end of the call; returns what was noticed at last."""
        last = [*self._attend(self.voice_activity.finish())]
        heard = self.stream.finish()
        if self.alone:
            self.doubting.finish(heard)
        last += self._take(heard)
        for spotting in self.spotting:
            self._sightings(spotting.finish())
        last += self.confirming.settle(self.utterances, read=math.inf, now=math.inf)
        return self._keep(last)

    @property
    def clarity(self) -> float:
        """Mean token confidence, 0..1; 0 where nothing was recognised."""
        tokens = [token.confidence for utterance in self.utterances for token in utterance.tokens]
        return sum(tokens) / len(tokens) if tokens else 0.0

    @property
    def rate(self) -> float:
        """Recognised syllables a second of speech."""
        syllables = sum(1 for u in self.utterances for token in u.tokens if token.syllable)
        return syllables / self.speech if self.speech else 0.0

    @property
    def voice(self) -> Voice | None:
        """Bounded statistics of this channel's voice, None where nobody spoke."""
        return self.loudness.voice(rate=min(20, round(self.rate)))

    def _attend(self, blocks: Iterable[SpeechBlock]) -> Iterable[Noticed]:
        for block in blocks:
            self.speech += len(block.samples) / SAMPLE_RATE
            self.loudness.feed(block.samples)
            self.levels.feed(block)
            if self.feelings:
                self.feelings.feed(block)
            heard = self.stream.feed(block)
            if self.alone:
                self.doubting.follow(block, heard)
            yield from self._take(heard)

    def _take(self, heard: Heard) -> Iterable[Noticed]:
        for posteriors in heard.posteriors:
            for spotting in self.spotting:
                self._sightings(spotting.feed(posteriors))
        for utterance in heard.utterances:
            self.utterances.append(utterance)
            self.notices += notices_given(self.reader.matcher, (utterance,))
            for noticed in self.reader.find(utterance.text, self.role, heard=True):
                yield _timed(noticed, utterance, calibrated=self.reader.classifier is not None)
        ends = [(p.start + p.step * len(p.log_probs), p.ends) for p in heard.posteriors]
        self.read = max([self.read, *(u.end for u in heard.utterances), *(end for end, last in ends if last)])
        now = max([self.read, *(end for end, _ in ends)])
        yield from self.confirming.settle(self.utterances, read=self.read, now=now)

    def _sightings(self, spotted: Iterable[Spotted]) -> None:
        for sighting in spotted:
            entry = self.entries[sighting.entry]
            if entry.category is Category.MISSING_DISCLOSURE:
                self.notices.append(
                    notice_given(
                        entry.id,
                        role=self.role,
                        start=sighting.start,
                        end=sighting.end,
                        confidence=sighting.confidence,
                    )
                )
            else:
                noticed = Noticed(
                    category=entry.category,
                    severity=entry.severity,
                    confidence=sighting.confidence,
                    role=self.role,
                    technique=Technique.LEXICON_AUDIO,
                    entry=entry.id,
                    phrase=entry.canonical,
                    start=sighting.start,
                    end=sighting.end,
                )
                self.confirming.wait(sighting, noticed)

    def _keep(self, fresh: Iterable[Noticed]) -> Sequence[Noticed]:
        kept = [self._owned(noticed) for noticed in fresh]
        self.noticed += kept
        return kept

    def _owned(self, noticed: Noticed) -> Noticed:
        """Of an unknown speaker where its sentence is torn: what takes the words back may lie in the other part."""
        torn = (u for u in self.utterances if u.torn and u.start <= noticed.end and noticed.start <= u.end)
        return replace(noticed, role=Role.UNKNOWN) if any(torn) else noticed


def _timed(noticed: Noticed, utterance: Utterance, *, calibrated: bool) -> Noticed:
    """Give a sighting in an utterance's text its time, and no more confidence than the words it rests on; a confidence
    that is calibrated on such words has that in it."""
    span = noticed.span
    assert span is not None
    inside, place = [], 0
    for token in utterance.tokens:
        begins = utterance.text.find(token.text, place)
        place = begins + len(token.text)
        if begins < span.end and place > span.start:
            inside.append(token)
    if not inside:
        return replace(noticed, start=utterance.start, end=utterance.end, span=None)
    certainty = sum(token.confidence for token in inside) / len(inside)
    return replace(
        noticed,
        confidence=noticed.confidence if calibrated else round(noticed.confidence * certainty),
        start=inside[0].start,
        end=inside[-1].end,
        span=None,
    )
