"""The handset's side of pairing: what to say next, what to believe, when to stop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TypeAlias

from compline_edge.core.identity import Identity
from compline_shared.certificates import Certificate, read_certificate
from compline_shared.enrolment import BadEnrolment, EnrolmentGrant, read_grant
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.p256 import point_of
from compline_shared.pairing import (
    Down,
    Join,
    Offered,
    Prove,
    Refused,
    Taken,
    Up,
    handset_proof,
    hub_proof,
    join_signed,
    same,
    transcript,
)
from compline_shared.pairing_code import Invitation, officer_fingerprint


@unique
class Doubt(Enum):
    """Why the handset itself stops."""

    FALSE_HUB = "false_hub"  # it does not know the code, or somebody stands between
    FALSE_OFFICER = "false_officer"  # the key is not the one whose fingerprint was scanned
    UNREADABLE = "unreadable"  # it does not speak this protocol


@dataclass(frozen=True, slots=True)
class Asking:
    """`Join` was said."""

    invitation: Invitation
    identity: Identity
    join: Join
    server: bytes  # the certificate that TLS showed, DER


@dataclass(frozen=True, slots=True)
class Proving:
    """`Prove` was said; nothing of what the hub said is believed yet."""

    asking: Asking
    offered: Offered
    agreed: bytes  # the transcript


@dataclass(frozen=True, slots=True)
class Won:
    """The hub proved itself; `Joined` is said once all of this is kept."""

    grant: EnrolmentGrant
    certificate: Certificate
    hub_time: int  # Unix s


@dataclass(frozen=True, slots=True)
class Failed:
    """Over; nothing of it is kept."""

    why: Refused | Doubt


State: TypeAlias = Asking | Proving | Won | Failed


def ask(
    invitation: Invitation, identity: Identity, *, handset: HandsetId, nonce: bytes, server: bytes
) -> tuple[Asking, Join]:
    """Begin: return the state and what to say. ``nonce`` is 16 random bytes, ``server`` what TLS showed (DER)."""
    join = Join(
        short=invitation.code.short,
        handset=bytes.fromhex(handset),
        signing=identity.signing.public_key().public_bytes_raw(),
        tls=point_of(identity.tls),
        nonce=nonce,
    )
    return Asking(invitation, identity, join, server), join


def hear(state: Asking | Proving, said: Down) -> tuple[State, Up | None]:
    """Return the next state and what to say; None where nothing is said."""
    if isinstance(said, Refused):
        return Failed(said), None
    match state:
        case Asking():
            if isinstance(said, Offered):
                return _offered(state, said)
        case Proving():
            if isinstance(said, Taken):
                return _taken(state, said), None
    return Failed(Doubt.UNREADABLE), None


def _offered(state: Asking, said: Offered) -> tuple[State, Up | None]:
    wanted = state.invitation.officer
    if wanted is not None and (said.officer is None or officer_fingerprint(said.officer) != wanted):
        return Failed(Doubt.FALSE_OFFICER), None
    try:
        issued = _issued(read_certificate(state.server), said)
    except MalformedFrame:
        issued = False
    if not issued:
        return Failed(Doubt.FALSE_HUB), None
    agreed = transcript(state.join, said, state.server)
    proof = handset_proof(state.invitation.code.secret, agreed)
    signature = state.identity.signing.sign(join_signed(agreed))
    return Proving(state, said, agreed), Prove(proof, signature)


def _taken(state: Proving, said: Taken) -> State:
    secret = state.asking.invitation.code.secret
    expected = hub_proof(secret, state.agreed, certificate=said.certificate, grant=said.grant)
    if not same(expected, said.proof):
        return Failed(Doubt.FALSE_HUB)
    try:
        certificate, grant = read_certificate(said.certificate), read_grant(said.grant)
        issued = _issued(certificate, state.offered)
    except (MalformedFrame, BadEnrolment):
        return Failed(Doubt.UNREADABLE)
    join, offered = state.asking.join, state.offered
    as_offered = (
        grant.handset == join.handset.hex() == certificate.name
        and certificate.point == join.tls
        and issued
        and grant.hub_keys == offered.keys
        and grant.officer_key == offered.officer
    )
    return Won(grant, certificate, offered.hub_time) if as_offered else Failed(Doubt.UNREADABLE)


def _issued(certificate: Certificate, offered: Offered) -> bool:
    return certificate.issued_by(read_certificate(offered.keys.authorities[0]))
