"""Which keys a handset is told of, when, by which former ones, and who holds a rotation up."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace as replace_key

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.authority import authority_name, new_authority
from compline_hub.core.commanding import rekey, sendable
from compline_hub.core.key_sets import KeyRing, KeySets, KnownKey, fits, is_true, waits, with_new
from compline_hub.core.keys import certificate_key
from compline_hub.core.orders import OrderKind
from compline_hub.core.reporting import PAUSE, hear
from compline_hub.core.standing import Case, KeyNames
from compline_shared.commands import Rekey
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.reports import BindingState
from tests.bindings import some_keys
from tests.homes import HubKeys
from tests.unit.test_order_decisions import FRESH, NOW, case, order, report

PRESENT, FORMER, FOREIGN = b"c" * 8, b"f" * 8, b"x" * 8
BOTH = KeyNames(PRESENT, FORMER)


def during(*, told: bytes | None = FORMER, keys: KeyNames = BOTH, rekeyed: int | None = None) -> Case:
    return replace(case(order(OrderKind.FREEZE), hub_keys=told, rekeyed=rekeyed), keys=keys)


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
    heard = hear(quiet(keys=keys), report(hub_keys=told), now=NOW, fresh=FRESH)
    assert heard.rekey is given
    assert heard.case.standing.hub_keys == told


@pytest.mark.parametrize(("ago", "given"), [(PAUSE - 1, False), (PAUSE, True)])
def test_report_when_the_key_was_told_just_now_then_not_again(ago: int, given: bool) -> None:
    heard = hear(quiet(rekeyed=NOW - ago), report(hub_keys=FORMER), now=NOW, fresh=FRESH)
    assert heard.rekey is given


def test_report_when_it_names_the_present_keys_then_the_next_ones_are_told_without_a_pause() -> None:
    heard = hear(quiet(rekeyed=NOW - 1), report(hub_keys=PRESENT), now=NOW, fresh=FRESH)
    assert heard.case.standing.rekeyed is None


def test_report_when_a_freeze_is_on_its_way_then_no_key_is_told() -> None:
    assert not hear(during(), report(hub_keys=FORMER), now=NOW, fresh=FRESH).rekey


@pytest.mark.parametrize("state", [BindingState.WIPING, BindingState.WIPED])
def test_report_when_wiped_then_no_key_is_told_and_none_is_missed(state: BindingState) -> None:
    heard = hear(quiet(), report(state, hub_keys=FOREIGN), now=NOW, fresh=FRESH)
    assert (heard.rekey, AlarmKind.KEY_LOST in heard.alarms) == (False, False)


def test_report_when_it_names_a_key_that_the_hub_lacks_then_an_alarm_and_no_lease() -> None:
    heard = hear(quiet(), report(hub_keys=FOREIGN), now=NOW, fresh=FRESH)
    assert (heard.alarms, heard.lease) == ((AlarmKind.KEY_LOST,), False)


@pytest.mark.parametrize(("told", "sent"), [(None, True), (FORMER, True), (PRESENT, True), (FOREIGN, False)])
def test_freeze_when_the_hub_has_the_key_then_it_may_go_out(told: bytes | None, sent: bool) -> None:
    of = during(told=told)
    assert sendable(of, of.orders[0]) is sent


def test_rekey_when_made_then_it_takes_the_next_counter_and_is_noted() -> None:
    after, made = rekey(quiet(), id=b"i" * 16, nonce=b"n" * 16, keys=some_keys(b"k"), now=NOW)
    assert (made.body, made.counter) == (Rekey(b"n" * 16, some_keys(b"k")), 1)
    assert (after.standing.rekeyed, after.standing.signed) == (NOW, 1)


@pytest.fixture
def ring() -> KeyRing:
    """After a rotation of every key: more than happens at once, for the test's sake."""
    plain = HubKeys().all
    before = plain.public((b"an authority",))
    keys = replace(
        plain,
        command=Ed25519PrivateKey.from_private_bytes(b"\x31" * 32),
        signing=Ed25519PrivateKey.from_private_bytes(b"\x32" * 32),
        former_command=plain.command,
        former_signing=plain.signing,
        former_sealing=X25519PrivateKey.from_private_bytes(b"\x33" * 32),
    )
    return KeyRing(keys, KeySets(keys.public((b"an authority",)), before, since=NOW))


def test_ring_when_asked_for_a_handsets_keys_then_those_of_the_set_that_it_told_or_the_oldest_or_none(
    ring: KeyRing,
) -> None:
    keys, names = ring.keys, ring.sets.names
    asked = (None, names.former, names.present, FOREIGN)
    assert [ring.command_for(name) for name in asked] == [
        keys.former_command,
        keys.former_command,
        keys.command,
        None,
    ]
    assert [ring.signing_for(name) for name in asked[:3]] == [
        keys.former_signing,
        keys.former_signing,
        keys.signing,
    ]
    assert ring.sealing == (keys.sealing, keys.former_sealing)


