"""The simulation's outbox keeps what the real one does: the same calls, the same answers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from compline_edge.vault import outbox as real
from compline_shared.courier import SealedEntry
from sim.outbox import Outbox

GENESIS = b"g" * 32
DAY = 86_400.0
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 5)),
        st.tuples(st.just("settle"), st.integers(0, 40)),
        st.tuples(st.just("days"), st.integers(1, 9)),
    ),
    max_size=25,
)


def entry(seq: int, at: float) -> SealedEntry:
    head = seq.to_bytes(32, "big")
    return SealedEntry(seq, 1, bytes(32), b"", b"sealed", head, urgent=False, added=at)


def told(outbox: Outbox | real.Outbox) -> tuple[object, ...]:
    seqs = range(outbox.last_seq + 2)
    return (
        outbox.last_seq,
        outbox.settled,
        [outbox.head_at(seq) for seq in seqs],
        [[each.seq for each in outbox.due(after=seq, limit=3)] for seq in seqs],
    )


@settings(max_examples=60)
@given(calls=CALLS)
def test_outbox_when_both_get_the_same_calls_then_both_tell_the_same(calls: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder:
        kept, played = real.Outbox(Path(folder, "outbox.db"), genesis=GENESIS), Outbox(GENESIS)
        now = 0.0
        for call, number in calls:
            match call:
                case "put":
                    for _ in range(number):
                        fresh = entry(kept.last_seq + 1, now)
                        kept.put(fresh)
                        played.put(fresh)
                case "settle":
                    up_to = min(number, kept.last_seq)
                    if played.head_at(up_to) is not None or up_to == kept.settled:  # as the courier does
                        kept.settle(up_to, now=now)
                        played.settle(up_to, now=now)
                case _:
                    now += number * DAY
            assert told(kept) == told(played)
        kept.close()
