"""A message has one encoding, and its frame is good for one use and one handset."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_shared import envelope
from compline_shared.codec import Value, decode, encode
from compline_shared.commands import Command, Freeze, Lease
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.message_frame import (
    MAX_MESSAGE,
    decode_message,
    encode_message,
    sign_message,
    verify_message,
)
from compline_shared.reports import Report, Result
from compline_shared.transfer import Offer
from tests.bindings import (
    ANNE,
    BERT,
    BINDING,
    ELSEWHERE,
    HUB,
    NONCE,
    PLACE,
    STRANGER,
    WHO,
    command,
    policy,
    report,
    wipe,
)
from tests.refusals import ELSEWHERE as OTHER_HANDSET
from tests.refusals import MEMBERS, SIGNATURE, above, no_cbor

LEASE = command(Lease(NONCE, 1_795_000_000))
OFFER = Offer(
    handset=WHO,
    binding=BINDING,
    evidence=bytes(16),
    digest=bytes(32),
    size=1,
    sealed_key=bytes(80),
)
FRAME = sign_message(LEASE, HUB, use="command", handset=PLACE.handset)


def members(message: msgspec.Struct) -> list[Any]:
    listed = decode(encode_message(message), limit=MAX_MESSAGE)
    assert isinstance(listed, list)
    return listed


def lenient(payload: bytes, kind: type[Any]) -> Any:
    """What a decoder takes that does not compare with the one encoding."""
    return msgspec.convert(decode(payload, limit=MAX_MESSAGE), kind)


@pytest.mark.parametrize(
    "message", [LEASE, command(Freeze()), wipe(ANNE, BERT), policy(ANNE, BERT), policy(), report()], ids=repr
)
def test_message_when_decoded_then_as_encoded(message: msgspec.Struct) -> None:
    assert decode_message(encode_message(message), type(message)) == message


def with_text_for_bytes() -> tuple[bytes, type[msgspec.Struct]]:
    listed = members(LEASE)
    listed[0] = base64.b64encode(listed[0]).decode()
    return encode(listed), Command


def without_an_empty_tail() -> tuple[bytes, type[msgspec.Struct]]:
    return encode(members(msgspec.structs.replace(report(), results=()))[:-1]), Report


def without_the_times() -> tuple[bytes, type[msgspec.Struct]]:
    listed = members(policy())
    listed[5][3] = []
    return encode(listed), Command


@pytest.mark.parametrize("made", [with_text_for_bytes, without_an_empty_tail, without_the_times])
def test_message_when_encoded_another_way_then_malformed(made: Any) -> None:
    payload, kind = made()
    with pytest.raises(MalformedFrame, match=MEMBERS):
        decode_message(payload, kind)


@pytest.mark.parametrize("made", [with_text_for_bytes, without_an_empty_tail, without_the_times])
def test_control_other_encoding_when_not_compared_then_accepted(made: Any) -> None:
    payload, kind = made()
    assert isinstance(lenient(payload, kind), kind)


@pytest.mark.parametrize(
    "changed",
    [
        {0: bytes(7)},
        {0: bytes(9)},
        {1: 1},
        {2: True},
        {2: -1},
        {3: 2**32},
        {3: "11"},
        {4: bytes(15)},
        {5: []},
        {5: [6]},
        {5: [True]},
        {5: [1, 1]},
        {5: None},
        {5: [4, NONCE, -1]},
        {5: [4, NONCE, 2**33 + 1]},
        {5: [4, NONCE]},
        {5: [3, [[bytes(8), bytes(64)]] * 5]},
        {5: [3, [[bytes(8), bytes(63)]]]},
        {5: [5, NONCE, 1, [86_400, 86_400, 2_592_000], [], []]},
        {5: [5, NONCE, 1, [86_400, 259_200, 366 * 86_400], [], []]},
    ],
    ids=repr,
)
def test_message_when_a_member_is_out_of_bounds_then_malformed(changed: dict[int, Value]) -> None:
    listed = members(LEASE)
    for at, value in changed.items():
        listed[at] = value
    with pytest.raises(MalformedFrame, match=MEMBERS):
        decode_message(encode(listed), Command)


@pytest.mark.parametrize("outcome", [0, 11, True, "DONE", None])
def test_result_when_its_outcome_is_none_of_them_then_malformed(outcome: Value) -> None:
    with pytest.raises(MalformedFrame, match=MEMBERS):
        decode_message(encode([bytes(16), outcome]), Result)


@pytest.mark.parametrize("payload", [b"\x00", encode({0: 1}), encode(b"payload"), encode(None)])
def test_message_when_it_is_no_array_then_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedFrame, match=MEMBERS):
        decode_message(payload, Command)


def test_message_when_it_is_empty_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=no_cbor("it ends early")):
        decode_message(b"", Command)


def test_message_when_above_its_limit_then_malformed() -> None:
    payload = encode_message(LEASE)
    with pytest.raises(MalformedFrame, match=above(len(payload), len(payload) - 1)):
        decode_message(payload, Command, limit=len(payload) - 1)


def test_frame_when_verified_then_its_message() -> None:
    assert verify_message(FRAME, HUB.public_key(), Command, use="command", handset=PLACE.handset) == LEASE


@pytest.mark.parametrize("message", [LEASE, report(), OFFER], ids=lambda message: type(message).__name__)
def test_frame_when_its_message_names_another_handset_than_its_context_then_malformed(message: Any) -> None:
    moved = msgspec.structs.replace(message, handset=ELSEWHERE)
    frame = sign_message(moved, HUB, use="any", handset=PLACE.handset)
    with pytest.raises(MalformedFrame, match=OTHER_HANDSET):
        verify_message(frame, HUB.public_key(), type(moved), use="any", handset=PLACE.handset)


@pytest.mark.parametrize("message", [LEASE, report(), OFFER], ids=lambda message: type(message).__name__)
def test_control_frame_when_its_message_names_the_handset_of_its_context_then_taken(message: Any) -> None:
    frame = sign_message(message, HUB, use="any", handset=PLACE.handset)
    assert verify_message(frame, HUB.public_key(), type(message), use="any", handset=PLACE.handset) == message


@pytest.mark.parametrize("message", [LEASE, report(), OFFER], ids=lambda message: type(message).__name__)
def test_control_moved_message_when_only_signature_and_form_are_checked_then_taken(message: Any) -> None:
    moved = msgspec.structs.replace(message, handset=ELSEWHERE)
    frame = sign_message(moved, HUB, use="any", handset=PLACE.handset)
    context = f"compline/1 any {PLACE.handset}".encode()
    payload = envelope.verify(frame, HUB.public_key(), context=context, limit=MAX_MESSAGE)
    assert decode_message(payload, type(moved)) == moved


@pytest.mark.parametrize(
    ("key", "use", "handset"),
    [
        (STRANGER, "command", PLACE.handset),
        (HUB, "report", PLACE.handset),
        (HUB, "command", HandsetId("f" * 16)),
    ],
)
def test_frame_when_signer_use_or_handset_is_another_then_malformed(
    key: Ed25519PrivateKey, use: str, handset: HandsetId
) -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_message(FRAME, key.public_key(), Command, use=use, handset=handset)


def test_frame_when_read_as_another_kind_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=MEMBERS):
        verify_message(FRAME, HUB.public_key(), Report, use="command", handset=PLACE.handset)


def test_frame_when_above_the_limit_then_malformed_before_the_signature() -> None:
    with pytest.raises(MalformedFrame, match=above(MAX_MESSAGE + 1, MAX_MESSAGE)):
        verify_message(
            bytes(MAX_MESSAGE + 1), HUB.public_key(), Command, use="command", handset=PLACE.handset
        )
