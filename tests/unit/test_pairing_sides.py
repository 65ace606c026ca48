"""Both sides of a pairing as transcripts: this is heard, this is said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from compline_edge.core.identity import Identity, identity_of
from compline_edge.core.joining import Asking, Doubt, Failed, Proving, Won, ask, hear
from compline_hub.core.enrolled import Handset
from compline_hub.core.offer import LIFE, Offer
from compline_hub.core.pairing import (
    Barred,
    Bind,
    Bound,
    Challenged,
    Confirm,
    Confirming,
    Event,
    Found,
    Fresh,
    Known,
    Look,
    Looking,
    Meeting,
    Over,
    Recognising,
    Say,
    State,
    Waiting,
    react,
)
from compline_shared.enrolment import write_grant
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.p256 import point_of
from compline_shared.pairing import (
    Challenge,
    Down,
    Join,
    Joined,
    Offered,
    Prove,
    ProveRenewal,
    Refusal,
    Refused,
    Renew,
    Taken,
    Up,
    hub_proof,
    read_down,
    read_up,
    write_down,
    write_up,
)
from compline_shared.pairing_code import Invitation, code_of, officer_fingerprint
from tests.homes import HubKeys

HANDSET = HandsetId("00112233445566ff")
NOW = 1_795_600_000
KEYS = HubKeys()
IDENTITY: Identity = identity_of(bytes(range(32)))
CODE = code_of(bytes(range(10)))
OTHER_CODE = code_of(bytes(range(1, 11)))
OFFER = Offer(
    id="0123456789abcdef",
    short=CODE.short,
    handset_name="Desk 7",
    collector_name="Li Wei",
    sealed=b"sealed",
    made=NOW,
    expires=NOW + LIFE,
)
OFFERED = Offered(
    nonce=bytes(range(16)),
    hub_time=NOW,
    keys=KEYS.public,
    officer=None,
)
SERVER = KEYS.certificates.server.der


@dataclass(frozen=True)
class Met:
    """Where both sides stand once the handset has proved itself."""

    handset: Proving
    hub: Waiting
    bind: Bind


def asked(
    invitation: Invitation | None = None, offered: Offered = OFFERED, server: bytes = SERVER
) -> tuple[Asking, State]:
    """Both sides after `Join`, and after the hub's look for the offer."""
    asking, join = ask(
        invitation or Invitation(CODE), IDENTITY, handset=HANDSET, nonce=bytes(16), server=server
    )
    looking, commands = react(Fresh(Meeting(offered, SERVER)), join)
    assert commands == (Look(CODE.short, HANDSET),)
    waiting, said = react(looking, Found(OFFER, CODE.secret))
    assert said == (Say(offered),)
    return asking, waiting


def met(invitation: Invitation | None = None, server: bytes = SERVER) -> Met:
    asking, waiting = asked(invitation, server=server)
    proving, prove = hear(asking, OFFERED)
    assert isinstance(proving, Proving)
    assert prove is not None
    hub, (bind,) = react(waiting, prove)
    assert isinstance(hub, Waiting)
    assert isinstance(bind, Bind)
    return Met(proving, hub, bind)


def bound(**changed: Any) -> Bound:
    grant = msgspec.structs.replace(KEYS.grant(HANDSET), **changed)
    return Bound(grant, KEYS.certify(HANDSET, point_of(IDENTITY.tls), now=NOW))


def taken(where: Met, event: Bound) -> Taken:
    _, (say,) = react(where.hub, event)
    assert isinstance(say, Say)
    assert isinstance(say.body, Taken)
    return say.body


def test_pairing_when_both_know_the_code_then_the_handset_wins_what_the_hub_gave() -> None:
    where = met()

    won, answer = hear(where.handset, taken(where, bound()))

    assert where.bind.proven
    assert where.bind.offer == OFFER.id
    assert where.bind.request.tls_key_public == point_of(IDENTITY.tls)
    assert isinstance(won, Won)
    assert write_grant(won.grant) == write_grant(bound().grant)
    assert (won.certificate, won.hub_time) == (bound().certificate, NOW)
    assert answer is None


def test_pairing_when_it_is_kept_then_the_hub_confirms_and_ends() -> None:
    where = met()
    confirming, _ = react(where.hub, bound())

    assert confirming == Confirming(OFFER.id)
    assert react(confirming, Joined()) == (Over(), (Confirm(OFFER.id),))


def test_proof_when_the_code_is_another_then_it_does_not_hold() -> None:
    assert not met(Invitation(replace(OTHER_CODE, short=CODE.short))).bind.proven


def test_proof_when_the_handset_saw_another_server_then_it_does_not_hold() -> None:
    later = KEYS.certificates.link.der  # any other certificate of the same authority
    assert not met(server=later).bind.proven


