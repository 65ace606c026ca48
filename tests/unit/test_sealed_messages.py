"""What is sealed opens with one key, for one use, at one place, and in no altered form."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_shared.codec import Value
from compline_shared.errors import MalformedFrame
from compline_shared.sealed import OVERHEAD, seal, unseal
from tests.bindings import ANSWERING, PLACE
from tests.refusals import UNOPENED, exactly

OTHER = X25519PrivateKey.from_private_bytes(b"\x09" * 32)
PLAIN = b"what only the handset may read"


def sealed() -> bytes:
    return seal(PLAIN, ANSWERING.public_key(), use="rebind", place=PLACE.members())


def opened(of: bytes, *, limit: int = 100) -> bytes:
    return unseal(of, ANSWERING, use="rebind", place=PLACE.members(), limit=limit)


def test_message_when_unsealed_then_as_it_was() -> None:
    assert opened(sealed()) == PLAIN


def test_message_when_sealed_then_48_bytes_longer_and_never_twice_the_same() -> None:
    made = {sealed() for _ in range(10)}
    assert (len(made), {len(each) for each in made}) == (10, {len(PLAIN) + OVERHEAD})


@pytest.mark.parametrize(
    ("key", "use", "place"),
    [
        (OTHER, "rebind", PLACE.members()),
        (ANSWERING, "freeze", PLACE.members()),
        (ANSWERING, "rebind", (PLACE.members()[0], PLACE.members()[1], PLACE.epoch + 1)),
        (ANSWERING, "rebind", (PLACE.members()[0], b"\xee" * 8, PLACE.epoch)),
        (ANSWERING, "rebind", (b"\xee" * 8, PLACE.members()[1], PLACE.epoch)),
        (ANSWERING, "rebind", PLACE.members()[:2]),
        (ANSWERING, "rebind", ()),
    ],
    ids=["key", "use", "epoch", "binding", "handset", "shorter place", "no place"],
)
def test_message_when_key_use_or_place_is_another_then_malformed(
    key: X25519PrivateKey, use: str, place: tuple[Value, ...]
) -> None:
    with pytest.raises(MalformedFrame, match=UNOPENED):
        unseal(sealed(), key, use=use, place=place, limit=100)


def test_message_when_any_bit_is_flipped_then_malformed() -> None:
    made = sealed()
    for at in range(len(made) * 8):
        broken = bytearray(made)
        broken[at // 8] ^= 1 << at % 8
        if (
            at == 255
        ):  # RFC 7748 section 5: the top bit of a u-coordinate is masked; HPKE binds enc all the same
            continue
        with pytest.raises(MalformedFrame, match=UNOPENED):
            opened(bytes(broken))


def test_message_when_its_enc_is_the_same_point_written_another_way_then_malformed() -> None:
    broken = bytearray(sealed())
    broken[31] ^= 0x80  # X25519 ignores this bit (RFC 7748 section 5); HPKE binds it
    with pytest.raises(MalformedFrame, match=UNOPENED):
        opened(bytes(broken))


@pytest.mark.parametrize("length", [0, 1, 31, 32, 47, 48, 77])
def test_message_when_cut_short_then_malformed(length: int) -> None:
    with pytest.raises(MalformedFrame, match=UNOPENED):
        opened(sealed()[:length])


@pytest.mark.parametrize("enc", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32], ids=["0", "1", "-1"])
def test_message_when_its_enc_is_of_small_order_then_malformed(enc: bytes) -> None:
    with pytest.raises(MalformedFrame, match=UNOPENED):
        opened(enc + sealed()[32:])


def test_message_when_above_its_limit_then_malformed_before_it_is_opened() -> None:
    with pytest.raises(
        MalformedFrame,
        match=exactly(f"A sealed message of {len(sealed())} bytes is too large; it was dropped."),
    ):
        opened(sealed(), limit=len(PLAIN) - 1)


def test_control_message_when_at_its_limit_then_opened() -> None:
    assert opened(sealed(), limit=len(PLAIN)) == PLAIN
