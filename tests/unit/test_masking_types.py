"""Only masking makes what may leave, and its types show nothing."""

from __future__ import annotations

import pytest

from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId, binding_id, handset_id
from compline_shared.masking import BranchKey, CiphertextDigest, Pseudonym
from compline_shared.topics import UP_FILTER, down, handset_of, up

KEY = BranchKey(bytes(range(32)))
NUMBER = "12000000000"


@pytest.mark.parametrize(
    "written", ["120 0000 0000", "120-0000-0000", "+8612000000000", "008612000000000", "+86 120 0000 0000"]
)
def test_contact_when_written_otherwise_then_same_pseudonym(written: str) -> None:
    assert KEY.contact(written) == KEY.contact(NUMBER)


def test_contact_when_number_differs_then_another_pseudonym() -> None:
    assert KEY.contact("12000000001") != KEY.contact(NUMBER)


def test_contact_when_branch_differs_then_another_pseudonym() -> None:
    assert BranchKey(bytes(32)).contact(NUMBER) != KEY.contact(NUMBER)


def test_case_when_text_is_a_contacts_then_another_pseudonym() -> None:
    assert KEY.case(NUMBER) != KEY.contact(NUMBER)


def test_contact_when_masked_then_known_answer() -> None:
    assert bytes(KEY.contact(NUMBER)).hex() == "25cdc2a3b3df211d"


@pytest.mark.parametrize(
    "make", [lambda: Pseudonym(bytes(7)), lambda: CiphertextDigest(bytes(31)), lambda: BranchKey(bytes(31))]
)
def test_masked_type_when_length_is_wrong_then_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match="bytes"):
        make()


@pytest.mark.parametrize(
    "value", [KEY, KEY.contact(NUMBER), CiphertextDigest(bytes(32))], ids=lambda v: type(v).__name__
)
def test_masked_type_when_shown_then_stars(value: object) -> None:
    assert repr(value) == f"{type(value).__name__}(********)"


def test_masked_type_when_compared_then_by_kind_and_bytes() -> None:
    assert CiphertextDigest(bytes(32)) == CiphertextDigest(bytes(32))
    assert CiphertextDigest(bytes(32)) != Pseudonym(bytes(8))
    assert len({Pseudonym(bytes(8)), Pseudonym(bytes(8))}) == 1
    assert len({CiphertextDigest(bytes(32)), CiphertextDigest(bytes(32))}) == 1


def test_topic_when_parsed_then_its_handset() -> None:
    handset = HandsetId("00112233445566ff")
    assert (handset_of(up(handset)), handset_of(down(handset))) == (handset, handset)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        UP_FILTER,
        "compline/1/00112233445566FF/up",
        "compline/2/00112233445566ff/up",
        "compline/1/00112233445566ff/up\n",
        "compline/1/00112233445566ff/up/x",
    ],
)
def test_topic_when_foreign_then_malformed(topic: str) -> None:
    with pytest.raises(MalformedFrame):
        handset_of(topic)


@pytest.mark.parametrize("text", ["", "0", "0" * 15 + "g", "0" * 17, "ＡＢ" * 8])
def test_id_when_not_sixteen_hex_digits_then_refused(text: str) -> None:
    with pytest.raises(ValueError, match="16 lower-case hex digits"):
        handset_id(text)


def test_id_when_sixteen_hex_digits_then_taken() -> None:
    assert binding_id("00112233445566ff") == "00112233445566ff"
