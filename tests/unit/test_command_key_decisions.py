"""Which command key a handset is told of, when, and what is not signed for one whose key the hub lacks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.commanding import rekey, sendable
from compline_hub.core.orders import OrderKind
from compline_hub.core.reporting import PAUSE, hear
from compline_hub.core.standing import Case, KeyNames
from compline_shared.commands import Rekey, key_name
from compline_shared.reports import BindingState
from tests.homes import HubKeys
from tests.unit.test_order_decisions import FRESH, NOW, case, order, report

PRESENT, FORMER, FOREIGN = b"c" * 8, b"f" * 8, b"x" * 8
BOTH = KeyNames(PRESENT, FORMER)


def during(*, told: bytes | None = FORMER, keys: KeyNames = BOTH, rekeyed: int | None = None) -> Case:
    return replace(case(order(OrderKind.FREEZE), command_key=told, rekeyed=rekeyed), keys=keys)


def quiet(**fields: object) -> Case:
    return replace(during(**fields), orders=())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "keys", "given"),
    [
        (FORMER, BOTH, True),
        (PRESENT, BOTH, False),
        (FOREIGN, BOTH, False),
        (PRESENT, KeyNames(PRESENT), False),
        (FORMER, KeyNames(PRESENT), False),
    ],
)
def test_report_when_it_names_a_key_then_the_present_one_is_told_where_it_is_another_that_the_hub_has(
    told: bytes, keys: KeyNames, given: bool
) -> None:
    heard = hear(quiet(keys=keys), report(command_key=told), now=NOW, fresh=FRESH)
    assert heard.rekey is given
    assert heard.case.standing.command_key == told


@pytest.mark.parametrize(("ago", "given"), [(PAUSE - 1, False), (PAUSE, True)])
def test_report_when_the_key_was_told_just_now_then_not_again(ago: int, given: bool) -> None:
    heard = hear(quiet(rekeyed=NOW - ago), report(command_key=FORMER), now=NOW, fresh=FRESH)
    assert heard.rekey is given


def test_report_when_a_freeze_is_on_its_way_then_no_key_is_told() -> None:
    assert not hear(during(), report(command_key=FORMER), now=NOW, fresh=FRESH).rekey


@pytest.mark.parametrize("state", [BindingState.WIPING, BindingState.WIPED])
def test_report_when_wiped_then_no_key_is_told_and_none_is_missed(state: BindingState) -> None:
    heard = hear(quiet(), report(state, command_key=FOREIGN), now=NOW, fresh=FRESH)
    assert (heard.rekey, AlarmKind.KEY_LOST in heard.alarms) == (False, False)


def test_report_when_it_names_a_key_that_the_hub_lacks_then_an_alarm_and_no_lease() -> None:
    heard = hear(quiet(), report(command_key=FOREIGN), now=NOW, fresh=FRESH)
    assert (heard.alarms, heard.lease) == ((AlarmKind.KEY_LOST,), False)


@pytest.mark.parametrize(("told", "sent"), [(None, True), (FORMER, True), (PRESENT, True), (FOREIGN, False)])
def test_freeze_when_the_hub_has_the_key_then_it_may_go_out(told: bytes | None, sent: bool) -> None:
    of = during(told=told)
    assert sendable(of, of.orders[0]) is sent


def test_rekey_when_made_then_it_takes_the_next_counter_and_is_noted() -> None:
    after, made = rekey(quiet(), id=b"i" * 16, nonce=b"n" * 16, key=b"k" * 32, now=NOW)
    assert (made.body, made.counter) == (Rekey(b"n" * 16, b"k" * 32), 1)
    assert (after.standing.rekeyed, after.standing.signed) == (NOW, 1)


def test_keys_when_asked_for_a_handsets_key_then_the_one_of_its_name_or_the_oldest_or_none() -> None:
    former = Ed25519PrivateKey.from_private_bytes(b"\x31" * 32)
    plain = HubKeys().all
    both = replace(plain, former_command=former)
    named = key_name(former.public_key().public_bytes_raw())
    assert both.names == KeyNames(plain.names.present, named)
    asked = (None, named, plain.names.present, FOREIGN)
    assert [both.command_for(name) for name in asked] == [former, former, plain.command, None]
    assert [plain.command_for(name) for name in asked] == [plain.command, None, plain.command, None]
