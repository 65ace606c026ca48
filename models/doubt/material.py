"""Recorded speech and music for measuring doubt: which is for choosing and which for measuring, and where it lies.

Speech in other languages and music come from Debian packages by name, fetched once into the user's cache: the voice
prompts of a telephone exchange, spoken by people (asterisk-core-sounds-*), its music on hold, the music of a game,
and passages read from a novel. Nothing of them is kept in the repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from models.train.telephone import Floats

RATE = 16_000
DATA = Path("../shared/data")
CLIP_S = 20.0
"""Seconds of sound a clip."""
_LEAST_BYTES = 30_000
"""Of a voice prompt: shorter ones are single letters and digits."""
_SOUNDS = "usr/share/asterisk/sounds"

LANGUAGES = {
    "en": ("asterisk-core-sounds-en-wav", f"{_SOUNDS}/en_US_f_Allison"),
    "fr": ("asterisk-core-sounds-fr-wav", f"{_SOUNDS}/fr_CA_f_June"),
    "it": ("asterisk-core-sounds-it-wav", f"{_SOUNDS}/it_IT_m_Carlo"),
    "ru": ("asterisk-core-sounds-ru-wav", f"{_SOUNDS}/ru_RU_f_IvrvoiceRU"),
    "es": ("asterisk-core-sounds-es-wav", f"{_SOUNDS}/es_MX_f_Allison"),
}
"""Real voices; English, French and Spanish are women, English and Spanish the same one."""
FOR_CHOOSING, FOR_MEASURING = ("en", "fr"), ("it", "ru", "es")
MUSIC_FOR_CHOOSING = ("frozen-bubble-data", "usr/share/games/frozen-bubble/snd")
MUSIC_FOR_MEASURING = ("asterisk-moh-opsound-wav", "usr/share/asterisk/moh")
NOVEL = ("pocketsphinx-testdata", "usr/share/pocketsphinx/test/data/librivox")


class NotHere(Exception):
    """A package cannot be fetched here; what rests on it is left out."""


def package(name: str, folder: str) -> Path:
    """The folder of a Debian package, unpacked in the user's cache.

    Raises:
        NotHere: this is no Debian, or its archive is not reachable.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compline-eval"
    target = cache / name
    if not target.is_dir():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise NotHere(f"{name} is a Debian package, and this is no Debian")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as draft:
            try:
                subprocess.run(
                    ["apt-get", "-q", "download", name],
                    cwd=draft,
                    check=True,
                    capture_output=True,
                    timeout=180,
                )
                (archive,) = Path(draft).glob("*.deb")
                subprocess.run(["dpkg-deb", "-x", archive, Path(draft) / "content"], check=True, timeout=180)
            except (subprocess.SubprocessError, ValueError) as error:
                raise NotHere(f"{name} cannot be fetched from Debian's archive") from error
            (Path(draft) / "content").rename(target)
    if not (target / folder).is_dir():
        raise NotHere(f"{name} has no {folder}")
    return target / folder


def prompts(language: str) -> list[Path]:
    """Voice prompts of more than two seconds; raises NotHere."""
    folder = package(*LANGUAGES[language])
    return [path for path in sorted(folder.glob("*.wav")) if path.stat().st_size > _LEAST_BYTES]


def music(name: str, folder: str) -> list[Path]:
    """Pieces of music of more than 300 kB; raises NotHere."""
    found = [path for path in package(name, folder).rglob("*") if path.suffix in (".ogg", ".wav", ".mp3")]
    return [path for path in sorted(found) if path.stat().st_size > 300_000]


def decode(path: Path) -> Floats:
    """Mono samples of -1..1 at 16 kHz."""
    pieces = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        for frame in container.decode(audio=0):
            pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        pieces += [part.to_ndarray()[0] for part in resampler.resample(None)]
    joined = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    return np.asarray(joined, dtype=np.float32) / np.float32(32_768)


def clips(paths: Sequence[Path], chance: np.random.Generator, *, most: int) -> Iterator[Floats]:
    """Yield clips of about `CLIP_S`: utterances in random order with pauses of 0.2 to 0.8 s, none used twice."""
    order = [paths[int(k)] for k in chance.permutation(len(paths))]
    pieces: list[Floats] = []
    length = given = 0
    for path in order:
        if given == most:
            return
        said = decode(path)
        pieces += [said, np.zeros(int(chance.uniform(0.2, 0.8) * RATE), np.float32)]
        length += said.size
        if length >= CLIP_S * RATE:
            yield np.concatenate(pieces)
            pieces, length, given = [], 0, given + 1
    if length >= 0.75 * CLIP_S * RATE and given < most:
        yield np.concatenate(pieces)


def excerpts(paths: Sequence[Path], *, each: int) -> Iterator[Floats]:
    """Yield up to `each` clips of `CLIP_S` from every piece of music, evenly spread."""
    size = int(CLIP_S * RATE)
    for path in paths:
        whole = decode(path)
        for start in np.linspace(0, max(0, whole.size - size), each).astype(int).tolist():
            part = whole[start : start + size]
            if part.size == size and float(np.mean(part * part)) > 1e-6:
                yield part
