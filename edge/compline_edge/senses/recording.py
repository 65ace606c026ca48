"""Recordings decoded by FFmpeg: any container phones write, in bounded memory, at 16 kHz."""

from __future__ import annotations

import io
import stat
from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, cast

import av
import av.logging
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from compline_edge.core.speech import SAMPLE_RATE, Channels
from compline_edge.ports import AudioInfo
from compline_edge.senses.containers import SUFFIXES, Container, Locked, Recognised, Unknown, recognise
from compline_shared.errors import ComplineError
from compline_shared.taxonomy import Abstention

BLOCK_SAMPLES: Final = 16_000
"""Samples a channel of every block but the last."""

LIMIT_S: Final = 4 * 3600.0
"""Longest stretch of one recording that is read by default, s."""

_MAX_DAMAGED: Final = 2_000  # packets in a row that cannot be decoded before the rest is given up
_MAX_BARREN: Final = 20_000  # packets without one sample before a file is called unreadable
_RATES: Final = range(4_000, 384_001)  # Hz that a recording of speech can have
_MAX_CHANNELS: Final = 64
_TAGS: Final[dict[str, Any]] = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}


class RecordingError(ComplineError):
    """A recording that cannot be read at all; `abstention` says why it was not judged."""

    abstention = Abstention.UNREADABLE


class EmptyRecording(RecordingError):
    """No bytes, or no samples."""

    abstention = Abstention.EMPTY


class UnreadableRecording(RecordingError):
    """Not audio, damaged beyond decoding, missing or not permitted."""


class EncryptedRecording(RecordingError):
    """A container that is recognised and may not be opened."""

    abstention = Abstention.ENCRYPTED


