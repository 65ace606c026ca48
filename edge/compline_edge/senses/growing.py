"""A WAV recording read while the phone still writes it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from compline_edge.core.speech import SAMPLE_RATE, Channels
from compline_edge.ports import AudioInfo, Clock
from compline_edge.senses.recording import LIMIT_S, EmptyRecording, UnreadableRecording, assemble
from compline_shared.taxonomy import Abstention

_HEADER_BYTES: Final = 65_536  # within which the samples must begin
_CHUNK_BYTES: Final = 65_536
_BLOCK: Final = 1_600  # samples: 0.1 s
_OPEN_ENDED: Final = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # sizes that stand for "not known yet"
_CODECS: Final = {(1, 16): "pcm_s16le", (6, 8): "pcm_alaw", (7, 8): "pcm_mulaw"}  # by WAV format tag and bits


@dataclass(frozen=True, slots=True)
class _Layout:
    codec: str
    rate: int  # Hz
    channels: int
    frame: int  # bytes of one sample of all channels
    size_at: int  # where the size of the samples stands in the file, bytes
    data_at: int  # where the samples begin, bytes


class GrowingWav:
    """A WAV (PCM 16 bit, A-law, mu-law) read while the recorder still writes it; an `AudioReader`.

    It ends when all bytes that the header states are there (recorders write the size when they close), when
    nothing has been added for `idle_s`, or at `limit_s`.

    Raises:
        EmptyRecording: no header came within `idle_s`.
        UnreadableRecording: not a WAV in one of these codings, or it cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        idle_s: float = 3.0,
        poll_s: float = 0.05,
        limit_s: float = LIMIT_S,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._clock = clock
        self._idle = idle_s
        self._poll = poll_s
        self._limit = round(limit_s * SAMPLE_RATE)
        self._wait = wait
        self._defect: Abstention | None = None
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            reason = error.strerror or "it cannot be opened"
            raise UnreadableRecording(
                f"{path.name} cannot be opened ({reason}): check that it may be read."
            ) from error
        try:
            self._layout = self._header(path.name)
        except BaseException:
            self._file.close()
            raise

    @property
    def info(self) -> AudioInfo:
        """What the header says; the duration is not known before the end."""
        return AudioInfo("wav", self._layout.codec, self._layout.rate, self._layout.channels, None)

    @property
    def defect(self) -> Abstention | None:
        """After `blocks`: TOO_LONG at the limit, TRUNCATED where it stayed behind its header, else None."""
        return self._defect

    def blocks(self) -> Iterator[Channels]:
        """Yield [channels, n] int16 at 16 kHz, n at most 1,600 (0.1 s), as they are written."""
        read = 0
        for block in assemble(self._frames(), size=_BLOCK):
            room = self._limit - read
            if room:
                read += min(room, block.shape[1])
                yield block[:, :room]
            if block.shape[1] > room:
                self._defect = Abstention.TOO_LONG
                return

    def __enter__(self) -> GrowingWav:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _header(self, name: str) -> _Layout:
        """Read the header, waiting for it while the file grows."""
        heard = self._clock.monotonic()
        head = b""
        while True:
            self._file.seek(0)
            longer = self._file.read(_HEADER_BYTES)
            if len(longer) > len(head):
                heard = self._clock.monotonic()
            head = longer
            layout = _parsed(name, head)
            if layout is not None:
                return layout
            if self._clock.monotonic() - heard > self._idle or len(head) == _HEADER_BYTES:
                if not head:
                    raise EmptyRecording(
                        f"{name} stays empty: check that the phone's recorder is writing it."
                    )
                raise UnreadableRecording(f"{name} has no complete WAV header: check the phone's recorder.")
            self._wait(self._poll)

    def _frames(self) -> Iterator[AudioFrame]:
        codec = av.CodecContext.create(self._layout.codec, "r")
        assert isinstance(codec, AudioCodecContext)
        codec.sample_rate = self._layout.rate
        codec.layout = "mono" if self._layout.channels == 1 else "stereo"
        for chunk in self._chunks():
            yield from codec.decode(av.Packet(chunk))

    def _chunks(self) -> Iterator[bytes]:
        """Yield whole samples as they appear, until the header's size is reached or nothing more comes."""
        at = self._layout.data_at
        heard = self._clock.monotonic()
        while True:
            stated = self._stated()
            self._file.seek(at)
            chunk = self._file.read(_CHUNK_BYTES if stated is None else min(_CHUNK_BYTES, stated - at))
            whole = len(chunk) - len(chunk) % self._layout.frame
            if whole:
                at += whole
                heard = self._clock.monotonic()
                yield chunk[:whole]
            elif stated is not None and stated - at < self._layout.frame:
                return
            elif self._clock.monotonic() - heard > self._idle:
                self._defect = None if stated is None else Abstention.TRUNCATED
                return
            else:
                self._wait(self._poll)

    def _stated(self) -> int | None:
        """Where the samples end by the header, bytes from the start; None while the recorder has not said."""
        self._file.seek(self._layout.size_at)
        size = int(struct.unpack("<I", self._file.read(4))[0])
        return None if size in _OPEN_ENDED else self._layout.data_at + size


def _parsed(name: str, head: bytes) -> _Layout | None:
    """Find format and samples among the chunks; None where the header is not complete yet."""
    if len(head) >= 12 and not (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        raise UnreadableRecording(f"{name} is no WAV file: only WAV can be followed while it is written.")
    at, layout = 12, None
    while len(head) >= at + 8:
        kind, size = head[at : at + 4], int(struct.unpack("<I", head[at + 4 : at + 8])[0])
        if kind == b"data":
            if layout is None:
                raise UnreadableRecording(
                    f"{name} states no format before its sound: check the phone's recorder."
                )
            tag, channels, rate, bits = layout
            return _Layout(_CODECS[tag, bits], rate, channels, channels * bits // 8, at + 4, at + 8)
        if kind == b"fmt " and len(head) >= at + 24:
            tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", head[at + 8 : at + 24])
            if (tag, bits) not in _CODECS or channels not in (1, 2) or not 4_000 <= rate <= 384_000:
                raise UnreadableRecording(
                    f"{name} is coded in a way that cannot be followed: use 16-bit PCM or G.711."
                )
            layout = (tag, channels, rate, bits)
        at += 8 + size + size % 2
    return None
