"""What the hub's use cases ask of the world, in the core's words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from compline_hub.core.alarm import Alarm, AlarmKind
from compline_hub.core.audit import Chained, End, Entry
from compline_hub.core.enrolled import Binding, Collector, CollectorId, Handset
from compline_hub.core.evidence import Evidenced, Holding, Piece
from compline_hub.core.key_sets import KeySets
from compline_hub.core.offer import Offer
from compline_hub.core.operators import OperatorRecord
from compline_hub.core.orders import Order
from compline_hub.core.record import Kept, Link, Query, Summary
from compline_hub.core.standing import Standing
from compline_shared.ids import BindingId, HandsetId, VerdictId
from compline_shared.lease import LeaseTimes
from compline_shared.strictness import Strictness
from compline_shared.transfer import Offer as Offered


class OrderBook(Protocol):
    """Orders and standings, within one transaction."""

    def standing(self, binding: BindingId) -> Standing:
        """What the hub wants of a binding and its handset told last."""
        ...

    def keep_standing(self, binding: BindingId, standing: Standing) -> None:
        """Set it."""
        ...

    def pending(self, binding: BindingId) -> Sequence[Order]:
        """Pending orders to a binding, oldest first."""
        ...

    def order(self, order: bytes) -> Order | None:
        """An order by its id, or None."""
        ...

    def keep(self, order: Order) -> None:
        """Keep a new order, or what became of a known one."""
        ...

    def wipes_since(self, at: int) -> int:
        """How many wipes were ordered at or after a time (Unix s)."""
        ...

    def due(self, at: int) -> Sequence[BindingId]:
        """Bindings with orders to be sent by a time (Unix s)."""
        ...

    def times(self) -> LeaseTimes:
        """The lease times of the branch's policy."""
        ...

    def keep_times(self, times: LeaseTimes) -> None:
        """Set them."""
        ...

    def strictness(self) -> Strictness:
        """What the branch's policy says of categories."""
        ...

    def keep_strictness(self, strictness: Strictness) -> None:
        """Set it."""
        ...

    def key_sets(self) -> KeySets | None:
        """The keys that handsets are told of; None before the hub was opened first."""
        ...

    def keep_key_sets(self, sets: KeySets) -> None:
        """Set them."""
        ...


class Audit(Protocol):
    """The chain of what was done, within one transaction."""

    def note(self, entry: Entry) -> None:
        """Add an entry."""
        ...

    def end(self) -> End:
        """Where the chain ends by its own record."""
        ...

    def entries(self, *, after: int = 0) -> Iterator[Chained]:
        """Entries after a number, in order."""
        ...


class Operators(Protocol):
    """Who may approve, within one transaction."""

    def all(self) -> Sequence[OperatorRecord]:
        """Everybody, removed ones too, in the order in which they were added."""
        ...

    def keep(self, operator: OperatorRecord) -> None:
        """Keep a new operator, or what changed of a known one."""
        ...


class Offers(Protocol):
    """The offers behind pairing codes, within one transaction."""

    def offer(self, offer: str) -> Offer | None:
        """The offer, or None."""
        ...

    def called(self, short: str) -> Offer | None:
        """The newest offer whose code begins so, or None."""
        ...

    def unfinished(self) -> Sequence[Offer]:
        """Offers that are open or taken."""
        ...

    def put(self, offer: Offer) -> None:
        """Keep an offer, new or changed."""
        ...

    def expire(self, now: int) -> Sequence[Offer]:
        """Let what has expired (Unix s) be so, its secret gone; return these, each to one caller once."""
        ...

    def forget(self, before: int) -> None:
        """Remove offers made before a time, Unix s."""
        ...


class Ledger(Protocol):
    """One transaction on the store: all of it becomes durable, or none."""

    @property
    def offers(self) -> Offers:
        """The offers behind pairing codes."""
        ...

    @property
    def book(self) -> OrderBook:
        """Orders and standings."""
        ...

    @property
    def audit(self) -> Audit:
        """What was done."""
        ...

    @property
    def operators(self) -> Operators:
        """Who may approve."""
        ...

    def handset(self, handset: HandsetId) -> Handset | None:
        """The enrolled handset, or None."""
        ...

    def handsets(self) -> Sequence[Handset]:
        """All enrolled handsets."""
        ...

    def binding(self, binding: BindingId) -> Binding | None:
        """The binding, or None."""
        ...

    def binding_of(self, handset: HandsetId) -> Binding | None:
        """The newest binding of a handset."""
        ...

    def bindings_of(self, handset: HandsetId) -> Sequence[Binding]:
        """All bindings of a handset, newest first."""
        ...

    def put_handset(self, handset: Handset) -> None:
        """Keep a handset, new or changed."""
        ...

    def bind(self, binding: Binding) -> None:
        """Keep a new binding of a handset that is kept."""
        ...

    def collector_named(self, name: str) -> Collector | None:
        """The collector of this name, or None."""
        ...

    def collector(self, collector: CollectorId) -> Collector | None:
        """The collector, or None."""
        ...

    def put_collector(self, collector: Collector, *, at: int) -> None:
        """Keep a new collector."""
        ...

    def holder(self, collector: CollectorId) -> Handset | None:
        """The handset, not removed, whose newest binding is this collector's and not released, or None."""
        ...

    def bindings(self) -> Sequence[Binding]:
        """All bindings."""
        ...

    def keep_binding(self, binding: Binding) -> None:
        """Set a binding's epoch and what is kept of its secrets."""
        ...

    def head_at(self, binding: Binding, seq: int) -> bytes | None:
        """The chain's head after the verdict at `seq`, None where there is none."""
        ...

    def keep(self, binding: Binding, links: Sequence[Link], *, received: int) -> None:
        """Keep verdicts, mark what they supersede, and set the binding to `binding`'s up_to and head."""
        ...

    def heard(self, handset: HandsetId, *, at: int) -> None:
        """Note that a good frame came."""
        ...

    def raise_alarm(self, kind: AlarmKind, verdict: VerdictId, *, at: int) -> bool:
        """Raise an alarm, or count it once more; whether it is new."""
        ...


