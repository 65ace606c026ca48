"""Gives out pairing codes and carries out what conversations on the pairing port decide."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from compline_hub.core.audit import MAX_WHO, Act, Entry
from compline_hub.core.enrolled import Handset
from compline_hub.core.key_sets import KeyRing
from compline_hub.core.offer import LIFE, MAX_OPEN, Offer, OfferState
from compline_hub.core.orders import BY_HUB
from compline_hub.core.pairing import (
    Barred,
    Bind,
    Bound,
    Certify,
    Command,
    Confirm,
    Event,
    Found,
    Fresh,
    Known,
    Look,
    Meeting,
    Over,
    Recognise,
    Say,
    State,
    react,
)
from compline_hub.errors import EnrolmentRefused
from compline_hub.ports import Ledger, Store
from compline_hub.service.cases import told_keys
from compline_hub.service.dispatch import BY_HANDSET
from compline_hub.service.enrolment import CollectorElsewhere, Enrolment, checked_name
from compline_shared.pairing import Down, Offered, Refusal, Refused, Renew, Renewed, Up, renewal_given
from compline_shared.pairing_code import (
    RANDOM_BYTES,
    Invitation,
    PairingCode,
    code_of,
    officer_fingerprint,
)

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Given:
    """A code that was given out: shown once, kept nowhere in clear."""

    offer: str
    invitation: Invitation
    expires: int  # Unix s
    holder: str | None  # name of the handset that the collector works with now; no other can take the code


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an offer stands, for people."""

    state: OfferState
    handset_name: str
    collector_name: str
    tries_left: int
    seconds_left: int


