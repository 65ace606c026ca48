"""A long story of the hub's store: frames of several handsets come in, and a receipt leaves once they are kept."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from compline_hub.core.intake import Frame, Refusal
from compline_hub.ports import Ledger
from compline_hub.service.intake import Intake, Taken
from compline_hub.store.engine import open_engine
from compline_hub.store.ledger import SqlStore
from compline_shared.batch import Batch
from compline_shared.ids import HandsetId
from compline_shared.messages import Verdict
from compline_shared.topics import up
from tests.branch_store import Clock, Post, branch
from tests.cut_story import plainly, pragmas
from tests.strace import in_a_child, mark
from tests.wire_handset import STARTED, WireHandset, draft, finding

HANDSETS = 3
PAGES = 30
"""Pages of the write-ahead log after which it is folded in."""
LARGEST = 8
"""Verdicts of a batch."""
MOST = 10**6
_KEPT = """
SELECT binding, seq, head, started, (SELECT count(*) FROM finding WHERE verdict = arrival) FROM verdict
ORDER BY binding, seq
"""


class AnswersFirst(Intake):
    """The control: a receipt leaves before the transaction has ended."""

    def _take_batch(self, ledger: Ledger, batch: Batch, *rest: object) -> Taken | Refusal:
        outcome = super()._take_batch(ledger, batch, *rest)  # type: ignore[arg-type]
        if isinstance(outcome, Taken):
            self._answer(outcome)
        return outcome


@dataclass(frozen=True, slots=True)
class Teller:
    """The downlink: what it is given, the handset holds for kept."""

    handsets: Sequence[WireHandset]

    def send(self, handset: HandsetId, message: bytes) -> None:
        number = next(n for n, each in enumerate(self.handsets) if each.id == handset)
        mark(f"{number} {self.handsets[number].receipt(message).up_to}")


class HubStory:
    """Each group of frames is one transaction; a receipt is told once the downlink has it."""

    _in_groups = True  # or, where a group failed, frame by frame

    def __init__(self, folder: Path, *, variant: str, seed: int, groups: int) -> None:
        self.root = folder / "store"
        self.root.mkdir()
        self._pragmas = pragmas(variant, checkpoint=PAGES)
        self._engines: dict[
            Path, Engine
        ] = {}  # kept for their compiled statements; each time the file is opened anew
        self._intake = AnswersFirst if variant == "answers-first" else Intake
        with branch(folder) as office:
            self._handsets = [office.handset(f"Desk {number}") for number in range(HANDSETS)]
            self._ring = office.hub.ring
        shutil.copyfile(folder / "hub" / "hub.db", self.root / "hub.db")
        self._seed = seed
        chance = random.Random(seed)
        for handset in self._handsets:
            handset.judge(*(_draft(chance, seq) for seq in range(1, LARGEST * groups)))
        self._known = [_known(handset) for handset in self._handsets]
        self._groups = list(self._frames(chance, groups))
        self._after = self._uncut(folder / "uncut")
        self._batch = lru_cache(MOST)(lambda number, first, last: self._handsets[number].frame(first, last))

    def work(self) -> None:
        chance, done = random.Random(self._seed), 0
        while done < len(self._groups):
            groups = self._groups[done : done + chance.randint(1, 8)]
            done += len(groups)
            killed = chance.random() < 0.5

            def opening(groups: Sequence[Sequence[Frame]] = groups, killed: bool = killed) -> None:
                with self._engine(self.root, close=not killed) as engine:
                    intake = self._intake(
                        SqlStore(engine), self._ring, Teller(self._handsets), news=_nobody, clock=Clock()
                    )
                    for group in groups:
                        intake.take(group)

            (in_a_child if killed else plainly)(opening)

    def check(self, folder: Path, told: Sequence[str]) -> None:
        receipts = [0] * HANDSETS
        for number, up_to in (map(int, words.split()) for words in told):
            receipts[number] = max(receipts[number], up_to)
        with self._engine(folder, close=True) as engine:
            with engine.begin() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            there = self._up_to(engine)
            assert all(map(int.__ge__, there, receipts)), "a verdict is lost whose receipt had left"
            assert not self._in_groups or there in self._after, "half of a group was kept"
            post = Post()
            intake = Intake(SqlStore(engine), self._ring, post, news=_nobody, clock=Clock())
            number = len(told) % HANDSETS
            handset, last = self._handsets[number], there[number]
            frame = self._batch(number, max(1, last - 1), last + 1)  # its beginning is there already
            (outcome,) = intake.take([(up(handset.id), frame)])
            assert isinstance(outcome, Taken)
            assert len(outcome.answer.links) == 1, "taken twice, or it does not go on"
            assert handset.receipt(post.sent[0][1]).up_to == last + 1

    def _up_to(self, engine: Engine) -> tuple[int, ...]:
        """How far each handset was taken; every verdict up to there is kept once, with its place on the chain."""
        with engine.begin() as connection:
            bindings = connection.exec_driver_sql("SELECT id, up_to, head FROM binding").all()
            rows = connection.exec_driver_sql(_KEPT).all()
        ends = {binding: (up_to, head) for binding, up_to, head in bindings}
        up_to = []
        for handset, known in zip(self._handsets, self._known, strict=True):
            binding = handset.grant.place.binding
            end, head = ends[binding]
            kept = [row for row in rows if row[0] == binding]
            assert kept == known[:end], "a verdict is missing, doubled or half there"
            assert head == handset.heads[end], "the chain is broken"
            up_to.append(end)
        return tuple(up_to)

    def _uncut(self, folder: Path) -> set[tuple[int, ...]]:
        """How far the handsets are after each group where nothing goes wrong."""
        folder.mkdir()
        shutil.copyfile(self.root / "hub.db", folder / "hub.db")
        with self._engine(folder, close=True) as engine:
            intake = Intake(SqlStore(engine), self._ring, Post(), news=_nobody, clock=Clock())
            after = {self._up_to(engine)}
            for group in self._groups:
                outcomes = intake.take(group)
                assert all(isinstance(outcome, Taken) for outcome in outcomes)
                after.add(self._up_to(engine))
        return after

    def _frames(self, chance: random.Random, count: int) -> Iterator[list[Frame]]:
        """Groups of batches: new ones, some sent again, some after a gap."""
        sent = [0] * HANDSETS
        for _ in range(count):
            group = list[Frame]()
            for _ in range(chance.randint(1, 4)):
                number = chance.randrange(HANDSETS)
                first = sent[number] + 1
                match chance.choices(("new", "again", "gap"), (80, 15, 5))[0]:
                    case "again":
                        first = max(1, first - chance.randint(1, 4))
                    case "gap":
                        first += 1
                    case _:
                        pass
                last = first + chance.randint(0, LARGEST - 1)
                sent[number] = max(sent[number], last if first <= sent[number] + 1 else 0)
                group.append((up(self._handsets[number].id), self._handsets[number].frame(first, last)))
            yield group

    @contextmanager
    def _engine(self, folder: Path, *, close: bool) -> Iterator[Engine]:
        engine = self._engines.get(folder)
        if engine is None:
            engine = self._engines[folder] = open_engine(f"sqlite:///{folder / 'hub.db'}", writing=True)

            def connected(connection: DBAPIConnection, _record: object) -> None:
                for pragma in self._pragmas:
                    connection.execute(pragma)

            event.listen(engine, "connect", connected)
        try:
            yield engine
        finally:
            if close:
                engine.dispose()


def _draft(chance: random.Random, seq: int) -> Verdict:
    findings = [finding(offset=i) for i in range(chance.choice((0, 1, 1, 2, 8)))]
    return draft(*findings, started=STARTED + 60 * seq, supersedes=seq - 1 if seq % 9 == 0 else 0)


def _nobody() -> None:
    """Nobody waits for news."""


def _known(handset: WireHandset) -> list[tuple[object, ...]]:
    """The rows that all its verdicts lead to."""
    binding = handset.grant.place.binding
    both = zip(handset.verdicts, handset.heads[1:], strict=True)
    return [(binding, verdict.seq, head, verdict.started, len(verdict.findings)) for verdict, head in both]
