"""Evidence comes back to the byte, and a damaged or missing piece is named."""

from __future__ import annotations

import errno
import hashlib
import io
import resource
from pathlib import Path

import pytest

from compline_edge.vault.errors import StorageFull
from compline_shared.sealed_file import CHUNK, EvidenceDamaged
from tests.homes import enrolled, opened
from tests.verdicts import draft


def evidence_file(home: Path) -> Path:
    return next(home.rglob("*.cev"))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_evidence_when_read_back_then_every_byte(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    with opened(enrolled(tmp_path)) as here:
        here.ledger.record(draft(), io.BytesIO(content[:size]))
        assert b"".join(here.vault.evidence(1)) == content[:size]


def test_evidence_when_source_gives_little_at_a_time_then_chunks_are_whole(tmp_path: Path) -> None:
    class Trickle(io.RawIOBase):
        left = 3 * CHUNK

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            assert isinstance(buffer, (bytearray, memoryview))
            count = min(1_000, len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    home = enrolled(tmp_path)
    with opened(home) as here:
        here.ledger.record(draft(), Trickle())  # type: ignore[arg-type]
        assert [len(chunk) for chunk in here.vault.evidence(1)] == [CHUNK] * 3


def test_evidence_when_digest_is_taken_then_of_the_whole_file(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        kept = here.ledger.record(draft(), io.BytesIO(b"x" * 100_000))
    assert kept.evidence is not None
    assert bytes(kept.evidence) == hashlib.sha256(evidence_file(home).read_bytes()).digest()


def cut(raw: bytes) -> bytes:
    return raw[: 20 + CHUNK + 16]


def append(raw: bytes) -> bytes:
    return raw + raw[20:]


def swap(raw: bytes) -> bytes:
    step = CHUNK + 16
    return raw[:20] + raw[20 + step : 20 + 2 * step] + raw[20 : 20 + step] + raw[20 + 2 * step :]


def flip(raw: bytes) -> bytes:
    return raw[:100] + bytes([raw[100] ^ 1]) + raw[101:]


def rename(raw: bytes) -> bytes:
    return b"CEV1" + bytes(16) + raw[20:]


@pytest.mark.parametrize("damage", [cut, append, swap, flip, rename, lambda raw: b""])
def test_evidence_when_damaged_then_named(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    home = enrolled(tmp_path)
    with opened(home) as here:
        here.ledger.record(draft(), io.BytesIO(b"x" * (2 * CHUNK + 5)))
        path = evidence_file(home)
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(EvidenceDamaged):
            list(here.vault.evidence(1))


def test_evidence_when_file_is_gone_then_named(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        here.ledger.record(draft(), io.BytesIO(b"x"))
        evidence_file(home).unlink()
        with pytest.raises(EvidenceDamaged):
            list(here.vault.evidence(1))


def test_evidence_when_reading_its_source_fails_then_no_file_stays(tmp_path: Path) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise RuntimeError("the decoder gave up")

    home = enrolled(tmp_path)
    with opened(home) as here:
        with pytest.raises(RuntimeError):
            here.ledger.record(draft(), Broken())  # type: ignore[arg-type]
        assert list(home.rglob("*.cev")) == []


def test_evidence_when_its_source_cannot_be_read_then_the_disk_is_not_blamed(tmp_path: Path) -> None:
    class Unreadable(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(errno.EIO, "a bad sector under the recording")

    home = enrolled(tmp_path)
    with opened(home) as here:
        with pytest.raises(OSError, match="bad sector"):
            here.ledger.record(draft(), Unreadable())  # type: ignore[arg-type]
        assert list(home.rglob("*.cev")) == []
        here.ledger.require_room()


def test_evidence_when_disk_is_full_then_named_and_no_file_stays(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(home) as here:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with pytest.raises(StorageFull, match="no room left"):
                here.ledger.record(draft(), io.BytesIO(bytes(2**20)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (list(home.rglob("*.cev")), here.vault.verdicts()) == ([], [])


def test_evidence_when_no_row_names_it_then_swept_at_opening(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        here.vault.seal_evidence(io.BytesIO(b"orphan"))
    opened(home).close()
    assert list(home.rglob("*.cev")) == []