@pytest.mark.parametrize("field", ["sealing", "signing", "command", "officer", "nonce"])
def test_proof_when_a_key_was_changed_on_the_way_then_it_does_not_hold(field: str) -> None:
    asking, waiting = asked()
    length = 16 if field == "nonce" else 32
    changed: dict[str, Any] = {field: b"\x07" * length}
    if field in ("sealing", "signing", "command"):
        changed = {"keys": msgspec.structs.replace(OFFERED.keys, **changed)}
    proving, prove = hear(asking, msgspec.structs.replace(OFFERED, **changed))
    assert isinstance(proving, Proving)
    assert prove is not None

    _, (bind,) = react(waiting, prove)

    assert isinstance(bind, Bind)
    assert not bind.proven


@pytest.mark.parametrize("field", ["signing", "nonce", "handset"])
def test_proof_when_a_key_of_the_handset_was_changed_on_the_way_then_it_does_not_hold(field: str) -> None:
    asking, _ = asked()
    _, prove = hear(asking, OFFERED)
    assert prove is not None
    length = {"nonce": 16, "handset": 8}.get(field, 32)
    changed = msgspec.structs.replace(asking.join, **{field: b"\x07" * length})
    looking, _ = react(Fresh(Meeting(OFFERED, SERVER)), changed)
    waiting, _ = react(looking, Found(OFFER, CODE.secret))

    _, (bind,) = react(waiting, prove)

    assert isinstance(bind, Bind)
    assert not bind.proven


def test_proof_when_the_identity_key_did_not_sign_then_it_does_not_hold() -> None:
    asking, waiting = asked()
    _, prove = hear(asking, OFFERED)
    assert isinstance(prove, Prove)

    _, (bind,) = react(waiting, msgspec.structs.replace(prove, signature=bytes(64)))

    assert isinstance(bind, Bind)
    assert not bind.proven


@pytest.mark.parametrize("field", ["proof", "certificate", "grant"])
def test_handset_when_the_hubs_proof_does_not_fit_then_it_believes_nothing(field: str) -> None:
    where = met()
    given = taken(where, bound())
    other = KEYS.certify(HANDSET, point_of(IDENTITY.tls), now=NOW + 9).der
    changed = {"proof": bytes(32), "certificate": other, "grant": write_grant(bound(epoch=2).grant)}

    end, _ = hear(where.handset, msgspec.structs.replace(given, **{field: changed[field]}))

    assert end == Failed(Doubt.FALSE_HUB)


@pytest.mark.parametrize(
    "changed",
    [
        {"handset": "f" * 16},
        {"hub_keys": msgspec.structs.replace(KEYS.public, authorities=HubKeys(b"x").public.authorities)},
        {"hub_keys": msgspec.structs.replace(KEYS.public, sealing=b"\x07" * 32)},
        {"hub_keys": msgspec.structs.replace(KEYS.public, signing=bytes(32))},
        {"hub_keys": msgspec.structs.replace(KEYS.public, command=bytes(32))},
        {"officer_key": bytes(32)},
    ],
)
def test_handset_when_the_grant_is_not_as_offered_then_it_takes_nothing(changed: dict[str, Any]) -> None:
    where = met()

    end, _ = hear(where.handset, taken(where, bound(**changed)))

    assert end == Failed(Doubt.UNREADABLE)


@pytest.mark.parametrize(
    "certificate",
    [
        KEYS.certify("f" * 16, point_of(IDENTITY.tls), now=NOW),
        KEYS.certify(HANDSET, KEYS.certificates.link.point, now=NOW),
        HubKeys(b"x").certify(HANDSET, point_of(IDENTITY.tls), now=NOW),
    ],
    ids=["another's name", "another key", "another authority"],
)
def test_handset_when_the_certificate_is_not_its_own_then_it_takes_nothing(certificate: Any) -> None:
    where = met()

    end, _ = hear(where.handset, taken(where, replace(bound(), certificate=certificate)))

    assert end == Failed(Doubt.UNREADABLE)


@pytest.mark.parametrize("authority", [b"none", HubKeys(b"x").certificates.authority.der])
def test_handset_when_the_server_is_not_of_the_authority_then_no_proof_is_given(authority: bytes) -> None:
    asking, _ = asked()
    keys = msgspec.structs.replace(OFFERED.keys, authorities=(authority,))
    offered = msgspec.structs.replace(OFFERED, keys=keys)
    assert hear(asking, offered) == (Failed(Doubt.FALSE_HUB), None)