def test_ring_when_no_rotation_is_under_way_then_only_the_present_keys_count(ring: KeyRing) -> None:
    plain = HubKeys().all
    alone = KeyRing(plain, KeySets(plain.public((b"an authority",))))
    asked = (None, ring.sets.names.present, alone.sets.names.present)
    assert [alone.command_for(name) for name in asked] == [plain.command, None, plain.command]
    assert [alone.signing_for(name) for name in asked] == [plain.signing] * 3
    assert alone.sealing == (plain.sealing,)


def test_ring_when_another_key_than_the_command_key_changed_then_commands_come_under_the_same_one() -> None:
    plain = HubKeys().all
    before = plain.public((b"an authority",))
    changed = replace(plain, signing=Ed25519PrivateKey.generate(), former_signing=plain.signing)
    ring = KeyRing(changed, KeySets(changed.public((b"an authority",)), before, since=NOW))
    assert [ring.command_for(name) for name in (None, *asdict(ring.sets.names).values())] == [
        plain.command
    ] * 3
    assert ring.sets.changed is KnownKey.SIGNING


def owing(*, told: bytes, up_to: int, last: int, state: BindingState = BindingState.BOUND) -> Case:
    """A case whose handset reported ``last`` as its newest verdict, of which the hub has ``up_to``."""
    with_report = hear(
        quiet(told=told), report(state, hub_keys=told, last_seq=last), now=NOW, fresh=FRESH
    ).case
    return replace(with_report, binding=replace(with_report.binding, up_to=up_to))


SETS = {
    "command": KeySets(
        HubPublicKeys(b"1" * 32, b"2" * 32, b"3" * 32, (b"4",)),
        HubPublicKeys(b"0" * 32, b"2" * 32, b"3" * 32, (b"4",)),
    ),
    "sealing": KeySets(
        HubPublicKeys(b"1" * 32, b"2" * 32, b"3" * 32, (b"4",)),
        HubPublicKeys(b"1" * 32, b"2" * 32, b"0" * 32, (b"4",)),
    ),
}


@pytest.mark.parametrize(
    ("kind", "knows", "state", "owes", "expected"),
    [
        ("command", False, BindingState.BOUND, False, True),
        ("command", True, BindingState.BOUND, True, False),
        ("command", False, BindingState.WIPED, False, False),
        ("command", False, BindingState.WIPED, True, True),
        ("sealing", False, BindingState.BOUND, False, True),
        ("sealing", True, BindingState.BOUND, False, False),
        ("sealing", True, BindingState.BOUND, True, True),
        ("sealing", True, BindingState.FROZEN, True, True),
        ("sealing", True, BindingState.WIPED, True, True),
        ("sealing", True, BindingState.WIPED, False, False),
    ],
)
def test_handset_when_it_lacks_the_keys_or_owes_what_is_sealed_to_the_former_one_then_it_is_waited_for(
    kind: str, knows: bool, state: BindingState, owes: bool, expected: bool
) -> None:
    sets = SETS[kind]
    told = sets.names.present if knows else sets.names.former
    assert told is not None
    assert (
        waits(owing(told=told, up_to=3, last=4 if owes else 3, state=state), sets, certified_by=None)
        is expected
    )


@pytest.mark.parametrize(("certified_by", "expected"), [(None, True), (b"4", True), (b"5", False)])
def test_handset_when_its_certificate_is_of_an_authority_that_goes_then_it_is_waited_for_in_the_second_round(
    certified_by: bytes | None, expected: bool
) -> None:
    old, both, new = (
        HubPublicKeys(b"1" * 32, b"2" * 32, b"3" * 32, authorities)
        for authorities in ((b"4",), (b"4", b"5"), (b"5",))
    )
    name = None if certified_by is None else authority_name(certified_by)
    first, second = KeySets(both, old), KeySets(new, both)
    knows = [owing(told=sets.present.name, up_to=3, last=3) for sets in (first, second)]
    assert not waits(knows[0], first, certified_by=name)
    assert waits(knows[1], second, certified_by=name) is expected


def test_authorities_when_one_comes_then_it_is_told_beside_the_old_one_first_and_alone_afterwards() -> None:
    old, new = certificate_key(b"o" * 32), certificate_key(b"n" * 32)
    first, second = (new_authority(key, now=NOW, serial=1).der for key in (old, new))
    plain = replace(HubKeys().all, ca=old)
    before = plain.public((first,))
    both = with_new(before, KnownKey.CA, b"n" * 32, authority=second)
    sets = KeySets(both, before, since=NOW)

    assert both.authorities == (first, second)
    assert (sets.changed, sets.authorities, fits(sets, plain)) == (KnownKey.CA, (first, second), True)
    assert sets.coming == replace_key(before, authorities=(second,))
    assert is_true(sets, KnownKey.CA, b"n" * 32) is None
    after = KeySets(sets.coming, both, since=NOW)
    assert (is_true(after, KnownKey.CA, b"n" * 32), is_true(after, KnownKey.CA, b"x" * 32)) == (True, False)
    assert (after.coming, after.authorities) == (None, (second, first))
    assert (fits(after, plain), fits(after, replace(plain, ca=new))) == (False, True)
