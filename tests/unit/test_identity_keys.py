"""All keys of a handset follow from its seed, the same for ever."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.identity import Identity, identity_of

ORDER = 2**256 - 2**224 + 2**192 - 0x4319055258E8617B0C46353D039CDAAF  # of P-256, SEC 2 section 2.4.2
SEED = bytes(range(32))


def hkdf(seed: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256 and no salt, from the standard library alone."""
    prk, block, made = hmac.digest(bytes(32), seed, "sha256"), b"", b""
    for n in range(1, -(-length // 32) + 1):
        block = hmac.digest(prk, block + info + bytes([n]), hashlib.sha256)
        made += block
    return made[:length]


def raw(keys: Identity) -> list[str]:
    return [
        keys.signing.private_bytes_raw().hex(),
        f"{keys.tls.private_numbers().private_value:064x}",
    ]


def test_identity_when_its_seed_is_known_then_these_keys_for_ever() -> None:
    assert raw(identity_of(SEED)) == [
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "bc44bcbc8be7f89eec9975201ad650090e7f0fe0ee89cf3eb2feeb80c91dce22",
    ]


@given(seed=st.binary(min_size=32, max_size=32))
def test_identity_when_derived_independently_then_the_same_and_in_range(seed: bytes) -> None:
    keys = identity_of(seed)
    wide = int.from_bytes(hkdf(seed, b"compline/1 identity tls", 48), "big")
    scalar = keys.tls.private_numbers().private_value
    assert 1 <= scalar == wide % (ORDER - 1) + 1 < ORDER


def test_identities_when_one_bit_of_the_seed_differs_then_no_key_is_shared() -> None:
    other = identity_of(bytes([SEED[0] ^ 1]) + SEED[1:])
    assert not set(raw(identity_of(SEED))) & set(raw(other))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_identity_when_its_seed_has_another_length_then_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        identity_of(bytes(length))


def test_identity_when_printed_then_masked() -> None:
    assert repr(identity_of(SEED)) == "Identity(********)"
