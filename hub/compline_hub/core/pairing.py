"""The hub's side of one conversation on the pairing port: what comes in, what to do, what to answer.

The service carries out the commands and gives what came of them back as events. Nothing secret is said before the
handset's proof held, and the proof is judged in the transaction that counts the tries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compline_hub.core.enrolled import Handset
from compline_hub.core.offer import Offer
from compline_shared.certificates import Certificate
from compline_shared.enrolment import EnrolmentGrant, EnrolmentRequest, write_grant
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.p256 import public_key
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
    handset_proof,
    hub_proof,
    join_signed,
    renewal_asked,
    same,
    transcript,
)


@dataclass(frozen=True, slots=True)
class Meeting:
    """What the hub brings to a conversation."""

    offered: Offered  # its keys, its time and a nonce of this conversation
    server: bytes  # the certificate that TLS shows, DER


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nothing was said."""

    meeting: Meeting


@dataclass(frozen=True, slots=True)
class Looking:
    """The offer is looked up."""

    meeting: Meeting
    join: Join


@dataclass(frozen=True, slots=True)
class Waiting:
    """For the handset's proof, or for what came of it."""

    join: Join
    agreed: bytes
    offer: str
    secret: str

    def __repr__(self) -> str:
        return "Waiting(********)"


@dataclass(frozen=True, slots=True)
class Confirming:
    """The handset has everything and keeps it."""

    offer: str


@dataclass(frozen=True, slots=True)
class Recognising:
    """The handset that wants a renewal is looked up."""

    renew: Renew
    challenge: Challenge


@dataclass(frozen=True, slots=True)
class Challenged:
    """The handset is to sign."""

    handset: Handset
    renew: Renew
    challenge: Challenge


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more is said or heard."""


State: TypeAlias = Fresh | Looking | Waiting | Confirming | Recognising | Challenged | Over


@dataclass(frozen=True, slots=True)
class Found:
    """An offer and its secret."""

    offer: Offer
    secret: str

    def __repr__(self) -> str:
        return "Found(********)"


@dataclass(frozen=True, slots=True)
class Known:
    """The handset that asks for a renewal, None where there is none."""

    handset: Handset | None


@dataclass(frozen=True, slots=True)
class Bound:
    """What the handset gets."""

    grant: EnrolmentGrant
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Barred:
    """It may not be."""

    refused: Refused


Event: TypeAlias = Up | Found | Known | Bound | Barred


@dataclass(frozen=True, slots=True)
class Say:
    """Send this."""

    body: Down


@dataclass(frozen=True, slots=True)
class Look:
    """Find the offer that a code's first characters name, for this handset; answer Found or Barred."""

    short: str
    handset: HandsetId


@dataclass(frozen=True, slots=True)
class Bind:
    """Count a wrong try, or take the offer and enrol; answer Bound or Barred."""

    offer: str
    request: EnrolmentRequest
    proven: bool


@dataclass(frozen=True, slots=True)
class Confirm:
    """The offer's handset has joined."""

    offer: str


@dataclass(frozen=True, slots=True)
class Recognise:
    """Find a handset; answer Known."""

    handset: HandsetId


@dataclass(frozen=True, slots=True)
class Certify:
    """Make a new certificate and say it, signed over the handset's nonce."""

    handset: Handset
    renew: Renew


Command: TypeAlias = Say | Look | Bind | Confirm | Recognise | Certify


def react(state: State, event: Event) -> tuple[State, tuple[Command, ...]]:
    """Return the next state and what to do; what does not belong where it comes ends the conversation."""
    if isinstance(event, Barred):
        return Over(), (Say(event.refused),)
    match state:
        case Fresh(meeting=meeting):
            return _begun(meeting, event)
        case Looking():
            return _looked(state, event)
        case Waiting():
            return _waited(state, event)
        case Confirming(offer=offer):
            return Over(), (Confirm(offer),) if isinstance(event, Joined) else ()
        case Recognising():
            return _recognised(state, event)
        case Challenged():
            return _answered(state, event)
        case Over():
            return state, ()


def _begun(meeting: Meeting, event: Event) -> tuple[State, tuple[Command, ...]]:
    if isinstance(event, Join) and _is_key(event.tls):
        return Looking(meeting, event), (Look(event.short, HandsetId(event.handset.hex())),)
    if isinstance(event, Renew):
        asked = Recognising(event, Challenge(meeting.offered.nonce))
        return asked, (Recognise(HandsetId(event.handset.hex())),)
    return Over(), ()


def _looked(state: Looking, event: Event) -> tuple[State, tuple[Command, ...]]:
    if not isinstance(event, Found):
        return Over(), ()
    offered = state.meeting.offered
    agreed = transcript(state.join, offered, state.meeting.server)
    return Waiting(state.join, agreed, event.offer.id, event.secret), (Say(offered),)


def _waited(state: Waiting, event: Event) -> tuple[State, tuple[Command, ...]]:
    if isinstance(event, Prove):
        proven = same(event.proof, handset_proof(state.secret, state.agreed))
        signed = _signed(state.join.signing, event.signature, join_signed(state.agreed))
        return state, (Bind(state.offer, state.join.request, proven=proven and signed),)
    if isinstance(event, Bound):
        grant, certificate = write_grant(event.grant), event.certificate.der
        proof = hub_proof(state.secret, state.agreed, certificate=certificate, grant=grant)
        return Confirming(state.offer), (Say(Taken(proof, certificate, grant)),)
    return Over(), ()


def _recognised(state: Recognising, event: Event) -> tuple[State, tuple[Command, ...]]:
    if not isinstance(event, Known):
        return Over(), ()
    handset = event.handset
    if handset is None or not handset.tls_key:
        return Over(), (Say(Refused(Refusal.UNKNOWN_HANDSET)),)
    if handset.removed is not None:
        return Over(), (Say(Refused(Refusal.HANDSET_REFUSED)),)
    return Challenged(handset, state.renew, state.challenge), (Say(state.challenge),)


def _answered(state: Challenged, event: Event) -> tuple[State, tuple[Command, ...]]:
    if not isinstance(event, ProveRenewal):
        return Over(), ()
    if not _signed(state.handset.signing_key, event.signature, renewal_asked(state.renew, state.challenge)):
        return Over(), (Say(Refused(Refusal.WRONG_PROOF)),)
    return Over(), (Certify(state.handset, state.renew),)


def _is_key(point: bytes) -> bool:
    try:
        public_key(point)
    except MalformedFrame:
        return False
    return True


def _signed(key: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
