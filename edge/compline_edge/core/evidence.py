"""What is known of one call or conversation when the rules of a pack are judged on it."""

from __future__ import annotations

from dataclasses import dataclass

from compline_edge.core.crosstalk import Outlines
from compline_edge.core.disclosure import CLEAR_TEXT, ENOUGH_SPEECH, WIDE_BAND
from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import Utterance
from compline_shared.rule import Feeling
from compline_shared.taxonomy import Role


@dataclass(frozen=True, slots=True)
class Side:
    """How much one side spoke, and how well it was understood; Role.UNKNOWN for both sides in one channel."""

    role: Role
    speech: float  # s
    clarity: float  # mean token confidence, 0..1
    followed: bool = True  # False: the transcriber could not follow it


@dataclass(frozen=True, slots=True)
class VoiceLevel:
    """How loud one side was over a short stretch of its speech."""

    role: Role
    start: float  # s
    end: float  # s
    dbfs: float


@dataclass(frozen=True, slots=True)
class EmotionShare:
    """Which share of one side's speech an emotion has."""

    role: Role
    feeling: Feeling
    share: float  # 0..1


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that rules may rest on; None is absent evidence, which makes conditions unknown, never false."""

    duration: float  # s
    utterances: tuple[Utterance, ...] = ()
    noticed: tuple[Noticed, ...] = ()  # by lexicon and classifier, the notices that were given among them
    sides: tuple[Side, ...] = ()
    apart: bool = True  # whether each side has a channel of its own, or this is a chat
    verified: bool = False  # not apart, but roles were told by the collector's voice, now and then wrongly
    sample_rate: int | None = None  # Hz, as recorded; None: written, not spoken
    whole: bool = True  # False: a part of the recording is missing
    levels: tuple[VoiceLevel, ...] | None = None
    emotions: tuple[EmotionShare, ...] | None = None
    outlines: Outlines | None = None  # of two channels; None: one side's echo passes for the other's speech

    @property
    def roles_known(self) -> bool:
        """Whether it is known who speaks, Role.UNKNOWN excepted."""
        return self.apart or self.verified

    @property
    def written(self) -> bool:
        """Whether this is a chat, which has no speech, no silence and no voice."""
        return self.sample_rate is None

    def heard_out(self, who: Role | None) -> bool:
        """Whether "not heard" says something about "not said" by `who`, None for anybody.

        The limits are those of the notices (`compline_edge.core.disclosure`): enough speech, clear enough, at 16 kHz.
        """
        if self.sample_rate is None:
            return self.whole
        speech = sum(side.speech for side in self._sides(who))
        enough = speech >= ENOUGH_SPEECH and self.sample_rate >= WIDE_BAND
        return self.whole and enough and self.clear(who)

    def clear(self, who: Role | None) -> bool:
        """Whether all that `who` may have said was understood well enough; of an unknown speaker's by its length."""
        sides = self._sides(who)
        if who is None:
            return all(side.followed and side.clarity >= CLEAR_TEXT for side in sides)
        speech = sum(side.speech for side in sides)
        clarity = sum(side.clarity * side.speech for side in sides)
        return all(side.followed for side in sides) and clarity >= CLEAR_TEXT * speech

    def _sides(self, who: Role | None) -> list[Side]:
        return [side for side in self.sides if who is None or side.role in (who, Role.UNKNOWN)]
