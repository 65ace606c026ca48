"""The hub's side of a renewal as a transcript: this is heard, this is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compline_edge.core.identity import Identity, identity_of
from compline_hub.core.enrolled import Handset
from compline_hub.core.pairing import (
    Certify,
    Fresh,
    Known,
    Meeting,
    Over,
    Recognise,
    Recognising,
    Say,
    State,
    react,
)
from compline_shared.ids import HandsetId
from compline_shared.p256 import point_of
from compline_shared.pairing import (
    Challenge,
    Offered,
    ProveRenewal,
    Refusal,
    Refused,
    Renew,
    renewal_asked,
)
from tests.homes import HubKeys

HANDSET = HandsetId("00112233445566ff")
NOW = 1_795_600_000
KEYS = HubKeys()
IDENTITY: Identity = identity_of(bytes(range(32)))
SERVER = KEYS.certificates.server.der
OFFERED = Offered(
    nonce=bytes(range(16)),
    hub_time=NOW,
    keys=KEYS.public,
    officer=None,
)


def renewing(handset: Handset | None) -> tuple[State, Renew, Challenge, tuple[object, ...]]:
    renew = Renew(bytes.fromhex(HANDSET), bytes(range(16)))
    state, commands = react(Fresh(Meeting(OFFERED, SERVER)), renew)
    assert commands == (Recognise(HANDSET),)
    assert isinstance(state, Recognising)
    after, said = react(state, Known(handset))
    return after, renew, state.challenge, said


KNOWN = Handset(
    id=HANDSET,
    name="Desk 7",
    signing_key=IDENTITY.signing.public_key().public_bytes_raw(),
    tls_key=point_of(IDENTITY.tls),
    enrolled=NOW,
)


def test_renewal_when_the_handset_signs_the_challenge_then_it_is_certified() -> None:
    state, renew, challenge, said = renewing(KNOWN)
    signature = IDENTITY.signing.sign(renewal_asked(renew, challenge))

    assert said == (Say(challenge),)
    assert react(state, ProveRenewal(signature)) == (Over(), (Certify(KNOWN, renew),))


def test_renewal_when_an_older_answer_is_played_again_then_refused() -> None:
    state, renew, _, _ = renewing(KNOWN)
    old = IDENTITY.signing.sign(renewal_asked(renew, Challenge(bytes(16))))

    assert react(state, ProveRenewal(old)) == (Over(), (Say(Refused(Refusal.WRONG_PROOF)),))


@pytest.mark.parametrize(
    ("handset", "reason"),
    [
        (None, Refusal.UNKNOWN_HANDSET),
        (replace(KNOWN, tls_key=b""), Refusal.UNKNOWN_HANDSET),
        (replace(KNOWN, removed=NOW), Refusal.HANDSET_REFUSED),
    ],
)
def test_renewal_when_the_handset_is_not_known_any_more_then_refused(
    handset: Handset | None, reason: Refusal
) -> None:
    state, _, _, said = renewing(handset)
    assert (state, said) == (Over(), (Say(Refused(reason)),))


def test_renewal_when_the_identity_key_is_none_then_refused() -> None:
    state, _, _, _ = renewing(replace(KNOWN, signing_key=b"short"))
    assert react(state, ProveRenewal(bytes(64))) == (Over(), (Say(Refused(Refusal.WRONG_PROOF)),))
