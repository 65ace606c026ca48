"""Enrols handsets: binds one to a collector, grants it what it needs, certifies its key."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from compline_hub.core import ordering
from compline_hub.core.audit import MAX_WHO, Act, Entry
from compline_hub.core.authority import authority_name, handset_certificate
from compline_hub.core.enrolled import FIRST_EPOCH, Binding, Collector, CollectorId, Handset
from compline_hub.core.key_sets import KeyRing
from compline_hub.core.keys import EpochSecrets
from compline_hub.core.orders import BY_HUB
from compline_hub.errors import EnrolmentRefused
from compline_hub.ports import Ledger, Store
from compline_hub.service.cases import case_of, keep_case
from compline_hub.service.dispatch import BY_HANDSET
from compline_hub.service.orders import present_roster
from compline_shared.certificates import Certificate
from compline_shared.chain import Chain
from compline_shared.commands import Operator
from compline_shared.enrolment import EnrolmentGrant, EnrolmentRequest, Secret
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.strictness import Strictness

MAX_NAME = 60
SERIAL_BITS = 159


class StillUnbound(EnrolmentRefused):
    """A handset is frozen for the collector for whom it was to be paired; a rebind gives it back."""


class CollectorElsewhere(EnrolmentRefused):
    """A collector works with another handset; unbind that one first."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where handsets meet the hub; a host that is None is the one at which they found the pairing port."""

    mqtt_port: int
    pairing_port: int
    mqtt_host: str | None = None


