"""The vault's key opens with slot, secret and binding together while bound, with slot and freeze key while frozen."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.vault.errors import VaultLocked
from compline_edge.vault.keys import Unwrapped, VaultKey, freeze, thaw, unwrap, wrap
from compline_shared.enrolment import Secret
from compline_shared.ids import BindingId, HandsetId
from compline_shared.place import Place

KEY, SLOT, OTHER = VaultKey(b"\x01" * 32), b"\x02" * 32, b"\x03" * 32
HELD = Unwrapped(KEY, b"\x04" * 32)
PLACE = Place(HandsetId("0011223344556677"), BindingId("8899aabbccddeeff"), 3)
FREEZE = X25519PrivateKey.from_private_bytes(b"\x05" * 32)


def wrapped() -> bytes:
    return wrap(HELD, slot_key=SLOT, secret=Secret(b"s"), binding=PLACE.binding)


def frozen() -> bytes:
    public = FREEZE.public_key().public_bytes_raw()
    return freeze(KEY, slot_key=SLOT, freeze_key=public, place=PLACE)


def test_wrap_when_slot_secret_and_binding_fit_then_opens() -> None:
    held = unwrap(wrapped(), slot_key=SLOT, secret=Secret(b"s"), binding=PLACE.binding)
    assert (bytes(held.key), held.freeze_key) == (bytes(KEY), HELD.freeze_key)


@pytest.mark.parametrize(
    ("slot", "secret", "binding"),
    [(OTHER, b"s", PLACE.binding), (SLOT, b"t", PLACE.binding), (SLOT, b"s", BindingId("0" * 16))],
    ids=["slot", "secret", "binding"],
)
def test_wrap_when_one_of_them_is_another_then_locked(slot: bytes, secret: bytes, binding: BindingId) -> None:
    with pytest.raises(VaultLocked):
        unwrap(wrapped(), slot_key=slot, secret=Secret(secret), binding=binding)


def test_frozen_when_slot_freeze_key_and_place_fit_then_thaws() -> None:
    key = thaw(frozen(), slot_key=SLOT, freeze_key=FREEZE.private_bytes_raw(), place=PLACE)
    assert bytes(key) == bytes(KEY)


@pytest.mark.parametrize(
    ("slot", "freeze_key", "place"),
    [
        (OTHER, FREEZE.private_bytes_raw(), PLACE),
        (SLOT, OTHER, PLACE),
        (SLOT, FREEZE.private_bytes_raw(), Place(PLACE.handset, PLACE.binding, 4)),
        (SLOT, FREEZE.private_bytes_raw(), Place(PLACE.handset, BindingId("0" * 16), 3)),
    ],
    ids=["slot", "freeze-key", "epoch", "binding"],
)
def test_frozen_when_one_of_them_is_another_then_locked(slot: bytes, freeze_key: bytes, place: Place) -> None:
    with pytest.raises(VaultLocked):
        thaw(frozen(), slot_key=slot, freeze_key=freeze_key, place=place)


def test_wrap_when_read_as_frozen_inside_then_locked() -> None:
    """A wrap under the slot alone is of another use: no binding secret can be left out."""
    bare = wrap(HELD, slot_key=SLOT, secret=Secret(b"s"), binding=PLACE.binding)
    with pytest.raises(VaultLocked):
        thaw(bare, slot_key=SLOT, freeze_key=FREEZE.private_bytes_raw(), place=PLACE)


@pytest.mark.parametrize("broken", [b"", bytes(11), bytes(60), bytes(92)])
def test_wrap_when_bytes_are_none_of_it_then_locked(broken: bytes) -> None:
    with pytest.raises(VaultLocked):
        unwrap(broken, slot_key=SLOT, secret=Secret(b"s"), binding=PLACE.binding)


def test_keys_when_shown_then_masked() -> None:
    assert repr(KEY) == "VaultKey(********)"
    assert repr(HELD) == "Unwrapped(key=VaultKey(********))"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_vault_key_when_length_is_wrong_then_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        VaultKey(bytes(length))


def test_vault_key_when_derived_then_each_purpose_has_its_own() -> None:
    assert KEY.derive(b"one") != KEY.derive(b"two")
    assert len(KEY.derive(b"one")) == 32
