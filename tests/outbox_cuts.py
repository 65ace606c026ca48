"""A long story of the outbox: entries go in, receipts settle them, some are pruned, a restored hub asks again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from compline_edge.vault.outbox import Outbox
from compline_shared.chain import Chain
from compline_shared.courier import SealedEntry
from compline_shared.ids import BindingId, HandsetId
from compline_shared.outbox import GRAIN, KEEP_SETTLED
from compline_shared.place import Place
from compline_shared.segment import Sealer
from tests.cut_story import plainly, pragmas
from tests.homes import HubKeys
from tests.strace import in_a_child, mark
from tests.verdicts import BASE

PLACE = Place(HandsetId("0011223344556677"), BindingId("8899aabbccddeeff"), 1)
PAGES = 12
"""Pages of the write-ahead log after which it is folded in, so that a short story has many checkpoints."""
SIZES = (60, 120, 120, 400, 1_500, 3_900, 9_000)
"""Bytes of an entry: less than a page of the database, just a page, several."""
MOST = 10**6


@dataclass(frozen=True, slots=True)
class Put:
    """A verdict goes in."""

    entry: SealedEntry


@dataclass(frozen=True, slots=True)
class Settle:
    """A receipt comes."""

    up_to: int
    now: float  # Unix s


Act: TypeAlias = Put | Settle
Contents: TypeAlias = tuple[int, int, int, list[SealedEntry]]


class OutboxStory:
    """Each act is told once it has returned."""

    def __init__(self, folder: Path, *, variant: str, seed: int, acts: int) -> None:
        self.root = folder / "handset"
        self.root.mkdir()
        self._pragmas = pragmas(variant, checkpoint=PAGES)
        self._genesis = Chain(HubKeys().branch, PLACE.binding).genesis
        chance = random.Random(seed)
        self._entries = _sealed(chance, acts + 2)
        self._acts = list(_acts(chance, self._entries, acts))
        self._ends = sorted(chance.sample(range(1, acts), acts // 20))
        self._after = list(self._uncut(folder))

    def work(self) -> None:
        begin = 0
        for number, end in enumerate((*self._ends, len(self._acts))):
            killed = number % 2 == 0

            def opening(first: int = begin, last: int = end, killed: bool = killed) -> None:
                outbox = self._opened(self.root)
                for done in range(first, last):
                    _do(outbox, self._acts[done])
                    mark(str(done + 1))
                if not killed:
                    outbox.close()

            (in_a_child if killed else plainly)(opening)
            begin = end

    def check(self, folder: Path, told: Sequence[str]) -> None:
        done = int(told[-1]) if told else 0
        outbox = self._opened(folder)
        try:
            assert outbox._rows("PRAGMA integrity_check", ()) == [("ok",)]
            found = _contents(outbox)
            assert found in self._after[done : done + 2], (
                "it forgot an act that was told, or holds half of one"
            )
            last, receipt, _, _ = self._after[done]
            there = {entry.seq for entry in found[3]}
            assert there.issuperset(range(receipt + 1, last + 1)), "an entry is gone that no receipt covers"
            entry = self._entries[found[0]]
            outbox.put(entry)
            outbox.settle(entry.seq, now=0.0)
            assert (outbox.last_seq, outbox.settled) == (entry.seq, entry.seq), "it does not go on"
        finally:
            outbox.close()

    def _uncut(self, folder: Path) -> Iterator[Contents]:
        """What it holds after so many acts where nothing goes wrong."""
        outbox = Outbox(folder / "uncut.db", genesis=self._genesis)
        yield _contents(outbox)
        for act in self._acts:
            _do(outbox, act)
            yield _contents(outbox)
        outbox.close()

    def _opened(self, folder: Path) -> Outbox:
        outbox = Outbox(folder / "outbox.db", genesis=self._genesis)
        for pragma in self._pragmas:
            outbox._connection.execute(pragma)
        return outbox


def _do(outbox: Outbox, act: Act) -> None:
    match act:
        case Put(entry=entry):
            outbox.put(entry)
        case Settle(up_to=up_to, now=now):
            outbox.settle(up_to, now=now)


def _contents(outbox: Outbox) -> Contents:
    return outbox.last_seq, outbox.settled, outbox.due_bytes, outbox.due(after=0, limit=MOST)


def _acts(chance: random.Random, entries: Sequence[SealedEntry], count: int) -> Iterator[Act]:
    last = settled = pruned = 0
    now = 0.0
    for _ in range(count):
        now += chance.uniform(1.0, 3_600.0)
        match chance.choices(("put", "settle", "later", "restored"), (60, 25, 10, 5))[0]:
            case "settle" if last > settled:
                settled = chance.randint(settled + 1, last)
                yield Settle(settled, now)
            case "later" if last > settled:  # what settled before is pruned
                pruned = settled
                now, settled = now + KEEP_SETTLED + GRAIN + 1.0, chance.randint(settled + 1, last)
                yield Settle(settled, now)
            case "restored" if settled > pruned:  # the hub came back from a backup of the last 7 days
                settled = max(pruned + 1 if pruned else 0, settled - chance.randint(1, 5))
                yield Settle(settled, now)
            case _:
                yield Put(entries[last])
                last += 1


def _sealed(chance: random.Random, count: int) -> list[SealedEntry]:
    chain, entries = Chain(HubKeys().branch, PLACE.binding), list[SealedEntry]()
    head, sealer = chain.genesis, None
    for seq in range(1, count + 1):
        if sealer is None or chance.random() < 0.1:  # as after a start
            base = type(BASE)(first_seq=seq, started=BASE.started, versions=BASE.versions)
            sealer = Sealer(HubKeys().sealing.public_key(), PLACE, base)
        plain = chance.randbytes(chance.choice(SIZES))
        head = chain.link(head, plain)
        entries.append(
            SealedEntry(seq, 1, sealer.enc, sealer.header, sealer.seal(seq, plain), head, False, float(seq))
        )
    return entries
