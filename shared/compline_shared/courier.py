"""Decides what the courier sends and when: events in, a new state and commands out.

Go-back-N. Entries go out in seq order in batches of one segment; the hub's receipt alone moves `settled`. When the
link breaks, a batch stays unanswered, or the hub reports a gap, sending starts again after the last receipt. Being
offline is a state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from compline_shared.batch import ENTRY_BYTES, FRAME_BYTES, MAX_ENTRIES
from compline_shared.delivery import Dispute, Gone, Resend, Settle, Settlement


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One verdict, sealed for the hub."""

    seq: int
    epoch: int  # of the binding when it was sealed
    enc: bytes  # [32] its segment's HPKE encapsulation
    header: bytes  # its segment's sealed header
    ciphertext: bytes
    head: bytes  # [32] of the chain after it
    urgent: bool
    added: float  # Unix s


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to send; the defaults suit a link of 20 kbit/s with much loss."""

    batch_bytes: int = 8_192  # a batch that is this large goes out
    batch_age: float = 5.0  # s; a batch whose oldest entry is this old goes out
    window: int = 32_768  # bytes sent and not yet answered: a day's 200 verdicts at once, 13 s at 20 kbit/s
    answer: float = (
        20.0  # s to wait for a receipt since the last one, doubled on each miss, up to `no_network`
    )
    reconnect: float = 1.0  # s to wait before connecting again, doubled on each miss
    longest: float = (
        120.0  # s, the most that it grows to, and the wait for a receipt where something is urgent
    )
    no_network: float = 1_800.0  # s between attempts while there seems to be no network: that may be mistaken


PROBING = 2
"""Misses in a row after which one batch at a time goes out, until a receipt comes."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch that was sent and is not answered yet."""

    last_seq: int
    size: int  # bytes
    sent: float  # monotonic s; or when a receipt last showed that what was sent before it arrives


@dataclass(frozen=True, slots=True)
class Offline:
    """No connection; try again at `retry`."""

    retry: float = 0.0  # monotonic s
    misses: int = 0  # connections in a row that failed or broke before they served


@dataclass(frozen=True, slots=True)
class Connecting:
    """An attempt is under way."""

    misses: int


@dataclass(frozen=True, slots=True)
class Online:
    """Connected; `sent` is how far sending went since."""

    sent: int
    since: float  # monotonic s
    misses: int  # as in Offline, until this connection has served
    flights: tuple[Flight, ...] = ()
    unanswered: int = 0  # batches in a row that no receipt answered in time
    went_back: float | None = None  # monotonic s of the last gap


Link: TypeAlias = Offline | Connecting | Online


@dataclass(frozen=True, slots=True)
class Courier:
    """The whole state."""

    settled: int  # seq up to which receipts go
    pace: Pace = Pace()
    link: Link = Offline()
    network: bool = True  # whether there is any
    disputed: bool = False  # the hub's past is not ours: no batch goes out until somebody starts anew
    gone: float | None = None  # monotonic s at which the hub first asked for what is kept no longer

    @property
    def sent(self) -> int:
        """Seq up to which there is nothing to send now."""
        return self.link.sent if isinstance(self.link, Online) else self.settled


@dataclass(frozen=True, slots=True)
class Connected:
    """The attempt succeeded."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The attempt failed or the connection broke."""

    jitter: float  # random, 0.5..1.5


@dataclass(frozen=True, slots=True)
class Answered:
    """A receipt came whose signature, handset and binding hold."""

    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Looked:
    """Time passed, or entries came: here are the first of those after `sent`."""

    due: Sequence[SealedEntry]
    wall: float  # Unix s
    carried: bool = True  # whether nothing that was sent is still on its way to the broker


@dataclass(frozen=True, slots=True)
class Conditioned:
    """Network or battery are not as they were."""

    pace: Pace  # how fast to send from now on
    network: bool  # whether there is any
    fresh: bool  # and it was not there before
    jitter: float  # random, 0.5..1.5


Event: TypeAlias = Connected | Lost | Answered | Looked | Conditioned


