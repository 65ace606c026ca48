"""Takes one recording or conversation from samples or messages to what was observed of it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from compline_edge.core.audio_quality import real_rate
from compline_edge.core.branch_policy import BranchPolicy
from compline_edge.core.comprehension import DoubtPoints
from compline_edge.core.conversation import ChatMessage, Conversation, utterances_of
from compline_edge.core.corroboration import corroborate
from compline_edge.core.crosstalk import Outlines
from compline_edge.core.doubting import Doubting, gravest_of, worst
from compline_edge.core.evidence import Evidence, Side
from compline_edge.core.judgement import Observed, unreadable
from compline_edge.core.manner import with_manner
from compline_edge.core.noticed import Noticed
from compline_edge.core.notices import notices_given
from compline_edge.core.rules import CompiledRules, evaluate
from compline_edge.core.speech import SAMPLE_RATE, Utterance
from compline_edge.core.spotter import Spotter
from compline_edge.core.voiceprint import BadVoiceprint, Voiceprint
from compline_edge.feeling import FeelingTrack
from compline_edge.hearing import Ear
from compline_edge.mixed_hearing import PATIENCE, MixedEar
from compline_edge.ports import (
    AudioReader,
    Transcriber,
    TranscriberStream,
    VoiceActivity,
    VoiceEncoder,
    VoiceModel,
)
from compline_edge.reading import TextReader
from compline_shared.lexicon import Entry
from compline_shared.messages import Versions
from compline_shared.taxonomy import Abstention, Role

LEAST_SPEECH = 0.6
"""Seconds of speech below which a call counts as silent."""
MOST_OF_A_PART = 0.99
"""Coverage at most of a recording whose end is missing: AMR and AAC do not say how much that is."""
LIVE = 1.5
"""Seconds that what is spotted in a running call waits for its utterance to end."""
LIKELY = 30
"""Confidence from which a rule may rest on what was noticed, %."""
A_MOMENT = 1e-4
"""Seconds by which messages of one second are told apart, in their order."""
CONVERSED = 2.0
"""Seconds each side must speak for an effective conversation (stereo)."""
CONVERSED_TOGETHER = 10.0
"""Seconds of speech for an effective conversation where the sides are mixed."""

Progress = Callable[[float], None]
"""Told the seconds of audio that are through."""
Notice = Callable[[Noticed], None]
"""Told each sighting as it is made, before corroboration."""


@dataclass(frozen=True, slots=True)
class Listened:
    """What one recording gave: the observation leaves as a verdict, the utterances stay in the vault."""

    observed: Observed
    utterances: tuple[Utterance, ...] = ()


@dataclass(frozen=True, slots=True)
class CallListener:
    """Everything that listens, wired once and used for every call."""

    transcriber: Transcriber | None  # None: no model for the language
    spotters: tuple[Spotter, ...]  # of phrases that accuse, and more leniently of notices whose absence does
    texts: TextReader
    entries: Mapping[int, Entry]
    voice_activity: Callable[[], VoiceActivity]
    collector_channel: int = 0
    rules: tuple[CompiledRules, ...] = ()
    doubt: DoubtPoints | None = None  # None: doubt rests on the recogniser's confidence alone
    feelings: VoiceModel | None = None  # None: nothing is told of feelings
    encoder: VoiceEncoder | None = None  # None: all speech in a shared channel is of unknown speakers
    voice: Callable[[], Voiceprint | None] = lambda: None  # the collector's, as it is enrolled now

    def knowing(self, voice: Callable[[], Voiceprint | None]) -> CallListener:
        """Return a listener that knows the collector by his voice where both sides share a channel."""
        return replace(self, voice=voice)

    def listen(
        self, reader: AudioReader, *, progress: Progress | None = None, notice: Notice | None = None
    ) -> Listened:
        """Judge one opened recording to its end, block by block."""
        if self.transcriber is None:
            return Listened(unreadable(Abstention.NO_MODEL, duration=reader.info.duration or 0.0))
        ears: Sequence[Ear | MixedEar] = ()
        seconds = 0.0
        for block in reader.blocks():
            ears = ears or self._ears(self.transcriber, len(block), live=notice is not None)
            for ear, samples in zip(ears, block, strict=True):
                _tell(ear, ear.hear(samples), notice)
            seconds += block.shape[1] / SAMPLE_RATE
            if progress:
                progress(seconds)
        for ear in ears:
            _tell(ear, ear.finish(), notice)
        return _listened(ears, self.rules, seconds=seconds, reader=reader)

    def under(self, policy: BranchPolicy) -> CallListener:
        """Return the listener that judges by a branch's points; what is silenced is for whoever tells to leave out."""
        return replace(self, texts=replace(self.texts, points=policy.points))

    def _ears(self, transcriber: Transcriber, channels: int, *, live: bool) -> Sequence[Ear | MixedEar]:
        """One ear a channel; a live call tells its speakers at once, without patience."""
        voice = self._known() if channels == 1 else None
        if voice is not None and self.encoder is not None:
            doubting = Doubting(self.doubt)
            return [
                MixedEar(
                    voice_activity=self.voice_activity(),
                    stream=transcriber.open(Role.UNKNOWN),
                    encoder=self.encoder,
                    voice=voice,
                    ear_of=partial(self._ear, live=live, shared=doubting),
                    doubting=doubting,
                    patience=0.0 if live else PATIENCE,
                )
            ]
        return [
            self._ear(role, transcriber.open(role), self.voice_activity(), live=live)
            for role in self._roles(channels)
        ]

    def _known(self) -> Voiceprint | None:
        """The collector's voice, if it can be read and compares with what the encoder makes of speech."""
        if self.encoder is None:
            return None
        try:
            voice = self.voice()
        except BadVoiceprint:  # `compline-edge voice status` says so; a call is judged all the same
            return None
        return voice if voice is not None and voice.model == self.encoder.version else None

    def _roles(self, channels: int) -> tuple[Role, ...]:
        if channels == 1:
            return (Role.UNKNOWN,)
        return tuple(Role.COLLECTOR if c == self.collector_channel else Role.OTHER for c in range(channels))

    def _ear(
        self,
        role: Role,
        stream: TranscriberStream,
        voice_activity: VoiceActivity,
        *,
        live: bool,
        shared: Doubting | None = None,
    ) -> Ear:
        """`shared` is the doubt of a channel with others in it; there a notice may seem to be the other side's."""
        theirs = self.spotters[1:] if shared else ()
        return Ear(
            role=role,
            voice_activity=voice_activity,
            stream=stream,
            spotting=tuple(s.open() for s in (theirs if role is Role.OTHER else self.spotters)),
            reader=self.texts,
            entries=self.entries,
            doubting=shared or Doubting(self.doubt),
            alone=shared is None,
            meaning=self.spotters[0].thresholds.meaning if self.spotters else None,
            patience=LIVE if live else math.inf,
            feelings=FeelingTrack(role, self.feelings) if self.feelings and role is not Role.OTHER else None,
        )


