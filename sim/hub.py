"""The hub: the inbox's own core over a store in memory that is durable, and can be put back to an hour ago."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from compline_hub.core.enrolled import Binding
from compline_hub.core.intake import asked_again
from compline_shared.batch import Receipt
from compline_shared.delivery import Accepted, Arrived, Fork, Inbox, Taking, outcome_of, take
from compline_shared.ids import BindingId, HandsetId
from sim.chain import QuickChain
from sim.world import World

if TYPE_CHECKING:
    from sim.handset import Handset

COMMIT = 0.05
"""Seconds from the first batch of a group to its commit."""
Take: TypeAlias = Callable[..., Taking]


@dataclass(slots=True)
class Kept:
    """What the store has of one binding."""

    inbox: Inbox
    who: tuple[HandsetId, BindingId]
    heads: list[bytes] = field(default_factory=list)
    effects: int = 0  # that verdicts had
    wrong: bool = False  # one of them was not that of the verdict whose turn it was


class Hub:
    """One hub with its broker."""

    def __init__(
        self, world: World, *, take: Take = take, receipt_first: bool = False, asks: bool = True
    ) -> None:
        """``take``, ``receipt_first`` and ``asks`` may be broken, to see that it is noticed."""
        self._world = world
        self._take = take
        self._receipt_first = receipt_first
        self._asks = asks
        self.is_up = True
        self.kept: dict[int, Kept] = {}
        self.forked: set[int] = set()
        self._handsets: dict[int, Handset] = {}
        self._waiting: list[tuple[int, Arrived]] = []
        self._life = 0
        self._backup: dict[int, int] = {}

    def know(self, handset: Handset) -> None:
        """Let a handset in."""
        self._handsets[handset.number] = handset
        name = f"{handset.number:016x}"
        self.kept[handset.number] = Kept(Inbox(0, handset.chain.genesis), (HandsetId(name), BindingId(name)))

    def hear(self, number: int, batch: Arrived) -> None:
        """Take a batch in; it is committed with others in a moment."""
        if not self.is_up:
            return
        if not self._waiting:
            self._world.after(COMMIT, self._in_this_life(self._commit))
        self._waiting.append((number, batch))

    def greet(self, number: int, *, settled: int) -> None:
        """Take a report, as far as delivery goes; its answer is a lease, and a receipt where something was lost."""
        if not self.is_up:
            return
        handset, kept = self._handsets[number], self.kept[number]
        handset.link.carry(handset.greeted)
        who, inbox = kept.who, kept.inbox
        binding = Binding(who[1], who[0], epoch=1, up_to=inbox.up_to, head=inbox.head, escrow=b"")
        receipt = asked_again(binding, settled=settled) if self._asks else None
        if receipt is not None:
            self._world.note("asks", number, inbox.up_to)
            handset.link.carry(lambda: handset.hear(receipt))

    def crash(self, *, away: float) -> None:
        """End hub and broker at once, with all that is not committed or not delivered; come back later."""
        if not self.is_up:
            return
        self._world.note("crash", len(self._waiting))
        self.is_up = False
        self._life += 1
        self._waiting.clear()
        for handset in self._handsets.values():
            handset.hub_went()
        self._world.after(away, self.come_back)

    def come_back(self) -> None:
        """Serve again."""
        self.is_up = True

    def back_up(self) -> None:
        """Remember how everything is."""
        self._backup = {number: kept.inbox.up_to for number, kept in self.kept.items()}

    def restore(self, *, away: float) -> None:
        """Crash, and come back as the last backup was."""
        self.crash(away=away)
        self._world.note("restore")
        for number, kept in self.kept.items():
            up_to = min(self._backup.get(number, 0), kept.inbox.up_to)
            kept.effects -= kept.inbox.up_to - up_to
            del kept.heads[up_to:]
            genesis = self._handsets[number].chain.genesis
            kept.inbox = Inbox(up_to, kept.heads[-1] if kept.heads else genesis)

    def _commit(self) -> None:
        group, self._waiting = self._waiting, []
        receipts = [(number, self._took(number, batch)) for number, batch in group]
        if self._world.chance.random() < 0.001:  # between commit and receipt
            self.crash(away=self._world.chance.uniform(5, 120))
        for number, receipt in receipts:
            self._handsets[number].link.carry(lambda n=number, r=receipt: self._handsets[n].hear(r))  # type: ignore[misc]

    def _took(self, number: int, batch: Arrived) -> Receipt:
        kept, handset = self.kept[number], self._handsets[number]
        taking = self._decided(kept, handset.chain, batch)
        if isinstance(taking, Accepted):
            new = batch.plaintexts[taking.first_new :]
            if not self._receipt_first or self._world.chance.random() < 0.9:
                turn = kept.effects + 1
                kept.wrong |= any(handset.body(turn + at) != body for at, body in enumerate(new))
                kept.effects += len(new)
                kept.heads += taking.heads
                kept.inbox = taking.inbox
            self._world.note("took", number, taking.inbox.up_to)
        elif isinstance(taking, Fork):
            self.forked.add(number)
        inbox = taking.inbox if isinstance(taking, Accepted) else kept.inbox
        return Receipt(*kept.who, inbox.up_to, inbox.head, outcome_of(taking))

    def _decided(self, kept: Kept, chain: QuickChain, batch: Arrived) -> Taking:
        last = batch.first_seq + len(batch.plaintexts) - 1
        head = kept.heads[last - 1] if 0 < last <= len(kept.heads) else None
        return self._take(kept.inbox, batch, chain, head_at_last=head)

    def _in_this_life(self, call: Callable[[], None]) -> Callable[[], None]:
        life = self._life

        def guarded() -> None:
            if life == self._life:
                call()

        return guarded
