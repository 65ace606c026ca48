"""Speaks everything that `make eval spoken`, calibration and training listen to; goes on where it was stopped.

    .venv/bin/python -m models.voices

Makes the voice's environment in .run/voices at need. About an hour and a half of one core; nothing of it is committed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from models.voices.scripts import wanted

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".run" / "voices"
NEEDED = ROOT / "packaging" / "sample-day" / "requirements.txt"


def main() -> None:
    """Write the list, and have it spoken."""
    voice = PLACE / ".venv" / "bin" / "python"
    PLACE.mkdir(parents=True, exist_ok=True)
    if not voice.exists():
        _make(voice.parents[1])
    listed = PLACE / "wanted.tsv"
    lines = (f"{utterance.voice}\t{utterance.text}\n" for utterance in wanted())
    listed.write_text("".join(lines), encoding="utf-8")
    subprocess.run([voice, Path(__file__).with_name("speak.py"), listed], check=True)


def _make(folder: Path) -> None:
    """The sample day's environment: TensorFlow of an age that still knows the voice's operators needs Python 3.11."""
    python = shutil.which("python3.11") or sys.executable
    subprocess.run([python, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--requirement", NEEDED], check=True)


if __name__ == "__main__":
    main()