def open_recording(path: Path, *, limit_s: float = LIMIT_S) -> Recording:
    """Open a recording by its content, not its extension; nothing beyond `limit_s` seconds is decoded.

    The first block is decoded here, so that every error shows here; later damage ends or thins the sound and
    shows in `Recording.defect`. Containers: wav, mp3, aac, m4a, mp4, 3gp, amr, ogg, opus, flac, webm.

    Raises:
        EmptyRecording: no bytes or no samples.
        EncryptedRecording: an archive, an encrypted file or copy protection.
        UnreadableRecording: anything else that cannot be decoded.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableRecording(f"{path.name} is no plain file: name a recording, or a folder of them.")
        file = path.open("rb")
    except OSError as error:
        raise _unopened(path, error) from error
    try:
        return Recording(path, file, _recognised(path, file), limit_s=limit_s)
    except OSError as error:
        file.close()
        raise _unopened(path, error) from error
    except BaseException:
        file.close()
        raise


class Recording:
    """One opened recording: an `AudioReader` whose blocks can be read once."""

    def __init__(self, path: Path, file: BinaryIO, recognised: Recognised, *, limit_s: float) -> None:
        self._name = path.name
        self._file = file
        self._limit = round(limit_s * SAMPLE_RATE)
        self._size = max(1, path.stat().st_size)
        self._damaged = 0
        self._read = 0  # samples a channel
        self._cut = recognised.cut
        self._marks_count = (
            recognised.container is not Container.WAV
        )  # FFmpeg marks every WAV's short last packet
        self._defect: Abstention | None = None
        self._done = False
        self._reached = 0  # bytes of the file behind the last packet
        self._share = 0.0
        self._container = _opened(path.name, file, recognised)
        stream = _sound(path.name, self._container)
        self._rest = self._decoded(stream)
        self._first = self._first_block()
        promised = SUFFIXES.get(path.suffix.lower())
        self._remark = None if promised is recognised.container else _renamed(path, recognised.container)
        self._info = AudioInfo(
            container=recognised.container.name.lower(),
            codec=stream.codec_context.name,
            sample_rate=stream.codec_context.sample_rate,
            channels=stream.codec_context.channels,
            duration=_stated(stream, self._container, recognised),
        )

    @property
    def info(self) -> AudioInfo:
        """What the container says."""
        return self._info

    @property
    def defect(self) -> Abstention | None:
        """After `blocks` is through: TRUNCATED or TOO_LONG where not all could be read, else None."""
        return self._defect

    @property
    def remark(self) -> str | None:
        """A sentence where the extension does not fit the content, else None."""
        return self._remark

    @property
    def damaged(self) -> int:
        """Packets that could not be decoded and were left out."""
        return self._damaged

    @property
    def heard_s(self) -> float:
        """Seconds decoded so far."""
        return self._read / SAMPLE_RATE

    @property
    def coverage(self) -> int:
        """Percent of the recording that was decoded so far, by its stated duration or else by its bytes."""
        if self._done and self._defect is None:
            return 100
        share = self._share if self._info.duration is None else self.heard_s / max(self._info.duration, 1e-3)
        return min(99, int(100 * share))

    def blocks(self) -> Iterator[Channels]:
        """Yield [channels, n] int16 at 16 kHz, n at most 16,000, in order; one or two channels."""
        if self._done:
            return
        yield self._first
        yield from self._rest
        self._done = True
        if self._defect is None and self._ends_early():
            self._defect = Abstention.TRUNCATED

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._rest.close()
        self._container.close()
        self._file.close()

    def _first_block(self) -> Channels:
        first = next(self._rest, None)
        if first is not None:
            return first
        if self._damaged:
            raise UnreadableRecording(
                f"{self._name} is damaged and no sound could be read from it: copy it from the phone again."
            )
        raise EmptyRecording(
            f"{self._name} holds no sound: the call may not have been recorded; check the recorder."
        )

    def _ends_early(self) -> bool:
        stated = self._info.duration
        missing = 0.0 if stated is None else stated - self.heard_s
        return self._cut or self._damaged > 0 or missing > max(1.0, 0.02 * (stated or 0.0))

    def _decoded(self, stream: AudioStream) -> Generator[Channels, None, None]:
        """Yield blocks up to the limit, remembering whether anything lay beyond it."""
        for block in assemble(self._frames(stream)):
            room = self._limit - self._read
            if room:
                self._read += min(room, block.shape[1])
                self._share = min(1.0, self._reached / self._size)
                yield block[:, :room]
            if block.shape[1] > room:
                self._defect = Abstention.TOO_LONG
                return

    def _frames(self, stream: AudioStream) -> Iterator[AudioFrame]:
        """Yield decoded frames; packets that cannot be decoded are counted and left out."""
        in_a_row = barren = 0
        packets = self._container.demux(stream)
        while in_a_row < _MAX_DAMAGED and barren < _MAX_BARREN:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.error.EOFError:
                return
            except (av.error.FFmpegError, ValueError, OSError):
                self._damaged += 1
                in_a_row += 1
                packets = self._container.demux(stream)
                continue
            if packet.is_corrupt and self._marks_count:
                self._damaged += 1
            in_a_row = 0
            self._reached = self._reached if packet.pos is None else packet.pos + packet.size
            barren = 0 if frames else barren + 1
            yield from frames


def assemble(frames: Iterable[AudioFrame], *, size: int = BLOCK_SAMPLES) -> Iterator[Channels]:
    """Resample to 16 kHz and join to blocks of `size` samples; the first frame fixes one or two channels."""
    resampler: AudioResampler | None = None
    shape: tuple[str, str, int] | None = None
    channels = 0
    pieces: list[Channels] = []
    held = 0
    for frame in chain(frames, (None,)):
        given = None if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
        resampled: list[AudioFrame] = []
        if given != shape:
            resampled += resampler.resample(None) if resampler else []
            resampler = None if given is None else AudioResampler("s16", rate=SAMPLE_RATE, frame_size=size)
            shape = given
        if frame is not None and resampler is not None:
            frame.pts = None
            resampled += resampler.resample(frame)
        for piece in resampled:
            samples = _channels_of(piece)
            channels = channels or min(2, samples.shape[0])
            pieces.append(_with_channels(samples, channels))
            held += samples.shape[1]
        while held >= size or (frame is None and held):
            joined = np.concatenate(pieces, axis=1) if len(pieces) > 1 else pieces[0]
            yield joined[:, :size]
            pieces = [joined[:, size:]]
            held = pieces[0].shape[1]


def _channels_of(frame: AudioFrame) -> Channels:
    """Samples [channels, n] of a packed frame; PyAV's planar frames crash from eight channels on."""
    packed = frame.to_ndarray().astype(np.int16, copy=False)
    return np.ascontiguousarray(packed.reshape(-1, frame.layout.nb_channels).T)


