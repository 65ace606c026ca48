"""What makes a handset and a hub known to each other: the request, and the grant that pairing carries."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar, final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta

from compline_shared.commands import Roster
from compline_shared.errors import ComplineError
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.masking import BranchKey
from compline_shared.p256 import POINT_BYTES
from compline_shared.place import Place
from compline_shared.strictness import Strictness

MAX_FILE: Final = 8_192
"""Bytes of either file."""

_Hex16 = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
_Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
_Host = Annotated[str, Meta(min_length=1, max_length=255)]
_Port = Annotated[int, Meta(ge=1, le=65_535)]
_Point = Annotated[bytes, Meta(min_length=POINT_BYTES, max_length=POINT_BYTES)]
_Word = Annotated[str, Meta(min_length=1, max_length=128)]
_Message = TypeVar("_Message", bound=msgspec.Struct)


class BadEnrolment(ComplineError):
    """An enrolment file cannot be used; make it anew on the other side."""


@final
class Secret:
    """A secret of 1 to 128 bytes; its text form is base64 in the file and stars everywhere else."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes, /) -> None:
        if not 1 <= len(raw) <= 128:
            raise ValueError("a secret has 1 to 128 bytes")
        self._raw = bytes(raw)

    def __bytes__(self) -> bytes:
        return self._raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return "Secret(********)"


class EnrolmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a handset shows the hub: its id and its public keys."""

    handset: _Hex16
    signing_key_public: _Key  # Ed25519
    tls_key_public: _Point  # P-256

    @property
    def handset_id(self) -> HandsetId:
        """The handset's id as its own type."""
        return HandsetId(self.handset)

    @property
    def verify_key(self) -> Ed25519PublicKey:
        """The key that checks the handset's batches."""
        return Ed25519PublicKey.from_public_bytes(self.signing_key_public)


class EnrolmentGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the hub gives back: the binding, the branch's keys, and how to reach the hub. Holds secrets."""

    handset: _Hex16
    binding: _Hex16
    epoch: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    branch_key: BranchKey
    binding_secret: (
        Secret | None
    )  # 32 random bytes, half of what opens the vault; None where it is kept apart
    hub_name: _Word
    freeze_key: _Key  # X25519, of this epoch: the vault's key is sealed to it when the binding is frozen
    hub_keys: HubPublicKeys  # as they are when the binding begins
    officer_key: _Key | None = None  # X25519 of the compliance officer, to whom evidence is sealed too
    operators: Roster = ()
    times: LeaseTimes = LeaseTimes()
    strictness: Strictness = ()
    mqtt_host: _Host | None = None  # None: discover by zeroconf
    mqtt_port: _Port | None = None
    pairing_host: _Host | None = (
        None  # where the handset's certificate is renewed; None: discover by zeroconf
    )
    pairing_port: _Port | None = None

    @property
    def place(self) -> Place:
        """Handset, binding and epoch."""
        return Place(handset=HandsetId(self.handset), binding=BindingId(self.binding), epoch=self.epoch)


def met_at(grant: EnrolmentGrant, host: str) -> EnrolmentGrant:
    """Return a grant whose open hosts are the one at which the handset met the hub."""
    return msgspec.structs.replace(
        grant, mqtt_host=grant.mqtt_host or host, pairing_host=grant.pairing_host or host
    )


def write_request(request: EnrolmentRequest) -> bytes:
    """Return the request as JSON."""
    return _write(request)


def read_request(data: bytes) -> EnrolmentRequest:
    """Return the request in a file's bytes; raises BadEnrolment."""
    return _read(data, EnrolmentRequest)


def write_grant(grant: EnrolmentGrant) -> bytes:
    """Return the grant as JSON; it holds secrets, so its file has mode 0600 and goes once it was used."""
    return _write(grant)


def read_grant(data: bytes) -> EnrolmentGrant:
    """Return the grant in a file's bytes; raises BadEnrolment, which never quotes it."""
    grant = read_kept_grant(data)
    if grant.binding_secret is None or len(bytes(grant.binding_secret)) != 32:
        raise _bad(EnrolmentGrant)
    return grant


def read_kept_grant(data: bytes) -> EnrolmentGrant:
    """Return a grant whose binding secret may be kept apart; raises BadEnrolment."""
    return _read(data, EnrolmentGrant)


def _write(message: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(message, enc_hook=_encoded), indent=2) + b"\n"


def _read(data: bytes, kind: type[_Message]) -> _Message:
    if len(data) > MAX_FILE:
        raise _bad(kind)
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_decoded)
    except msgspec.DecodeError:
        raise _bad(kind) from None


def _encoded(value: BranchKey | Secret) -> bytes:
    return bytes(value)


def _decoded(kind: type[BranchKey] | type[Secret], value: object) -> BranchKey | Secret:
    return kind(msgspec.convert(value, bytes))


def _bad(kind: type[msgspec.Struct]) -> BadEnrolment:
    what = "an enrolment request" if kind is EnrolmentRequest else "a grant"
    return BadEnrolment(f"The file is not {what} that this version can read; make it anew on the other side.")
