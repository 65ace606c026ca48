"""Commands, reports, approvals, sealed messages, records and accounts that were written once are read for ever."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.core.binding_life import read_life, write_life
from compline_edge.core.identity import identity_of
from compline_edge.core.lease import Account, Reading, read_account, write_account
from compline_shared.codec import decode
from compline_shared.commands import Command, approve, approvers, sign_command, unseal_secrets, verify_command
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId, HandsetId
from compline_shared.message_frame import decode_message, encode_message
from compline_shared.place import Place
from compline_shared.reports import Report, sign_report, verify_report
from tests.golden_vectors import hexed, read
from tests.refusals import SIGNATURE

VECTORS = read("binding")
HANDSET = HandsetId(VECTORS["handset"])
BEGINS = Place(HANDSET, BindingId(VECTORS["binding"]), VECTORS["epoch"] + 1)
IDENTITY = identity_of(bytes.fromhex(VECTORS["handset_seed"]))
HUB = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["hub_command_seed"]))
OPERATORS = {
    bytes.fromhex(each["id"]): Ed25519PrivateKey.from_private_bytes(bytes.fromhex(each["seed"]))
    for each in VECTORS["operators"]
}
ROSTER = {who: key.public_key().public_bytes_raw() for who, key in OPERATORS.items()}


def what(vector: dict[str, Any]) -> str:
    return str(vector["what"])


def named(kind: str) -> Command:
    vector = next(vector for vector in VECTORS["commands"] if vector["what"] == kind)
    return decode_message(bytes.fromhex(vector["payload"]), Command)


@pytest.mark.parametrize(
    "vector", [*VECTORS["commands"], VECTORS["report"]], ids=lambda vector: vector.get("what", "report")
)
def test_golden_payload_when_decoded_then_its_members(vector: dict[str, Any]) -> None:
    assert hexed(decode(bytes.fromhex(vector["payload"]), limit=8_192)) == vector["members"]


@pytest.mark.parametrize("vector", VECTORS["commands"], ids=what)
def test_golden_command_when_verified_then_as_it_was(vector: dict[str, Any]) -> None:
    command = verify_command(bytes.fromhex(vector["frame"]), HUB.public_key(), HANDSET)
    assert (type(command.body).__name__.lower(), encode_message(command).hex()) == (
        vector["what"],
        vector["payload"],
    )


@pytest.mark.parametrize("vector", VECTORS["commands"], ids=what)
def test_golden_command_when_signed_then_same_bytes(vector: dict[str, Any]) -> None:
    assert sign_command(named(vector["what"]), HUB).hex() == vector["frame"]


@pytest.mark.parametrize("vector", VECTORS["commands"], ids=what)
def test_control_golden_command_when_its_last_bit_is_flipped_then_malformed(vector: dict[str, Any]) -> None:
    frame = bytearray.fromhex(vector["frame"])
    frame[-1] ^= 1
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_command(bytes(frame), HUB.public_key(), HANDSET)


@pytest.mark.parametrize("kind", ["wipe", "policy"])
def test_golden_approvals_when_checked_then_both_operators(kind: str) -> None:
    assert approvers(named(kind), ROSTER) == set(OPERATORS)


def test_golden_approval_when_given_then_same_bytes() -> None:
    who = bytes.fromhex(VECTORS["approval"]["operator"])
    given = approve(named(VECTORS["approval"]["command"]), who, OPERATORS[who])
    assert given.signature.hex() == VECTORS["approval"]["signature"]


def test_golden_report_when_verified_then_as_it_was() -> None:
    frame, payload = (bytes.fromhex(VECTORS["report"][part]) for part in ("frame", "payload"))
    report = verify_report(frame, IDENTITY.signing.public_key(), HANDSET)
    assert report == decode_message(payload, Report)
    assert sign_report(report, IDENTITY.signing) == frame


def test_golden_sealed_message_when_unsealed_then_its_secrets() -> None:
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["answer_private"]))
    sealed, nonce = bytes.fromhex(VECTORS["sealed"]["sealed"]), bytes.fromhex(VECTORS["sealed"]["nonce"])
    secrets = unseal_secrets(sealed, key, begins=BEGINS, nonce=nonce)
    assert [secrets.freeze_key, secrets.binding_secret, secrets.next_freeze_key] == [
        bytes.fromhex(member) for member in VECTORS["sealed"]["members"]
    ]


def test_golden_seed_when_derived_then_its_keys() -> None:
    assert f"{IDENTITY.tls.private_numbers().private_value:064x}" == VECTORS["handset_tls_private"]


@pytest.mark.parametrize("vector", VECTORS["lives"], ids=what)
def test_golden_record_when_read_then_its_members_and_same_bytes(vector: dict[str, Any]) -> None:
    life = read_life(bytes.fromhex(vector["bytes"]))
    assert type(life.stage).__name__.lower() == vector["what"].split()[0]
    assert write_life(life).hex() == vector["bytes"]
    assert hexed(decode(write_life(life), limit=4_096)) == vector["members"]


@pytest.mark.parametrize("vector", VECTORS["accounts"], ids=what)
def test_golden_account_when_read_then_as_it_was_and_same_bytes(vector: dict[str, Any]) -> None:
    last = Reading(bytes.fromhex(vector["boot_id"]), vector["boot"], vector["wall"])
    account = read_account(bytes.fromhex(vector["bytes"]))
    assert account == Account(vector["used"], vector["running"], last)
    assert write_account(account).hex() == vector["bytes"]
