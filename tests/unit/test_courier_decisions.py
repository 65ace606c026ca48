"""The courier's core, as transcripts: this event in, these commands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compline_shared.batch import FRAME_BYTES, MAX_ENTRIES
from compline_shared.courier import (
    Alarm,
    Answered,
    Command,
    Connect,
    Connected,
    Connecting,
    Courier,
    Event,
    Flight,
    Looked,
    Lost,
    Offline,
    Online,
    Pace,
    SealedEntry,
    Send,
    SettleUpTo,
    Wait,
    react,
)
from compline_shared.delivery import Dispute, Gone, Resend, Settle

PACE = Pace(batch_bytes=1_000, batch_age=5.0, window=2_000, answer=20.0, reconnect=1.0, longest=60.0)
NOW, WALL = 100.0, 1_795_000_000.0
ONLINE = Courier(settled=0, pace=PACE, link=Online(sent=0, since=NOW, misses=0))
SIZE = FRAME_BYTES + 103


def entry(
    seq: int, *, age: float = 0.0, urgent: bool = False, enc: bytes = b"1", size: int = 100
) -> SealedEntry:
    return SealedEntry(seq, 1, enc, b"h", b"c" * size, b"head", urgent, WALL - age)


def entries(first: int, last: int, *, age: float = 0.0) -> list[SealedEntry]:
    return [entry(seq, age=age) for seq in range(first, last + 1)]


def looked(*due: SealedEntry) -> Looked:
    return Looked(due=due, wall=WALL)


def sent(*entries: SealedEntry) -> Send:
    return Send(entries)


def commands(courier: Courier, event: Event, now: float = NOW) -> Sequence[Command]:
    return react(courier, event, now)[1]


def after(courier: Courier, event: Event, now: float = NOW) -> Courier:
    return react(courier, event, now)[0]


def flying(*flights: Flight, settled: int = 0) -> Courier:
    link = Online(sent=flights[-1].last_seq, since=NOW, misses=0, flights=flights)
    return Courier(settled=settled, pace=PACE, link=link)


def test_looked_when_offline_and_due_then_connects() -> None:
    courier = Courier(settled=0, pace=PACE)
    assert react(courier, looked(), NOW) == (replace(courier, link=Connecting(0)), (Connect(0),))


def test_looked_when_offline_and_early_then_waits_for_the_time() -> None:
    assert commands(Courier(settled=0, link=Offline(retry=NOW + 3)), looked()) == (Wait(NOW + 3),)


def test_looked_when_connecting_then_waits_for_the_outcome() -> None:
    assert commands(Courier(settled=0, link=Connecting(0)), looked()) == (Wait(None),)


def test_connected_when_connecting_then_sends_from_the_last_receipt() -> None:
    courier = after(Courier(settled=7, pace=PACE, link=Connecting(2)), Connected())
    assert courier.link == Online(sent=7, since=NOW, misses=2)


def test_connected_when_offline_by_then_then_stays_offline() -> None:
    assert after(Courier(settled=7), Connected()) == Courier(settled=7)


def test_lost_when_again_and_again_then_waits_longer_up_to_the_longest() -> None:
    courier = Courier(settled=0, pace=PACE)
    delays: list[float] = []
    for _ in range(8):
        courier = after(replace(courier, link=Connecting(len(delays))), Lost(jitter=1.0))
        assert isinstance(courier.link, Offline)
        delays.append(courier.link.retry - NOW)
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_lost_when_jittered_then_spread() -> None:
    assert after(Courier(settled=0, pace=PACE, link=Connecting(3)), Lost(jitter=0.5)).link == Offline(
        NOW + 4.0, 4
    )


def test_lost_when_online_for_long_then_starts_over() -> None:
    courier = Courier(settled=0, pace=PACE, link=Online(sent=0, since=NOW - 60, misses=5))
    assert after(courier, Lost(jitter=1.0)).link == Offline(retry=NOW + 1.0, misses=1)


def test_lost_when_link_flaps_then_backs_off() -> None:
    courier = Courier(settled=0, pace=PACE, link=Online(sent=0, since=NOW - 1, misses=3))
    assert after(courier, Lost(jitter=1.0)).link == Offline(retry=NOW + 8.0, misses=4)


def test_lost_when_offline_already_then_nothing() -> None:
    assert react(Courier(settled=0), Lost(jitter=1.0), NOW) == (Courier(settled=0), ())


def test_looked_when_online_and_nothing_due_then_waits_for_something() -> None:
    assert commands(ONLINE, looked()) == (Wait(None),)


def test_looked_when_entries_are_young_then_waits_until_they_are_old() -> None:
    assert commands(ONLINE, looked(entry(1, age=2.0))) == (Wait(NOW + 3.0),)


def test_looked_when_an_entry_is_old_then_sends() -> None:
    due = entries(1, 2, age=5.0)
    assert commands(ONLINE, looked(*due)) == (sent(*due), Wait(NOW + 20.0))


def test_looked_when_clock_went_back_then_sends() -> None:
    assert sent(entry(1, age=-50.0)) in commands(ONLINE, looked(entry(1, age=-50.0)))


def test_looked_when_one_is_urgent_then_everything_due_goes_at_once() -> None:
    due = [entry(1), entry(2, urgent=True), entry(3)]
    assert commands(ONLINE, looked(*due)) == (sent(*due), Wait(NOW + 20.0))


def test_looked_when_a_batch_is_full_of_bytes_then_it_goes_and_the_rest_waits() -> None:
    due = entries(1, 9)
    assert commands(ONLINE, looked(*due)) == (sent(*due[:7]), Wait(NOW + 5.0))


def test_looked_when_a_batch_is_full_of_entries_then_it_goes() -> None:
    due = [entry(seq, size=1) for seq in range(1, MAX_ENTRIES + 1)]
    courier = replace(ONLINE, pace=replace(PACE, batch_bytes=10_000, window=10_000))
    assert commands(courier, looked(*due))[0] == sent(*due)


def test_looked_when_segments_differ_then_batches_differ() -> None:
    due = [entry(1, enc=b"1", age=9.0), entry(2, enc=b"2", age=9.0)]
    assert commands(ONLINE, looked(*due))[:2] == (sent(due[0]), sent(due[1]))


def test_looked_when_window_is_full_then_waits_for_receipts() -> None:
    courier = flying(Flight(7, 1_000, NOW), Flight(14, 961, NOW))
    assert commands(courier, looked(entry(15, urgent=True))) == (Wait(NOW + 20.0),)


def test_looked_when_a_batch_alone_exceeds_the_window_then_it_goes_alone() -> None:
    courier = replace(ONLINE, pace=replace(PACE, window=10))
    assert commands(courier, looked(entry(1, urgent=True)))[0] == sent(entry(1, urgent=True))


def test_looked_when_no_receipt_comes_then_goes_back_to_the_last_one() -> None:
    courier, did = react(flying(Flight(7, 900, NOW - 20), settled=3), looked(), NOW)
    assert courier.link == Online(sent=3, since=NOW, misses=0, unanswered=1)
    assert did == (Wait(NOW),)


def test_looked_when_receipts_fail_again_then_waits_twice_as_long() -> None:
    courier = Courier(0, PACE, Online(1, NOW, 0, (Flight(1, SIZE, NOW - 20),), unanswered=1))
    assert commands(courier, looked()) == (Wait(NOW + 20.0),)


def test_looked_when_hub_asks_for_what_is_gone_then_alarm() -> None:
    courier, did = react(ONLINE, looked(entry(5)), NOW)
    assert (courier.disputed, did) == (True, (Alarm(),))


def test_receipt_when_it_covers_flights_then_they_land_and_are_settled() -> None:
    courier, did = react(flying(Flight(7, 900, NOW), Flight(9, 500, NOW)), Answered(Settle(7)), NOW)
    assert courier.link == Online(sent=9, since=NOW, misses=0, flights=(Flight(9, 500, NOW),))
    assert (courier.settled, did) == (7, (SettleUpTo(7),))


def test_receipt_when_it_is_older_than_another_then_nothing_is_written() -> None:
    assert react(replace(ONLINE, settled=9), Answered(Settle(7)), NOW)[1] == ()


def test_receipt_when_hub_is_ahead_of_sending_then_sending_skips() -> None:
    assert after(ONLINE, Answered(Settle(7))).sent == 7


def test_receipt_when_it_comes_while_offline_then_it_counts() -> None:
    courier, did = react(Courier(settled=0), Answered(Settle(7)), NOW)
    assert (courier.settled, courier.sent, did) == (7, 7, (SettleUpTo(7),))


def test_gap_when_reported_then_goes_back_at_once() -> None:
    courier, did = react(
        flying(Flight(7, 900, NOW), Flight(9, 500, NOW), settled=3), Answered(Resend(3)), NOW
    )
    assert (courier.sent, did) == (3, ())


def test_gap_when_reported_by_each_later_batch_then_goes_back_once() -> None:
    courier = after(flying(Flight(7, 900, NOW), settled=3), Answered(Resend(3)))
    courier = after(courier, looked(*entries(4, 5, age=9.0)), NOW + 1)
    assert after(courier, Answered(Resend(3)), NOW + 2).sent == 5


def test_gap_when_hub_came_back_from_a_backup_then_opened_again() -> None:
    courier, did = react(flying(Flight(12, 500, NOW), settled=11), Answered(Resend(4)), NOW)
    assert (courier.settled, courier.sent, did) == (4, 4, (SettleUpTo(4),))


def test_gap_when_offline_then_nothing() -> None:
    assert react(Courier(settled=3), Answered(Resend(2)), NOW) == (Courier(settled=3), ())


def test_dispute_when_found_then_alarm_once_and_no_batch() -> None:
    courier, did = react(flying(Flight(7, 900, NOW)), Answered(Dispute()), NOW)
    assert (courier.disputed, did) == (True, (Alarm(),))
    assert commands(courier, looked(entry(8, urgent=True)), NOW + 1_000) == (Wait(None),)
    for receipt in (Dispute(), Settle(8), Resend(0)):
        assert react(courier, Answered(receipt), NOW) == (courier, ())


def test_dispute_when_the_connection_breaks_then_it_is_made_again_for_reports_and_orders() -> None:
    courier = after(flying(Flight(7, 900, NOW)), Answered(Dispute()))
    courier = after(courier, Lost(jitter=1.0))
    assert react(courier, looked(), NOW + 1) == (replace(courier, link=Connecting(1)), (Connect(1),))
    courier = after(replace(courier, link=Connecting(1)), Connected())
    assert isinstance(courier.link, Online)
    assert commands(courier, looked(entry(1, urgent=True))) == (Wait(None),)


def test_looked_when_what_was_sent_is_on_its_way_still_then_it_is_not_sent_again() -> None:
    courier, slow = flying(Flight(1, SIZE, NOW)), Looked(due=(), wall=WALL, carried=False)
    assert react(courier, slow, NOW + 20) == (courier, (Wait(NOW + 40),))
    assert react(courier, looked(), NOW + 20)[0] != courier


def test_looked_when_it_is_on_its_way_for_the_longest_then_it_is_sent_again() -> None:
    courier, slow = flying(Flight(1, SIZE, NOW)), Looked(due=(), wall=WALL, carried=False)
    assert react(courier, slow, NOW + 59)[1] == (Wait(NOW + 60),)
    assert after(courier, slow, NOW + 60).sent == 0


def test_answered_when_some_arrived_then_the_others_have_as_long_again() -> None:
    courier = flying(Flight(1, SIZE, NOW), Flight(2, SIZE, NOW))
    courier = after(courier, Answered(Settle(1)), NOW + 19)
    assert commands(courier, looked(), NOW + 21) == (Wait(NOW + 39),)


def test_answered_when_the_receipt_is_an_old_one_then_the_others_have_no_longer() -> None:
    courier = flying(Flight(2, SIZE, NOW), settled=1)
    courier = after(courier, Answered(Settle(1)), NOW + 19)
    assert commands(courier, looked(), NOW + 19) == (Wait(NOW + 20),)


def test_gone_when_asked_for_once_then_an_old_receipt_came_again() -> None:
    courier, did = react(ONLINE, Answered(Gone()), NOW)
    assert did == ()
    assert not react(courier, Answered(Gone()), NOW + 19)[0].disputed
    assert react(after(courier, Answered(Settle(0)), NOW + 30), Answered(Gone()), NOW + 60)[1] == ()


def test_gone_when_asked_for_again_then_the_hub_was_put_back_too_far() -> None:
    courier = after(ONLINE, Answered(Gone()))
    courier = after(after(courier, Lost(jitter=1.0)), looked(), NOW + 5)
    courier, did = react(after(courier, Connected()), Answered(Gone()), NOW + 20)
    assert (courier.disputed, did) == (True, (Alarm(),))


def test_looked_when_the_hub_is_away_for_long_then_single_batches_go_out_ever_more_rarely() -> None:
    courier, now, sent = ONLINE, NOW, 0
    for _ in range(2_000):
        if now > NOW + 8 * 3_600:
            break
        due = tuple(entry(seq, enc=b"%d" % seq, age=9.0) for seq in range(courier.sent + 1, 11))
        courier, did = react(courier, looked(*due), now)
        sent += sum(isinstance(command, Send) for command in did)
        until = did[-1]
        assert isinstance(until, Wait)
        assert until.until is not None
        now = until.until
    assert 20 <= sent <= 60
    urgent = looked(entry(courier.sent + 1, urgent=True))
    flight = next(iter(courier.link.flights)) if isinstance(courier.link, Online) else None
    assert flight is not None
    assert commands(courier, urgent, flight.sent + PACE.longest) == (Wait(flight.sent + PACE.longest),)
