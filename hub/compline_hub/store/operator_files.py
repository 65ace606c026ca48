"""The small files that operators carry: key, card, request and approval.

key       FILE       private, mode 0600, sealed under a passphrase     stays with the operator
card      FILE.pub   name and public key                               goes to the hub
request              what is to be approved, as the handset will see   hub to operator
approval             the signature under it                            operator to hub
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from compline_hub.errors import BadKeyFile
from compline_hub.store.passphrase import open_under, seal_under
from compline_shared.commands import Approval, Command
from compline_shared.errors import MalformedFrame
from compline_shared.message_frame import Id8, Id16, Key32, Signature64, decode_message, encode_message

MAX_FILE: Final = 8_192
"""Bytes of each of them."""
MAX_NAME: Final = 60
_USE: Final = b"operator key"
_Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
_File = TypeVar("_File", bound=msgspec.Struct)


class OperatorKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="operator key"):
    """An operator's private key, sealed under their passphrase."""

    name: _Name
    sealed: Annotated[bytes, Meta(max_length=256)]


class OperatorCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="operator card"):
    """What the hub needs of an operator."""

    name: _Name
    key: Key32


class ApprovalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="approval request"):
    """A command to be approved; the name helps people, the command is what is signed."""

    handset_name: _Name
    command: Annotated[bytes, Meta(max_length=4_096)]


class ApprovalGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="approval"):
    """An operator's signature, on its way to the hub."""

    command: Id16
    operator: Id8
    signature: Signature64

    @property
    def approval(self) -> Approval:
        """As it goes into the command."""
        return Approval(operator=self.operator, signature=self.signature)


def make_operator(path: Path, *, name: str, passphrase: str) -> OperatorCard:
    """Make a key pair: the private half into ``path``, the card beside it; neither is ever overwritten.

    Raises:
        BadKeyFile: a file is there already or cannot be written, or the name does not fit.
        WrongPassphrase: it is too short.
    """
    if not 1 <= len(name) <= MAX_NAME:
        raise BadKeyFile(f"An operator's name has 1 to {MAX_NAME} characters.")
    key = Ed25519PrivateKey.generate()
    card = OperatorCard(name=name, key=key.public_key().public_bytes_raw())
    sealed = seal_under(passphrase, key.private_bytes_raw(), use=_USE)
    write_new(path, OperatorKey(name=name, sealed=sealed), mode=0o600)
    write_new(path.with_name(f"{path.name}.pub"), card, mode=0o644)
    return card


def open_operator(path: Path, *, passphrase: str) -> Ed25519PrivateKey:
    """Return the private key in a file; raises BadKeyFile or WrongPassphrase."""
    held = _read(path, OperatorKey)
    return Ed25519PrivateKey.from_private_bytes(open_under(passphrase, held.sealed, use=_USE))


def read_card(path: Path) -> OperatorCard:
    """Return the card in a file; raises BadKeyFile."""
    return _read(path, OperatorCard)


def request_of(command: Command, *, handset_name: str) -> ApprovalRequest:
    """Return what an operator needs to approve a command."""
    return ApprovalRequest(handset_name=handset_name, command=encode_message(command))


def read_request(path: Path) -> tuple[str, Command]:
    """Return the handset's name and the command in a request; raises BadKeyFile."""
    request = _read(path, ApprovalRequest)
    try:
        return request.handset_name, decode_message(request.command, Command)
    except MalformedFrame as error:
        raise _bad(path, ApprovalRequest) from error


def read_approval(path: Path) -> ApprovalGiven:
    """Return the approval in a file; raises BadKeyFile."""
    return _read(path, ApprovalGiven)


def write_new(path: Path, content: msgspec.Struct, *, mode: int = 0o644) -> None:
    """Write one of the files, never over another; raises BadKeyFile."""
    data = msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise BadKeyFile(f"{path.name} is there already; name another file, or move it away.") from error
    except OSError as error:
        raise BadKeyFile(f"{path.name} cannot be written; check the folder.") from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _read(path: Path, kind: type[_File]) -> _File:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise BadKeyFile(f"{path.name} cannot be read; check its name.") from error
    if len(data) > MAX_FILE:
        raise _bad(path, kind)
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise _bad(path, kind) from error


def _bad(path: Path, kind: type[msgspec.Struct]) -> BadKeyFile:
    return BadKeyFile(f"{path.name} is no {kind.__struct_config__.tag} that this version can read.")
