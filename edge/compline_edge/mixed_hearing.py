"""Listens to a call whose sides share one channel: tells who spoke when, and hears each with an ear of his own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from compline_edge.core.doubting import Doubting
from compline_edge.core.noticed import Noticed
from compline_edge.core.speaker_roles import FULL, Window, roles
from compline_edge.core.speech import SAMPLE_RATE, Heard, Samples, SpeechBlock
from compline_edge.core.turns import Turn, divided, joined
from compline_edge.core.voiceprint import Voiceprint
from compline_edge.hearing import Ear
from compline_edge.ports import TranscriberStream, VoiceActivity, VoiceEncoder
from compline_shared.taxonomy import Role

PATIENCE = 120.0
"""Seconds of speech for which a stretch may wait until the call has shown how its voices sound; about 12 MB."""
HOP = FULL / 2
"""Seconds from one window to the next within a stretch."""
MEMORY = 800
"""Windows, the latest ones, by which a stretch is judged: about ten minutes of speech."""
LEAST_WINDOW = 0.4
"""Seconds of speech below which nothing is said of whose it is."""


def windows_of(samples: Samples, start: float, encoder: VoiceEncoder) -> list[Window]:
    """Return the voice over windows of a stretch of speech that begins at `start`; none where it is too short."""
    seconds = len(samples) / SAMPLE_RATE
    if seconds < LEAST_WINDOW:
        return []
    count = max(1, round((seconds - FULL) / HOP) + 1)
    length = min(seconds, FULL)
    begins = np.linspace(0.0, seconds - length, count) if count > 1 else np.zeros(1)
    found = []
    for place, begin in enumerate(begins.tolist()):
        first = int(begin * SAMPLE_RATE)
        vector = encoder.embed(samples[first : first + int(length * SAMPLE_RATE)])
        found.append(Window(start + begin, start + begin + length, seconds / count, place == 0, vector))
    return found


@dataclass(slots=True)
class _Stretch:
    """A stretch of speech that waits for its speaker."""

    start: float  # s
    blocks: list[Samples] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)  # once it has ended

    @property
    def seconds(self) -> float:
        return sum(len(block) for block in self.blocks) / SAMPLE_RATE


@dataclass(slots=True)
class MixedEar:
    """One channel with both sides in it; an ear of its own listens to each role.

    `patience` is how many seconds of speech may wait for their speaker: 0 tells him at the end of each stretch, as a
    running call needs it.
    """

    voice_activity: VoiceActivity
    stream: TranscriberStream
    encoder: VoiceEncoder
    voice: Voiceprint
    ear_of: Callable[[Role, TranscriberStream, VoiceActivity], Ear]  # they share this doubt
    doubting: Doubting
    patience: float = PATIENCE
    _windows: deque[Window] = field(default_factory=lambda: deque(maxlen=MEMORY))
    _waiting: deque[_Stretch] = field(default_factory=deque)
    _running: _Stretch | None = None
    _ears: dict[Role, _Side] = field(default_factory=dict)

    @property
    def sides(self) -> list[Ear]:
        """The ears that heard anything, the collector's first."""
        order = (Role.COLLECTOR, Role.UNKNOWN, Role.OTHER)
        return [self._ears[role].ear for role in order if role in self._ears]

    def hear(self, samples: Samples) -> Sequence[Noticed]:
        """Take the next samples; returns what was noticed by them."""
        self.doubting.hear(samples)
        self._attend(self.voice_activity.feed(samples))
        return self._release(self.patience)

    def finish(self) -> Sequence[Noticed]:
        """Take the end of the call; returns what was noticed at last."""
        self._attend(self.voice_activity.finish())
        left = self.stream.finish()
        self.doubting.finish(left)
        if self._running is not None:
            self._running.heard.append(left)
            self._close(self._running)
        fresh = self._release(0.0)
        for side in self._ears.values():
            fresh += side.ear.finish()
        return fresh

    def _attend(self, blocks: Iterable[SpeechBlock]) -> None:
        for block in blocks:
            stretch = self._running = self._running or _Stretch(block.start)
            stretch.blocks.append(block.samples)
            heard = self.stream.feed(block)
            self.doubting.follow(block, heard)
            stretch.heard.append(heard)
            if block.ends:
                self._close(stretch)

    def _close(self, stretch: _Stretch) -> None:
        self._running = None
        stretch.windows = windows_of(np.concatenate(stretch.blocks), stretch.start, self.encoder)
        self._windows += stretch.windows
        self._waiting.append(stretch)

    def _release(self, patience: float) -> list[Noticed]:
        """Give the oldest stretches to their speakers' ears while more than `patience` seconds wait."""
        seconds = sum(stretch.seconds for stretch in self._waiting)
        if not self._waiting or seconds <= patience:
            return []
        told = roles(list(self._windows), self.voice, self.encoder.calibration)
        place = len(told) - sum(len(stretch.windows) for stretch in self._waiting)
        fresh: list[Noticed] = []
        while self._waiting and seconds > patience / 2:
            stretch = self._waiting.popleft()
            seconds -= stretch.seconds
            own = told[place : place + len(stretch.windows)]
            place += len(own)
            fresh += self._give(stretch, _turns(stretch, own))
        return fresh

    def _give(self, stretch: _Stretch, turns: Sequence[Turn]) -> list[Noticed]:
        samples = np.concatenate(stretch.blocks)
        whole = Heard(
            utterances=tuple(u for heard in stretch.heard for u in heard.utterances),
            posteriors=tuple(p for heard in stretch.heard for p in heard.posteriors),
        )
        fresh: list[Noticed] = []
        for turn, heard in zip(turns, divided(whole, turns), strict=True):
            first, last = (round((moment - stretch.start) * SAMPLE_RATE) for moment in (turn.start, turn.end))
            block = SpeechBlock(turn.start, samples[first:last], ends=True)
            fresh += self._side(turn.role).hear(block, heard)
        return fresh

    def _side(self, role: Role) -> _Side:
        if role not in self._ears:
            self._ears[role] = _Side(role, self.ear_of)
        return self._ears[role]


def _turns(stretch: _Stretch, told: Sequence[Role]) -> list[Turn]:
    end = stretch.start + stretch.seconds
    if not told:
        return [Turn(Role.UNKNOWN, stretch.start, end)]
    cuts = [stretch.start]
    for before, after in pairwise(stretch.windows):
        cuts.append((before.start + before.end + after.start + after.end) / 4)
    cuts.append(end)
    turns = zip(told, cuts[:-1], cuts[1:], strict=True)
    return joined([Turn(role, start, stop) for role, start, stop in turns])


class _Side:
    """The ear of one role, which is handed what was heard already."""

    def __init__(self, role: Role, ear_of: Callable[[Role, TranscriberStream, VoiceActivity], Ear]) -> None:
        self._handed = _Handed()
        self.ear = ear_of(role, self._handed, self._handed.activity)

    def hear(self, block: SpeechBlock, heard: Heard) -> Sequence[Noticed]:
        self._handed.heard, self._handed.activity.block = heard, block
        return self.ear.hear(block.samples)


class _Handed:
    """A transcriber's stream that says what it was handed."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.activity = _Passed()

    def feed(self, block: SpeechBlock) -> Heard:
        del block
        return self.heard

    def finish(self) -> Heard:
        return Heard()


class _Passed:
    """A voice activity that gives the block that it was handed."""

    block: SpeechBlock | None = None

    def feed(self, samples: Samples) -> Sequence[SpeechBlock]:
        del samples
        block, self.block = self.block, None
        return [] if block is None else [block]

    def finish(self) -> Sequence[SpeechBlock]:
        return []
