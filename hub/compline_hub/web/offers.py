"""Pairing codes as JSON: give one out, ask how it stands, call it off."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody, PathParameter

from compline_hub.service.pairing import Pairing
from compline_hub.web.orders import BY_PAGE
from compline_hub.web.schemas import GivenOut, OfferIn, OutcomeOut, given_out, outcome_out

OfferId = Annotated[str, PathParameter(pattern="^[0-9a-f]{16}$")]


class OfferController(Controller):
    """`/api/offers`."""

    path = "/api/offers"

    @post(sync_to_thread=True)
    def give(self, data: JSONBody[OfferIn], pairing: NamedDependency[Pairing]) -> GivenOut:
        """A new code; it is told in this answer and never again."""
        return given_out(pairing.offer(handset_name=data.handset, collector_name=data.collector, by=BY_PAGE))

    @get("/{offer:str}", sync_to_thread=True)
    def outcome(self, offer: OfferId, pairing: NamedDependency[Pairing]) -> OutcomeOut:
        """How a code stands; its secret is not in it."""
        found = pairing.outcome(offer)
        if found is None:
            raise NotFoundException("There is no such pairing code (any more).")
        return outcome_out(found)

    @delete("/{offer:str}", sync_to_thread=True)
    def withdraw(self, offer: OfferId, pairing: NamedDependency[Pairing]) -> None:
        """Call it off; harmless when it is over."""
        pairing.withdraw(offer, by=BY_PAGE)
