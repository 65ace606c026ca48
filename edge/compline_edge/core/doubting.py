"""Keeps watch over one channel while it is listened to: what its sound is like, and what of it is to be believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compline_edge.core.audio_quality import AudioQuality, Quality
from compline_edge.core.comprehension import DoubtPoints, Following
from compline_edge.core.doubt import (
    INVENTED,
    LOST,
    NOT_SPEECH,
    Doubted,
    TimedT,
    believed,
    doubts,
    gravest,
    spoken,
    weighed,
)
from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import Heard, Samples, SpeechBlock, Utterance
from compline_shared.taxonomy import Abstention


class Doubting:
    """One channel's doubt; feed it all that the channel holds, then ask."""

    def __init__(self, points: DoubtPoints | None = None) -> None:
        self._points = points
        self._sound = AudioQuality()
        self._following = Following()
        self._doubted: tuple[Doubted, ...] | None = None  # since the last change
        self._quality: Quality | None = None

    def hear(self, samples: Samples) -> None:
        """Take the next samples, speech or not."""
        self._sound.feed(samples)
        self._quality = None

    def follow(self, block: SpeechBlock, heard: Heard) -> None:
        """Take speech with what the recogniser heard in it."""
        self._following.feed(block, heard)
        self._doubted = None

    def finish(self, heard: Heard) -> None:
        """Take the end of the call with what the recogniser said at last."""
        self._sound.finish()
        self._following.finish(heard)
        self._doubted = self._quality = None

    @property
    def quality(self) -> Quality:
        """What the sound is like so far."""
        if self._quality is None:
            self._quality = self._sound.quality
        return self._quality

    @property
    def doubted(self) -> tuple[Doubted, ...]:
        """The passages so far, each with the reason for which it is of no use, if it is of none."""
        if self._doubted is None:
            self._doubted = doubts(self._following.passages, self._sound, self._points, self.quality)
        return self._doubted

    @property
    def lossy(self) -> bool:
        """Whether a noticeable part of the sound was lost on the way."""
        return self.quality.lost >= LOST

    @property
    def understood(self) -> bool:
        """Whether the transcriber could follow the whole channel; True where too little was said to tell."""
        return not self.lossy and all(one.reason in (None, Abstention.TONES) for one in self.doubted)

    @property
    def pure(self) -> bool:
        """Whether all that was taken for speech is somebody's: no signals, no music, no other language."""
        return all(one.reason not in INVENTED for one in self.doubted)

    @property
    def speech(self) -> float:
        """Seconds in which somebody speaks, tones and music left out."""
        return sum(one.passage.speech for one in self.doubted if one.reason not in NOT_SPEECH)

    @property
    def owed(self) -> float:
        """Seconds that are to be judged: all but signals of the line."""
        return sum(one.passage.speech for one in self.doubted if one.reason is not Abstention.TONES)

    @property
    def followed(self) -> float:
        """Seconds of speech that were judged, less what was lost of them on the way."""
        whole = sum(one.passage.speech for one in self.doubted if one.reason is None)
        return whole * (1 - self.quality.lost) if self.lossy else whole

    def believed(self, noticed: Iterable[Noticed]) -> list[Noticed]:
        """Return what may stand of what was noticed in this channel."""
        return list(believed(noticed, self.doubted))

    def spoken(self, timed: Iterable[TimedT]) -> list[TimedT]:
        """Return what somebody may have said: utterances, levels, whatever has a time."""
        return list(spoken(timed, self.doubted))

    def weighed(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """Return the utterances that somebody may have said, less sure where they were not followed well."""
        return list(weighed(utterances, self.doubted))


def gravest_of(channels: Sequence[Doubting]) -> Abstention | None:
    """Return the reason that spoils the most speech of a call; lost sound where all was followed all the same."""
    reason = gravest(one for channel in channels for one in channel.doubted)
    if reason is None and any(channel.lossy and channel.speech for channel in channels):
        return Abstention.LOSSY
    return reason


def worst(channels: Sequence[Doubting]) -> Quality | None:
    """Return the worst of each measure among the channels in which somebody speaks; None where nobody does."""
    qualities = [channel.quality for channel in channels if channel.speech]
    if not qualities:
        return None
    return Quality(
        snr_db=min((q.snr_db for q in qualities if q.snr_db is not None), default=None),
        clipped=max(q.clipped for q in qualities),
        band_hz=min((q.band_hz for q in qualities if q.band_hz is not None), default=None),
        lost=max(q.lost for q in qualities),
    )
