"""A file of any length under one passphrase: nothing of it is believed before it was authenticated.

    "CPB1" + file key sealed under the passphrase (`passphrase`, 80 bytes) = the header of a `sealed_file`, then its
    chunks under the file key

Chunks cannot be changed, removed, reordered or cut off at the end.
"""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from compline_hub.errors import BadBackup
from compline_hub.store.passphrase import open_under, seal_under
from compline_shared.sealed_file import CHUNK, opened_chunks, sealed_chunk

_MAGIC: Final = b"CPB1"
_WRAPPED: Final = 80
_USE: Final = b"backup"


class SealingWriter:
    """Takes bytes and writes them sealed; without `close` the file does not open."""

    def __init__(self, to: BinaryIO, *, passphrase: str) -> None:
        key = secrets.token_bytes(32)
        self._head = _MAGIC + seal_under(passphrase, key, use=_USE)
        self._aead = ChaCha20Poly1305(key)
        self._to = to
        self._pending = bytearray()
        self._number = 0
        to.write(self._head)

    def write(self, data: bytes) -> int:
        """Take more; returns how many bytes."""
        self._pending += data
        while len(self._pending) > CHUNK:  # the last chunk is never sealed before the end is known
            self._seal(bytes(self._pending[:CHUNK]), last=False)
            del self._pending[:CHUNK]
        return len(data)

    def close(self) -> None:
        """Write what is left as the last chunk."""
        self._seal(bytes(self._pending), last=True)

    def __enter__(self) -> SealingWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._to.write(sealed_chunk(self._aead, self._number, plain, header=self._head, last=last))
        self._number += 1


class OpeningReader:
    """Gives the bytes back; raises BadBackup at the first chunk that does not fit."""

    def __init__(self, source: BinaryIO, *, passphrase: str) -> None:
        head = source.read(len(_MAGIC) + _WRAPPED)
        if len(head) != len(_MAGIC) + _WRAPPED or not head.startswith(_MAGIC):
            raise BadBackup("The file is no backup that this version can read.")
        key = open_under(passphrase, head[len(_MAGIC) :], use=_USE)
        self._chunks = opened_chunks(source.read, key=key, header=head)
        self._opened = bytearray()
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer at the end."""
        while len(self._opened) < size and not self._ended:
            self._open()
        taken = bytes(self._opened[:size])
        del self._opened[:size]
        return taken

    def drain(self) -> None:
        """Authenticate the file to its end."""
        while self.read(CHUNK):
            pass

    def _open(self) -> None:
        try:
            chunk, self._ended = next(self._chunks)
        except (InvalidTag, StopIteration):  # there is nothing after a chunk that did not open
            raise BadBackup(
                "The backup is damaged or was cut off; nothing of it was used. Take another copy of it."
            ) from None
        self._opened += chunk