@dataclass(frozen=True, slots=True)
class Connect:
    """Find the hub and connect; answer with Connected or Lost."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Send:
    """Sign and send these as one batch."""

    entries: tuple[SealedEntry, ...]


@dataclass(frozen=True, slots=True)
class SettleUpTo:
    """Write down how far the hub is."""

    up_to: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """Tell a person that handset and hub disagree about the past."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at this time, or when something happens; None: only when something happens."""

    until: float | None  # monotonic s


Command: TypeAlias = Connect | Send | SettleUpTo | Alarm | Wait
Step: TypeAlias = tuple[Courier, tuple[Command, ...]]


def react(courier: Courier, event: Event, now: float) -> Step:
    """Decide on one event at monotonic second ``now``."""
    match event:
        case Looked():
            return _looked(courier, event, now)
        case Answered(settlement=settlement):
            return _answered(courier, settlement, now)
        case Lost(jitter=jitter):
            return _lost(courier, jitter, now)
        case Connected():
            return _connected(courier, now)
        case Conditioned():
            return _conditioned(courier, event, now)


def _at(courier: Courier, link: Link, *, settled: int | None = None) -> Courier:
    settled = courier.settled if settled is None else settled
    return Courier(settled, courier.pace, link, courier.network, courier.disputed, courier.gone)


def _disputed(courier: Courier) -> Step:
    """The connection stays: reports go up and orders come down, a freeze above all."""
    link = courier.link
    if isinstance(link, Online):
        link = Online(link.sent, link.since, link.misses)
    return Courier(courier.settled, courier.pace, link, courier.network, disputed=True), (Alarm(),)


def _conditioned(courier: Courier, event: Conditioned, now: float) -> Step:
    link, pace = courier.link, event.pace
    if isinstance(link, Offline) and event.fresh:
        link = Offline(now + pace.reconnect * event.jitter)  # a whole branch gets its network back at once
    elif isinstance(link, Offline) and courier.network and not event.network:
        link = Offline(now + pace.no_network, link.misses)
    return Courier(courier.settled, pace, link, event.network, courier.disputed, courier.gone), ()


def _connected(courier: Courier, now: float) -> Step:
    match courier.link:
        case Connecting(misses=misses):
            return _at(courier, Online(sent=courier.settled, since=now, misses=misses)), ()
        case Offline() | Online():
            return courier, ()


def _lost(courier: Courier, jitter: float, now: float) -> Step:
    match courier.link:
        case Connecting(misses=misses):
            pass
        case Online(misses=served, since=since):
            misses = 0 if now - since >= courier.pace.longest else served
        case Offline():
            return courier, ()
    pace = courier.pace
    delay = _grown(pace.reconnect, misses, pace.longest) if courier.network else pace.no_network
    return _at(courier, Offline(retry=now + delay * jitter, misses=misses + 1)), ()


def _answered(courier: Courier, settlement: Settlement, now: float) -> Step:
    if courier.disputed:
        return courier, ()
    match settlement:
        case Settle(up_to=up_to):
            return _settled(courier, up_to, now)
        case Resend(up_to=up_to):
            return _went_back(courier, up_to, now)
        case Gone():
            return _asked_for_the_gone(courier, now)
        case Dispute():
            return _disputed(courier)


def _asked_for_the_gone(courier: Courier, now: float) -> Step:
    """An old receipt comes again once; a hub that was put back too far says so to each batch and each report."""
    if courier.gone is None:
        return Courier(courier.settled, courier.pace, courier.link, courier.network, gone=now), ()
    return (courier, ()) if now - courier.gone < courier.pace.answer else _disputed(courier)


def _settled(courier: Courier, up_to: int, now: float) -> Step:
    link = courier.link
    if isinstance(link, Online):
        left = [flight for flight in link.flights if flight.last_seq > up_to]
        fresh = up_to > courier.settled  # what is behind it arrives too
        flights = tuple(Flight(it.last_seq, it.size, now) if fresh else it for it in left)
        link = Online(max(link.sent, up_to), link.since, 0, flights, 0, link.went_back)
    if up_to < courier.settled:  # an older receipt, overtaken
        return _at(courier, link), ()
    commands = () if up_to == courier.settled else (SettleUpTo(up_to),)
    return Courier(up_to, courier.pace, link, courier.network), commands


