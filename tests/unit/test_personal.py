"""What names a person is not printed by accident."""

from __future__ import annotations

import pytest

from compline_edge.core.personal import Account, ContactName, ConversationKey, Personal, PhoneNumber

SECRET = "Wang Xiaoming"


@pytest.mark.parametrize("kind", [ContactName, PhoneNumber, Account, ConversationKey])
def test_personal_when_printed_in_any_way_then_it_is_masked(kind: type[Personal]) -> None:
    held = kind(SECRET)
    shown = f"{held!r} {held} {held:>40} {[held]} {{}}".format(held)
    assert SECRET not in shown


def test_personal_when_revealed_then_the_text_is_there() -> None:
    assert ContactName(SECRET).reveal() == SECRET


def test_personal_when_compared_then_kind_and_text_count() -> None:
    assert len({ContactName(SECRET), ContactName(SECRET), Account(SECRET), Account("x")}) == 3


def test_personal_when_empty_then_it_is_false() -> None:
    assert [bool(Account("")), bool(Account("a"))] == [False, True]
