"""A command is good for one handset, and an approval for one command to one binding by one operator."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_shared.commands import (
    MAX_OPERATORS,
    USE,
    Approval,
    Body,
    Command,
    Freeze,
    Lease,
    Operator,
    Policy,
    Rebind,
    RebindSecrets,
    Rekey,
    Wipe,
    approve,
    approvers,
    seal_secrets,
    sign_command,
    unseal_secrets,
    verify_command,
)
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import DAY, HOUR, LeaseTimes
from compline_shared.message_frame import decode_message, encode_message, sign_message
from compline_shared.place import Place
from compline_shared.reports import sign_report
from tests.bindings import (
    ANNE,
    ANSWERING,
    BERT,
    CARA,
    ELSEWHERE,
    HUB,
    NONCE,
    OLD_NONCE,
    OPERATOR_KEYS,
    PLACE,
    ROSTER,
    STRANGER,
    TERMS,
    approved,
    command,
    operator,
    policy,
    report,
    some_keys,
    wipe,
)
from tests.refusals import ELSEWHERE as OTHER_HANDSET
from tests.refusals import MEMBERS, SIGNATURE, UNOPENED

BODIES: list[Body] = [
    Freeze(),
    Rebind(NONCE, b"sealed" * 20),
    wipe(ANNE, BERT).body,
    Lease(NONCE, 1_795_000_000),
    policy(ANNE, BERT).body,
    Rekey(NONCE, some_keys(b"k")),
]
OTHER = HandsetId(ELSEWHERE.hex())


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_command_when_verified_then_as_signed(body: Body) -> None:
    made = command(body)
    assert verify_command(sign_command(made, HUB), HUB.public_key(), PLACE.handset) == made


def test_command_when_placed_then_handset_binding_and_epoch() -> None:
    assert command(Freeze()).place == PLACE


def test_command_when_another_than_the_hub_signed_it_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_command(sign_command(command(Freeze()), STRANGER), HUB.public_key(), PLACE.handset)


def test_command_when_it_comes_on_another_handsets_topic_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_command(sign_command(command(Freeze()), HUB), HUB.public_key(), OTHER)


def test_command_when_it_names_another_handset_than_its_context_then_malformed() -> None:
    moved = msgspec.structs.replace(command(Freeze()), handset=ELSEWHERE)
    frame = sign_message(moved, HUB, use=USE, handset=PLACE.handset)
    with pytest.raises(MalformedFrame, match=OTHER_HANDSET):
        verify_command(frame, HUB.public_key(), PLACE.handset)


def test_report_when_taken_for_a_command_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_command(sign_report(report(), HUB), HUB.public_key(), PLACE.handset)


def test_approvers_when_two_approved_then_both() -> None:
    assert approvers(wipe(ANNE, BERT), TERMS.roster) == {ANNE, BERT}


def test_approvers_when_policy_is_approved_then_both() -> None:
    assert approvers(policy(ANNE, CARA), TERMS.roster) == {ANNE, CARA}


@pytest.mark.parametrize("body", [Freeze(), Lease(NONCE, 1)], ids=repr)
def test_approvers_when_the_command_carries_none_then_none(body: Body) -> None:
    assert approvers(command(body), TERMS.roster) == frozenset()


def test_approvers_when_one_approved_twice_then_one() -> None:
    assert approvers(wipe(ANNE, ANNE), TERMS.roster) == {ANNE}


def test_approvers_when_one_is_not_of_the_roster_then_left_out() -> None:
    assert approvers(wipe(ANNE, b"operatrD"), TERMS.roster) == {ANNE}


def test_approvers_when_one_signs_in_the_name_of_another_then_left_out() -> None:
    made = command(Wipe(approvals=()))
    forged = Approval(BERT, approve(made, ANNE, OPERATOR_KEYS[ANNE]).signature)
    signed = msgspec.structs.replace(made, body=Wipe((approve(made, ANNE, OPERATOR_KEYS[ANNE]), forged)))
    assert approvers(signed, TERMS.roster) == {ANNE}


def test_approvers_when_an_operators_key_is_no_point_then_left_out() -> None:
    assert approvers(wipe(ANNE, BERT), {ANNE: TERMS.roster[ANNE], BERT: b"\xff" * 32}) == {ANNE}


def test_approvers_when_the_command_is_signed_anew_then_still_both() -> None:
    anew = msgspec.structs.replace(wipe(ANNE, BERT), counter=99)
    assert approvers(anew, TERMS.roster) == {ANNE, BERT}


def test_approvers_when_a_policy_answers_another_nonce_then_still_both() -> None:
    made = policy(ANNE, BERT)
    assert isinstance(made.body, Policy)
    anew = msgspec.structs.replace(made, body=msgspec.structs.replace(made.body, nonce=b"m" * 16))
    assert approvers(anew, TERMS.roster) == {ANNE, BERT}


@pytest.mark.parametrize(
    "moved",
    [
        msgspec.structs.replace(wipe(ANNE, BERT), id=b"\x02" * 16),
        msgspec.structs.replace(wipe(ANNE, BERT), binding=ELSEWHERE),
        msgspec.structs.replace(wipe(ANNE, BERT), handset=ELSEWHERE),
    ],
    ids=["command", "binding", "handset"],
)
def test_approvals_when_moved_elsewhere_then_nobodys(moved: Command) -> None:
    assert approvers(moved, TERMS.roster) == frozenset()


def changed_policies() -> list[Command]:
    made = policy(ANNE, BERT)
    assert isinstance(made.body, Policy)
    return [
        msgspec.structs.replace(made, body=msgspec.structs.replace(made.body, version=6)),
        msgspec.structs.replace(made, body=msgspec.structs.replace(made.body, times=LeaseTimes(warn=HOUR))),
        msgspec.structs.replace(made, body=msgspec.structs.replace(made.body, operators=ROSTER[:2])),
        msgspec.structs.replace(made, body=msgspec.structs.replace(made.body, operators=ROSTER[::-1])),
        msgspec.structs.replace(made, body=Wipe(made.body.approvals)),
    ]


@pytest.mark.parametrize("at", range(5))
def test_approvals_when_the_body_under_them_is_changed_then_nobodys(at: int) -> None:
    assert approvers(changed_policies()[at], TERMS.roster) == frozenset()


def test_control_approvals_when_signed_anew_for_the_change_then_theirs() -> None:
    made = changed_policies()[0]
    assert approvers(approved(made, ANNE, BERT), TERMS.roster) == {ANNE, BERT}


def twins() -> list[tuple[Operator, ...]]:
    return [
        (operator(ANNE), Operator(BERT, operator(ANNE).key)),
        (operator(ANNE), Operator(ANNE, operator(BERT).key)),
        (operator(ANNE), operator(BERT), operator(ANNE)),
    ]


@pytest.mark.parametrize("operators", twins(), ids=["one key", "one id", "twice"])
def test_policy_when_two_operators_are_one_then_refused(operators: tuple[Operator, ...]) -> None:
    with pytest.raises(ValueError, match="of their own"):
        Policy(NONCE, 5, LeaseTimes(), operators)


def test_policy_when_two_operators_on_the_wire_are_one_then_malformed() -> None:
    once, other = operator(ANNE).key, operator(BERT).key
    payload = encode_message(Policy(NONCE, 5, LeaseTimes(), ROSTER[:2])).replace(other, once)
    with pytest.raises(MalformedFrame, match=MEMBERS):
        decode_message(payload, Policy)


def test_control_policy_when_operators_differ_then_read() -> None:
    made = Policy(NONCE, 5, LeaseTimes(), ROSTER[:2])
    assert decode_message(encode_message(made), Policy) == made


def test_policy_when_above_the_most_operators_then_malformed() -> None:
    many = tuple(Operator(bytes([n]) * 8, bytes([n]) * 32) for n in range(MAX_OPERATORS + 1))
    with pytest.raises(MalformedFrame, match=MEMBERS):
        decode_message(encode_message(Policy(NONCE, 5, LeaseTimes(), many)), Policy)


def test_rebind_secrets_when_printed_then_masked() -> None:
    assert repr(RebindSecrets(b"a" * 32, b"b" * 32, b"c" * 32)) == "RebindSecrets(********)"


@pytest.mark.parametrize(
    ("warn", "freeze"), [(2 * HOUR, 2 * HOUR), (3 * HOUR, 2 * HOUR), (HOUR, 30 * DAY), (HOUR, 31 * DAY)]
)
def test_lease_times_when_out_of_order_then_refused(warn: int, freeze: int) -> None:
    with pytest.raises(ValueError, match="longer than the one before"):
        LeaseTimes(warn=warn, freeze=freeze, destroy=30 * DAY)


@pytest.mark.parametrize(
    "times", [(HOUR - 1, 2 * HOUR, 3 * DAY), (HOUR, 2 * HOUR - 1, 3 * DAY), (HOUR, 2 * HOUR, 3 * DAY - 1)]
)
def test_lease_times_when_shorter_than_the_bounds_then_malformed(times: tuple[int, int, int]) -> None:
    with pytest.raises(MalformedFrame, match=MEMBERS):
        decode_message(encode_message(LeaseTimes(*times)), LeaseTimes)


def test_control_lease_times_when_at_the_bounds_then_read() -> None:
    times = LeaseTimes(HOUR, 2 * HOUR, 3 * DAY)
    assert decode_message(encode_message(times), LeaseTimes) == times


SECRETS = RebindSecrets(bytes(32), bytes(range(32)), bytes(range(32, 64)))
BEGINS = dataclasses.replace(PLACE, epoch=PLACE.epoch + 1)


def sealed_secrets() -> bytes:
    return seal_secrets(SECRETS, ANSWERING.public_key().public_bytes_raw(), begins=BEGINS, nonce=NONCE)


def test_secrets_when_opened_by_the_report_that_they_answer_then_as_they_were() -> None:
    assert unseal_secrets(sealed_secrets(), ANSWERING, begins=BEGINS, nonce=NONCE) == SECRETS


@pytest.mark.parametrize(
    ("key", "begins", "nonce"),
    [
        (X25519PrivateKey.from_private_bytes(b"\x09" * 32), BEGINS, NONCE),
        (ANSWERING, PLACE, NONCE),
        (ANSWERING, dataclasses.replace(BEGINS, binding=BindingId("ee" * 8)), NONCE),
        (ANSWERING, BEGINS, OLD_NONCE),
    ],
    ids=["another key", "another epoch", "another binding", "another nonce"],
)
def test_secrets_when_anything_is_anothers_then_malformed(
    key: X25519PrivateKey, begins: Place, nonce: bytes
) -> None:
    with pytest.raises(MalformedFrame, match=UNOPENED):
        unseal_secrets(sealed_secrets(), key, begins=begins, nonce=nonce)
