"""Pairing and renewal messages that were written once are read for ever, and the protocol page shows them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compline_edge.core.identity import identity_of
from compline_edge.core.joining import Proving, Won, ask, hear
from compline_shared.ids import HandsetId
from compline_shared.pairing import (
    Challenge,
    Join,
    Joined,
    Offered,
    Prove,
    ProveRenewal,
    Refusal,
    Refused,
    Renew,
    Renewed,
    Taken,
    join_signed,
    read_down,
    read_up,
    renewal_asked,
    renewal_given,
    transcript,
    write_down,
    write_up,
)
from compline_shared.pairing_code import Invitation, read_code
from tests.golden_vectors import read

VECTOR = read("pairing")
UP: dict[str, type] = {
    "join": Join,
    "prove": Prove,
    "joined": Joined,
    "renew": Renew,
    "prove_renewal": ProveRenewal,
}
DOWN: dict[str, type] = {
    "offered": Offered,
    "taken": Taken,
    "refused": Refused,
    "challenge": Challenge,
    "renewed": Renewed,
}
SERVER = bytes.fromhex(VECTOR["server"])


def golden(name: str) -> bytes:
    return bytes.fromhex(VECTOR[name])


@pytest.mark.parametrize("name", UP)
def test_golden_message_when_it_goes_to_the_hub_then_read_and_written_the_same(name: str) -> None:
    message = read_up(golden(name))
    assert isinstance(message, UP[name])
    assert write_up(message) == golden(name)


@pytest.mark.parametrize("name", DOWN)
def test_golden_message_when_it_goes_to_the_handset_then_read_and_written_the_same(name: str) -> None:
    message = read_down(golden(name))
    assert isinstance(message, DOWN[name])
    assert write_down(message) == golden(name)


def test_golden_pairing_when_played_again_then_the_handset_says_the_same_and_wins() -> None:
    identity = identity_of(golden("handset_seed"))
    nonce = golden("join")[-16:]
    handset = HandsetId(VECTOR["handset"])
    invitation = Invitation(read_code(VECTOR["code"]))

    asking, join = ask(invitation, identity, handset=handset, nonce=nonce, server=SERVER)
    proving, prove = hear(asking, read_down(golden("offered")))
    assert isinstance(proving, Proving)
    assert prove is not None
    won, _ = hear(proving, read_down(golden("taken")))

    assert (write_up(join), write_up(prove)) == (golden("join"), golden("prove"))
    assert proving.agreed == golden("transcript")
    assert isinstance(won, Won)


def test_golden_proof_when_the_server_is_another_then_the_transcript_is_another() -> None:
    join, offered = read_up(golden("join")), read_down(golden("offered"))
    assert isinstance(join, Join)
    assert isinstance(offered, Offered)
    assert transcript(join, offered, SERVER) == golden("transcript") != transcript(join, offered, b"x")


def test_golden_signatures_when_checked_then_they_hold() -> None:
    signing = identity_of(golden("handset_seed")).signing.public_key()
    prove, renew, challenge = (
        read_up(golden("prove")),
        read_up(golden("renew")),
        read_down(golden("challenge")),
    )
    proof, renewed = read_up(golden("prove_renewal")), read_down(golden("renewed"))
    assert isinstance(prove, Prove)
    assert isinstance(renew, Renew)
    assert isinstance(challenge, Challenge)
    assert isinstance(proof, ProveRenewal)
    assert isinstance(renewed, Renewed)
    text = renewal_given(renew, certificate=renewed.certificate, hub_time=renewed.hub_time)
    hub = Ed25519PublicKey.from_public_bytes(golden("hub_signing_public"))

    signing.verify(prove.signature, join_signed(golden("transcript")))
    signing.verify(proof.signature, renewal_asked(renew, challenge))
    hub.verify(renewed.signature, text)
    with pytest.raises(InvalidSignature):
        hub.verify(renewed.signature, text + b"x")


def test_protocol_page_when_read_then_its_pairing_examples_are_the_golden_ones() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
    shown = page.replace("\n", "")
    assert [name for name in ("join", "prove", "refused") if VECTOR[name] not in shown] == []
    assert read_down(golden("refused")) == Refused(Refusal.WRONG_PROOF, 2)
    assert [reason.code for reason in Refusal if f"`{reason.code}`" not in page] == []
