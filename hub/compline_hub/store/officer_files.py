"""The compliance officer's key file, and evidence opened with it, on any machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Meta

from compline_hub.errors import BadKeyFile
from compline_hub.store.operator_files import MAX_FILE, write_new
from compline_hub.store.passphrase import open_under, seal_under
from compline_shared.errors import MalformedFrame
from compline_shared.message_frame import decode_message
from compline_shared.sealed import unseal
from compline_shared.sealed_file import KEY_BYTES, EvidenceDamaged, opened
from compline_shared.transfer import Offer

_USE: Final = b"officer key"


class OfficerKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="officer key"):
    """The officer's private key, sealed under a passphrase."""

    sealed: Annotated[bytes, Meta(max_length=256)]


def make_officer(path: Path, *, passphrase: str) -> bytes:
    """Make a key pair, the private half into ``path``, which is never overwritten; return the public half [32].

    Raises:
        BadKeyFile: the file is there already or cannot be written.
        WrongPassphrase: it is too short.
    """
    key = X25519PrivateKey.generate()
    sealed = seal_under(passphrase, key.private_bytes_raw(), use=_USE)
    write_new(path, OfficerKey(sealed), mode=0o600)
    return key.public_key().public_bytes_raw()


def open_officer(path: Path, *, passphrase: str) -> X25519PrivateKey:
    """Return the private key in a file; raises BadKeyFile or WrongPassphrase."""
    try:
        with path.open("rb") as stream:
            held = msgspec.json.decode(stream.read(MAX_FILE), type=OfficerKey)
    except OSError as error:
        raise BadKeyFile(f"{path.name} cannot be read; check its name.") from error
    except msgspec.DecodeError as error:
        raise BadKeyFile(f"{path.name} is no officer key that this version can read.") from error
    return X25519PrivateKey.from_private_bytes(open_under(passphrase, held.sealed, use=_USE))


def open_evidence(sealed_file: Path, key: X25519PrivateKey, out: Path) -> int:
    """Open a piece of evidence, its offer (.cek) beside it, into ``out``, mode 0600; return its bytes.

    Raises:
        EvidenceDamaged: it is not what was deposited; nothing is left in ``out``.
        BadKeyFile: it is sealed to another officer, or a file is missing or in the way.
    """
    try:
        offer = decode_message(sealed_file.with_suffix(".cek").read_bytes(), Offer)
        file_key = unseal(
            offer.sealed_key,
            key,
            use="evidence",
            place=(offer.handset, offer.binding, offer.evidence),
            limit=KEY_BYTES,
        )
    except OSError as error:
        raise BadKeyFile(f"The offer of {sealed_file.name} (.cek) must lie beside it.") from error
    except MalformedFrame as error:
        raise BadKeyFile(
            f"{sealed_file.name} is sealed to another officer's key, or its offer was changed."
        ) from error
    return _written(sealed_file, offer.evidence, file_key, out)


def _written(sealed_file: Path, name: bytes, file_key: bytes, out: Path) -> int:
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadKeyFile(f"{out.name} is there already or cannot be written; name another file.") from error
    size = 0
    try:
        with os.fdopen(handle, "wb") as target, sealed_file.open("rb") as source:
            for chunk in opened(source.read, name=name, key=file_key):
                size += target.write(chunk)
    except (EvidenceDamaged, OSError):
        out.unlink(missing_ok=True)
        raise
    return size