@dataclass(frozen=True, slots=True)
class Hearing:
    """What listens, and the versions that its verdicts tell."""

    listener: CallListener
    versions: Versions


def read_message(message: ChatMessage, texts: TextReader) -> tuple[Noticed, ...]:
    """Return what one chat message holds; media and recalls hold nothing."""
    return tuple(texts.find(message.text, message.role)) if message.text else ()


def read_conversation(
    conversation: Conversation, texts: TextReader, rules: Sequence[CompiledRules] = ()
) -> Observed:
    """Judge one conversation; findings are placed by the second of their message."""
    found = [read_message(message, texts) for message in conversation.messages]
    noticed = _placed(found, conversation.moments())
    gaps = [message.abstention for message in conversation.messages if message.abstention]
    ruled = (
        replace(n, start=float(int(n.start)), end=float(int(n.end)))
        for n in ruled_in(conversation, found, texts, rules)
    )
    return Observed(
        duration=conversation.duration,
        messages=len(conversation.messages),
        answered=conversation.both_spoke,
        effective=conversation.both_spoke,
        noticed=in_order((*noticed, *ruled)),
        coverage=1 - len(gaps) / len(conversation.messages),
        abstained=max(gaps, key=gaps.count, default=None),
    )


def _placed(found: Sequence[Sequence[Noticed]], moments: Sequence[float]) -> list[Noticed]:
    """What each message holds, at its moment."""
    return [
        replace(noticed, start=moment, end=moment)
        for moment, each in zip(moments, found, strict=True)
        for noticed in each
    ]


def read_messages(
    conversation: Conversation, texts: TextReader, rules: Sequence[CompiledRules] = ()
) -> list[tuple[Noticed, ...]]:
    """Return what each message of a conversation holds; what a rule finds stands at the message with which it ends."""
    found = [read_message(message, texts) for message in conversation.messages]
    moments = conversation.moments(apart=A_MOMENT)
    ended: dict[int, list[Noticed]] = {}
    for noticed in ruled_in(conversation, found, texts, rules):
        place = max(0, bisect_right(moments, noticed.end) - 1)
        ended.setdefault(place, []).append(replace(noticed, start=0.0, end=0.0))
    return [(*own, *ended.get(place, ())) for place, own in enumerate(found)]


