"""The offer behind a pairing code: five minutes, one use, three tries."""

from __future__ import annotations

import pytest

from compline_hub.core.offer import LIFE, Offer, OfferState
from compline_shared.ids import HandsetId
from compline_shared.pairing import Refusal

HANDSET = HandsetId("00112233445566ff")
NOW = 1_795_600_000
OFFER = Offer(
    id="0123456789abcdef",
    short="K7",
    handset_name="Desk 7",
    collector_name="Li Wei",
    sealed=b"sealed",
    made=NOW,
    expires=NOW + LIFE,
)


def test_offer_when_tried_wrong_three_times_then_spent_and_its_secret_gone() -> None:
    spent = OFFER.tried_wrong().tried_wrong().tried_wrong()
    assert (spent.state, spent.tries_left, spent.sealed) == (OfferState.SPENT, 0, None)


@pytest.mark.parametrize(("at", "state"), [(NOW, "open"), (NOW + LIFE - 1, "open"), (NOW + LIFE, "expired")])
def test_offer_when_time_passes_then_it_expires(at: int, state: str) -> None:
    assert OFFER.as_of(at).state.code == state


def test_offer_when_the_clock_was_set_back_then_it_expires() -> None:
    assert OFFER.as_of(NOW - 1).state is OfferState.EXPIRED


def test_offer_when_taken_then_only_who_took_it_may_ask_again_until_it_has_joined() -> None:
    once = OFFER.taken_by(HANDSET)
    assert (once.admit(HANDSET), once.admit(HandsetId("f" * 16))) == (None, Refusal.USED)
    assert once.joined().admit(HANDSET) is Refusal.USED
    assert once.released().admit(HandsetId("f" * 16)) is None


def test_offer_when_taken_then_it_cannot_be_called_off() -> None:
    assert OFFER.taken_by(HANDSET).withdrawn().state is OfferState.TAKEN
    assert OFFER.withdrawn().admit(HANDSET) is Refusal.WITHDRAWN
