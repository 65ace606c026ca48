"""A pairing code as people type it and as a QR holds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compline_shared.pairing_code import (
    BadCode,
    Invitation,
    code_of,
    officer_fingerprint,
    read_address,
    read_code,
    read_invitation,
    written,
)

CODE = code_of(bytes(range(7, 17)))
OFFICER = officer_fingerprint(bytes(32))


@given(st.binary(min_size=10, max_size=10))
def test_code_when_typed_then_the_same(random: bytes) -> None:
    code = code_of(random)
    assert read_code(code.text) == code
    assert len(code.short) + len(code.secret) == 16


def test_code_when_made_from_other_bytes_then_another() -> None:
    assert code_of(bytes(10)).text == "0000-0000-0000-0000"
    assert code_of(b"\xff" * 10).text == "ZZZZ-ZZZZ-ZZZZ-ZZZZ"


def test_code_when_the_random_bytes_are_too_few_then_refused() -> None:
    with pytest.raises(ValueError, match="10 bytes"):
        code_of(bytes(9))


@pytest.mark.parametrize(
    "typed", [" k7q2-m8x4-t0zb-3hwn ", "K7Q2M8X4T0ZB3HWN", "K7Q2 M8X4 TOZB 3HWN", "k7q2-m8x4-tozb-3hwn"]
)
def test_code_when_typed_carelessly_then_read_all_the_same(typed: str) -> None:
    assert read_code(typed).text == "K7Q2-M8X4-T0ZB-3HWN"


def test_code_when_an_i_or_an_l_is_typed_then_it_is_a_one() -> None:
    assert read_code("ilIL" * 4).text == "1111-1111-1111-1111"


@pytest.mark.parametrize("typed", ["", "K7Q2", "U" * 16, "K7Q2M8X4T0ZB3HWNX", "K7Q2M8X4T0ZB3HW！", "0" * 600])
def test_code_when_it_is_none_then_says_what_one_looks_like(typed: str) -> None:
    with pytest.raises(BadCode, match="16 letters and digits"):
        read_code(typed)


def test_code_when_shown_by_mistake_then_its_secret_is_not() -> None:
    assert CODE.secret not in repr(CODE)
    assert CODE.secret not in repr(Invitation(CODE))


@pytest.mark.parametrize("address", [None, ("192.168.1.10", 8462), ("fe80::1", 8462), ("hub.lan", 1)])
@pytest.mark.parametrize("officer", [None, OFFICER])
def test_invitation_when_scanned_then_the_same(address: tuple[str, int] | None, officer: str | None) -> None:
    invitation = Invitation(CODE, address, officer)
    assert read_invitation(invitation.uri) == invitation


def test_invitation_when_typed_then_the_code_alone() -> None:
    assert read_invitation(CODE.text) == Invitation(CODE)


@pytest.mark.parametrize(
    "scanned",
    [
        "compline:",
        "compline:K7Q2",
        f"compline:{CODE.short}{CODE.secret}?at=nowhere",
        f"compline:{CODE.short}{CODE.secret}?at=host:99999",
        f"compline:{CODE.short}{CODE.secret}?officer=ABCD",
        f"compline:{CODE.short}{CODE.secret}?" + "&".join(f"x{n}=1" for n in range(20)),
        f"compline:{CODE.short}{CODE.secret}?broken",
        "https://example.org/" + CODE.text,
    ],
)
def test_invitation_when_it_is_none_then_refused(scanned: str) -> None:
    with pytest.raises(BadCode):
        read_invitation(scanned)


@pytest.mark.parametrize("address", [("127.0.0.1", 8462), ("::1", 1), ("hub.lan", 65_535)])
def test_address_when_written_then_read_the_same(address: tuple[str, int]) -> None:
    assert read_address(written(address)) == address


def test_officer_when_named_then_by_thirty_two_digits() -> None:
    assert len(OFFICER) == 32
    assert officer_fingerprint(b"\x01" * 32) != OFFICER