class Pairing:
    """The use case, wired."""

    def __init__(
        self,
        store: Store,
        ring: KeyRing,
        enrolment: Enrolment,
        *,
        address: tuple[str, int],
        officer_key: bytes | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`address` is where the QR says that the pairing port is."""
        self._store = store
        self._ring = ring
        self._keys = ring.keys
        self._enrolment = enrolment
        self._address = address
        self._officer_key = officer_key
        self._clock = clock

    def offer(self, *, handset_name: str, collector_name: str, by: str = BY_HUB) -> Given:
        """Give out a code for one handset.

        Raises:
            EnrolmentRefused: a name is empty or too long, or too many codes are open.
        """
        handset_name, collector_name = checked_name(handset_name), checked_name(collector_name)
        now = int(self._clock())
        with self._store.transaction() as ledger:
            expire_offers(ledger, now)
            ledger.offers.forget(now - DAY)
            taken = {offer.short for offer in ledger.offers.unfinished()}
            if len(taken) >= MAX_OPEN:
                raise EnrolmentRefused(
                    f"{MAX_OPEN} pairing codes are open already; wait until one has ended."
                )
            code = _unlike(taken)
            offer = Offer(
                id=secrets.token_hex(8),
                short=code.short,
                handset_name=handset_name,
                collector_name=collector_name,
                sealed=None,
                made=now,
                expires=now + LIFE,
            )
            ledger.offers.put(self._sealed(offer, code))
            ledger.audit.note(entry_of(offer, Act.CODE_GIVEN, who=by, now=now))
        officer = None if self._officer_key is None else officer_fingerprint(self._officer_key)
        holder = self._enrolment.holder_of(collector_name)
        invitation = Invitation(code, self._address, officer)
        return Given(offer.id, invitation, offer.expires, None if holder is None else holder.name)

    def outcome(self, offer: str) -> Outcome | None:
        """Return how an offer stands now, None where it is not known (any more)."""
        now = int(self._clock())
        with self._store.transaction() as ledger:
            found = ledger.offers.offer(offer)
        if found is None:
            return None
        stands = found.as_of(now)
        return Outcome(
            state=stands.state,
            handset_name=stands.handset_name,
            collector_name=stands.collector_name,
            tries_left=stands.tries_left,
            seconds_left=max(0, stands.expires - now),
        )

    def withdraw(self, offer: str, *, by: str = BY_HUB) -> None:
        """Call an offer off; harmless when it is over."""
        now = int(self._clock())
        with self._store.transaction() as ledger:
            expire_offers(ledger, now)  # what was over already is not called off
            found = ledger.offers.offer(offer)
            after = None if found is None else found.withdrawn()
            if after is not None and after != found:
                ledger.offers.put(after)
                ledger.audit.note(entry_of(after, Act.CODE_WITHDRAWN, who=by, now=now))

    def expire(self) -> None:
        """Forget the secrets of codes whose time is over."""
        with self._store.transaction() as ledger:
            expire_offers(ledger, int(self._clock()))

    def converse(self, server: bytes) -> Conversation:
        """Begin a conversation in which TLS shows the certificate `server` (DER)."""
        offered = Offered(
            nonce=secrets.token_bytes(16),
            hub_time=int(self._clock()),
            keys=self._ring.sets.present,
            officer=self._officer_key,
        )
        return Conversation(self, Fresh(Meeting(offered, server)))

    def carry_out(self, command: Command) -> Found | Known | Bound | Barred | Down | None:
        """Do what a conversation decided; return what came of it, or what to say."""
        match command:
            case Say(body=body):
                return body
            case Look():
                return self._look(command)
            case Bind():
                return self._bind(command)
            case Confirm(offer=offer):
                self._confirm(offer)
                return None
            case Recognise(handset=handset):
                with self._store.transaction() as ledger:
                    return Known(ledger.handset(handset))
            case Certify(handset=handset, renew=renew):
                return self._renewed(handset, renew)

    def _look(self, command: Look) -> Found | Barred:
        with self._store.transaction() as ledger:
            offer = ledger.offers.called(command.short)
        if offer is None:
            return Barred(Refused(Refusal.NO_OFFER))
        offer = offer.as_of(int(self._clock()))
        refusal = offer.admit(command.handset)
        if refusal is not None or offer.sealed is None:
            return Barred(Refused(refusal or Refusal.EXPIRED))
        return Found(offer, self._keys.open_offer(offer.sealed, offer=offer.id))

    def _bind(self, command: Bind) -> Bound | Barred:
        handset = command.request.handset_id
        with self._store.transaction() as ledger:
            offer = ledger.offers.offer(command.offer)
            if offer is None:
                return Barred(Refused(Refusal.NO_OFFER))
            now = int(self._clock())
            offer = offer.as_of(now)
            refusal = offer.admit(handset)
            if refusal is None:
                offer = offer.taken_by(handset) if command.proven else offer.tried_wrong()
                ledger.offers.put(offer)
                if offer.state is OfferState.SPENT:
                    ledger.audit.note(entry_of(offer, Act.CODE_SPENT, who=BY_HANDSET, now=now))
        if refusal is not None:
            return Barred(Refused(refusal))
        if not command.proven:
            return Barred(Refused(Refusal.WRONG_PROOF, tries_left=offer.tries_left))
        return self._enrolled(offer, command)

    def _enrolled(self, offer: Offer, command: Bind) -> Bound | Barred:
        try:
            grant = self._enrolment.enrol(
                command.request, name=offer.handset_name, collector=offer.collector_name
            )
        except EnrolmentRefused as error:
            self._release(offer)
            elsewhere = isinstance(error, CollectorElsewhere)
            return Barred(Refused(Refusal.COLLECTOR_ELSEWHERE if elsewhere else Refusal.HANDSET_REFUSED))
        point = command.request.tls_key_public
        return Bound(grant, self._enrolment.certify(command.request.handset_id, point))

    def _release(self, taken: Offer) -> None:
        """Open an offer again, unless it has expired or become another's meanwhile."""
        with self._store.transaction() as ledger:
            found = ledger.offers.offer(taken.id)
            if found is not None and (found.state, found.handset) == (taken.state, taken.handset):
                ledger.offers.put(found.released())

    def _confirm(self, offer: str) -> None:
        with self._store.transaction() as ledger:
            found = ledger.offers.offer(offer)
            if found is not None and found.state is OfferState.TAKEN:
                ledger.offers.put(found.joined())

    def _renewed(self, handset: Handset, renew: Renew) -> Renewed:
        certificate = self._enrolment.certify(handset.id, handset.tls_key).der
        now = int(self._clock())
        text = renewal_given(renew, certificate=certificate, hub_time=now)
        with self._store.transaction() as ledger:
            told = told_keys(ledger, handset.id)
        return Renewed(certificate, now, self._ring.signing_for(told).sign(text))

    def _sealed(self, offer: Offer, code: PairingCode) -> Offer:
        sealed = self._keys.seal_offer(code.secret, offer=offer.id, nonce=secrets.token_bytes(12))
        return offer.with_secret(sealed)


class Conversation:
    """One conversation; not for two threads at once."""

    def __init__(self, pairing: Pairing, state: State) -> None:
        self._pairing = pairing
        self._state = state

    @property
    def over(self) -> bool:
        """Whether nothing more is said or heard."""
        return isinstance(self._state, Over)

    def hear(self, said: Up) -> list[Down]:
        """Take a message in and return what to answer."""
        answers: list[Down] = []
        events: deque[Event] = deque([said])
        while events:
            self._state, commands = react(self._state, events.popleft())
            for command in commands:
                result = self._pairing.carry_out(command)
                if isinstance(result, Found | Known | Bound | Barred):
                    events.append(result)
                elif result is not None:
                    answers.append(result)
        return answers


def entry_of(offer: Offer, act: Act, *, who: str, now: int) -> Entry:
    """Return an audit entry about a code: its offer's id, neither its letters nor anybody's name."""
    return Entry(at=now, who=who[:MAX_WHO], act=act, detail=offer.id)


def expire_offers(ledger: Ledger, now: int) -> None:
    """Let codes whose time is over be so, and audit each of them once."""
    for offer in ledger.offers.expire(now):
        ledger.audit.note(entry_of(offer, Act.CODE_EXPIRED, who=BY_HUB, now=now))


def _unlike(taken: set[str]) -> PairingCode:
    """A random code whose name no open one has."""
    while True:
        code = code_of(secrets.token_bytes(RANDOM_BYTES))
        if code.short not in taken:
            return code
