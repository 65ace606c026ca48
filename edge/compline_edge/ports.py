"""What the core asks of the world, in the core's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final, Protocol

import numpy as np
import numpy.typing as npt

from compline_edge.core.conditions import Conditions
from compline_edge.core.lease import Reading
from compline_edge.core.speaker_roles import SpeakerCalibration
from compline_edge.core.speech import Channels, Heard, Samples, SpeechBlock
from compline_edge.core.text_calibration import Calibration
from compline_edge.core.voiceprint import Vector
from compline_shared.certificates import Certificate
from compline_shared.courier import SealedEntry
from compline_shared.errors import ComplineError
from compline_shared.messages import Verdict
from compline_shared.taxonomy import Abstention, Category, Role


@dataclass(frozen=True, slots=True)
class Address:
    """Where the hub's broker listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the container says before any sample is decoded."""

    container: str
    codec: str
    sample_rate: int  # Hz, as recorded
    channels: int
    duration: float | None  # s, None where the container does not say


class AudioReader(Protocol):
    """One opened recording; use as a context manager."""

    @property
    def info(self) -> AudioInfo:
        """What the container says."""
        ...

    @property
    def defect(self) -> Abstention | None:
        """After `blocks` is through: TRUNCATED or TOO_LONG where not all could be read, else None."""
        ...

    def blocks(self) -> Iterator[Channels]:
        """Yield [channels, n] int16 at 16 kHz, n at most 16,000, in order; one or two channels."""
        ...

    def __enter__(self) -> AudioReader: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class VoiceActivity(Protocol):
    """Cuts one channel into stretches of speech; made anew for each channel."""

    def feed(self, samples: Samples) -> Sequence[SpeechBlock]:
        """Take the next samples, any number; returns the speech that is certain by now."""
        ...

    def finish(self) -> Sequence[SpeechBlock]:
        """Take the end; returns the speech still held back."""
        ...


class TranscriberStream(Protocol):
    """One channel of one call being transcribed."""

    def feed(self, block: SpeechBlock) -> Heard:
        """Take the next speech in order; returns what is new."""
        ...

    def finish(self) -> Heard:
        """Take the end; returns what was still open."""
        ...


class Transcriber(Protocol):
    """Speech to utterances, streaming; safe to open several streams one after another or in turn."""

    @property
    def version(self) -> int:
        """Number of the model on the wire, 1..255."""
        ...

    @property
    def language(self) -> str:
        """BCP 47 tag, e.g. `zh-CN`."""
        ...

    def open(self, role: Role) -> TranscriberStream:
        """Begin one channel whose utterances carry `role`."""
        ...


class TextClassifier(Protocol):
    """Tells the categories of misconduct in a sentence or two; safe to share between threads."""

    @property
    def version(self) -> int:
        """Number of the model on the wire, 1..255."""
        ...

    @property
    def calibration(self) -> Calibration:
        """What its logits mean, and from where on they count."""
        ...

    def logits(self, text: str, role: Role, *, heard: bool) -> Mapping[Category, float]:
        """Return how far each category fits the text as `role` says it; empty where it holds nothing readable.

        In what was `heard` nobody hides words by spelling them otherwise.
        """
        ...


class VoiceModel(Protocol):
    """Tells feelings from a voice; safe to share between threads."""

    @property
    def version(self) -> int:
        """Number of the model, 1..255."""
        ...

    def describe(self, samples: Samples) -> npt.NDArray[np.float32] | None:
        """Return what a voice is like over one to five seconds of speech, [numbers]; None where no voice is in it."""
        ...

    def judge(
        self, voices: npt.NDArray[np.float32], baseline: npt.NDArray[np.float32] | None
    ) -> npt.NDArray[np.float32]:
        """Return logits [n, `compline_edge.core.emotions.FEELINGS`] of what `describe` gave, [n, numbers].

        `baseline` is what this voice is like usually, None where nobody knows.
        """
        ...


class VoiceEncoder(Protocol):
    """Turns a second or two of speech into a vector that tells voices apart; safe to share between threads."""

    @property
    def version(self) -> int:
        """Number of the model, 1..255; vectors of two models do not compare."""
        ...

    @property
    def calibration(self) -> SpeakerCalibration:
        """What its cosines mean, and from where on a role is told."""
        ...

    def embed(self, samples: Samples) -> Vector:
        """Return the voice in a window of speech, at least 0.2 s; a vector of length 1."""
        ...