def _with_channels(samples: Channels, channels: int) -> Channels:
    """Cut to the first channels, or repeat the first where the recording has turned from stereo to mono."""
    if samples.shape[0] >= channels:
        return samples[:channels]
    return np.repeat(samples[:1], channels, axis=0)


def _unopened(path: Path, error: OSError) -> UnreadableRecording:
    reason = error.strerror or "it cannot be read"
    return UnreadableRecording(
        f"{path.name} cannot be opened ({reason}): check that it exists and may be read."
    )


def _recognised(path: Path, file: BinaryIO) -> Recognised:
    if path.stat().st_size == 0:
        raise EmptyRecording(f"{path.name} is empty: copy it from the phone again.")
    match recognise(file):
        case Recognised() as recognised:
            return recognised
        case Locked(what):
            raise EncryptedRecording(
                f"{path.name} is {what}: unlock it first and put the recording itself here."
            )
        case Unknown(why):
            raise UnreadableRecording(
                f"{path.name} cannot be read, {why}: check the file or copy it from the phone again."
            )


def _opened(name: str, file: BinaryIO, recognised: Recognised) -> InputContainer:
    """Open with the recognised container's demuxer alone: playlists never get a chance to open more."""
    file.seek(recognised.starts)
    source = _Tail(file, recognised.starts) if recognised.starts else file
    try:
        opened: InputContainer = av.open(
            source, mode="r", format=recognised.container.value, buffer_size=65_536, **_TAGS
        )
    except (av.error.FFmpegError, ValueError) as error:
        what = recognised.container.name.lower()
        raise UnreadableRecording(
            f"{name} is damaged and cannot be opened as {what}: copy it from the phone again."
        ) from error
    return opened


def _sound(name: str, container: InputContainer) -> AudioStream:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise UnreadableRecording(f"{name} holds no sound track: check that it is a recording of a call.")
    context = cast("AudioCodecContext | None", stream.codec_context)  # None where FFmpeg has no decoder
    if context is None:
        raise UnreadableRecording(
            f"{name} is coded in a way that cannot be read: convert it to wav, mp3 or m4a."
        )
    if context.sample_rate not in _RATES or not 1 <= context.channels <= _MAX_CHANNELS:
        raise UnreadableRecording(
            f"{name} states a sample rate or channels that no recording has: copy it again."
        )
    context.thread_count = 1
    return stream


def _stated(stream: AudioStream, container: InputContainer, recognised: Recognised) -> float | None:
    """Seconds that the container states; None where FFmpeg would only guess from the bit rate."""
    if recognised.container in (Container.AMR, Container.AAC, Container.MP3, Container.WAV):
        return recognised.stated
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _renamed(path: Path, container: Container) -> str:
    return (
        f"{path.name} is in truth {container.name.lower()}; it was judged as that; give it its true ending."
    )


class _Tail(io.RawIOBase):
    """A file without the tag before its sound."""

    def __init__(self, file: BinaryIO, starts: int) -> None:
        self._under = file
        self._starts = starts

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._under.read(size)

    def tell(self) -> int:
        return self._under.tell() - self._starts

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        at = offset + self._starts if whence == io.SEEK_SET else offset
        return self._under.seek(at, whence) - self._starts