def ruled_in(
    conversation: Conversation,
    found: Sequence[Sequence[Noticed]],
    texts: TextReader,
    rules: Sequence[CompiledRules],
) -> Iterator[Noticed]:
    """Yield what rules find in a conversation, in which nothing is ever taken for not said.

    Lines that could not be read, and what was written before the binding or after this, are not known here. Where
    some message has no time, rules find nothing.
    """
    if not conversation.timed:
        return
    said = utterances_of(conversation, apart=A_MOMENT)
    noticed = likely(_placed(found, conversation.moments(apart=A_MOMENT)))
    evidence = Evidence(
        duration=conversation.duration,
        utterances=said,
        noticed=(*noticed, *notices_given(texts.matcher, said)),
        whole=False,
    )
    yield from judged(rules, evidence)


def likely(noticed: Iterable[Noticed]) -> list[Noticed]:
    """What is sure enough for a rule to rest on."""
    return [n for n in noticed if n.confidence >= LIKELY]


def judged(rules: Sequence[CompiledRules], evidence: Evidence) -> Iterator[Noticed]:
    """Yield what the rules of all packs find."""
    for pack in rules:
        yield from evaluate(pack, evidence)


def in_order(noticed: Iterable[Noticed]) -> tuple[Noticed, ...]:
    """In order of time; of what was noticed at one time, in the order given."""
    return tuple(sorted(noticed, key=lambda n: n.start))


def _tell(ear: Ear | MixedEar, fresh: Sequence[Noticed], notice: Notice | None) -> None:
    """Tell, while a call runs, what was noticed and is to be believed as far as can be told yet."""
    if notice and fresh:
        for noticed in ear.doubting.believed(fresh):
            notice(noticed)


def _listened(
    channels: Sequence[Ear | MixedEar], rules: Sequence[CompiledRules], *, seconds: float, reader: AudioReader
) -> Listened:
    stated = max(reader.info.duration or 0.0, seconds)
    ears = [ear for channel in channels for ear in channel.sides]
    doubtings = [channel.doubting for channel in channels]
    mixed = len(channels) == 1
    speech = sum(doubting.speech for doubting in doubtings)
    doubt = gravest_of(doubtings)
    coverage = _share(seconds, stated, reader) * _followed(doubtings)
    if speech < LEAST_SPEECH:
        reason = reader.defect or doubt or (Abstention.SILENT if channels else Abstention.EMPTY)
        return Listened(Observed(duration=stated, coverage=coverage, abstained=reason))
    ours = [ear for ear in ears if ear.role is not Role.OTHER]
    noticed = corroborate(n for ear in ears for n in ear.doubting.believed(ear.noticed))
    utterances = _in_turn(u for ear in ears for u in ear.doubting.spoken(ear.utterances))
    quality = worst(doubtings)
    evidence = Evidence(
        duration=stated,
        utterances=_in_turn(u for ear in ears for u in ear.doubting.weighed(ear.utterances)),
        noticed=(*likely(noticed), *(n for ear in ears for n in ear.doubting.spoken(ear.notices))),
        sides=tuple(
            Side(ear.role, min(ear.speech, ear.doubting.speech), ear.clarity, ear.doubting.understood)
            for ear in ears
        ),
        apart=not mixed,
        verified=mixed and any(ear.role is not Role.UNKNOWN for ear in ears),
        sample_rate=real_rate(reader.info.sample_rate, quality),
        whole=reader.defect is None,
        levels=tuple(level for ear in ears for level in ear.doubting.spoken(ear.levels.levels)),
        outlines=Outlines(*(ear.outline.levels for ear in ears)) if len(channels) == 2 else None,
        emotions=tuple(
            share
            for ear in ours
            if ear.feelings and ear.doubting.understood and ear.doubting.pure
            for share in ear.feelings.finish()
        )
        or None,
    )
    sides = [doubting.speech for doubting in doubtings]
    observed = Observed(
        duration=stated,
        speech=min(speech, stated),
        answered=mixed or min(sides) >= LEAST_SPEECH,
        effective=speech >= CONVERSED_TOGETHER if mixed else min(sides) >= CONVERSED,
        noticed=in_order((*noticed, *judged(rules, evidence))),
        voice=with_manner(
            ours[0].voice if ours and ours[0].doubting.pure else None,  # no music's loudness for a voice's
            emotions=evidence.emotions or (),
            levels=() if mixed else evidence.levels or (),  # turns told apart by voice never overlap
        ),
        coverage=coverage,
        abstained=reader.defect or doubt,
        quality=quality,
    )
    return Listened(observed, utterances)


def _in_turn(utterances: Iterable[Utterance]) -> tuple[Utterance, ...]:
    return tuple(sorted(utterances, key=lambda u: (u.start, u.role)))


def _followed(channels: Sequence[Doubting]) -> float:
    """Share of what was to be judged that could be followed; all of nothing."""
    owed = sum(channel.owed for channel in channels)
    return sum(channel.followed for channel in channels) / owed if owed else 1.0


def _share(seconds: float, stated: float, reader: AudioReader) -> float:
    if reader.defect is None:
        return 1.0
    return min(MOST_OF_A_PART, seconds / stated) if stated else 0.0
