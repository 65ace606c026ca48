"""Unpacks a model's zip into a folder: all of it or nothing, and nothing outside."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from compline_shared.errors import ComplineError

MOST_FILES = 5_000
MOST_BYTES = 4 * 1024**3
"""Bytes of all files of a model together."""

_PIECE = 1 << 20


class BadArchive(ComplineError):
    """A model archive is broken or would write where it must not; fetch it again or from its publisher."""


def unpack(archive: Path, *, to: Path, name: str) -> Path:
    """Unpack `archive` as the folder `to/name`, a single folder at its top left out; returns the folder.

    The folder appears only when it is complete; one of the same name is replaced.

    Raises:
        BadArchive: it is no zip, holds too much, links, or names a file outside its own folder.
    """
    to.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=to))
    try:
        with zipfile.ZipFile(archive) as file:
            _unpack_all(file, draft)
        content = list(draft.iterdir())
        top = content[0] if len(content) == 1 and content[0].is_dir() else draft
        target = to / name
        if target.exists():
            shutil.rmtree(target)
        top.rename(target)
    # zipfile says NotImplementedError for a compression it lacks, and RuntimeError for an encrypted member
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadArchive(f"The archive of {name} is broken ({error}): fetch it again.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _unpack_all(file: zipfile.ZipFile, draft: Path) -> None:
    members = [member for member in file.infolist() if not member.is_dir()]
    if not members or len(members) > MOST_FILES:
        raise BadArchive(
            f"The archive holds {len(members)} files, not 1 to {MOST_FILES}: nothing was unpacked."
        )
    left = MOST_BYTES
    for member in members:
        target = draft / _safe(member)
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open(member) as source, target.open("wb") as sink:
            while piece := source.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise BadArchive(
                        f"The archive unpacks to more than {MOST_BYTES} bytes: nothing was kept."
                    )
                sink.write(piece)


def _safe(member: zipfile.ZipInfo) -> PurePosixPath:
    """Where a member goes: a relative path without a step upwards, and no link."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    link = stat.S_ISLNK(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or link:
        raise BadArchive(
            "The archive names a file outside its own folder: it is not to be trusted, nothing was kept."
        )
    return path