class Store(Protocol):
    """Where verdicts are kept for good."""

    def transaction(self) -> AbstractContextManager[Ledger]:
        """A transaction that commits durably at the end of the block and rolls back on an exception.

        Nobody else writes meanwhile: what it read stays true until it commits.
        """
        ...

    def taking(self, handsets: Collection[HandsetId]) -> AbstractContextManager[Ledger]:
        """Such a transaction about these handsets alone, at the same time as others about others.

        What it reads of another handset, or of the branch, may change meanwhile.
        """
        ...


class Reading(Protocol):
    """What pages ask of the store."""

    def verdicts(self, query: Query) -> Sequence[Kept]:
        """At most `query.limit`: oldest first after `query.after`, else newest first."""
        ...

    def verdict(self, verdict: VerdictId) -> Kept | None:
        """One verdict, or None."""
        ...

    def last_arrival(self) -> int:
        """Arrival of the newest verdict, 0 = none."""
        ...

    def summary(self, *, since: int, now: int) -> Summary:
        """Counts over verdicts received since `since` (Unix s) that no later pass superseded."""
        ...

    def handsets(self) -> Sequence[Handset]:
        """All handsets that are enrolled and not removed."""
        ...

    def admitted(self) -> Sequence[HandsetId]:
        """Ids of all handsets that are enrolled and not removed, sorted."""
        ...

    def orders_due(self, at: int) -> bool:
        """Whether any order is to be sent by a time (Unix s)."""
        ...

    def orders(self, handset: HandsetId | None, *, limit: int) -> Sequence[Order]:
        """The newest orders, those to one handset or all."""
        ...

    def standings(self) -> Mapping[HandsetId, Standing]:
        """What the hub knows of each handset's newest binding."""
        ...

    def alarms(self) -> Sequence[Alarm]:
        """The newest alarms."""
        ...

    def holdings(self) -> Sequence[Holding]:
        """All bindings by the names that people use, those of removed handsets too."""
        ...

    def evidenced(self, binding: BindingId) -> Sequence[Evidenced]:
        """A binding's verdicts that have evidence, in order of seq."""
        ...


class EvidenceShelf(Protocol):
    """Where sealed evidence is kept; one writer a piece at a time."""

    def kept(self, offer: Offered) -> int:
        """How many bytes of the offered file are durable, all of them where it is whole."""
        ...

    def append(self, offer: Offered, data: bytes) -> int:
        """Add bytes at the end, durably; returns how many there are now."""
        ...

    def finish(self, offer: Offered) -> bool:
        """Keep a file that is all there if it has the offered digest, else forget it; returns whether it is kept."""
        ...

    def free(self) -> int:
        """Bytes that are free on its disk."""
        ...

    def bindings(self) -> Sequence[BindingId]:
        """Bindings of which anything was kept."""
        ...

    def pieces(self, binding: BindingId) -> Sequence[Piece]:
        """Whole files of a binding."""
        ...


class Downlink(Protocol):
    """The way to a handset; a message lost on it is made good by the next."""

    def send(self, handset: HandsetId, message: bytes) -> None:
        """Send to one handset; never waits."""
        ...


class Broker(Protocol):
    """Carries frames; lets in the handsets that it is told of."""

    async def start(self, handsets: Sequence[HandsetId]) -> None:
        """Start and wait until clients are taken; raises BrokerFailed."""
        ...

    async def reload(self, handsets: Sequence[HandsetId]) -> None:
        """Let exactly these handsets in from now on, and show the certificate of now."""
        ...

    async def ended(self) -> int:
        """Wait until the broker ends by itself; return its exit status."""
        ...

    async def stop(self) -> None:
        """End it; harmless when it has ended."""
        ...
