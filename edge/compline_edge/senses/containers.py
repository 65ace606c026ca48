"""What a file is by its bytes: the container it is in, whether it is locked, how long it says it is."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import Enum, unique
from typing import BinaryIO

HEAD_BYTES = 65_536
"""How much of a file's beginning the recogniser looks at."""

MAX_INDEX_BYTES = 64 * 1024 * 1024
"""Largest index (`moov`) or metadata block accepted; ten hours of AAC need 20 MB."""

_MAX_BOXES = 4_096
_MPEG_RATES = ((44_100, 48_000, 32_000), (22_050, 24_000, 16_000), (11_025, 12_000, 8_000))


@unique
class Container(Enum):
    """Containers that phones write; the value is FFmpeg's demuxer."""

    WAV = "wav"
    MP3 = "mp3"
    AAC = "aac"
    MP4 = "mov"
    AMR = "amr"
    OGG = "ogg"
    FLAC = "flac"
    WEBM = "matroska"


SUFFIXES: dict[str, Container] = {
    ".wav": Container.WAV,
    ".mp3": Container.MP3,
    ".aac": Container.AAC,
    ".m4a": Container.MP4,
    ".mp4": Container.MP4,
    ".3gp": Container.MP4,
    ".3gpp": Container.MP4,
    ".amr": Container.AMR,
    ".awb": Container.AMR,
    ".ogg": Container.OGG,
    ".oga": Container.OGG,
    ".opus": Container.OGG,
    ".flac": Container.FLAC,
    ".webm": Container.WEBM,
}
"""What a recording's extension promises."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A container that may be opened."""

    container: Container
    starts: int  # bytes of tag before the container itself
    stated: float | None  # s, where the header states a duration that the demuxer does not report
    cut: bool  # the container's own structure shows that its end is missing


@dataclass(frozen=True, slots=True)
class Locked:
    """A file that is recognised and may not be opened."""

    what: str  # e.g. "a zip archive"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not a recording that can be read."""

    why: str


def recognise(file: BinaryIO) -> Recognised | Locked | Unknown:
    """Tell by content what `file` is, reading a bounded part of it; extensions play no part.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    locked = _locked(head)
    if locked is not None:
        return Locked(locked)
    starts = 0
    if head[:3] == b"ID3" and len(head) >= 10:
        starts = 10 + _syncsafe(head[6:10]) + (10 if head[5] & 0x10 else 0)
        file.seek(starts)
        head = file.read(HEAD_BYTES)
        if not head:
            return Unknown("it holds a tag and no sound")
    return _container(file, head, starts)


def _container(file: BinaryIO, head: bytes, starts: int) -> Recognised | Locked | Unknown:
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _wav(file, starts)
    if head[:6] == b"#!AMR\n" or head[:9] == b"#!AMR-WB\n":
        return Recognised(Container.AMR, starts, None, cut=False)
    if head[:4] == b"OggS":
        return Recognised(Container.OGG, starts, None, cut=_ogg_is_cut(file))
    if head[:4] == b"fLaC":
        return _flac(file, starts)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        if b"\x6d\x80" in head and b"\x62\x40" in head and b"\x50\x35" in head:
            return Locked("an encrypted WebM recording")
        return Recognised(Container.WEBM, starts, None, cut=False)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _mp4(file, starts)
    if len(head) >= 7 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return Recognised(Container.AAC, starts, None, cut=False)
    frame = _mpeg_frame(head)
    if frame is not None:
        return Recognised(Container.MP3, starts, _mp3_stated(head, frame), cut=False)
    return Unknown("it is not a recording in a format that phones write")


def _wav(file: BinaryIO, starts: int) -> Recognised | Unknown:
    """Walk the chunks up to the samples, whose size states the duration; FFmpeg bends that to the file's own size.

    A size that nobody filled in states nothing. A chunk before the samples that is larger than the file would be
    allocated whole by FFmpeg, gigabytes of it.
    """
    size = file.seek(0, os.SEEK_END)
    at, per_second, long_size = starts + 12, 0, 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        chunk = file.read(32)
        if len(chunk) < 8:
            return Unknown("it was cut off within its header")
        kind, length = struct.unpack("<4sI", chunk[:8])
        if kind == b"data":
            length = long_size if length == 0xFFFFFFFF else length
            known = per_second and length not in (0, 0x7FFFFFFF)
            return Recognised(Container.WAV, starts, length / per_second if known else None, cut=False)
        if length > min(size - at - 8, MAX_INDEX_BYTES):
            return Unknown("its header is damaged")
        if kind == b"fmt " and len(chunk) >= 20:
            per_second = int(struct.unpack("<I", chunk[16:20])[0])
        if kind == b"ds64" and len(chunk) >= 24:
            long_size = int(struct.unpack("<Q", chunk[16:24])[0])
        at += 8 + length + length % 2
    return Unknown("its header has no end")


def _locked(head: bytes) -> str | None:
    """Name the lock on the file, if it is one of those that people put on recordings."""
    for magic, what in (
        (b"PK\x03\x04", "a zip archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07", "a rar archive"),
        (b"Salted__", "encrypted with OpenSSL"),
        (b"-----BEGIN PGP MESSAGE", "encrypted with PGP"),
        (b"age-encryption.org/", "encrypted with age"),
    ):
        if head.startswith(magic):
            return what
    return "encrypted with PGP" if _is_pgp(head) else None


def _is_pgp(head: bytes) -> bool:
    """Recognise a binary OpenPGP message: an encrypted session key packet first (RFC 9580, 4.2, 5.1, 5.3)."""
    if len(head) < 16:
        return False
    public, password = (3, 6), (4, 5, 6)
    old = {0x84: (2, public), 0x85: (3, public), 0x8C: (2, password), 0x8D: (3, password)}
    if head[0] in old:
        at, versions = old[head[0]]
        return head[at] in versions
    new = {0xC1: public, 0xC3: password}
    if head[0] in new:
        at = 2 if head[1] < 192 else 3 if head[1] < 224 else 6
        return head[at] in new[head[0]]
    return False


def _mp4(file: BinaryIO, starts: int) -> Recognised | Locked | Unknown:
    """Walk the outermost boxes: the index must be there and be sane (ISO 14496-12)."""
    size = file.seek(0, os.SEEK_END)
    at = starts
    for _ in range(_MAX_BOXES):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            break
        length, name = struct.unpack(">I4s", header[:8])
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        if name == b"moov":
            return _moov(file, at, length, size, starts)
        if length < 8:
            break
        at += length
    return Unknown("it was cut off before its index was written")


def _moov(file: BinaryIO, at: int, length: int, size: int, starts: int) -> Recognised | Locked | Unknown:
    if length > MAX_INDEX_BYTES:
        return Unknown("its index is larger than any recording needs")
    if length < 8 or at + length > size:
        return Unknown("it was cut off within its index")
    file.seek(at)
    moov = file.read(length)
    for entry in (b"enca", b"encv", b"drms", b"drmi"):
        found = moov.find(entry)
        while found >= 0:
            if b"stsd" in moov[max(0, found - 64) : found]:
                return Locked("a recording with copy protection")
            found = moov.find(entry, found + 4)
    return Recognised(Container.MP4, starts, None, cut=False)


def _flac(file: BinaryIO, starts: int) -> Recognised | Unknown:
    """Sum the metadata blocks: gigabytes of pictures are refused before anything reads them (RFC 9639, 8)."""
    at, total = starts + 4, 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        header = file.read(4)
        if len(header) < 4:
            return Unknown("it was cut off within its header")
        length = int.from_bytes(header[1:], "big")
        at += 4 + length
        total += length
        if total > MAX_INDEX_BYTES:
            return Unknown("its metadata are larger than any recording needs")
        if header[0] & 0x80:
            return Recognised(Container.FLAC, starts, None, cut=False)
    return Unknown("its header has no end")


def _ogg_is_cut(file: BinaryIO) -> bool:
    """Whether the last page lacks the end-of-stream flag or its own end (RFC 3533, 6)."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * HEAD_BYTES))
    tail = file.read()
    at = tail.rfind(b"OggS\x00")
    if at < 0 or len(tail) < at + 27:
        return True
    segments = tail[at + 26]
    table = tail[at + 27 : at + 27 + segments]
    complete = len(table) == segments and len(tail) >= at + 27 + segments + sum(table)
    return not (complete and tail[at + 5] & 0x04)


