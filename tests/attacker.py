"""Opens a vault with whatever was stolen, by every way that the design or a mistake in it could leave open.

The attacker knows the code, every file of every copy, what the slots said that were within reach, and every command
that the hub ever sent. All bindings' secrets, wraps, frozen wraps and slot contents are tried with one another across
all copies; files are told apart by their length, never by their name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final

import sqlcipher3.dbapi2 as sqlcipher
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from compline_edge.vault.errors import VaultLocked
from compline_edge.vault.evidence import KEY_SUFFIX, SUFFIX
from compline_edge.vault.keys import VaultKey, thaw, unwrap
from compline_shared import sealed_file
from compline_shared.codec import Value
from compline_shared.commands import Command, Rebind, RebindSecrets, unseal_secrets, verify_command
from compline_shared.enrolment import EnrolmentGrant, Secret, read_kept_grant
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId
from compline_shared.place import Place
from compline_shared.sealed import OVERHEAD, unseal
from compline_shared.sealed_file import EvidenceDamaged

KEY: Final = 32
WRAP: Final = 12 + 64 + 16
FROZEN: Final = 32 + 12 + 32 + 16 + 16
OFFICER: Final = KEY + OVERHEAD
EPOCHS: Final = range(1, 5)
PAGE: Final = 4096
_RESERVE, _IV, _MAC, _SALT = 80, 16, 64, 16
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{43}")
_LONGEST_PIECES = 128
"""Bytes of a file up to which it may hold nothing but keys."""


@dataclass(frozen=True, slots=True)
class Loot:
    """What was stolen."""

    copies: tuple[Mapping[str, bytes], ...]  # each: path below the home -> content
    slots: frozenset[bytes]
    heard: tuple[bytes, ...]  # command frames


def read_all(loot: Loot) -> dict[str, bytes]:
    """Return all plaintext that the loot gives, by the place where it lay."""
    found = Found.of(loot)
    read = {
        f"{number}/{name}": content
        for number, copy in enumerate(loot.copies)
        for name in databases(copy)
        for key in found.vault_keys()
        if (content := contents(copy, name, key))
    }
    for number, copy in enumerate(loot.copies):
        read |= {f"{number}/{name}": content for name, content in found.officers_evidence(copy)}
    return read


@dataclass(frozen=True, slots=True)
class Found:
    """What the loot holds that may open something."""

    small: frozenset[bytes]  # contents of files that may be wraps
    grants: tuple[EnrolmentGrant, ...]
    pieces: frozenset[bytes]  # [32] slot keys and secrets
    privates: frozenset[bytes]  # [32] private keys

    @classmethod
    def of(cls, loot: Loot) -> Found:
        """Look through all copies, and open with what is there what the hub sent."""
        small = {content for copy in loot.copies for content in copy.values() if len(content) <= PAGE}
        grants = tuple(read_kept_grant(content) for content in _files(loot, "grant.json"))
        pieces = {piece for content in (*small, *loot.slots) for piece in _pieces(content)}
        privates = set(pieces)
        for secrets in _told(_commands(loot.heard, grants), privates):
            pieces |= {secrets.binding_secret, secrets.freeze_key}
            privates.add(secrets.freeze_key)
        return cls(frozenset(small), grants, frozenset(pieces), frozenset(privates))

    def vault_keys(self) -> set[bytes]:
        """Return every vault key that opens by slot contents, secrets, wraps and private keys of any of the copies."""
        bindings = {grant.place.binding for grant in self.grants}
        places = {replace(grant.place, epoch=epoch) for grant in self.grants for epoch in EPOCHS}
        return {
            *_unwrapped([c for c in self.small if len(c) == WRAP], self.pieces, bindings),
            *_thawed([c for c in self.small if len(c) == FROZEN], self.pieces, self.privates, places),
        }

    def officers_evidence(self, copy: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """Yield the evidence that opens by a key meant for the compliance officer."""
        for name, content in copy.items():
            file = copy.get(name.removesuffix(KEY_SUFFIX) + SUFFIX) if name.endswith(KEY_SUFFIX) else None
            if file is not None:
                for private, grant in product(self.privates, self.grants):
                    handset, binding, _ = grant.place.members()
                    piece = bytes.fromhex(Path(name).stem)
                    for key in _officer_opens(content[-OFFICER:], private, (handset, binding, piece)):
                        yield name, _opened(file, piece, key)


def databases(copy: Mapping[str, bytes]) -> list[str]:
    """Return the encrypted databases of a copy."""
    return [name for name in copy if name.endswith("vault.db")]


def contents(copy: Mapping[str, bytes], name: str, key: bytes) -> bytes:
    """Return every value of every table, and all evidence, of a vault that this raw key opens; b"" if it does not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vault.db"
        for suffix in ("", "-wal"):
            if name + suffix in copy:
                path.with_name(path.name + suffix).write_bytes(copy[name + suffix])
        try:
            with closing(_open(path, key)) as database:
                tables = [
                    t for (t,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                ]
                rows = [row for table in tables for row in database.execute(f"SELECT * FROM {table}")]
                wraps = database.execute("SELECT evidence, wrapped FROM evidence_key").fetchall()
        except sqlcipher.DatabaseError:
            return b""
    values = [str(v).encode() if not isinstance(v, bytes) else v for row in rows for v in row]
    return b"\n".join([*values, *_evidence(copy, VaultKey(key), wraps)])


def windows(contents: Iterable[bytes]) -> set[bytes]:
    """Return every 32-byte string at any place of any content, and those written there in base64 or hex."""
    found = set()
    for content in contents:
        found |= {content[at : at + KEY] for at in range(len(content) - KEY + 1)}
        found |= set(_written(content))
    return found


def fits(key: bytes, page: bytes) -> bool:
    """Whether a raw key is that of the database whose first page this is (SQLCipher 4: HMAC-SHA512 over each page)."""
    salt = bytes(byte ^ 0x3A for byte in page[:_SALT])
    mac_key = hashlib.pbkdf2_hmac("sha512", key, salt, 2, KEY)
    signed = page[_SALT : PAGE - _RESERVE + _IV] + (1).to_bytes(4, "little")
    mac = page[PAGE - _RESERVE + _IV : PAGE - _RESERVE + _IV + _MAC]
    return hmac.digest(mac_key, signed, "sha512") == mac


def _files(loot: Loot, name: str) -> set[bytes]:
    return {content for copy in loot.copies for path, content in copy.items() if Path(path).name == name}


def _pieces(content: bytes) -> Iterator[bytes]:
    """Keys that a content may be made of."""
    if len(content) <= _LONGEST_PIECES:
        yield from (content[at : at + KEY] for at in range(0, len(content) - KEY + 1, KEY))
    yield from _written(content)


def _written(content: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(content):
        with suppress(binascii.Error):
            yield base64.b64decode(match[0].translate(bytes.maketrans(b"-_", b"+/")) + b"=")
    for match in re.finditer(rb"[0-9a-fA-F]{64}", content):
        yield bytes.fromhex(match[0].decode())


def _commands(frames: Iterable[bytes], grants: Iterable[EnrolmentGrant]) -> list[Command]:
    heard = []
    for frame, grant in product(frames, grants):
        with suppress(MalformedFrame):
            heard.append(verify_command(frame, grant.hub_keys.command_key, grant.place.handset))
    return heard


def _told(commands: Sequence[Command], privates: Iterable[bytes]) -> Iterator[RebindSecrets]:
    """What the hub sent sealed to any of the private keys."""
    for private, command in product(tuple(privates), commands):
        if isinstance(command.body, Rebind):
            begins = replace(command.place, epoch=command.epoch + 1)
            with suppress(MalformedFrame):
                key = X25519PrivateKey.from_private_bytes(private)
                yield unseal_secrets(command.body.sealed, key, begins=begins, nonce=command.body.nonce)


def _unwrapped(
    wraps: Sequence[bytes], pieces: Collection[bytes], bindings: Collection[BindingId]
) -> Iterator[bytes]:
    for combination in product(wraps, pieces, pieces, bindings):
        yield from _unwrap(*combination)


def _thawed(
    frozen: Sequence[bytes], pieces: Collection[bytes], privates: Collection[bytes], places: Iterable[Place]
) -> Iterator[bytes]:
    for wrap, private, place in product(frozen, privates, tuple(places)):
        if _is_sealed_to(wrap, private, place):
            for slot_key in pieces:
                with suppress(VaultLocked):
                    yield bytes(thaw(wrap, slot_key=slot_key, freeze_key=private, place=place))


@cache
def _unwrap(wrap: bytes, slot_key: bytes, secret: bytes, binding: BindingId) -> tuple[bytes, ...]:
    try:
        return (bytes(unwrap(wrap, slot_key=slot_key, secret=Secret(secret), binding=binding).key),)
    except VaultLocked:
        return ()


@cache
def _is_sealed_to(wrap: bytes, private: bytes, place: Place) -> bool:
    try:
        unseal(
            wrap,
            X25519PrivateKey.from_private_bytes(private),
            use="freeze",
            place=place.members(),
            limit=FROZEN,
        )
    except MalformedFrame:
        return False
    return True


def _open(path: Path, key: bytes) -> sqlcipher.Connection:
    database = sqlcipher.connect(str(path))
    database.execute("PRAGMA cipher_log_level = NONE")
    database.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    return database


def _evidence(
    copy: Mapping[str, bytes], key: VaultKey, wraps: Sequence[tuple[bytes, bytes]]
) -> Iterator[bytes]:
    aead = ChaCha20Poly1305(key.derive(b"evidence wrap"))
    files = {Path(name).name: content for name, content in copy.items()}
    for piece, wrapped in wraps:
        with suppress(InvalidTag, EvidenceDamaged, KeyError):
            yield _opened(files[piece.hex() + SUFFIX], piece, aead.decrypt(piece[:12], wrapped, piece))


def _opened(file: bytes, piece: bytes, key: bytes) -> bytes:
    return b"".join(sealed_file.opened(io.BytesIO(file).read, name=piece, key=key))


@cache
def _officer_opens(sealed: bytes, private: bytes, place: tuple[Value, ...]) -> tuple[bytes, ...]:
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        return (unseal(sealed, key, use="evidence", place=place, limit=KEY),)
    except MalformedFrame:
        return ()
