"""The store keeps what it was given, durably, and answers pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.record import Query
from compline_hub.errors import HubNotReady
from compline_hub.store.engine import open_engine
from compline_shared.ids import Seq, VerdictId
from compline_shared.masking import CiphertextDigest, Pseudonym
from compline_shared.messages import Verdict, Versions, Voice
from compline_shared.taxonomy import Abstention, Category, Direction, Kind, Pass, Severity
from compline_shared.topics import up
from tests.branch_store import NOW, Branch, branch
from tests.postgres_server import Database
from tests.wire_handset import WireHandset, draft, drafts, finding

FULL = Verdict(
    seq=1,
    started=NOW - 100,
    judged=NOW - 10,
    kind=Kind.CALL,
    pass_=Pass.FULL,
    direction=Direction.OUTGOING,
    answered=True,
    effective=True,
    duration=80,
    speech=60,
    messages=3,
    contact=Pseudonym(b"contact8"),
    case=Pseudonym(b"case-no8"),
    findings=(
        finding(Category.ABUSE, Severity.VETO, offset=70),
        msgspec.structs.replace(finding(), warned=True, acknowledged=True, rule=7),
    ),
    findings_dropped=2,
    voice=Voice(loudness=-30, peak_loudness=-12, rate=5, angry=0, overlap=None),
    coverage=80,
    abstained=Abstention.TRUNCATED,
    versions=Versions(model=1, lexicon=2, rules=3),
    evidence=CiphertextDigest(bytes(range(32))),
)

LIMIT = msgspec.structs.replace(
    FULL,
    started=2**40,
    judged=2**40,
    duration=86_400,
    speech=86_400,
    messages=65_535,
    contact=Pseudonym(b"\x00\xff\x00\xff'\\%s"),
    findings=(finding(offset=86_400, entry=65_535, confidence=100),) * 32,
    findings_dropped=65_535,
    voice=Voice(loudness=-120, peak_loudness=0, rate=20, angry=10, overlap=10),
    versions=Versions(model=65_535, lexicon=65_535, rules=65_535),
    evidence=CiphertextDigest(bytes(32)),
)


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Branch]:
    with branch(tmp_path, database=database.url) as made:
        yield made


def _take(office: Branch, handset: WireHandset, *verdicts: Verdict) -> None:
    first = len(handset.verdicts) + 1
    handset.judge(*verdicts)
    office.intake.take([(up(handset.id), handset.frame(first))])


@pytest.mark.parametrize("sent", [FULL, LIMIT], ids=["full", "limit"])
def test_verdict_when_every_field_is_used_then_it_comes_back_equal(office: Branch, sent: Verdict) -> None:
    handset = office.handset()

    _take(office, handset, sent)

    kept = office.hub.reading.verdict(VerdictId(handset.id, handset.grant.place.binding, Seq(1)))
    assert kept is not None
    assert kept.verdict == sent
    assert (kept.received, kept.superseded_by) == (NOW, None)


def test_verdict_when_a_full_pass_supersedes_live_ones_then_all_of_them_are_marked(office: Branch) -> None:
    handset = office.handset()
    live = draft(finding(), pass_=Pass.LIVE)

    _take(office, handset, live, msgspec.structs.replace(live, supersedes=1))
    _take(office, handset, draft(finding(), supersedes=2))

    kept = office.hub.reading.verdicts(Query(after=0))
    assert [k.superseded_by for k in kept] == [3, 3, None]
    assert office.hub.reading.summary(since=0, now=NOW).verdicts == 1


def test_verdicts_when_filtered_then_only_those_that_fit_come(office: Branch) -> None:
    handset = office.handset()
    _take(
        office,
        handset,
        draft(finding(Category.ABUSE, Severity.WARNING)),
        draft(finding(Category.THREAT, Severity.VETO)),
        draft(kind=Kind.CHAT, messages=4),
    )

    def seqs(query: Query) -> list[int]:
        return [kept.verdict.seq for kept in office.hub.reading.verdicts(query)]

    assert seqs(Query(category=Category.ABUSE)) == [1]
    assert seqs(Query(severity=Severity.SERIOUS)) == [2]
    assert seqs(Query(severity=Severity.WARNING)) == [2, 1]
    assert seqs(Query(kind=Kind.CHAT)) == [3]
    assert seqs(Query(after=1, limit=1)) == [2]
    assert seqs(Query(before=3)) == [2, 1]


def test_summary_when_verdicts_came_then_it_counts_findings_and_reasons(office: Branch) -> None:
    handset = office.handset()
    office.handset("silent one")
    _take(office, handset, FULL, draft(kind=Kind.CHAT))

    summary = office.hub.reading.summary(since=NOW - 5, now=NOW)

    assert summary.kinds == {Kind.CALL: 1, Kind.CHAT: 1}
    assert summary.severities == {Severity.VETO: 1, Severity.SERIOUS: 1}
    assert summary.categories == {Category.ABUSE: 1, Category.THREAT: 1}
    assert summary.abstentions == {Abstention.TRUNCATED: 1}
    assert (summary.handsets, summary.handsets_heard) == (2, 1)
    assert (len(summary.minutes), summary.minutes[-1].verdicts, summary.minutes[-1].grave) == (60, 2, 1)


def test_summary_when_verdicts_are_older_then_they_do_not_count(office: Branch) -> None:
    _take(office, office.handset(), FULL)

    assert office.hub.reading.summary(since=NOW + 1, now=NOW + 2).verdicts == 0


def test_alarm_when_raised_twice_then_it_is_one_counted_twice(office: Branch) -> None:
    handset = office.handset()
    place = VerdictId(handset.id, handset.grant.place.binding, Seq(4))
    with office.hub.store.transaction() as ledger:
        ledger.raise_alarm(AlarmKind.FORK, place, at=NOW)

    with office.hub.store.transaction() as ledger:
        ledger.raise_alarm(AlarmKind.FORK, place, at=NOW + 9)

    (alarm,) = office.hub.reading.alarms()
    assert (alarm.times, alarm.first, alarm.last, alarm.seq) == (2, NOW, NOW + 9, 4)


def test_transaction_when_it_fails_then_nothing_of_it_is_kept(office: Branch) -> None:
    handset = office.handset()

    with suppress(RuntimeError), office.hub.store.transaction() as ledger:
        ledger.heard(handset.id, at=NOW)
        raise RuntimeError

    assert office.hub.reading.handsets()[0].heard is None


def test_engine_when_opened_then_commits_are_on_the_disk_when_they_return(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}", writing=True)

    with engine.connect() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")
        ]
    engine.dispose()

    assert found == ["wal", 2]
    with sqlite3.connect(tmp_path / "b.db") as plain:  # control: the default is not that
        assert plain.execute("PRAGMA journal_mode").fetchone() != ("wal",)
    plain.close()


def test_engine_when_the_url_is_nonsense_then_the_error_says_which_setting() -> None:
    with pytest.raises(HubNotReady, match="database"):
        open_engine("nonsense", writing=True)


def test_head_when_a_verdict_is_stored_then_its_chain_can_be_checked_from_the_rows(office: Branch) -> None:
    handset = office.handset()
    _take(office, handset, *drafts(3))

    binding = office.binding(handset)

    with office.hub.store.transaction() as ledger:
        heads = [ledger.head_at(binding, seq) for seq in (1, 2, 3, 4)]

    assert heads == [*handset.heads[1:], None]