def _mpeg_frame(head: bytes) -> int | None:
    """Offset of the first MPEG audio layer II/III frame that another frame follows, or None."""
    for at in range(min(len(head) - 4, 8_192)):
        length = _mpeg_length(head, at)
        if length is not None and (
            at + length + 4 > len(head) or _mpeg_length(head, at + length) is not None
        ):
            return at
    return None


def _mpeg_length(head: bytes, at: int) -> int | None:
    """Bytes of the frame whose header stands at `at` (ISO 11172-3, 2.4.1.3), None where there is none."""
    if head[at] != 0xFF or head[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = (head[at + 1] >> 3) & 3, (head[at + 1] >> 1) & 3
    bits, rate = head[at + 2] >> 4, (head[at + 2] >> 2) & 3
    if version == 1 or layer not in (1, 2) or bits in (0, 15) or rate == 3:
        return None
    kilobits = _kilobits(version, layer)[bits]
    hertz = _MPEG_RATES[{3: 0, 2: 1, 0: 2}[version]][rate]
    factor = 72 if layer == 1 and version != 3 else 144
    return factor * 1000 * kilobits // hertz + ((head[at + 2] >> 1) & 1)


def _kilobits(version: int, layer: int) -> tuple[int, ...]:
    if version != 3:
        return (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    if layer == 1:
        return (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    return (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)


def _mp3_stated(head: bytes, at: int) -> float | None:
    """Seconds that a Xing or Info header states; FFmpeg drops the figure where the file is shorter."""
    window = head[at : at + 200]
    for mark in (b"Xing", b"Info"):
        found = window.find(mark)
        if found > 0 and len(window) >= found + 12 and window[found + 7] & 1:
            frames = int.from_bytes(window[found + 8 : found + 12], "big")
            version, rate = (head[at + 1] >> 3) & 3, (head[at + 2] >> 2) & 3
            hertz = _MPEG_RATES[{3: 0, 2: 1, 0: 2}[version]][rate]
            return frames * (1152 if version == 3 else 576) / hertz
    return None


def _syncsafe(raw: bytes) -> int:
    return raw[0] << 21 | raw[1] << 14 | raw[2] << 7 | raw[3]