class Clock(Protocol):
    """Wall and monotonic time."""

    def now(self) -> float:
        """Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


class Surroundings(Protocol):
    """Network and battery of this handset."""

    def look(self) -> Conditions:
        """Return how they stand now; may be called from any thread."""
        ...


class LeaseClock(Protocol):
    """The clocks that a lease is counted by."""

    def reading(self) -> Reading:
        """Running time, wall time, and which boot it is."""
        ...


class Certificates(Protocol):
    """What the handset keeps to speak TLS with its hub."""

    def certificate(self) -> Certificate | None:
        """The handset's own, None where there is none."""
        ...

    def hub_time(self) -> int | None:
        """What the hub said last of the time, Unix s, None where it has not spoken."""
        ...

    def keep(self, certificate: Certificate, *, hub_time: int) -> None:
        """Keep both durably; raises StorageFull, and what was there stands."""
        ...


class NotKept(ComplineError):
    """The disk did not take it; nothing that was kept before is lost, and it may be tried again."""


class Owing(Protocol):
    """Where a verdict goes the moment it exists: kept for the collector, owed to the hub."""

    def record(self, draft: Verdict, evidence: BinaryIO | None) -> Verdict:
        """Keep the verdict under the next seq, its evidence sealed, and owe it; returns it as kept.

        `draft.seq` and `draft.evidence` are replaced. `evidence` is read once, in chunks: an hour of audio never
        lies in memory. One transaction: on return it survives a power cut.
        """
        ...


SLOT_LEAST: Final = 32
SLOT_MOST: Final = 96
"""Bytes that a slot keeps: a key, and what must not be rolled back beside it."""


class KeySlot(Protocol):
    """Keeps one small secret content outside the files that it opens."""

    @property
    def rollback_resistant(self) -> bool:
        """Whether a copy of the device's storage taken earlier cannot bring an earlier content back."""
        ...

    @property
    def holds(self) -> bool:
        """Whether anything is there."""
        ...

    def put(self, content: bytes) -> None:
        """Replace the content, all of it or nothing; on return the new one survives a power cut."""
        ...

    def get(self) -> bytes:
        """Return the content; raises VaultLocked where there is none."""
        ...

    def destroy(self) -> None:
        """Remove the content for good, as far as the slot can."""
        ...


class OwedEntries(Protocol):
    """What is owed to the hub, sealed, in seq order without gaps; safe to call from any thread."""

    @property
    def last_seq(self) -> int:
        """Seq of the newest entry, 0 = none."""
        ...

    @property
    def settled(self) -> int:
        """Seq up to which the hub's receipts go."""
        ...

    def due(self, *, after: int, limit: int) -> Sequence[SealedEntry]:
        """Return entries with a seq above ``after``, in seq order."""
        ...

    def head_at(self, seq: int) -> bytes | None:
        """Return the chain's head at a seq (genesis at 0), None where that entry is not kept."""
        ...

    def settle(self, up_to: int, *, now: float) -> None:
        """Take a receipt's word, lower than before where the hub came back from a backup."""
        ...

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each new entry, on any thread."""
        ...


class Orders(Protocol):
    """What the hub orders beside receipts, and what it is told in answer."""

    async def greet(self) -> Sequence[bytes]:
        """Return the frames that a new connection begins with."""
        ...

    async def hear(self, frame: bytes) -> Sequence[bytes] | None:
        """Carry out what a frame orders and return the frames that answer it; None where it is no order for us."""
        ...


class Carrier(Protocol):
    """One connection to the hub's broker; callbacks come on the carrier's own thread."""

    def connect(
        self, address: Address, *, on_frame: Callable[[bytes], None], on_lost: Callable[[], None]
    ) -> None:
        """Connect and listen for frames; returns once both work, raises Unreachable where they do not."""
        ...

    def send(self, frame: bytes) -> None:
        """Hand a frame over; it may get lost without a word, only a receipt says otherwise."""
        ...

    @property
    def carried(self) -> bool:
        """Whether nothing that this connection was handed is still on its way to the broker."""
        ...

    def close(self) -> None:
        """Disconnect; `on_lost` is not called any more."""
        ...