@pytest.mark.parametrize("officer", [None, b"\x01" * 32])
def test_handset_when_the_officers_key_is_not_the_scanned_one_then_no_proof_is_given(
    officer: bytes | None,
) -> None:
    asking, _ = asked(Invitation(CODE, officer=officer_fingerprint(bytes(32))))
    offered = msgspec.structs.replace(OFFERED, officer=officer)
    assert hear(asking, offered) == (Failed(Doubt.FALSE_OFFICER), None)


def test_handset_when_the_officers_key_is_the_scanned_one_then_it_goes_on() -> None:
    asking, _ = asked(Invitation(CODE, officer=officer_fingerprint(bytes(32))))
    state, prove = hear(asking, msgspec.structs.replace(OFFERED, officer=bytes(32)))
    assert isinstance(state, Proving)
    assert isinstance(prove, Prove)


@pytest.mark.parametrize("said", [Challenge(bytes(16)), Taken(bytes(32), b"x", b"x")])
def test_handset_when_the_hub_speaks_out_of_turn_then_it_stops(said: Down) -> None:
    asking, _ = asked()
    assert hear(asking, said) == (Failed(Doubt.UNREADABLE), None)


@pytest.mark.parametrize("reason", list(Refusal))
def test_handset_when_refused_then_it_stops(reason: Refusal) -> None:
    asking, _ = asked()
    assert hear(asking, Refused(reason)) == (Failed(Refused(reason)), None)
    assert hear(met().handset, Refused(reason))[0] == Failed(Refused(reason))


def test_handset_when_what_it_won_cannot_be_read_then_it_takes_nothing() -> None:
    where = met()
    proof = hub_proof(CODE.secret, where.handset.agreed, certificate=b"x", grant=b"y")
    assert hear(where.handset, Taken(proof, b"x", b"y")) == (Failed(Doubt.UNREADABLE), None)


def _states() -> list[State]:
    asking, waiting = asked()
    handset = Handset(HANDSET, "Desk 7", b"\x01" * 32, b"\x04" * 65, NOW)
    renew, challenge = Renew(bytes(8), bytes(16)), Challenge(bytes(16))
    return [
        Fresh(Meeting(OFFERED, SERVER)),
        Looking(Meeting(OFFERED, SERVER), asking.join),
        waiting,
        Confirming(OFFER.id),
        Recognising(renew, challenge),
        Challenged(handset, renew, challenge),
        Over(),
    ]


OUT_OF_TURN: dict[type, tuple[Up | Event, ...]] = {
    Fresh: (Joined(), Prove(bytes(32), bytes(64)), ProveRenewal(bytes(64))),
    Looking: (Joined(), Renew(bytes(8), bytes(16))),
    Waiting: (Joined(), Renew(bytes(8), bytes(16))),
    Confirming: (Prove(bytes(32), bytes(64)), Renew(bytes(8), bytes(16))),
    Recognising: (Joined(), ProveRenewal(bytes(64))),
    Challenged: (Joined(), Prove(bytes(32), bytes(64))),
    Over: (Joined(), Renew(bytes(8), bytes(16)), Known(None)),
}


@pytest.mark.parametrize("state", _states(), ids=lambda state: type(state).__name__)
def test_hub_when_the_handset_speaks_out_of_turn_then_it_says_nothing_more(state: State) -> None:
    for said in OUT_OF_TURN[type(state)]:
        assert react(state, said) == (Over(), ())


@pytest.mark.parametrize("state", _states()[:-1], ids=lambda state: type(state).__name__)
def test_hub_when_it_may_not_then_it_says_why_and_ends(state: State) -> None:
    refused = Refused(Refusal.SPENT)
    assert react(state, Barred(refused)) == (Over(), (Say(refused),))


def test_hub_when_the_tls_key_is_no_point_then_it_says_nothing() -> None:
    asking, _ = asked()
    join: Join = msgspec.structs.replace(asking.join, tls=b"\x04" * 65)
    assert react(Fresh(Meeting(OFFERED, SERVER)), join) == (Over(), ())


@pytest.mark.parametrize("said", [Joined(), Renew(bytes(8), bytes(16)), Prove(bytes(32), bytes(64))])
def test_message_when_written_then_read_the_same(said: Up) -> None:
    assert read_up(write_up(said)) == said


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x80", b"\x81\x81\x09", write_up(Joined()) + b"\x00", bytes(2_000), write_down(OFFERED)],
)
def test_message_when_it_is_none_then_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedFrame):
        read_up(payload)


def test_secrets_when_shown_by_mistake_then_they_are_not() -> None:
    where = met()
    shown = (
        repr(where.hub) + repr(where.handset) + repr(Found(OFFER, CODE.secret)) + repr(taken(where, bound()))
    )
    assert CODE.secret not in shown
    assert read_down(write_down(OFFERED)) == OFFERED
