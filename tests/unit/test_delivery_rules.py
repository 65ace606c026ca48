"""What the hub takes, and what a receipt settles."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from compline_shared.batch import Outcome, Receipt
from compline_shared.chain import Chain
from compline_shared.delivery import (
    Accepted,
    Arrived,
    Dispute,
    Duplicate,
    Fork,
    Gap,
    Gone,
    Inbox,
    Resend,
    Settle,
    Settlement,
    Taking,
    outcome_of,
    settle,
    take,
)
from compline_shared.ids import BindingId, HandsetId
from compline_shared.masking import BranchKey

CHAIN = Chain(BranchKey(bytes(32)), BindingId("8899aabbccddeeff"))
BODIES = [bytes([n]) * 30 for n in range(1, 11)]


def heads(bodies: Sequence[bytes]) -> list[bytes]:
    made = [CHAIN.genesis]
    for body in bodies:
        made.append(CHAIN.link(made[-1], body))
    return made


HEADS = heads(BODIES)


def inbox(up_to: int) -> Inbox:
    return Inbox(up_to=up_to, head=HEADS[up_to])


def batch(first: int, last: int) -> Arrived:
    return Arrived(first_seq=first, plaintexts=BODIES[first - 1 : last], head=HEADS[last])


def taken(up_to: int, first: int, last: int) -> Taking:
    return take(inbox(up_to), batch(first, last), CHAIN, head_at_last=HEADS[last] if last <= up_to else None)


def test_take_when_it_continues_then_all_is_new() -> None:
    assert taken(3, 4, 6) == Accepted(inbox=inbox(6), first_new=0, heads=tuple(HEADS[4:7]))


def test_take_when_it_overlaps_then_only_the_rest_is_new() -> None:
    assert taken(4, 3, 6) == Accepted(inbox=inbox(6), first_new=2, heads=tuple(HEADS[5:7]))


def test_take_when_it_came_before_then_duplicate() -> None:
    assert taken(6, 4, 6) == Duplicate()


def test_take_when_something_is_missing_then_gap() -> None:
    assert taken(2, 4, 6) == Gap()


def test_take_when_same_seq_has_another_head_then_fork() -> None:
    assert take(inbox(6), Arrived(4, BODIES[3:6], b"x" * 32), CHAIN, head_at_last=HEADS[6]) == Fork()


def test_take_when_new_content_does_not_lead_to_its_head_then_fork() -> None:
    assert take(inbox(3), Arrived(4, [b"other"], HEADS[4]), CHAIN, head_at_last=None) == Fork()


def test_take_when_the_past_differs_then_fork() -> None:
    other = heads([b"another past", *BODIES[1:]])
    assert take(inbox(3), Arrived(4, BODIES[3:5], other[5]), CHAIN, head_at_last=None) == Fork()


@pytest.mark.parametrize(
    ("taking", "outcome"),
    [
        (Accepted(inbox=inbox(1), first_new=0, heads=()), Outcome.TAKEN),
        (Duplicate(), Outcome.TAKEN),
        (Gap(), Outcome.GAP),
        (Fork(), Outcome.FORK),
    ],
)
def test_outcome_when_decided_then_as_the_receipt_says(taking: Taking, outcome: Outcome) -> None:
    assert outcome_of(taking) is outcome


@pytest.mark.parametrize(
    ("outcome", "own_head", "settlement"),
    [
        (Outcome.TAKEN, HEADS[5], Settle(5)),
        (Outcome.GAP, HEADS[5], Resend(5)),
        (Outcome.FORK, HEADS[5], Dispute()),
        (Outcome.TAKEN, HEADS[4], Dispute()),
        (Outcome.TAKEN, None, Dispute()),
        (Outcome.GAP, None, Dispute()),
    ],
)
def test_settle_when_receipt_comes_then_only_a_known_head_settles(
    outcome: Outcome, own_head: bytes | None, settlement: Settlement
) -> None:
    receipt = Receipt(HandsetId("0" * 16), BindingId("1" * 16), up_to=5, head=HEADS[5], outcome=outcome)
    assert settle(receipt, head_at=own_head, settled=5) == settlement


@pytest.mark.parametrize(
    ("outcome", "settlement"),
    [(Outcome.TAKEN, Settle(5)), (Outcome.GAP, Gone()), (Outcome.FORK, Dispute())],
)
def test_settle_when_an_old_receipt_names_what_is_kept_no_longer_then_it_is_no_dispute_by_itself(
    outcome: Outcome, settlement: Settlement
) -> None:
    receipt = Receipt(HandsetId("0" * 16), BindingId("1" * 16), up_to=5, head=HEADS[5], outcome=outcome)
    assert settle(receipt, head_at=None, settled=6) == settlement


def test_chain_when_branch_key_differs_then_heads_tell_nothing() -> None:
    other = Chain(BranchKey(b"\x01" * 32), BindingId("8899aabbccddeeff"))
    assert other.link(HEADS[0], BODIES[0]) != HEADS[1]


def test_chain_when_binding_differs_then_genesis_differs() -> None:
    assert Chain(BranchKey(bytes(32)), BindingId("0" * 16)).genesis != CHAIN.genesis


def test_chain_when_head_is_short_then_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        CHAIN.link(b"short", b"body")


def test_chain_when_shown_then_masked() -> None:
    assert repr(CHAIN) == "Chain(********)"
