"""Turns a closed message struct into a signed frame and back: the one way for all that is not a batch of verdicts.

A message is a frozen msgspec Struct with `array_like` and `forbid_unknown_fields`, every field bounded. Its payload is
the strict CBOR array of its fields (`codec`), signed as a COSE_Sign1 frame (`envelope`) whose context names use and
handset; the message names its handset too, and the two must agree.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Protocol, TypeVar, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from compline_shared import envelope
from compline_shared.codec import Value, decode, encode
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId

MAX_MESSAGE: Final = 8_192
"""Bytes of one frame that is not a batch."""

Id8 = Annotated[bytes, Meta(min_length=8, max_length=8)]
"""A handset, binding or operator id on the wire."""
Id16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
"""A command's id, or a nonce."""
Key32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""A public key, raw."""
Signature64 = Annotated[bytes, Meta(min_length=64, max_length=64)]
"""An Ed25519 signature."""
Epoch = Annotated[int, Meta(ge=0, le=2**32 - 1)]
"""How many times a binding was renewed."""
Counter = Annotated[int, Meta(ge=0, le=2**32 - 1)]
"""Place of a command among those to one binding."""
MAX_SECONDS: Final = 2**33
Seconds = Annotated[int, Meta(ge=0, le=MAX_SECONDS)]
"""Unix seconds, or a span of them."""


class Addressed(Protocol):
    """A message struct that says itself whose handset it is to or from."""

    __struct_fields__: ClassVar[tuple[str, ...]]

    @property
    def handset(self) -> bytes:
        """The handset, [8]."""
        ...


_Message = TypeVar("_Message", bound=msgspec.Struct)
_Addressed = TypeVar("_Addressed", bound=Addressed)


def encode_message(message: msgspec.Struct) -> bytes:
    """Return the one encoding of a message."""
    return encode(cast("Value", msgspec.to_builtins(message, builtin_types=(bytes,))))


def decode_message(payload: bytes, kind: type[_Message], *, limit: int = MAX_MESSAGE) -> _Message:
    """Return the message that `encode_message` wrote; raises MalformedFrame for anything else.

    msgspec alone would also take Base64 text for bytes, and an array without its last members: a message has one
    encoding.
    """
    return cast("_Message", _decoded(payload, kind, limit))


def sign_message(message: msgspec.Struct, key: Ed25519PrivateKey, *, use: str, handset: HandsetId) -> bytes:
    """Return the signed frame of a message to or from one handset."""
    return envelope.sign(encode_message(message), key, context=_context(use, handset))


def verify_message(
    frame: bytes, key: Ed25519PublicKey, kind: type[_Addressed], *, use: str, handset: HandsetId
) -> _Addressed:
    """Return the message in a frame that the key's holder signed for this use and handset, which it names itself too.

    Raises:
        MalformedFrame: nothing of it may be used.
    """
    payload = envelope.verify(frame, key, context=_context(use, handset), limit=MAX_MESSAGE)
    message = cast("_Addressed", _decoded(payload, kind, MAX_MESSAGE))
    if message.handset.hex() != handset:
        raise MalformedFrame("A signed message names another handset than its context; it was dropped.")
    return message


def _decoded(payload: bytes, kind: type[Any], limit: int) -> Any:  # noqa: ANN401 (a message of the kind)
    try:
        message = msgspec.convert(decode(payload, limit=limit), kind)
    except msgspec.ValidationError:
        raise _malformed() from None
    if encode_message(message) != payload:
        raise _malformed()
    return message


def _context(use: str, handset: HandsetId) -> bytes:
    return f"compline/1 {use} {handset}".encode()


def _malformed() -> MalformedFrame:
    return MalformedFrame("A signed message does not hold what its use allows; it was dropped.")