def _went_back(courier: Courier, up_to: int, now: float) -> Step:
    link = courier.link
    if not isinstance(link, Online):
        return courier, ()
    if link.went_back is not None and now - link.went_back < courier.pace.answer and up_to == courier.settled:
        return courier, ()  # each batch after the missing one brings this answer; go back once
    link = Online(up_to, link.since, link.misses, (), link.unanswered, went_back=now)
    commands = () if up_to == courier.settled else (SettleUpTo(up_to),)
    return _at(courier, link, settled=up_to), commands


def _looked(courier: Courier, look: Looked, now: float) -> Step:
    match courier.link:
        case Offline(retry=retry, misses=misses) if now >= retry:
            return _at(courier, Connecting(misses)), (Connect(misses),)
        case Offline(retry=retry):
            return courier, (Wait(retry),)
        case Connecting():
            return courier, (Wait(None),)
        case Online() as link:
            return _dispatched(courier, link, look, now)


def _dispatched(courier: Courier, link: Online, look: Looked, now: float) -> Step:
    if courier.disputed or (not look.due and not link.flights):
        return courier, (Wait(None),)
    pace = courier.pace
    patience = _patience(link, look, pace)
    misses_at = _misses_at(link.flights, patience, look, pace, now)
    if misses_at is not None and now >= misses_at:
        again = Online(courier.settled, link.since, link.misses, (), link.unanswered + 1, link.went_back)
        return _at(courier, again), (Wait(now),)
    if look.due and look.due[0].seq != link.sent + 1:  # the hub asks for what is no longer kept
        return _disputed(courier)
    batches, ripe_at = _ripe(look, pace, now)
    commands: list[Command] = []
    flights = link.flights
    window = pace.window if link.unanswered < PROBING else 0
    for entries, size in batches:
        if flights and sum(flight.size for flight in flights) + size > window:
            break
        flights = (*flights, Flight(last_seq=entries[-1].seq, size=size, sent=now))
        commands.append(Send(entries))
    if commands:
        sent = flights[-1].last_seq
        link = Online(sent, link.since, link.misses, flights, link.unanswered, link.went_back)
    waits = [at for at in (ripe_at, _misses_at(flights, patience, look, pace, now)) if at is not None]
    return _at(courier, link), (*commands, Wait(min(waits, default=None)))


def _patience(link: Online, look: Looked, pace: Pace) -> float:
    """Return how many s to wait for a receipt.

    Where the broker is there and the hub is not, it comes to ever rarer probes: the broker keeps them for the hub.
    """
    urgent = any(entry.urgent for entry in look.due)
    return _grown(pace.answer, link.unanswered, pace.longest if urgent else pace.no_network)


def _misses_at(
    flights: Sequence[Flight], patience: float, look: Looked, pace: Pace, now: float
) -> float | None:
    """Return when what was sent goes out again if no receipt comes, None where nothing is under way.

    What is still on its way over a slow link waits up to the longest: sent again, it would queue up behind itself.
    """
    if not flights:
        return None
    sent = flights[0].sent
    at = sent + patience
    return at if look.carried or now < at else max(at, min(now + pace.answer, sent + pace.longest))


def _ripe(
    look: Looked, pace: Pace, now: float
) -> tuple[list[tuple[tuple[SealedEntry, ...], int]], float | None]:
    """Return the batches to send now, with their sizes, and when the one that still fills up is old enough."""
    batches = list(_cut(look.due, pace.batch_bytes))
    if not batches or any(entry.urgent for entry in look.due):
        return batches, None
    last, size = batches[-1]
    age = look.wall - last[0].added
    if size >= pace.batch_bytes or len(last) == MAX_ENTRIES or not 0 <= age < pace.batch_age:
        return batches, None
    return batches[:-1], now + pace.batch_age - age


def _cut(due: Sequence[SealedEntry], most: int) -> Iterator[tuple[tuple[SealedEntry, ...], int]]:
    batch: list[SealedEntry] = []
    size = FRAME_BYTES
    for entry in due:
        cost = len(entry.ciphertext) + ENTRY_BYTES
        if batch and (entry.enc != batch[0].enc or size + cost > most or len(batch) == MAX_ENTRIES):
            yield tuple(batch), size
            batch, size = [], FRAME_BYTES
        batch.append(entry)
        size += cost
    if batch:
        yield tuple(batch), size


def _grown(first: float, misses: int, longest: float) -> float:
    return min(longest, first * 2.0 ** min(misses, 32))