class Enrolment:
    """The use case, wired."""

    def __init__(
        self,
        store: Store,
        ring: KeyRing,
        *,
        authority: Certificate,
        meeting: Meeting,
        hub_name: str,
        officer_key: bytes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._ring = ring
        self._keys = ring.keys
        self._authority = authority
        self._meeting = meeting
        self._hub_name = hub_name
        self._officer_key = officer_key
        self._clock = clock

    def enrol(self, request: EnrolmentRequest, *, name: str, collector: str) -> EnrolmentGrant:
        """Bind a handset, under a name for people, to the collector of a name, who is new if nobody is called so.

        Asked again with the same keys and collector, the same binding is granted again. A handset that is known and
        gets another collector gets a new binding.

        Raises:
            EnrolmentRefused: the id is taken by another key or was removed, or a name is empty or too long.
            StillUnbound: the handset is this collector's already, and frozen or being wiped.
            CollectorElsewhere: the collector works with another handset.
        """
        name, collector = checked_name(name), checked_name(collector)
        with self._store.transaction() as ledger:
            binding = self._binding(ledger, request, name=name, collector=collector)
            operators, times = present_roster(ledger), ledger.book.times()
            strictness = ledger.book.strictness()
            standing = ledger.book.standing(binding.id)
            if standing.told is None:  # from the first report on, only the handset says who may approve there
                ledger.book.keep_standing(
                    binding.id, replace(standing, roster=operators, hub_keys=self._ring.sets.names.present)
                )
        return self._grant(binding, operators, times, strictness)

    def holder_of(self, collector: str) -> Handset | None:
        """Return the handset that the collector of this name works with now, or None."""
        with self._store.transaction() as ledger:
            known = ledger.collector_named(checked_name(collector))
            return None if known is None else ledger.holder(known.id)

    def certify(self, handset: HandsetId, point: bytes) -> Certificate:
        """Return a certificate of 30 days for a handset's P-256 key; MalformedFrame where it is no key."""
        certificate = handset_certificate(
            self._authority,
            self._keys,
            handset=handset,
            point=point,
            now=int(self._clock()),
            serial=secrets.randbits(SERIAL_BITS) | 1,
        )
        with self._store.transaction() as ledger:
            known = ledger.handset(handset)
            if known is not None:
                ledger.put_handset(replace(known, certified_by=authority_name(self._authority.der)))
        return certificate

    def remove(self, handset: HandsetId, *, by: str = BY_HUB) -> None:
        """Let a handset in no more, neither at the broker nor for a new certificate; its verdicts stay."""
        now = int(self._clock())
        with self._store.transaction() as ledger:
            known = ledger.handset(handset)
            if known is not None and known.removed is None:
                ledger.put_handset(replace(known, removed=now))
                entry = Entry(at=now, who=by[:MAX_WHO], act=Act.REMOVED, handset=handset)
                ledger.audit.note(entry)

    def _grant(
        self, binding: Binding, operators: tuple[Operator, ...], times: LeaseTimes, strictness: Strictness
    ) -> EnrolmentGrant:
        keys = self._keys
        secrets_of_epoch = keys.open_escrow(binding.escrow, binding=binding.id)
        return EnrolmentGrant(
            handset=binding.handset,
            binding=binding.id,
            epoch=binding.epoch,
            branch_key=keys.branch,
            binding_secret=Secret(secrets_of_epoch.binding_secret),
            freeze_key=secrets_of_epoch.freeze_public,
            hub_name=self._hub_name,
            hub_keys=self._ring.sets.present,
            officer_key=self._officer_key,
            operators=operators,
            times=times,
            strictness=strictness,
            mqtt_host=self._meeting.mqtt_host,
            mqtt_port=self._meeting.mqtt_port,
            pairing_port=self._meeting.pairing_port,
        )

    def _binding(self, ledger: Ledger, request: EnrolmentRequest, *, name: str, collector: str) -> Binding:
        known = ledger.handset(request.handset_id)
        if known is not None:
            _check_same(known, request)
        person = ledger.collector_named(collector)
        holder = None if person is None else ledger.holder(person.id)
        if holder is not None and holder.id != request.handset:
            raise _elsewhere(collector, holder)
        now = int(self._clock())
        if person is None:
            person = Collector(CollectorId(secrets.token_hex(8)), collector)
            ledger.put_collector(person, at=now)
        handset = _handset(known, request, name=name, now=now)
        ledger.put_handset(handset)
        current = ledger.binding_of(request.handset_id)
        if current is not None and current.collector == person.id and current.escrow:  # none: it was wiped
            if not ledger.book.standing(current.id).works:
                raise StillUnbound(
                    "This handset is unbound; use `compline-hub rebind`. One that froze alone thaws when it is heard."
                )
            return current
        binding = self._new_binding(
            request.handset_id, person, bound=max(now, 0 if current is None else current.bound + 1)
        )
        for former in ledger.bindings_of(handset.id):
            before = case_of(ledger, former)
            keep_case(ledger, before, ordering.retire(before, now=now), who=BY_HUB, now=now)
        ledger.bind(binding)
        ledger.audit.note(
            Entry(
                at=now,
                who=BY_HANDSET,
                act=Act.BOUND,
                detail=person.id,
                handset=handset.id,
                binding=binding.id,
            )
        )
        return binding

    def _new_binding(self, handset: HandsetId, person: Collector, *, bound: int) -> Binding:
        binding = BindingId(secrets.token_hex(8))
        fresh = EpochSecrets(binding_secret=secrets.token_bytes(32), freeze_key=secrets.token_bytes(32))
        return Binding(
            id=binding,
            handset=handset,
            epoch=FIRST_EPOCH,
            up_to=0,
            head=Chain(self._keys.branch, binding).genesis,
            escrow=self._keys.seal_escrow(fresh, binding=binding, nonce=secrets.token_bytes(12)),
            collector=person.id,
            bound=bound,
        )


def checked_name(name: str) -> str:
    """Return a name for people without the space around it; raises EnrolmentRefused where none or too much is left."""
    stripped = name.strip()
    if not 1 <= len(stripped) <= MAX_NAME or not stripped.isprintable():
        raise EnrolmentRefused(
            f"The name of a handset or collector has 1 to {MAX_NAME} printable characters; choose another."
        )
    return stripped


def _check_same(known: Handset, request: EnrolmentRequest) -> None:
    if known.removed is not None:
        raise EnrolmentRefused("This handset was removed from the hub; pair it from a new home folder.")
    if known.signing_key != request.signing_key_public:
        raise EnrolmentRefused(
            "A handset with this id is enrolled with another key; pair from a new home folder."
        )


def _handset(known: Handset | None, request: EnrolmentRequest, *, name: str, now: int) -> Handset:
    return Handset(
        id=request.handset_id,
        name=name,
        signing_key=request.signing_key_public,
        tls_key=request.tls_key_public,
        enrolled=now if known is None else known.enrolled,
        heard=None if known is None else known.heard,
        certified_by=None if known is None else known.certified_by,
    )


def _elsewhere(collector: str, holder: Handset) -> CollectorElsewhere:
    return CollectorElsewhere(
        f'{collector} works with the handset "{holder.name}"; unbind that one first and wait until it is frozen'
        " (a lost one: `compline-hub remove`), or name another collector."
    )
