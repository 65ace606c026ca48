"""Intake: what is kept, what is answered, what is refused and counted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from compline_hub.core.intake import Refusal
from compline_hub.core.record import Query
from compline_hub.errors import EnrolmentRefused
from compline_hub.service.intake import Taken
from compline_hub.store.engine import open_engine
from compline_shared.batch import Outcome
from compline_shared.topics import down, up
from tests.branch_store import Branch, branch
from tests.postgres_server import Database
from tests.wire_handset import WireHandset, draft, drafts, finding

MUTATIONS = 10_000


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Branch]:
    with branch(tmp_path, database=database.url) as made:
        yield made


def _count(office: Branch) -> int:
    return len(office.hub.reading.verdicts(Query(after=0, limit=500)))


def test_take_when_a_batch_is_good_then_its_receipt_tells_seq_and_head(office: Branch) -> None:
    handset = office.handset()
    handset.judge(*drafts(50))

    office.intake.take([(up(handset.id), handset.frame())])

    ((_, message),) = office.post.sent
    receipt = handset.receipt(message)
    assert (receipt.up_to, receipt.head, receipt.outcome) == (50, handset.heads[50], Outcome.TAKEN)
    assert _count(office) == 50
    assert office.rings == [1]


def test_take_when_the_same_batch_comes_three_times_then_it_is_kept_once_and_answered_thrice(
    office: Branch,
) -> None:
    handset = office.handset()
    handset.judge(*drafts(5))
    frame = (up(handset.id), handset.frame())

    office.intake.take([frame, frame])
    office.intake.take([frame])

    assert _count(office) == 5
    assert [handset.receipt(message).up_to for _, message in office.post.sent] == [5, 5, 5]


def test_take_when_batches_come_out_of_order_then_the_later_waits_for_the_earlier(office: Branch) -> None:
    handset = office.handset()
    handset.judge(*drafts(4))
    later, earlier = (up(handset.id), handset.frame(3, 4)), (up(handset.id), handset.frame(1, 2))

    office.intake.take([later, earlier, later])

    receipts = [handset.receipt(message) for _, message in office.post.sent]
    assert [(r.outcome, r.up_to) for r in receipts] == [
        (Outcome.GAP, 0),
        (Outcome.TAKEN, 2),
        (Outcome.TAKEN, 4),
    ]


def test_take_when_a_copy_of_the_handset_goes_another_way_then_an_alarm_is_raised(office: Branch) -> None:
    handset = office.handset()
    handset.judge(*drafts(2))
    twin = handset.copy()
    handset.judge(draft(finding(offset=1)))
    twin.judge(draft(finding(offset=2)))
    office.intake.take([(up(handset.id), handset.frame())])

    office.intake.take([(up(handset.id), twin.frame(3))])

    (alarm,) = office.hub.reading.alarms()
    assert (alarm.handset, alarm.seq) == (handset.id, 3)
    assert handset.receipt(office.post.sent[-1][1]).outcome is Outcome.FORK
    assert _count(office) == 3


def test_take_when_frames_are_refused_then_each_reason_is_counted_and_nothing_is_sent(office: Branch) -> None:
    handset, other, stranger = office.handset(), office.handset(), WireHandset()
    handset.judge(*drafts(1))
    frame = handset.frame()

    outcomes = office.intake.take(
        [
            (up(stranger.id), frame),
            (up(other.id), frame),
            (down(handset.id), frame),
            ("compline/1/#", frame),
            (up(handset.id), b""),
            (up(handset.id), bytes(70_000)),
        ]
    )

    assert outcomes == [
        Refusal.UNKNOWN_HANDSET,
        Refusal.BAD_FRAME,
        Refusal.FOREIGN_TOPIC,
        Refusal.FOREIGN_TOPIC,
        Refusal.BAD_FRAME,
        Refusal.TOO_LARGE,
    ]
    assert office.intake.refused() == {
        "unknown_handset": 1,
        "bad_frame": 2,
        "foreign_topic": 2,
        "too_large": 1,
    }
    assert office.post.sent == []


def test_take_when_a_binding_is_another_handsets_then_it_is_refused(office: Branch) -> None:
    handset, thief = office.handset(), office.handset()
    thief.join(msgspec.structs.replace(handset.grant, handset=thief.id))
    thief.judge(*drafts(1))

    outcomes = office.intake.take([(up(thief.id), thief.frame())])

    assert outcomes == [Refusal.WRONG_BINDING]


def test_take_when_the_store_fails_then_nothing_is_answered_and_the_next_frame_is_taken(
    office: Branch,
) -> None:
    handset = office.handset()
    handset.judge(*drafts(2))
    breaker = open_engine(office.hub.settings.database_url, writing=True)
    with breaker.begin() as connection:
        connection.execute(text("ALTER TABLE finding RENAME TO elsewhere"))

    broken = office.intake.take([(up(handset.id), handset.frame())])
    with breaker.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO finding"))
    breaker.dispose()
    mended = office.intake.take([(up(handset.id), handset.frame())])

    assert broken == [Refusal.STORE_FAILED]
    assert isinstance(mended[0], Taken)
    assert len(office.post.sent) == 1
    assert _count(office) == 2


def test_enrol_when_asked_again_then_the_same_binding_is_granted(office: Branch) -> None:
    handset = office.handset()

    again = office.hub.enrolment.enrol(handset.request, name="Desk 7", collector=handset.id)

    assert again == handset.grant
    assert again.binding_secret is not None
    assert len(bytes(again.binding_secret)) == 32


def test_enrol_when_the_id_has_another_key_then_it_is_refused(office: Branch) -> None:
    impostor = WireHandset(office.handset().id)

    with pytest.raises(EnrolmentRefused, match="another key"):
        office.hub.enrolment.enrol(impostor.request, name="Desk 8", collector="Li Wei")


def test_enrol_when_the_name_is_empty_then_it_is_refused(office: Branch) -> None:
    with pytest.raises(EnrolmentRefused, match="name"):
        office.hub.enrolment.enrol(WireHandset().request, name="  ", collector="Li Wei")


def test_take_when_ten_thousand_frames_are_mutated_then_none_is_accepted(office: Branch) -> None:
    handset = office.handset()
    handset.judge(*drafts(3))
    good = handset.frame()
    chance = random.Random(20261123)
    mutants = [_mutant(good, chance) for _ in range(MUTATIONS)]
    frames = [(up(handset.id), mutant) for mutant in mutants if mutant != good]

    outcomes = [
        outcome for at in range(0, len(frames), 500) for outcome in office.intake.take(frames[at : at + 500])
    ]

    assert {type(outcome) for outcome in outcomes} == {Refusal}
    assert len(outcomes) > 0.99 * MUTATIONS
    assert (_count(office), office.post.sent) == (0, [])
    assert isinstance(
        office.intake.take([(up(handset.id), good)])[0], Taken
    )  # control: the frame itself is good


def _mutant(frame: bytes, chance: random.Random) -> bytes:
    mutant = bytearray(frame)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 40])):
        at = chance.randrange(len(mutant) or 1)
        match chance.randrange(5):
            case 0:
                mutant[at : at + 1] = bytes([mutant[at] ^ 1 << chance.randrange(8)]) if mutant else b""
            case 1:
                mutant[at : at + 1] = chance.randbytes(1)
            case 2:
                del mutant[at : at + chance.randrange(1, 9)]
            case 3:
                mutant[at:at] = chance.randbytes(chance.randrange(1, 9))
            case _:
                mutant = mutant[: at + 1]
    return bytes(mutant)
