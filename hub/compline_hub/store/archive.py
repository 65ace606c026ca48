"""A hub's keys and database as one sealed file, and back into an empty folder."""

from __future__ import annotations

import os
import re
import sqlite3
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from compline_hub.errors import BadBackup
from compline_hub.store.durable import sync_folder
from compline_hub.store.sealed_stream import OpeningReader, SealingWriter
from compline_shared.sealed_file import CHUNK

DATABASE: Final = "hub.db"
_NAME: Final = re.compile(r"hub\.db|keys/[a-z]+\.(key|key\.old|key\.next|crt)")
_MAX_FILES: Final = 64


def snapshot(database: Path, to: Path) -> None:
    """Copy a database as it is at one moment, while others write to it."""
    source, target = sqlite3.connect(database), sqlite3.connect(to)
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    finally:
        target.close()
        source.close()


def write_archive(path: Path, files: Sequence[tuple[str, Path]], *, passphrase: str) -> None:
    """Write (name, file) pairs sealed into ``path``: whole or not at all, on the disk when this returns.

    Raises:
        BadBackup: it cannot be written there.
        WrongPassphrase: it is too short.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            _seal_into(stream, files, passphrase)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise BadBackup(
            f"{path.name} cannot be written; check the folder and the room on its disk."
        ) from error


def read_archive(path: Path, folder: Path, *, passphrase: str) -> list[str]:
    """Unpack into ``folder``, durably; returns the names. The folder is to be believed only if this returns.

    Raises:
        BadBackup: it cannot be read, or is damaged.
        WrongPassphrase: it does not open it.
    """
    try:
        with path.open("rb") as stream:
            return _open_into(folder, stream, passphrase)
    except OSError as error:
        raise BadBackup(f"{path.name} cannot be read, or there is no room to unpack it.") from error


def _seal_into(stream: BinaryIO, files: Sequence[tuple[str, Path]], passphrase: str) -> None:
    with (
        SealingWriter(stream, passphrase=passphrase) as sealing,
        tarfile.open(mode="w|", fileobj=cast("IO[bytes]", sealing), format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, file in files:
            member = tarfile.TarInfo(name)
            member.size = file.stat().st_size
            with file.open("rb") as content:
                tar.addfile(member, content)


def _open_into(folder: Path, stream: BinaryIO, passphrase: str) -> list[str]:
    reader = OpeningReader(stream, passphrase=passphrase)
    names: list[str] = []
    try:
        with tarfile.open(mode="r|", fileobj=cast("IO[bytes]", reader)) as tar:
            for member in tar:
                if not member.isreg() or not _NAME.fullmatch(member.name) or len(names) >= _MAX_FILES:
                    raise BadBackup(
                        "The backup holds something that this version does not know; nothing was used."
                    )
                _unpack(tar, member, folder / member.name)
                names.append(member.name)
        reader.drain()
    except tarfile.TarError as error:
        raise BadBackup("The backup's contents cannot be read; nothing of it was used.") from error
    return names


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, to: Path) -> None:
    to.parent.mkdir(mode=0o700, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        while chunk := content.read(CHUNK):
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(to.parent)
