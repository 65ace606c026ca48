"""The recordings that the shipped weights may learn from, with what is said in them as toneless syllables."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from models.train.fbank import SAMPLE_RATE
from numpy.typing import NDArray
from pypinyin import lazy_pinyin

Pcm = NDArray[np.int16]

_WORD = re.compile(r"cmn-(?P<text>.+)\.mp3$")
_TONED = re.compile(r"(?P<syllable>[a-z]+)[0-5]$")


@dataclass(frozen=True, slots=True)
class Utterance:
    """Mono 16 kHz samples of one speaker; syllables is empty where the words cannot be written in them."""

    source: str
    samples: Pcm
    syllables: tuple[str, ...]
    held_out: bool


def read_corpus(data: Path) -> list[Utterance]:
    """Read every permitted recording: aishell_s0150 and audio_cmn; nothing that is evaluated on."""
    return [
        *_sentences(data / "aishell_s0150"),
        *_archive(data / "audio_cmn" / "words.tar"),
        *_archive(data / "audio_cmn" / "syllables.tar"),
    ]


def _sentences(folder: Path) -> Iterator[Utterance]:
    """Sentences; the last ten of each hundred are held out together, for neighbours share their wording."""
    rows = (folder / "transcripts.tsv").read_text(encoding="utf-8").splitlines()
    for index, row in enumerate(rows):
        name, text = row.split("\t")
        yield Utterance(
            source="sentence",
            samples=_decode((folder / name).read_bytes()),
            syllables=_syllables(text),
            held_out=index % 100 >= 90,
        )


def _archive(path: Path) -> Iterator[Utterance]:
    """Words and syllables, named by what is said; every fortieth is held out."""
    with tarfile.open(path) as archive:
        members = sorted(
            (member for member in archive if member.name.endswith(".mp3")), key=lambda member: member.name
        )
        for index, member in enumerate(members):
            stored = archive.extractfile(member)
            said = _WORD.search(member.name)
            if stored is None or said is None:
                continue
            yield Utterance(
                source=path.stem,
                samples=_decode(stored.read()),
                syllables=_spoken(said["text"]),
                held_out=index % 40 == 39,
            )


def _spoken(name: str) -> tuple[str, ...]:
    """Syllables of a file name: a toned syllable (`ou1`) or Han characters; `_` is a gap in a pattern."""
    toned = _TONED.match(name)
    if toned:
        return (toned["syllable"],)
    return _syllables(name.replace("_", ""))


def _syllables(text: str) -> tuple[str, ...]:
    if not re.fullmatch(r"[\u4e00-\u9fff]+", text):
        return ()
    return tuple(lazy_pinyin(text))


def _decode(stored: bytes) -> Pcm:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    parts: list[Pcm] = []
    with av.open(io.BytesIO(stored), "r") as container:
        for frame in (*container.decode(audio=0), None):
            parts += [np.asarray(piece.to_ndarray()[0], np.int16) for piece in resampler.resample(frame)]
    return np.concatenate(parts)
